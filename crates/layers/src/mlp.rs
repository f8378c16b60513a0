//! The MLP half of a block.

use crate::gadgets::{
    Matrix, Normalization, Number, OFFSET_16, PRODUCT_SHIFT, Remainder, Residual, fill_stream,
    rounded,
};
use crate::shape::{Axes, Shape};
use nanozk_circuit::{AxisId, Expression, OutOfRange, Program, Role, TableId, TensorId, Values};
use nanozk_executor::spec::{ACT_BITS, ACT_OUT_MAX, ACT_OUT_OFFSET};
use nanozk_executor::{ActivationTable, MlpKind, MlpTrace, QuantizedLayer, Spec};

/// An MLP, for each layer of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    /// Which layer of this kind, of those that the program is about.
    pub layer: AxisId,
    /// The residual stream before.
    pub input: TensorId,
    /// The residual stream after.
    pub output: TensorId,
    norm: Normalization,
    first: Matrix,
    /// Pre-activation plus `2^15`.
    key: TensorId,
    remainder: Remainder,
    gate: Option<Gate>,
    last: Matrix,
    residual: Residual,
    width: usize,
    hidden: usize,
}

/// What activations are multiplied by: `u = rs(x̂·W + b, 16)`, `m = rs(a·u, act_out_frac)`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Gate {
    matrix: Matrix,
    number: Number,
    remainder: Remainder,
    product: Number,
    product_remainder: Remainder,
}

impl Gate {
    /// Declares it, for normalized activations `x` and activations `a`.
    fn new(
        p: &mut Program,
        axes: &Axes,
        layer: AxisId,
        spec: &Spec,
        x: Expression,
        a: Expression,
    ) -> Self {
        let hidden = [layer, axes.hidden, axes.position];
        let this = Self {
            matrix: Matrix::new(p, "gate", layer, &[axes.feature], &[axes.hidden]),
            number: Number::signed(p, "gate", &hidden, ACT_BITS),
            remainder: Remainder::new(p, "gate remainder", &hidden, PRODUCT_SHIFT),
            product: Number::signed(p, "gated", &hidden, ACT_BITS),
            product_remainder: Remainder::new(p, "gated remainder", &hidden, spec.act_out_frac()),
        };
        let acc = this.matrix.of(p, x);
        let (u, m) = (this.number.value(p), this.product.value(p));
        this.remainder
            .state(p, "gate product", &hidden, acc, u.clone());
        this.product_remainder
            .state(p, "gated activation", &hidden, a * u, m);
        this
    }
}

/// The table of the activation: keys are pre-activations plus `2^15`, values activations plus `2^13`. Where the activation
/// is beyond its range the executor refuses a run; here it has its greatest value.
pub fn activations(p: &mut Program, spec: &Spec) -> Result<TableId, nanozk_executor::Error> {
    let table = ActivationTable::get(spec.activation, spec.act_frac)?;
    let values = (-(1_i64 << 15)..1 << 15)
        .map(|h| {
            let value = table.eval(h).min(ACT_OUT_MAX) + ACT_OUT_OFFSET;
            u16::try_from(value).expect("an activation is never below its range")
        })
        .collect();
    Ok(p.new_table("activation", 16, Some(values)))
}

impl Mlp {
    /// Declares the MLP of `layers` layers.
    pub fn new(p: &mut Program, shape: &Shape, axes: &Axes, layers: usize, act: TableId) -> Self {
        let layer = p.new_tiled_axis("mlp layer", layers, 0);
        let stream = [layer, axes.feature, axes.position];
        let hidden = [layer, axes.hidden, axes.position];
        let input = p.new_tensor("mlp input", &stream, Role::Activation);
        let output = p.new_tensor("mlp output", &stream, Role::Activation);
        let norm = Normalization::new(p, "mlp norm", input, stream, &shape.spec);
        // h = rs(x̂·W + b, 16), a = table(h)
        let first = Matrix::new(p, "first", layer, &[axes.feature], &[axes.hidden]);
        let key = p.new_tensor("pre-activation", &hidden, Role::Key { table: act });
        let value = p.new_tensor("activation", &hidden, Role::Value { key });
        let remainder = Remainder::new(p, "pre-activation remainder", &hidden, PRODUCT_SHIFT);
        let acc = first.of(p, norm.out.value(p));
        let h = p.use_of(key) - OFFSET_16;
        remainder.state(p, "first product", &hidden, acc, h);
        let a = p.use_of(value) - i128::from(ACT_OUT_OFFSET);
        let gate = match shape.architecture.mlp {
            MlpKind::Plain => None,
            MlpKind::Gated => {
                let x = norm.out.value(p);
                Some(Gate::new(p, axes, layer, &shape.spec, x, a.clone()))
            }
        };
        let last = Matrix::new(p, "last", layer, &[axes.hidden], &[axes.feature]);
        let acc = match &gate {
            None => last.of(p, a),
            Some(gate) => last.of(p, gate.product.value(p)),
        };
        let residual = Residual::new(p, "mlp", &stream, input, output, acc);
        Self {
            layer,
            input,
            output,
            norm,
            first,
            key,
            remainder,
            gate,
            last,
            residual,
            width: shape.architecture.width,
            hidden: shape.architecture.mlp_width,
        }
    }

    /// Sets the weights of a layer.
    ///
    /// # Panics
    /// If a gate lacks its matrix.
    pub fn fill_weights(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        weights: &QuantizedLayer,
    ) -> Result<(), OutOfRange> {
        self.first.fill(values, layer, &weights.fc)?;
        if let Some(gate) = &self.gate {
            let matrix = weights.up.as_ref().expect("a gated MLP has a gate");
            gate.matrix.fill(values, layer, matrix)?;
        }
        self.last.fill(values, layer, &weights.mlp_out)
    }

    /// Sets activations and witnesses, from each layer's trace.
    pub fn fill(&self, values: &mut Values<'_>, traces: &[&MlpTrace]) -> Result<(), OutOfRange> {
        let (d, f) = (self.width, self.hidden);
        let inputs: Vec<&[i64]> = traces.iter().map(|t| t.input.as_slice()).collect();
        fill_stream(values, self.input, d, &inputs)?;
        let norms: Vec<_> = traces.iter().map(|t| &t.norm).collect();
        self.norm.fill(values, &inputs, &norms)?;
        let acc = |at: &[usize]| i128::from(traces[at[0]].h_acc[at[2] * f + at[1]]);
        values.fill(self.key, |at| rounded(acc(at), PRODUCT_SHIFT) + OFFSET_16)?;
        self.remainder.fill(values, acc)?;
        if let Some(gate) = &self.gate {
            let of = |at: &[usize], all: &[i64]| i128::from(all[at[2] * f + at[1]]);
            let up = |at: &[usize]| of(at, &traces[at[0]].up_acc);
            let product = |at: &[usize]| of(at, &traces[at[0]].gated_acc);
            gate.number
                .fill(values, |at| rounded(up(at), PRODUCT_SHIFT))?;
            gate.remainder.fill(values, up)?;
            gate.product.fill(values, |at| {
                rounded(product(at), gate.product_remainder.shift())
            })?;
            gate.product_remainder.fill(values, product)?;
        }
        let outputs: Vec<&[i64]> = traces.iter().map(|t| t.output.as_slice()).collect();
        let accs: Vec<&[i64]> = traces.iter().map(|t| t.out_acc.as_slice()).collect();
        self.residual.fill(values, d, &outputs, &accs)
    }
}
