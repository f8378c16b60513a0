//! The tokens of a session: which are prompt, which are generated, and what their digests hash.
//!
//! Strips of `n` rows of `aux`, by position; `F1 = [t < prompt]`, `F2 = [t < prompt + generated]`:
//!
//! | rows | content |
//! |---|---|
//! | `0` | tokens `T` |
//! | `n`, `2n` | flags `F1`, `F2` |
//! | `3n`, `4n` | their running sums `S1`, `S2` |
//! | `5n` | one cell: inverse of `generated` |
//! | `6n − 1` | header of the generated tokens' digest, then its packed tokens `P2` |
//! | `8n − 1` | header of the prompt's digest, then its packed tokens `P1` (embedding only) |
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `flag_bit` | 3 | `F² = F` | |
//! | `flag_falls` | 3 | `F↓ = F·F↓` | no flag is set after one that is not |
//! | `flag_order` | 3 | `F1 = F1·F2` | the prompt ends first |
//! | `prompt_some` | 2 | `F1 = 1` | the first position is prompt |
//! | `count_first`, `count_next` | 2 | `S↓ = S + F↓` | counts flags |
//! | `generated_some` | 3 | `(S2 − S1)·inverse = 1` | something is generated |
//! | `header_input`, `header_output` | 2 | | the header names bucket and counts |
//! | `pack_input` | 3 | `P1 = T·F1 + 2^24·P1[+e]` | packs every `e`-th token; the first `e` cells are the messages |
//! | `pack_output` | 3 | `P2 = T·(F2 − F1) + 2^24·P2[+e]` | |
//!
//! Packing is injective because a packed token is below the vocabulary: by its lookup in the embedding,
//! by being a chosen token in the head.

use ff::Field;
use halo2curves::bn256::Fr;

use super::{input_header, message_count, output_header, Chain, Sponge, TOKEN_BITS};
use crate::composer::{Composer, Space, TooLarge};
use crate::ir::*;
use crate::witness::Witness;

/// What opens the digests of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceTrace {
    /// Padded tokens.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Generated tokens.
    pub generated: usize,
    /// Salt of the prompt's digest.
    pub input_salt: Fr,
    /// Salt of the generated tokens' digest.
    pub output_salt: Fr,
}

impl SequenceTrace {
    /// The digests of prompt and generated tokens.
    pub fn digests(&self) -> (Fr, Fr) {
        super::sequence_digests(
            &self.tokens,
            self.prompt,
            self.generated,
            self.input_salt,
            self.output_salt,
        )
    }
}

/// A session's tokens placed in a program.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// First row, that of the tokens.
    pub base: usize,
    /// First message row of each digest: of the generated tokens, then of the prompt if it is hashed.
    pub chains: Vec<Chain>,
    /// Digests.
    pub sponge: Sponge,
}

impl Composer {
    /// Tokens, flags and digests; public input `input` (if any) is the prompt's, `output` that of the generated tokens.
    pub fn sequence(&mut self, input: Option<usize>, output: usize) -> Result<Sequence, TooLarge> {
        let n = self.n;
        let strips = if input.is_some() { 9 } else { 7 };
        let base = self.alloc("tokens", &[Space::Aux], strips * n)?;
        let mut chains = vec![Chain {
            name: "output",
            messages: base + 6 * n - 1,
            instance: output,
        }];
        chains.extend(input.map(|instance| Chain {
            name: "input",
            messages: base + 8 * n - 1,
            instance,
        }));
        let sponge = self.sponge(&chains, 1 + message_count(n))?;

        // Cells of other strips, `strips·n + rows` below.
        let aux = self.aux;
        let at = |strips: i32, rows: i32| aux.at(strips * n as i32 + rows);
        let cur = || aux.cur();
        let flags = [Span::run(base + n, 2 * n)];
        let but_last = [Span::strided(base + n, n - 1, n, 2)];
        self.gate_on("flag_bit", "a flag is a bit", &flags, cur() * cur() - cur());
        self.gate_on(
            "flag_falls",
            "no flag is set after one that is not",
            &but_last,
            at(0, 1) - cur() * at(0, 1),
        );
        self.gate_on(
            "flag_order",
            "the prompt ends before the generated tokens",
            &[Span::run(base + n, n)],
            cur() - cur() * at(1, 0),
        );
        self.gate_on(
            "prompt_some",
            "the first position is prompt",
            &[Span::row(base + n)],
            cur() - Poly::int(1),
        );
        self.gate_on(
            "count_first",
            "the count starts with the first flag",
            &[Span::strided(base + n, 1, n, 2)],
            at(2, 0) - cur(),
        );
        self.gate_on(
            "count_next",
            "the count takes up each flag",
            &but_last,
            at(2, 1) - at(2, 0) - at(0, 1),
        );

        // In the row of the second count's end.
        let ends = [Span::row(base + 5 * n - 1)];
        let prompt = at(-1, 0);
        let generated = cur() - prompt.clone();
        let header =
            |domain: i128| Poly::int(domain + ((n as i128) << 32)) + prompt.clone() * (1 << 64);
        self.gate_on(
            "generated_some",
            "something is generated",
            &ends,
            generated.clone() * at(0, 1) - Poly::int(1),
        );
        self.gate_on(
            "header_output",
            "the header names bucket and both counts",
            &ends,
            at(1, 0) - header(2) - generated * (1 << 96),
        );
        if input.is_some() {
            self.gate_on(
                "header_input",
                "the header names bucket and prompt",
                &ends,
                at(3, 0) - header(1),
            );
        }
        let e = message_count(n);
        let all = self.selector("tokens", &[Span::run(base, n)]);
        let inner = self.selector("packed before the last", &[Span::run(base, n - e)]);
        let packed = |strip: i32, flag: Poly| {
            all.cur() * (at(strip, 0) - cur() * flag)
                - inner.cur() * at(strip, e as i32) * (1 << TOKEN_BITS)
        };
        self.gate(
            "pack_output",
            "every e-th generated token in one number",
            packed(6, at(2, 0) - at(1, 0)),
        );
        if input.is_some() {
            self.gate(
                "pack_input",
                "every e-th prompt token in one number",
                packed(8, at(1, 0)),
            );
        }
        Ok(Sequence {
            base,
            chains,
            sponge,
        })
    }
}

impl Sequence {
    /// Writes the witness.
    pub fn assign(&self, c: &Composer, w: &mut Witness, s: &SequenceTrace) {
        let n = c.n;
        assert_eq!(s.tokens.len(), n, "tokens are padded to the bucket");
        let ends = [s.prompt, s.prompt + s.generated];
        for (t, &token) in s.tokens.iter().enumerate() {
            w.set(c.aux, self.base + t, token.into());
            for (i, &end) in ends.iter().enumerate() {
                w.set(c.aux, self.base + (1 + i) * n + t, i128::from(t < end));
                w.set(c.aux, self.base + (3 + i) * n + t, end.min(t + 1) as i128);
            }
        }
        let inverse = Fr::from(s.generated as u64).invert().unwrap_or(Fr::ZERO);
        w.set_fr(c.aux, self.base + 5 * n, inverse);
        let parts = [
            (
                output_header(n, s.prompt, s.generated),
                s.prompt..ends[1],
                s.output_salt,
            ),
            (input_header(n, s.prompt), 0..s.prompt, s.input_salt),
        ];
        let e = message_count(n);
        for (i, (chain, (header, range, salt))) in self.chains.iter().zip(parts).enumerate() {
            let mut packed = vec![Fr::ZERO; n + e];
            for t in (0..n).rev() {
                let token = if range.contains(&t) { s.tokens[t] } else { 0 };
                packed[t] = Fr::from(u64::from(token)) + packed[t + e] * Fr::from(1 << TOKEN_BITS);
                w.set_fr(c.aux, chain.messages + 1 + t, packed[t]);
            }
            w.set_fr(c.aux, chain.messages, header);
            let messages = [&[header], &packed[..e]].concat();
            self.sponge.assign(w, i, salt, &messages);
        }
    }
}
