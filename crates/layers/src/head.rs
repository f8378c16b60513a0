//! Head: normalization, vocabulary projection, and the choice of the greatest logit.
//!
//! Only positions at which a token was chosen reach it. The axis `generated` has their number, rounded up: row `g` is about
//! position `prompt − 1 + g`, and rows beyond the last generated token repeat row 0, so that all that is true of a row is
//! true of them. That is how they state nothing: there is no flag, and no value is free.
//!
//! Logits are not stored. With `M_g` the chosen logit,
//! `logit[g,v] = M_g − [v < chosen_g] − D[g,v]` with `D ≥ 0`: lower ids have strictly smaller logits, higher ids none that
//! is greater, which is the rule for ties. At the chosen token `D` is zero, so `M` needs no range. Numbers beyond the
//! vocabulary have no `M`. The head alone does not forbid to choose one; that the choice is the next token does. Their logits
//! are zero, and if somebody registers others `D` is what is missing to zero, whatever is chosen.

use crate::gadgets::{Matrix, Normalization, Number, OneHot, index};
use crate::shape::{Axes, Shape};
use crate::tokens::{Choice, Sequence, Tokens, Vocabulary, generated_tokens, prompt_tokens};
use nanozk_circuit::{AxisId, OutOfRange, Program, Public, Role, TensorId, Values};
use nanozk_executor::spec::LOGIT_DIFF_BITS;
use nanozk_executor::{HeadTrace, Linear, NormTrace};

/// Rows for sessions that generate so many tokens: a power of two, so that there are few programs, and two at least, since
/// nothing hides what a proof says of a single row.
pub fn rows(generated: usize) -> usize {
    generated.next_power_of_two().max(2)
}

/// The head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Of activations and weights: there is one.
    pub layer: AxisId,
    /// The residual stream of all positions.
    pub input: TensorId,
    /// The last generated token's row.
    last: OneHot,
    /// The position that a row is about.
    source: OneHot,
    /// The token after a position.
    next: TensorId,
    selected: TensorId,
    norm: Normalization,
    matrix: Matrix,
    chosen: Choice,
    /// The chosen logit.
    top: TensorId,
    difference: Number,
    vocabulary: Vocabulary,
    width: usize,
    rows: usize,
}

impl Head {
    /// Declares the head for sessions that generate up to `rows` tokens, those of [`rows`].
    pub fn new(p: &mut Program, shape: &Shape, axes: &Axes, tokens: &Tokens, rows: usize) -> Self {
        assert!(rows.is_power_of_two(), "{rows} rows");
        let layer = p.new_tiled_axis("head layer", 1, 0);
        let generated = p.new_tiled_axis("generated", rows, rows.trailing_zeros().min(8));
        let other = p.new_tiled_axis("other generated", rows, rows.trailing_zeros().min(8));
        let Axes {
            position,
            source: other_position,
            feature,
            ..
        } = *axes;
        let stream = [layer, feature, position];
        let input = p.new_tensor("head input", &stream, Role::Activation);

        // Row g is about position prompt − 1 + g, or prompt − 1 if g is beyond the last row.
        let last = OneHot::new(p, "last generated", generated, &[]);
        let count = last.index(p) + 1 - generated_tokens(p);
        p.zero("as many tokens are generated as are claimed", &[], count);
        let source = OneHot::new(p, "chosen at", position, &[generated]);
        let row = index(p, generated);
        let beyond = p.public("is beyond", &[other, generated], Public::Less)
            * p.use_at(last.bits, &[other])
            * row.clone();
        let expected = prompt_tokens(p) - 1 + row - beyond;
        let at = source.index(p);
        p.zero("a row is about its position", &[generated], at - expected);
        let selected = p.new_tensor("selected", &[layer, feature, generated], Role::Witness);
        let [x, s, chosen_at] = [input, selected, source.bits].map(|id| p.use_of(id));
        let all = [layer, feature, generated];
        p.zero("selected stream", &all, chosen_at.clone() * x - s);
        let norm = Normalization::new(p, "head norm", selected, all, &shape.spec);

        let vocabulary = tokens.vocabulary;
        let digits = vocabulary.axes;
        let matrix = Matrix::new(p, "head", layer, &[feature], &digits);
        let logit = matrix.of(p, norm.out.value(p));
        let chosen = Choice::new(p, "chosen", &vocabulary, generated);
        let top = p.new_tensor("chosen logit", &[generated], Role::Witness);
        let each = [generated, digits[0], digits[1], digits[2]];
        let difference = Number::unsigned(p, "logit difference", &each, LOGIT_DIFF_BITS);
        let greatest = p.use_of(top) * vocabulary.tokens(p);
        let below = chosen.above(p);
        let d = difference.value(p);
        p.zero(
            "no logit is greater",
            &[&[layer], &each[..]].concat(),
            logit - greatest + below + d.clone(),
        );
        let bits = p.use_of(chosen.bits);
        p.zero("the chosen logit is the greatest", &[generated], d * bits);

        // The token that was chosen is the one at the next position.
        let next = p.new_tensor("next token", &[position], Role::Witness);
        let to_next = p.public(
            "to next position",
            &[position, other_position],
            Public::Successor,
        );
        let following = to_next * tokens.number_at(p, other_position);
        let next_ = p.use_of(next);
        p.zero("next token", &[position], following - next_.clone());
        let number = chosen.number(p);
        p.zero(
            "the chosen token comes next",
            &[generated],
            chosen_at * next_ - number,
        );
        Self {
            layer,
            input,
            last,
            source,
            next,
            selected,
            norm,
            matrix,
            chosen,
            top,
            difference,
            vocabulary,
            width: shape.architecture.width,
            rows,
        }
    }

    /// Sets the projection.
    pub fn fill_weights(&self, values: &mut Values<'_>, head: &Linear) -> Result<(), OutOfRange> {
        self.matrix.fill(values, 0, head)
    }

    /// Sets activations and witnesses, from the trace of all positions.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        trace: &HeadTrace,
        sequence: &Sequence,
    ) -> Result<(), OutOfRange> {
        let (d, vocab) = (self.width, self.vocabulary.len);
        let source: Vec<usize> = (0..self.rows).map(|g| sequence.source(g)).collect();
        values.fill(self.input, |at| trace.input[at[2] * d + at[1]].into())?;
        self.last.fill(values, |_| sequence.generated - 1)?;
        self.source.fill(values, |at| source[at[0]])?;
        values.fill(self.next, |at| {
            sequence.tokens.get(at[0] + 1).copied().unwrap_or(0).into()
        })?;
        let rows = |all: &[i64], width: usize| -> Vec<i64> {
            let row = |t: &usize| all[t * width..][..width].to_vec();
            source.iter().flat_map(row).collect()
        };
        let selected = rows(&trace.input, d);
        values.fill(self.selected, |at| selected[at[2] * d + at[1]].into())?;
        let norm = NormTrace {
            eps: trace.norm.eps.clone(),
            mean: rows(&trace.norm.mean, 1),
            rsqrt: rows(&trace.norm.rsqrt, 1),
            out: rows(&trace.norm.out, d),
        };
        self.norm.fill(values, &[&selected], &[&norm])?;
        let chosen = |g: usize| trace.argmax[source[g]] as usize;
        let logit = |g: usize, v: usize| i128::from(trace.logits[source[g] * vocab + v]);
        self.chosen.fill(values, chosen)?;
        values.fill(self.top, |at| logit(at[0], chosen(at[0])))?;
        self.difference.fill(values, |at| {
            let (g, v) = (at[0], self.vocabulary.number(&at[1..]));
            match v < vocab {
                true => logit(g, chosen(g)) - logit(g, v) - i128::from(v < chosen(g)),
                false => 0,
            }
        })
    }
}
