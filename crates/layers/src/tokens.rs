//! The tokens of a session: which are prompt, which are generated, and their digests.
//!
//! A token is in one-hot chunks, digits of its number with as many bits each as the digit has values. They choose a row of
//! a matrix ([`Choice::bits`]), and compare tokens. All other choices are one-hot too: of the last position of the prompt,
//! and of the last generated one. A flag such as "is prompt" is then linear in a choice, by the comparison of positions,
//! and nothing need be said of counts but that they are the public ones.
//!
//! | public input | |
//! |---|---|
//! | 0, 1 | words of the statement; no identity has them, the transcript does |
//! | 2 | digest of the prompt |
//! | 3 | digest of the generated tokens |
//! | 4 | number of prompt tokens |
//! | 5 | number of generated tokens |
//!
//! What is hashed, and how tokens are packed, is in `docs/format.md`.

use crate::gadgets::{Number, OneHot};
use crate::poseidon::Chains;
use crate::shape::{Axes, Shape};
use halo2curves::bn256::Fr;
use nanozk_circuit::{
    AxisId, Expression, OutOfRange, Program, Public, Role, TensorId, Values, Virtual,
};
use nanozk_executor::model::MAX_VOCAB;
use nanozk_poseidon::{TOKEN_BITS, message_count, sequence_digests, sequence_messages};

/// Public input: digest of the prompt.
pub const PROMPT_DIGEST: usize = 2;
/// Public input: digest of the generated tokens.
pub const OUTPUT_DIGEST: usize = 3;
/// Public input: number of prompt tokens.
pub const PROMPT_TOKENS: usize = 4;
/// Public input: number of generated tokens.
pub const GENERATED_TOKENS: usize = 5;

/// Number of public inputs.
pub const INPUTS: usize = 6;

/// Tokens of a larger vocabulary would be packed as others are.
const _: () = assert!(MAX_VOCAB <= 1 << TOKEN_BITS);

/// A session's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Tokens of all positions: prompt, generated ones, padding.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Generated tokens.
    pub generated: usize,
    /// Salt of the prompt's digest.
    pub prompt_salt: Fr,
    /// Salt of the generated tokens' digest.
    pub output_salt: Fr,
}

impl Sequence {
    /// Salt and messages of the digest of the prompt, then of that of the generated tokens.
    fn chains(&self) -> [(Fr, Vec<Fr>); 2] {
        let [prompt, output] = sequence_messages(&self.tokens, self.prompt, self.generated);
        [(self.prompt_salt, prompt), (self.output_salt, output)]
    }

    /// The digests of the prompt and of the generated tokens.
    pub fn digests(&self) -> [Fr; 2] {
        let salts = [self.prompt_salt, self.output_salt];
        sequence_digests(&self.tokens, self.prompt, self.generated, salts)
    }

    /// Public inputs, with the words of a statement.
    pub fn public_inputs(&self, statement: [Fr; 2]) -> Vec<Fr> {
        let counts = [self.prompt, self.generated].map(|count| Fr::from(count as u64));
        [statement, self.digests(), counts].concat()
    }

    /// The position at which a generated token was chosen. Beyond the last one that is the first one's again.
    pub fn source(&self, generated: usize) -> usize {
        match generated < self.generated {
            true => self.prompt - 1 + generated,
            false => self.prompt - 1,
        }
    }
}

/// A public input.
pub(crate) fn input(p: &mut Program, name: &str, number: usize) -> Expression {
    p.public(name, &[], Public::Input(number))
}

/// The number of prompt tokens.
pub(crate) fn prompt_tokens(p: &mut Program) -> Expression {
    input(p, "prompt tokens", PROMPT_TOKENS)
}

/// The number of generated tokens.
pub(crate) fn generated_tokens(p: &mut Program) -> Expression {
    input(p, "generated tokens", GENERATED_TOKENS)
}

/// A vocabulary, whose index has three digits: `token = (high·m + middle)·l + low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// Tokens.
    pub len: usize,
    /// Axes of the digits, the highest first.
    pub axes: [AxisId; 3],
    /// Other axes of the same shapes.
    others: [AxisId; 3],
    /// Values of the lower two digits.
    sizes: [usize; 2],
}

/// Bits of a lower digit, at most.
const DIGIT_BITS: u32 = 5;

impl Vocabulary {
    /// Declares the axes of a vocabulary's digits. The lower two have one tile of `2^8` cells together; only the highest
    /// has a length that is no power of two, so that the whole has less than `2^10` numbers that are no tokens.
    pub fn new(p: &mut Program, len: usize) -> Self {
        let bits = usize::BITS - (len - 1).leading_zeros();
        let digit = bits.div_ceil(3).clamp(1, DIGIT_BITS);
        let size = 1_usize << digit;
        let mut axis = |name: &str, len: usize, tile_bits: u32| {
            let one = p.new_tiled_axis(name, len, tile_bits);
            let other = p.new_tiled_axis(&format!("other {name}"), len, tile_bits);
            (one, other)
        };
        let (high, other_high) = axis("token high", len.div_ceil(size * size), 0);
        let (middle, other_middle) = axis("token middle", size, digit.min(8 - DIGIT_BITS));
        let (low, other_low) = axis("token low", size, digit);
        Self {
            len,
            axes: [high, middle, low],
            others: [other_high, other_middle, other_low],
            sizes: [size, size],
        }
    }

    /// A token's digits.
    pub fn digits(&self, token: usize) -> [usize; 3] {
        let [middle, low] = self.sizes;
        [token / (middle * low), token / low % middle, token % low]
    }

    /// The number of digits, which may be no token.
    pub fn number(&self, digits: &[usize]) -> usize {
        let sizes = [1, self.sizes[0], self.sizes[1]];
        digits
            .iter()
            .zip(sizes)
            .fold(0, |number, (digit, size)| number * size + digit)
    }

    /// 1 for numbers that are tokens.
    pub fn tokens(&self, p: &mut Program) -> Expression {
        p.public("is a token", &self.axes, Public::Below(self.len))
    }
}

/// A token for each index of an axis, in one-hot digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// 1 where a number of the vocabulary is the token: axes of digits, then that of the choices. It is not committed.
    pub bits: TensorId,
    digits: [OneHot; 3],
    vocabulary: Vocabulary,
    row: AxisId,
}

impl Choice {
    /// Declares tokens.
    pub fn new(p: &mut Program, name: &str, vocabulary: &Vocabulary, row: AxisId) -> Self {
        let [h, m, l] = vocabulary.axes;
        let digits = [("high", h), ("middle", m), ("low", l)]
            .map(|(digit, axis)| OneHot::new(p, &format!("{name} {digit}"), axis, &[row]));
        let [high, middle, low] = digits.map(|digit| p.use_of(digit.bits));
        let expression = high * middle * low;
        let role = Role::Virtual(Virtual { expression });
        Self {
            bits: p.new_tensor(name, &[h, m, l, row], role),
            digits,
            vocabulary: *vocabulary,
            row,
        }
    }

    /// The token's number.
    pub fn number(&self, p: &mut Program) -> Expression {
        let [middle, low] = self.vocabulary.sizes;
        let weights = [middle * low, low, 1];
        self.digits
            .iter()
            .zip(weights)
            .fold(Expression::default(), |sum, (digit, weight)| {
                sum + digit.index(p) * weight as i128
            })
    }

    /// 1 for numbers of the vocabulary that are below the token: the first digit that differs decides.
    pub fn above(&self, p: &mut Program) -> Expression {
        let mut equal_so_far: Option<Expression> = None;
        let mut sum = Expression::default();
        for (i, digit) in self.digits.iter().enumerate() {
            let (axis, other) = (self.vocabulary.axes[i], self.vocabulary.others[i]);
            let name = format!("{} is less", p.axis(axis).name);
            let less = p.public(&name, &[axis, other], Public::Less);
            let below = less * p.use_at(digit.bits, &[other, self.row]);
            let equal = p.use_of(digit.bits);
            let (decided, equal) = match equal_so_far {
                Some(prefix) => (prefix.clone() * below, prefix * equal),
                None => (below, equal),
            };
            sum = sum + decided;
            equal_so_far = Some(equal);
        }
        sum
    }

    /// Sets the tokens.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        token: impl Fn(usize) -> usize,
    ) -> Result<(), OutOfRange> {
        for (i, digit) in self.digits.iter().enumerate() {
            digit.fill(values, |at| self.vocabulary.digits(token(at[0]))[i])?;
        }
        Ok(())
    }
}

/// Which digests a program states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digests {
    /// That of the prompt and that of the generated tokens, as the embedding does.
    Both,
    /// That of the generated tokens, as the head does by itself.
    Output,
}

/// Tokens of all positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The vocabulary.
    pub vocabulary: Vocabulary,
    /// The tokens.
    pub choice: Choice,
    /// `vocabulary − 1 − token`: the token is in the vocabulary.
    room: Number,
    prompt_end: OneHot,
    end: OneHot,
    /// Whether a digest keeps a position's token.
    kept: TensorId,
    chains: Chains,
    digests: Digests,
}

impl Tokens {
    /// Declares the tokens of a session and their digests.
    pub fn new(p: &mut Program, shape: &Shape, axes: &Axes, digests: Digests) -> Self {
        let Axes {
            position, source, ..
        } = *axes;
        let vocabulary = Vocabulary::new(p, shape.architecture.vocab);
        let last = vocabulary.len as i128 - 1;
        let choice = Choice::new(p, "token", &vocabulary, position);
        let bits = i128::BITS - last.leading_zeros();
        let room = Number::unsigned(p, "token room", &[position], bits.max(1));
        let token = choice.number(p);
        let sum = token + room.value(p) - last;
        p.zero("a token is in the vocabulary", &[position], sum);
        let token = -room.value(p) + last;

        // The last positions of the prompt and of the generated tokens.
        let prompt_end = OneHot::new(p, "prompt end", position, &[]);
        let end = OneHot::new(p, "sequence end", position, &[]);
        let (prompt, generated) = (prompt_tokens(p), generated_tokens(p));
        let count = prompt_end.index(p) + 1 - prompt.clone();
        p.zero("the prompt has its length", &[], count);
        let count = end.index(p) + 1 - prompt.clone() - generated.clone();
        p.zero("the sequence has its length", &[], count);

        // A digest keeps the tokens of the prompt, the other those up to the end that are no prompt.
        let inputs = [
            ("prompt digest", PROMPT_DIGEST),
            ("output digest", OUTPUT_DIGEST),
        ];
        let numbers: &[usize] = match digests {
            Digests::Both => &[0, 1],
            Digests::Output => &[1],
        };
        let chain = p.new_tiled_axis("digest", numbers.len(), 0);
        let is: Vec<(usize, Expression)> = numbers
            .iter()
            .map(|number| {
                let cells = numbers.iter().map(|n| Fr::from(u64::from(n == number)));
                let cells = Public::Cells(cells.collect());
                let name = format!("is the {}", inputs[*number].0);
                (*number, p.public(&name, &[chain], cells))
            })
            .collect();
        let bit = p.range(1);
        let kept = p.new_tensor("kept", &[chain, position], Role::Limb { range: bit });
        let after = p.public("is after", &[source, position], Public::Less);
        let beyond = |one_hot: &OneHot| after.clone() * p.use_at(one_hot.bits, &[source]);
        let (beyond_prompt, beyond_end) = (beyond(&prompt_end), beyond(&end));
        let mut expected = Expression::default();
        let mut digest = Expression::default();
        let mut header = Expression::default();
        let n = (shape.positions as i128) << 32;
        let counts = prompt * (1 << 64);
        for (number, is) in is {
            let (kept, counts) = match number {
                0 => (-beyond_prompt.clone() + 1, counts.clone() + 1),
                _ => (
                    beyond_prompt.clone() - beyond_end.clone(),
                    counts.clone() + generated.clone() * (1 << 96) + 2,
                ),
            };
            expected = expected + is.clone() * kept;
            header = header + is.clone() * (counts + n);
            let (name, input_number) = inputs[number];
            digest = digest + is * input(p, name, input_number);
        }
        let kept_ = p.use_of(kept);
        p.zero(
            "a digest keeps its own tokens",
            &[chain, position],
            expected - kept_.clone(),
        );

        // The header, then every `groups`-th token in one number.
        let groups = message_count(shape.positions);
        let group_bits = groups.trailing_zeros();
        let message = p.new_tiled_axis("message", 1 + groups, 0);
        let digits = Public::Digits {
            bits: TOKEN_BITS,
            group_bits,
        };
        let packed = p.public("packed", &[message, position], digits) * kept_ * token;
        let is_header = p.public("is the header", &[message], Public::Below(1));
        let messages = is_header * header + packed;
        let chains = Chains::new(p, chain, message, messages, digest);
        Self {
            vocabulary,
            choice,
            room,
            prompt_end,
            end,
            kept,
            chains,
            digests,
        }
    }

    /// A position's token, along an axis of positions.
    pub(crate) fn number_at(&self, p: &Program, position: AxisId) -> Expression {
        -self.room.value_at(p, &[position]) + (self.vocabulary.len as i128 - 1)
    }

    /// Sets all values.
    pub fn fill(&self, values: &mut Values<'_>, sequence: &Sequence) -> Result<(), OutOfRange> {
        let token = |t: usize| sequence.tokens[t] as usize;
        let end = sequence.prompt + sequence.generated;
        self.choice.fill(values, token)?;
        let last = self.vocabulary.len as i128 - 1;
        self.room.fill(values, |at| last - token(at[0]) as i128)?;
        self.prompt_end.fill(values, |_| sequence.prompt - 1)?;
        self.end.fill(values, |_| end - 1)?;
        let [prompt, output] = sequence.chains();
        let (ranges, chains) = match self.digests {
            Digests::Both => (
                vec![0..sequence.prompt, sequence.prompt..end],
                vec![prompt, output],
            ),
            Digests::Output => (
                std::iter::once(sequence.prompt..end).collect(),
                vec![output],
            ),
        };
        values.fill(self.kept, |at| i128::from(ranges[at[0]].contains(&at[1])))?;
        self.chains.fill(values, &chains);
        Ok(())
    }
}
