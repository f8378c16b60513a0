//! What a dishonest prover can write: tokens, flags and digests that are consistent but for one cell.
#![allow(dead_code, unreachable_pub)]

use super::*;
use nanozk_circuits::composer::Composer;
use nanozk_circuits::embed::{Embed, SequenceTrace};
use nanozk_circuits::head::Head;
use nanozk_circuits::poseidon::sequence::Sequence;
use nanozk_circuits::poseidon::{constants, ROUNDS};
use nanozk_circuits::{LayerTrace, LayerWeights};

/// Cells of a permutation before its S-boxes, their squares, their fourth powers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    One,
    Two,
    Four,
}

/// A cell of the sponge that is one more than it should be, all that follows being computed from it.
#[derive(Clone, Copy, Debug)]
pub struct Slip {
    pub chain: usize,
    pub step: usize,
    pub round: usize,
    pub element: usize,
    pub power: Power,
}

/// Everything a digest depends on, in the order in which each follows from what precedes it.
#[derive(Clone)]
pub struct Forge {
    pub tokens: Vec<Fr>,
    pub flags: [Vec<Fr>; 2],
    pub counts: [Vec<Fr>; 2],
    pub inverse: Fr,
    /// Of the generated tokens, then of the prompt.
    pub headers: [Fr; 2],
    pub packed: [Vec<Fr>; 2],
    pub salts: [Fr; 2],
    pub slip: Option<Slip>,
}

pub fn int(v: i64) -> Fr {
    nanozk_circuits::witness::fr(v.into())
}

pub fn power_of_two(e: u64) -> Fr {
    Fr::from(2).pow_vartime([e])
}

impl Forge {
    /// The honest values of a session.
    pub fn new(s: &SequenceTrace) -> Self {
        let flags = |end: usize| {
            (0..s.tokens.len())
                .map(|t| Fr::from(u64::from(t < end)))
                .collect()
        };
        let tokens = s.tokens.iter().map(|&t| Fr::from(u64::from(t))).collect();
        let mut forge = Forge {
            tokens,
            flags: [flags(s.prompt), flags(s.prompt + s.generated)],
            counts: [vec![], vec![]],
            inverse: Fr::ZERO,
            headers: [Fr::ZERO; 2],
            packed: [vec![], vec![]],
            salts: [s.output_salt, s.input_salt],
            slip: None,
        };
        forge.count();
        forge
    }

    /// Sets the flags and what follows from them.
    pub fn with_flags(mut self, first: &[i64], second: &[i64]) -> Self {
        let pad = |f: &[i64]| {
            (0..self.tokens.len())
                .map(|t| int(f.get(t).copied().unwrap_or(0)))
                .collect()
        };
        self.flags = [pad(first), pad(second)];
        self.count();
        self
    }

    fn count(&mut self) {
        self.counts = self.flags.clone().map(|flags| {
            let mut sum = Fr::ZERO;
            flags
                .into_iter()
                .map(|f| {
                    sum += f;
                    sum
                })
                .collect()
        });
        self.head();
        self.pack();
    }

    /// Headers and inverse from the counts.
    pub fn head(&mut self) {
        let n = self.tokens.len();
        let [prompt, end] = [0, 1].map(|i| self.counts[i][n - 1]);
        let header = |domain| {
            Fr::from(domain) + Fr::from(n as u64) * power_of_two(32) + prompt * power_of_two(64)
        };
        self.headers = [header(2) + (end - prompt) * power_of_two(96), header(1)];
        self.inverse = (end - prompt).invert().unwrap_or(Fr::ZERO);
    }

    /// Packed tokens from tokens and flags.
    pub fn pack(&mut self) {
        let n = self.tokens.len();
        let e = n.div_ceil(8);
        let flag = |i: usize, t: usize| {
            if i == 0 {
                self.flags[1][t] - self.flags[0][t]
            } else {
                self.flags[0][t]
            }
        };
        self.packed = std::array::from_fn(|i| {
            let mut packed = vec![Fr::ZERO; n + e];
            for t in (0..n).rev() {
                packed[t] = self.tokens[t] * flag(i, t) + packed[t + e] * power_of_two(24);
            }
            packed.truncate(n);
            packed
        });
    }

    /// Writes everything; the digests, of the generated tokens first.
    pub fn write(&self, sheet: &mut Sheet, layout: &Sequence) -> Vec<Fr> {
        let n = self.tokens.len();
        let base = layout.base;
        for t in 0..n {
            sheet.set("aux", base + t, self.tokens[t]);
            for i in 0..2 {
                sheet.set("aux", base + (1 + i) * n + t, self.flags[i][t]);
                sheet.set("aux", base + (3 + i) * n + t, self.counts[i][t]);
            }
        }
        sheet.set("aux", base + 5 * n, self.inverse);
        let mut digests = vec![];
        for (i, chain) in layout.chains.iter().enumerate() {
            sheet.set("aux", chain.messages, self.headers[i]);
            for t in 0..n {
                sheet.set("aux", chain.messages + 1 + t, self.packed[i][t]);
            }
            let mut h = self.salts[i];
            for step in 0..layout.sponge.length {
                let message = if step == 0 {
                    self.headers[i]
                } else {
                    self.packed[i][step - 1]
                };
                h = self.permute(sheet, layout, (i, step), [Fr::ZERO, h, message]);
            }
            digests.push(h);
        }
        digests
    }

    fn permute(
        &self,
        sheet: &mut Sheet,
        layout: &Sequence,
        (chain, step): (usize, usize),
        mut state: [Fr; 3],
    ) -> Fr {
        let c = constants();
        let slip = |round, element, power| {
            let here = self.slip.is_some_and(|s| {
                (s.chain, s.step, s.round, s.element, s.power)
                    == (chain, step, round, element, power)
            });
            Fr::from(u64::from(here))
        };
        let plane = 3 * (ROUNDS + 1) * layout.sponge.width;
        for round in 0..=ROUNDS {
            let mut next = state;
            for j in 0..3 {
                let row = layout.sponge.row(chain, step, round, j);
                let x = state[j]
                    + c.rounds.get(round).map_or(Fr::ZERO, |r| r[j])
                    + slip(round, j, Power::One);
                sheet.set("sponge", row, x);
                state[j] = x;
                if round < ROUNDS {
                    let y = x.square() + slip(round, j, Power::Two);
                    let z = y.square() + slip(round, j, Power::Four);
                    sheet.set("sponge", row + plane, y);
                    sheet.set("sponge", row + 2 * plane, z);
                    next[j] = if j == 0 || !(4..61).contains(&round) {
                        z * x
                    } else {
                        x
                    };
                }
            }
            if round < ROUNDS {
                state = c
                    .matrix
                    .map(|row| row[0] * next[0] + row[1] * next[1] + row[2] * next[2]);
            }
        }
        state[0]
    }
}

/// A composed layer with a first phase to tamper with.
pub struct Case {
    pub layer: Layer,
    pub session: SequenceTrace,
    pub sheet: Sheet,
    /// Statement and digests.
    pub instances: Vec<Fr>,
    /// Whether the digests are those of prompt and generated tokens, or only of the latter.
    pub embed: bool,
}

impl Case {
    fn finish(layer: Layer, session: &SequenceTrace, columns: Vec<Vec<Fr>>) -> Self {
        let (input, output) = session.digests();
        let embed = layer.shape.kind == LayerKind::Embed;
        let digests = if embed {
            vec![input, output]
        } else {
            vec![output]
        };
        let instances = [vec![Fr::from(11), Fr::from(12)], digests].concat();
        let sheet = Sheet::new(&layer.program, columns);
        Case {
            layer,
            session: session.clone(),
            sheet,
            instances,
            embed,
        }
    }

    /// An embedding, with the output of the model's.
    pub fn embed(model: &QuantizedModel, session: &SequenceTrace) -> Self {
        let plan = Plan {
            k: 0,
            weights: 4,
            lanes: 5,
            limb: 8,
        };
        let layer = smallest(model, LayerKind::Embed, session.tokens.len(), plan);
        let vocab = model.arch.vocab as u32;
        let known: Vec<u32> = session.tokens.iter().map(|&t| t.min(vocab - 1)).collect();
        let out = nanozk_executor::trace::embed_trace(model, &known)
            .expect("in range")
            .out;
        let witness = layer
            .witness(LayerTrace::Embed(session, &out), || 0)
            .expect("in range");
        let weights = layer.weights(LayerWeights::of(model, LayerKind::Embed, 0));
        let columns = first_phase(&layer, weights, witness);
        Case::finish(layer, session, columns)
    }

    /// A head on a trace.
    pub fn head(
        model: &QuantizedModel,
        session: &SequenceTrace,
        trace: &nanozk_executor::HeadTrace,
    ) -> Self {
        let plan = Plan {
            k: 0,
            weights: 4,
            lanes: 5,
            limb: 8,
        };
        let layer = smallest(model, LayerKind::Head, session.tokens.len(), plan);
        let mut random = Random::new(3);
        let witness = layer
            .witness(LayerTrace::Head(session, trace), || random.next_u64())
            .expect("in range");
        let weights = layer.weights(LayerWeights::of(model, LayerKind::Head, 0));
        let columns = first_phase(&layer, weights, witness);
        Case::finish(layer, session, columns)
    }

    fn composer(&self) -> Composer {
        let s = &self.layer.shape;
        let lanes = if self.embed { 0 } else { s.plan.lanes };
        Composer::new(
            Plan { lanes, ..s.plan },
            s.tokens,
            !self.embed,
            self.embed,
            false,
            s.kind.instances(),
        )
    }

    /// Where the embedding's values lie.
    pub fn embed_layout(&self) -> Embed {
        let mut c = self.composer();
        let output = c.output.expect("an output");
        c.embed(&self.layer.shape.block, output).expect("it fits")
    }

    /// Where the head's values lie.
    pub fn head_layout(&self) -> Head {
        let mut c = self.composer();
        let input = c.input.expect("an input");
        c.head(&self.layer.shape.block, input).expect("it fits")
    }

    /// Writes forged tokens and digests, and makes the digests public.
    pub fn forge(&mut self, layout: &Sequence, forge: &Forge) {
        let mut digests = forge.write(&mut self.sheet, layout);
        digests.reverse();
        self.instances.truncate(2);
        self.instances.extend(digests);
    }

    /// Violated gates.
    pub fn violated(&self) -> Vec<String> {
        self.violated_with(&self.layer.program)
    }

    /// Violated gates if the second phase is that of another program with the same columns.
    pub fn violated_with(&self, program: &Program) -> Vec<String> {
        violated(program, &self.sheet.columns, &self.instances)
            .into_iter()
            .collect()
    }

    /// The program with steps put after all those that assign the named column.
    pub fn with_steps(&self, after: &str, steps: Vec<Step>) -> Program {
        let mut program = (*self.layer.program).clone();
        let last = program.steps.iter().rposition(|s| {
            let (Step::Assign { column, .. } | Step::Ratio { column, .. }) = s;
            program.info(*column).name == after
        });
        let at = last.expect("an assigned column") + 1;
        program.steps.splice(at..at, steps);
        program
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Column {
        Column(
            self.layer
                .program
                .columns
                .iter()
                .position(|c| c.name == name)
                .expect("a column") as u32,
        )
    }
}

/// Gates of tokens and digests, each with a forgery that violates nothing else.
pub fn sequence_attacks(session: &SequenceTrace, embed: bool) -> Vec<(&'static str, Forge)> {
    let honest = Forge::new(session);
    let n = session.tokens.len();
    assert!(
        n == 8 && session.prompt == 3 && session.generated == 4,
        "the flags below assume this"
    );
    let bump = |f: fn(&mut Forge)| {
        let mut forge = honest.clone();
        f(&mut forge);
        forge
    };
    let slip = |chain, step, round, element, power| {
        let mut forge = honest.clone();
        forge.slip = Some(Slip {
            chain,
            step,
            round,
            element,
            power,
        });
        forge
    };
    let mut attacks = vec![
        (
            "flag_bit",
            honest.clone().with_flags(&[1, 1, 1], &[1, 1, 1, 1, 1, 5]),
        ),
        (
            "flag_falls",
            honest.clone().with_flags(&[1, 1, 1], &[1, 1, 1, 0, 1, 1]),
        ),
        ("flag_order", honest.clone().with_flags(&[1, 1, 1], &[1, 1])),
        ("prompt_some", honest.clone().with_flags(&[], &[1])),
        (
            "generated_some",
            honest.clone().with_flags(&[1, 1, 1], &[1, 1, 1]),
        ),
        (
            "count_first",
            bump(|f| {
                f.counts[0].iter_mut().for_each(|s| *s -= Fr::ONE);
                f.head()
            }),
        ),
        (
            "count_next",
            bump(|f| {
                f.counts[1].iter_mut().skip(2).for_each(|s| *s += Fr::ONE);
                f.head()
            }),
        ),
        (
            "header_output",
            bump(|f| f.headers[0] += power_of_two(64) - power_of_two(96)),
        ),
        ("pack_output", bump(|f| f.packed[0][0] += Fr::ONE)),
        ("poseidon_square", slip(0, 1, 2, 1, Power::Two)),
        ("poseidon_fourth", slip(0, 0, 30, 0, Power::Four)),
        ("poseidon_round_0", slip(0, 1, ROUNDS, 0, Power::One)),
        ("poseidon_round_1", slip(0, 1, 5, 1, Power::One)),
        ("poseidon_round_2", slip(0, 0, 63, 2, Power::One)),
        ("poseidon_first", slip(0, 1, 0, 0, Power::One)),
        ("poseidon_chain", slip(0, 1, 0, 1, Power::One)),
        ("poseidon_message_output", slip(0, 1, 0, 2, Power::One)),
    ];
    if embed {
        attacks.extend([
            ("header_input", bump(|f| f.headers[1] -= power_of_two(64))),
            ("pack_input", bump(|f| f.packed[1][0] += power_of_two(24))),
            ("poseidon_message_input", slip(1, 0, 0, 2, Power::One)),
        ]);
    }
    attacks
}
