//! Embedding: `x[t,i] = wte[token_t, i] + wpe[t, i]`, and the digests of the session's tokens.
//!
//! A token's row of the embedding is looked up by its fingerprint `Σ_i β^i·wte[v,i]`: with `β` drawn after
//! all rows and outputs are committed, equal fingerprints mean equal rows.
//!
//! Row `v` of `wte` lies in `ceil(d/c)` rows of the first `c` weight columns (all but the last); `wpe` lies
//! in the last weight column, beside the output: feature `i` of position `t` in row `i·n + t`.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `vocabulary_fold` | 2 | `fw = Σ_j β^j·w_j + β^c·fw↓` | fingerprint of a row of `wte`, at its first row |
//! | `embedding_fold` | 2 | `fx = x − wpe + β·fx[+n]` | fingerprint of what was added to `wpe`, at the first feature |
//! | `vocabulary_entry` | 3 | `e·(α + v + τ·fw) = m` | fraction of an entry, with its multiplicity |
//! | `token_entry` | 3 | `e·(α + T + τ·fx) = 1` | fraction of a token |
//!
//! One equation of the running sum: the fractions of tokens and of entries are equal in sum.
//! The gates of tokens and digests are those of [`crate::poseidon`].

use ff::Field;
use halo2curves::bn256::Fr;

use crate::composer::{Composer, Space, TooLarge, SALT_ROWS, WEIGHT_OFFSET};
use crate::ir::*;
use crate::layer::BlockShape;
use crate::norm::RESIDUAL_OFFSET;
use crate::poseidon::sequence::Sequence;
use crate::witness::{fr, Witness};

pub use crate::poseidon::sequence::SequenceTrace;

/// Embedding placed in a program.
pub struct Embed {
    /// Tokens and digests; the tokens are in the first rows.
    pub sequence: Sequence,
    /// First row of the vocabulary.
    pub base: usize,
    /// Rows of an entry.
    pub block: usize,
    width: usize,
    vocab: usize,
}

impl Composer {
    /// Composes the embedding.
    pub fn embed(&mut self, shape: &BlockShape, output: Column) -> Result<Embed, TooLarge> {
        let (n, d, vocab) = (self.n, shape.width, shape.vocab);
        let available = self.active_rows() - SALT_ROWS;
        if self.weights.len() < 2 {
            return Err(TooLarge {
                what: "embedding (weight columns)",
                needed: 2,
                available: self.weights.len(),
            });
        }
        if n * d > available {
            return Err(TooLarge {
                what: "embedded tokens",
                needed: n * d,
                available,
            });
        }
        // Instances 2 and 3, after the statement.
        let sequence = self.sequence(Some(2), 3)?;
        assert_eq!(
            sequence.base, 0,
            "tokens lie beside the first feature's fold"
        );
        let c = self.weights.len() - 1;
        let block = d.div_ceil(c);
        let base = self.alloc_from("vocabulary", &[Space::Region, Space::Aux], vocab * block, n)?;

        let (aux, fx, fw) = (self.aux, self.fold_x, self.fold_w);
        let challenge = |c: Challenge| Poly::scalar(Scalar::Challenge(c));
        let beta = |e: usize| Scalar::pow(Challenge::Beta, e as u64);
        let weight = |w: Column| w.cur() - Poly::int(WEIGHT_OFFSET.into());

        // Fingerprints of the vocabulary.
        let rows = self.weight_rows;
        let all = Span::run(base, vocab * block);
        self.set_fixed(rows, &[all], Fr::ONE);
        let mut fold = (0..c).fold(Poly::zero(), |sum, j| {
            sum + weight(self.weights[j]) * beta(j)
        }) * rows.cur();
        if block > 1 {
            let inner = self.selector(
                "vocabulary_inner",
                &[Span::strided(base, block - 1, block, vocab)],
            );
            fold = fold + inner.cur() * fw.at(1) * beta(c);
        }
        self.gate(
            "vocabulary_fold",
            "fingerprint of an entry",
            rows.cur() * fw.cur() - fold.clone(),
        );
        self.steps.push(Step::Assign {
            column: fw,
            rows: all,
            descending: true,
            value: fold,
        });

        // Fingerprints of the tokens' embeddings. This column is opened: it multiplies the positions.
        let rows = self.column("embedding rows", Kind::Fixed, false);
        let all = Span::run(0, n * d);
        self.set_fixed(rows, &[all], Fr::ONE);
        let value = output.cur() - Poly::int(RESIDUAL_OFFSET.into()) - weight(self.weights[c]);
        let mut fold = rows.cur() * value;
        if d > 1 {
            let inner = self.selector("embedding_inner", &[Span::run(0, n * (d - 1))]);
            fold = fold + inner.cur() * fx.at(n as i32) * beta(1);
        }
        self.gate(
            "embedding_fold",
            "fingerprint of an output less its position",
            rows.cur() * fx.cur() - fold.clone(),
        );
        self.steps.push(Step::Assign {
            column: fx,
            rows: all,
            descending: true,
            value: fold,
        });

        // The lookup.
        let entry = self.column("entry", Kind::Second, false);
        let starts = Span::strided(base, 1, block, vocab);
        let tokens = Span::run(0, n);
        let q_entry = self.selector("vocabulary_entry", &[starts]);
        let q_token = self.selector("tokens", &[tokens]);
        let index = self.column("vocabulary index", Kind::Fixed, true);
        for v in 1..vocab {
            self.set_fixed(index, &[Span::row(base + v * block)], Fr::from(v as u64));
        }
        let tuple = |fold: Column| {
            challenge(Challenge::Alpha) + fold.cur() * Scalar::Challenge(Challenge::Tau)
        };
        self.gate(
            "vocabulary_entry",
            "an entry's fraction, times its multiplicity",
            q_entry.cur() * (entry.cur() * tuple(fw) - aux.cur()) + index.cur() * entry.cur(),
        );
        let token = tuple(fx) + aux.cur();
        self.gate(
            "token_entry",
            "a token's fraction",
            q_token.cur() * (entry.cur() * token.clone() - Poly::int(1)),
        );
        self.steps.push(Step::Ratio {
            column: entry,
            rows: starts,
            numerator: aux.cur(),
            denominator: tuple(fw) + index.cur(),
        });
        self.steps.push(Step::Ratio {
            column: entry,
            rows: tokens,
            numerator: Poly::int(1),
            denominator: token,
        });
        let eq = self.equation();
        self.sum((q_token.cur() - q_entry.cur()) * entry.cur() * eq);
        Ok(Embed {
            sequence,
            base,
            block,
            width: d,
            vocab,
        })
    }
}

impl Embed {
    /// Writes the weight columns; `wte` and `wpe` are row-major, `wpe` of at least `n` positions.
    ///
    /// # Panics
    /// If the weights are of another shape.
    pub fn weights(&self, composer: &Composer, columns: &mut [Vec<Fr>], wte: &[i64], wpe: &[i64]) {
        let (n, d) = (composer.n, self.width);
        assert_eq!(wte.len(), self.vocab * d);
        assert!(wpe.len() >= n * d);
        let value = |w: i64| fr((w + WEIGHT_OFFSET).into());
        let (positions, tokens) = columns
            .split_last_mut()
            .expect("at least two weight columns");
        let c = tokens.len();
        for (v, row) in wte.chunks_exact(d).enumerate() {
            for i in 0..self.block * c {
                // The rest of an entry's last row is weightless.
                tokens[i % c][self.base + v * self.block + i / c] =
                    value(row.get(i).copied().unwrap_or(0));
            }
        }
        for (t, row) in wpe.chunks_exact(d).take(n).enumerate() {
            for (i, &w) in row.iter().enumerate() {
                positions[i * n + t] = value(w);
            }
        }
    }

    /// Writes the witness, except for the output column.
    pub fn assign(&self, c: &Composer, w: &mut Witness, s: &SequenceTrace) {
        self.sequence.assign(c, w, s);
        let mut counts = vec![0u64; self.vocab];
        for &token in &s.tokens {
            // A token that is not in the vocabulary has no entry; the running sum will not close.
            if let Some(count) = counts.get_mut(token as usize) {
                *count += 1;
            }
        }
        for (v, count) in counts.into_iter().enumerate() {
            w.set(c.aux, self.base + v * self.block, count.into());
        }
    }
}
