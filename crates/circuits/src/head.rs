//! Head: LayerNorm, vocabulary projection, choice of the greatest logit, and the digest of the generated tokens.
//!
//! Logits are not stored. With `M_t` the chosen logit and `b[v,t] = [v < chosen token]`,
//! `logit[t,v] = M_t − b[v,t] − D[v,t]` with `D ≥ 0`: lower ids have strictly smaller logits, higher ids
//! none that is greater, which is the rule for ties. The chosen id is `Σ_v b[v,t]`.
//!
//! In `aux`, in blocks of `n` rows: `M`, a block of −1, a block of 0, then the running sums
//! `s[v] = s[v−1] + b[v]` of `V` blocks, beside which `D` lies in the lanes. So `b = s − s↑` and
//! `b↑ = s↑ − s↑↑`, the one before the first being 1. The last block is the chosen token.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `before_start`, `before_implied` | 2 | `0`, `−1` | the blocks above the first token |
//! | `before_bit` | 3 | `b² = b` | |
//! | `before_falls` | 3 | `b = b·b↑` | not set after one that is not |
//! | `before_ends` | 2 | `b = 0` | the last token is not before the chosen one |
//! | `chosen_top` | 3 | `(b↑ − b)·D = 0` | the chosen token has logit `M` |
//! | `token_next` | 3 | `(F2 − F1)·(T − s↑) = 0` | a generated token is the one chosen at the position before |
//!
//! The accumulators of the matrix product are the logits; `M` enters the equation once per token:
//! `Σ_v Σ_t β^(v·n+t)·M_t = (Σ_v β^(v·n))·Σ_t β^t·M_t`. `M` needs no range: it equals a logit.
//! The gates of tokens and digests are those of [`crate::poseidon`].

use nanozk_executor::spec::LOGIT_DIFF_BITS;
use nanozk_executor::HeadTrace;

use crate::composer::{Composer, Limbs, Space, Strip, TooLarge};
use crate::embed::SequenceTrace;
use crate::ir::*;
use crate::layer::BlockShape;
use crate::norm::Norm;
use crate::poseidon::sequence::Sequence;
use crate::region::Matrix;
use crate::witness::Witness;

/// Blocks above the first token's: `M` and the two constant ones.
const ABOVE: usize = 3;

/// Head placed in a program.
pub struct Head {
    /// Tokens and digest.
    pub sequence: Sequence,
    /// Running sums, beside the differences.
    pub strip: Strip,
    norm: Norm,
    logits: Matrix,
    difference: Limbs,
}

impl Composer {
    /// Composes the head.
    pub fn head(&mut self, shape: &BlockShape, input: Column) -> Result<Head, TooLarge> {
        let (n, vocab) = (self.n, shape.vocab);
        let cells = vocab * n;
        let limbs = LOGIT_DIFF_BITS.div_ceil(self.plan.limb);
        let (_, mut plain, planes) = self.place(0, limbs as usize, cells);
        let difference = self.take(limbs * self.plan.limb, &mut plain, &mut vec![]);
        let top = self.alloc(
            "logits",
            &[Space::Lanes, Space::Aux],
            ABOVE * n + planes * cells,
        )?;
        let strip = Strip {
            base: top + ABOVE * n,
            blocks: vocab,
        };
        let norm = self.norm(input, shape.width, shape.norm_frac, shape.eps)?;
        // Instance 2, after the statement.
        let sequence = self.sequence(None, 2)?;

        let aux = self.aux;
        let up = |blocks: i32| aux.at(-blocks * n as i32);
        let zeros = [Span::run(strip.base - n, n)];
        self.gate_on("before_start", "the sum starts at zero", &zeros, up(0));
        self.gate_on(
            "before_implied",
            "as if the token before the first were before the chosen one",
            &zeros,
            up(1) + Poly::int(1),
        );
        let (before, above) = (up(0) - up(1), up(1) - up(2));
        let d = self.value(&difference);
        let all = [self.span(strip)];
        self.gate_on(
            "before_bit",
            "a bit",
            &all,
            before.clone() * before.clone() - before.clone(),
        );
        self.gate_on(
            "before_falls",
            "not set after one that is not",
            &all,
            before.clone() - before.clone() * above.clone(),
        );
        self.gate_on(
            "before_ends",
            "the last token is not before the chosen one",
            &[Span::run(strip.base + cells - n, n)],
            before.clone(),
        );
        self.gate_on(
            "chosen_top",
            "the chosen token has the greatest logit",
            &all,
            (above - before.clone()) * d.clone(),
        );
        // Anchored at the token before the generated one.
        let at = |strips: i32| aux.at(strips * n as i32 + 1);
        let chosen = aux.at((strip.base + cells - n) as i32 - sequence.base as i32);
        self.gate_on(
            "token_next",
            "a generated token is the one chosen at the position before",
            &[Span::run(sequence.base, n - 1)],
            (at(2) - at(1)) * (at(0) - chosen),
        );
        let logits = self.logits(norm.out.clone(), strip, top, -(before + d))?;
        Ok(Head {
            sequence,
            strip,
            norm,
            logits,
            difference,
        })
    }

    /// The projection of `source`, whose outputs are `value` plus the positions' cells of `aux` from row `top` on.
    fn logits(
        &mut self,
        source: (Strip, Poly),
        strip: Strip,
        top: usize,
        value: Poly,
    ) -> Result<Matrix, TooLarge> {
        let (m, eq) = self.matrix_equation("logits", source, &[strip], value)?;
        let beta = |e: usize| Scalar::pow(Challenge::Beta, e as u64);
        let tokens = Scalar::Geometric(Box::new(beta(self.n)), strip.blocks as u64);
        let each = beta(strip.base - top) * tokens;
        let (powers, aux) = (self.powers, self.aux);
        let q = self.selector("logits_top", &[Span::run(top, self.n)]);
        self.sum(q.cur() * powers.cur() * aux.cur() * (eq * each));
        Ok(m)
    }
}

impl Head {
    /// The projection.
    pub fn matrix(&self) -> &Matrix {
        &self.logits
    }

    /// Writes the witness.
    pub fn assign(&self, c: &Composer, w: &mut Witness, s: &SequenceTrace, trace: &HeadTrace) {
        self.norm.assign(c, w, &trace.input, &trace.norm);
        self.logits.assign_inputs(c, w, &trace.norm.out);
        self.sequence.assign(c, w, s);
        let (n, vocab) = (c.n, self.strip.blocks);
        for t in 0..n {
            let chosen = trace.argmax[t] as usize;
            let before = |v: usize| i64::from(v < chosen);
            let logits = &trace.logits[t * vocab..(t + 1) * vocab];
            // Of an honest trace, the chosen logit; of any other, a cell that leaves the rest in range.
            let top = logits
                .iter()
                .enumerate()
                .map(|(v, l)| l + before(v))
                .max()
                .expect("a vocabulary");
            let cell = |block: usize| self.strip.base + block * n + t;
            w.set(c.aux, cell(0) - 3 * n, top.into());
            w.set(c.aux, cell(0) - 2 * n, -1);
            for (v, logit) in logits.iter().enumerate() {
                w.set(c.aux, cell(v), chosen.min(v + 1) as i128);
                w.limbs(&self.difference, cell(v), (top - before(v) - logit) as u128);
            }
        }
    }
}
