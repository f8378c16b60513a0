//! The MLP half of a block.

use crate::gadgets::{
    fill_stream, LayerNorm, Matrix, Remainder, Residual, OFFSET_16, PRODUCT_SHIFT,
};
use crate::shape::{Axes, Shape};
use nanozk_circuit::{AxisId, OutOfRange, Program, Role, TableId, TensorId, Values};
use nanozk_executor::spec::{ACT_OUT_MAX, ACT_OUT_OFFSET};
use nanozk_executor::{ActivationTable, MlpTrace, QuantizedLayer, Spec};

/// An MLP, for each layer of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    /// Which layer of this kind, of those that the program is about.
    pub layer: AxisId,
    /// The residual stream before.
    pub input: TensorId,
    /// The residual stream after.
    pub output: TensorId,
    norm: LayerNorm,
    up: Matrix,
    /// Pre-activation plus `2^15`.
    key: TensorId,
    remainder: Remainder,
    down: Matrix,
    residual: Residual,
    width: usize,
    hidden: usize,
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
        let norm = LayerNorm::new(
            p,
            "mlp norm",
            input,
            stream,
            shape.spec.norm_frac,
            shape.spec.eps,
        );
        // h = rs(x̂·W + b, 16), a = table(h)
        let up = Matrix::new(p, "up", layer, &[axes.feature], &[axes.hidden]);
        let key = p.new_tensor("pre-activation", &hidden, Role::Key { table: act });
        let value = p.new_tensor("activation", &hidden, Role::Value { key });
        let remainder = Remainder::new(p, "pre-activation remainder", &hidden, PRODUCT_SHIFT);
        let acc = up.of(p, norm.out.value(p));
        let h = p.use_of(key) - OFFSET_16;
        remainder.state(p, "up product", &hidden, acc, h);
        let a = p.use_of(value) - i128::from(ACT_OUT_OFFSET);
        let down = Matrix::new(p, "down", layer, &[axes.hidden], &[axes.feature]);
        let acc = down.of(p, a);
        let residual = Residual::new(p, "mlp", &stream, input, output, acc);
        Self {
            layer,
            input,
            output,
            norm,
            up,
            key,
            remainder,
            down,
            residual,
            width: shape.architecture.width,
            hidden: shape.architecture.mlp_width,
        }
    }

    /// Sets the weights of a layer.
    pub fn fill_weights(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        weights: &QuantizedLayer,
    ) -> Result<(), OutOfRange> {
        self.up.fill(values, layer, &weights.fc)?;
        self.down.fill(values, layer, &weights.mlp_out)
    }

    /// Sets activations and witnesses, from each layer's trace.
    pub fn fill(&self, values: &mut Values<'_>, traces: &[&MlpTrace]) -> Result<(), OutOfRange> {
        let (d, f) = (self.width, self.hidden);
        let inputs: Vec<&[i64]> = traces.iter().map(|t| t.input.as_slice()).collect();
        fill_stream(values, self.input, d, &inputs)?;
        let norms: Vec<_> = traces.iter().map(|t| &t.norm).collect();
        self.norm.fill(values, &inputs, &norms)?;
        let acc = |at: &[usize]| i128::from(traces[at[0]].h_acc[at[2] * f + at[1]]);
        values.fill(self.key, |at| {
            ((acc(at) + (1 << (PRODUCT_SHIFT - 1))) >> PRODUCT_SHIFT) + OFFSET_16
        })?;
        self.remainder.fill(values, acc)?;
        let outputs: Vec<&[i64]> = traces.iter().map(|t| t.output.as_slice()).collect();
        let accs: Vec<&[i64]> = traces.iter().map(|t| t.out_acc.as_slice()).collect();
        self.residual.fill(values, d, &outputs, &accs)
    }
}
