//! A layer: its shape, its program, its weights and its witness.

use ff::Field;
use halo2curves::bn256::Fr;
use nanozk_executor::{
    Activation, Architecture, AttentionTrace, Linear, MlpTrace, QuantizedLayer, QuantizedModel,
    Spec,
};
use std::sync::Arc;

use crate::attention::Attention;
use crate::composer::{Composer, Plan, TooLarge, WEIGHT_OFFSET};
use crate::embed::{Embed, SequenceTrace};
use crate::head::Head;
use crate::ir::*;
use crate::lookup::LookupIndex;
use crate::mlp::Mlp;
use crate::region::Matrix;
use crate::witness::{fr, NotInTable, Witness};

/// What a layer computes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LayerKind {
    /// Tokens to residual stream.
    Embed,
    /// LayerNorm, attention, residual.
    Attention,
    /// LayerNorm, MLP, residual.
    Mlp,
    /// Attention and MLP in one proof.
    Block,
    /// Residual stream to tokens.
    Head,
}

impl LayerKind {
    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            LayerKind::Embed => "embed",
            LayerKind::Attention => "attention",
            LayerKind::Mlp => "mlp",
            LayerKind::Block => "block",
            LayerKind::Head => "head",
        }
    }

    /// Public inputs: the statement's two words, and the digests this layer binds.
    pub fn instances(self) -> usize {
        match self {
            LayerKind::Embed => 4,
            LayerKind::Head => 3,
            _ => 2,
        }
    }
}

/// Dimensions and number formats of a block, as constants of its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct BlockShape {
    /// Width of the residual stream.
    pub width: usize,
    /// Heads.
    pub heads: usize,
    /// Width of the MLP.
    pub mlp_width: usize,
    /// Vocabulary.
    pub vocab: usize,
    /// See [`Spec`].
    pub norm_frac: u32,
    /// See [`Spec`].
    pub eps: u64,
    /// See [`Spec`].
    pub score_shift: u32,
    /// See [`Spec`].
    pub act_frac: u32,
    /// See [`Spec`].
    pub activation: Activation,
}

impl BlockShape {
    /// The shape of a model's blocks.
    pub fn new(arch: &Architecture, spec: &Spec) -> Self {
        BlockShape {
            width: arch.width,
            heads: arch.heads,
            mlp_width: arch.mlp_width,
            vocab: arch.vocab,
            norm_frac: spec.norm_frac,
            eps: spec.eps,
            score_shift: spec.score_shift,
            act_frac: spec.act_frac,
            activation: spec.activation,
        }
    }
}

/// All that a layer's keys depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// What it computes.
    pub kind: LayerKind,
    /// Dimensions and formats.
    pub block: BlockShape,
    /// Positions.
    pub tokens: usize,
    /// Sizes of the circuit.
    pub plan: Plan,
}

/// What a commitment to activations is to, which both layers beside it have to agree on: feature `i` of position `t` is
/// in row `i·positions + t` of `2^k`. A layer constrains these rows and no others, so a neighbour that reads more would
/// read what nobody computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Activations {
    /// Binary logarithm of the rows.
    pub k: u32,
    /// Positions.
    pub positions: usize,
    /// Features.
    pub width: usize,
}

impl Shape {
    /// The activations that enter and leave; none before the embedding and behind the head.
    pub fn activations(&self) -> [Option<Activations>; 2] {
        let own = Activations {
            k: self.plan.k,
            positions: self.tokens,
            width: self.block.width,
        };
        [LayerKind::Embed, LayerKind::Head].map(|end| (self.kind != end).then_some(own))
    }
}

/// The intermediate values of a layer.
#[derive(Clone, Copy, Debug)]
pub enum LayerTrace<'a> {
    /// Embedding with the digests' openings.
    Embed(&'a SequenceTrace, &'a [i64]),
    /// Attention half.
    Attention(&'a AttentionTrace),
    /// MLP half.
    Mlp(&'a MlpTrace),
    /// Both.
    Block(&'a AttentionTrace, &'a MlpTrace),
    /// Head with the digest's opening.
    Head(&'a SequenceTrace, &'a nanozk_executor::HeadTrace),
}

/// The weights of a layer.
#[derive(Clone, Copy, Debug)]
pub enum LayerWeights<'a> {
    /// Token and position embedding, row-major.
    Embed(&'a [i64], &'a [i64]),
    /// A block, or a half of it.
    Block(&'a QuantizedLayer),
    /// The vocabulary projection.
    Head(&'a Linear),
}

impl<'a> LayerWeights<'a> {
    /// The weights of layer `index` of a model whose layers are `kinds`.
    pub fn of(model: &'a QuantizedModel, kind: LayerKind, block: usize) -> Self {
        match kind {
            LayerKind::Embed => LayerWeights::Embed(&model.wte, &model.wpe),
            LayerKind::Head => LayerWeights::Head(&model.head),
            _ => LayerWeights::Block(&model.layers[block]),
        }
    }
}

enum Parts {
    Embed(Embed),
    Attention(Box<Attention>),
    Mlp(Box<Mlp>),
    Block(Box<Attention>, Box<Mlp>),
    Head(Box<Head>),
}

/// A composed layer.
pub struct Layer {
    /// Its shape.
    pub shape: Shape,
    /// Its circuit.
    pub program: Arc<Program>,
    composer: Composer,
    parts: Parts,
    lookups: Option<LookupIndex>,
    map: Vec<Column>,
}

/// Places all operations of a shape; what remains is to close the program.
fn compose(shape: Shape) -> Result<(Composer, Parts, Option<LookupIndex>), TooLarge> {
    let kind = shape.kind;
    let attention = matches!(kind, LayerKind::Attention | LayerKind::Block);
    let mut plan = shape.plan;
    if kind == LayerKind::Embed {
        plan.lanes = 0;
    }
    let mut c = Composer::new(
        plan,
        shape.tokens,
        kind != LayerKind::Embed,
        kind != LayerKind::Head,
        attention,
        kind.instances(),
    );
    let b = &shape.block;
    let ends = (c.input, c.output);
    let both = || {
        (
            ends.0.expect("has an input"),
            ends.1.expect("has an output"),
        )
    };
    let parts = match kind {
        LayerKind::Attention => Parts::Attention(Box::new(c.attention(b, both().0, both().1)?)),
        LayerKind::Mlp => Parts::Mlp(Box::new(c.mlp(b, both().0, both().1)?)),
        LayerKind::Block => {
            let middle = c.column("middle", Kind::Witness, false);
            c.scope = "attention.";
            let attention = c.attention(b, both().0, middle)?;
            c.scope = "mlp.";
            let mlp = c.mlp(b, middle, both().1)?;
            c.scope = "";
            Parts::Block(Box::new(attention), Box::new(mlp))
        }
        LayerKind::Embed => Parts::Embed(c.embed(b, both_output(ends))?),
        LayerKind::Head => Parts::Head(Box::new(c.head(b, ends.0.expect("has an input"))?)),
    };
    let lookups = c.finish_lookups()?;
    Ok((c, parts, lookups))
}

/// Number of columns of each kind and of openings, without building the program.
pub(crate) fn measure(shape: Shape) -> Result<Composer, TooLarge> {
    Ok(compose(shape)?.0)
}

impl Layer {
    /// Where the values of the attention half lie, if it has one.
    pub fn attention(&self) -> Option<&Attention> {
        match &self.parts {
            Parts::Attention(a) | Parts::Block(a, _) => Some(a),
            _ => None,
        }
    }

    /// Where the values of the MLP half lie, if it has one.
    pub fn mlp(&self) -> Option<&Mlp> {
        match &self.parts {
            Parts::Mlp(m) | Parts::Block(_, m) => Some(m),
            _ => None,
        }
    }

    /// The lookup argument, if there is one.
    pub fn lookups(&self) -> Option<&LookupIndex> {
        self.lookups.as_ref()
    }

    /// The column in the program of a column as it was when operations were placed.
    pub fn column(&self, placed: Column) -> Column {
        self.map[placed.0 as usize]
    }

    /// Composes the circuit of a shape.
    pub fn new(shape: Shape) -> Result<Self, TooLarge> {
        let (mut c, parts, lookups) = compose(shape)?;
        let (b, plan) = (&shape.block, shape.plan);
        let name = format!(
            "{} d={} h={} f={} v={} n={} k={} c={} l={}x{}",
            shape.kind.name(),
            b.width,
            b.heads,
            b.mlp_width,
            b.vocab,
            shape.tokens,
            plan.k,
            plan.weights,
            plan.lanes,
            plan.limb
        );
        let (program, map) = c.finish(name);
        if let Some((a, b)) = program.coinciding_rotations() {
            let needed = a.rotation.abs_diff(b.rotation) as usize + 1;
            return Err(TooLarge {
                what: "two rotations",
                needed,
                available: program.rows(),
            });
        }
        Ok(Layer {
            shape,
            program: Arc::new(program),
            composer: c,
            parts,
            lookups,
            map,
        })
    }

    /// The weight columns, without the blind rows.
    ///
    /// # Panics
    /// If the weights are of another shape.
    pub fn weights(&self, weights: LayerWeights<'_>) -> Vec<Vec<Fr>> {
        let c = &self.composer;
        let mut columns = vec![vec![Fr::ZERO; self.program.rows()]; c.weights.len()];
        let mut put = |matrix: &Matrix, linears: &[&Linear]| {
            for i in 0..=matrix.inputs {
                let row: Vec<i64> = linears
                    .iter()
                    .flat_map(|l| {
                        assert_eq!(l.inputs, matrix.inputs);
                        if i < l.inputs {
                            &l.weight[i * l.outputs..(i + 1) * l.outputs]
                        } else {
                            &l.bias
                        }
                    })
                    .copied()
                    .collect();
                assert_eq!(row.len(), matrix.outputs());
                // The rest of a row is weightless.
                for start in 0..matrix.block {
                    for column in columns.iter_mut() {
                        column[matrix.base + i * matrix.block + start] = fr(WEIGHT_OFFSET.into());
                    }
                }
                matrix.cells(columns.len(), i, |column, at, o| {
                    columns[column][at] = fr((row[o] + WEIGHT_OFFSET).into());
                });
            }
        };
        match (&self.parts, weights) {
            (Parts::Attention(a), LayerWeights::Block(w)) => {
                let [qkv, out] = a.matrices();
                put(qkv, &[&w.q, &w.k, &w.v]);
                put(out, &[&w.attn_out]);
            }
            (Parts::Mlp(m), LayerWeights::Block(w)) => {
                let [fc, out] = m.matrices();
                put(fc, &[&w.fc]);
                put(out, &[&w.mlp_out]);
            }
            (Parts::Block(a, m), LayerWeights::Block(w)) => {
                let [qkv, out] = a.matrices();
                put(qkv, &[&w.q, &w.k, &w.v]);
                put(out, &[&w.attn_out]);
                let [fc, out] = m.matrices();
                put(fc, &[&w.fc]);
                put(out, &[&w.mlp_out]);
            }
            (Parts::Head(h), LayerWeights::Head(w)) => put(h.matrix(), &[w]),
            (Parts::Embed(e), LayerWeights::Embed(wte, wpe)) => {
                e.weights(c, &mut columns, wte, wpe)
            }
            _ => panic!("weights of another kind of layer"),
        }
        columns
    }

    /// First-phase columns of a trace, in the order of their commitments; blind rows and the weight
    /// columns are left to the prover.
    pub fn witness(
        &self,
        trace: LayerTrace<'_>,
        random: impl FnMut() -> u64,
    ) -> Result<Vec<Vec<Fr>>, NotInTable> {
        let c = &self.composer;
        let mut w = c.witness();
        let put = |w: &mut Witness, column: Option<Column>, values: &[i64]| {
            let column = column.expect("the column exists");
            let d = self.shape.block.width;
            for (at, value) in values.iter().enumerate() {
                let (t, i) = (at / d, at % d);
                w.set(
                    column,
                    i * c.n + t,
                    (value + crate::norm::RESIDUAL_OFFSET).into(),
                );
            }
        };
        match (&self.parts, trace) {
            (Parts::Attention(a), LayerTrace::Attention(t)) => {
                put(&mut w, c.input, &t.input);
                a.assign(c, &mut w, t);
            }
            (Parts::Mlp(m), LayerTrace::Mlp(t)) => {
                put(&mut w, c.input, &t.input);
                m.assign(c, &mut w, t);
            }
            (Parts::Block(a, m), LayerTrace::Block(s, t)) => {
                put(&mut w, c.input, &s.input);
                a.assign(c, &mut w, s);
                m.assign(c, &mut w, t);
            }
            (Parts::Embed(e), LayerTrace::Embed(sequence, out)) => {
                put(&mut w, c.output, out);
                e.assign(c, &mut w, sequence);
            }
            (Parts::Head(h), LayerTrace::Head(sequence, t)) => {
                put(&mut w, c.input, &t.input);
                h.assign(c, &mut w, sequence, t);
            }
            _ => panic!("trace of another kind of layer"),
        }
        w.finish(&self.program, &self.map, self.lookups.as_ref(), random)
    }
}

fn both_output(ends: (Option<Column>, Option<Column>)) -> Column {
    ends.1.expect("has an output")
}
