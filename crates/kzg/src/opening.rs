//! Opening of a multilinear polynomial whose values on the cube are the coefficients under a commitment: Mercury (Eagen,
//! Gabizon, 2025/385), for rectangles too, and with coefficients beyond the cube.
//!
//! `f` has `N = 2^k` values on the cube, and the commitment is to `f(X) = Σ f_i·X^i`, which may go on after `X^(N-1)`. The
//! claim is `Σ_(i<N) f_i·eq(u, i) = v`. Cut into rows of `b = 2^⌈k/2⌉` coefficients, `f(X) = Σ_j X^(b·j)·f_j(X)`, and `u`
//! into `u_1` for the place in the row and `u_2` for the row. `P_u(X) = Σ_t eq(u, t)·X^t`, a product of `k` factors.
//!
//! | prover sends | it is | drawn then |
//! |---|---|---|
//! | `h` | `h_j = f_j` at `u_1`, one for each row | `α` |
//! | `q`, `g` | `f = (X^b - α)·q + g`, with `g` of degree below `b` | `γ` |
//! | `s`, `d` | the symmetric part of the inner products, see below; `d(X) = X^(b-1)·g(1/X)` | `ζ` |
//! | `g`, `h` at `ζ` and `1/ζ`, `h` at `α`, `s` at `ζ` | | |
//! | `l` | `(f - (ζ^b - α)·q - g(ζ))/(X - ζ)` | `β` |
//! | `m` | `Σ β^i·(p_i - r_i)/Z_i`, for `p = g, h, s, d`, where `r_i` takes the values on the points that `Z_i` has as roots | `z` |
//! | `w` | `(Σ β^i·(p_i - r_i(z))/Z_i(z) - m)/(X - z)` | `κ` |
//!
//! The verifier derives the value of `s` at `1/ζ` from
//! `g(X)·P_1(1/X) + g(1/X)·P_1(X) + γ·(h(X)·P_2(1/X) + h(1/X)·P_2(X)) = 2·(h(α) + γ·v) + X·s(X) + s(1/X)/X`
//! at `ζ`, and that of `d` at `ζ` from its definition. `κ` joins the two equations between commitments to one.
//!
//! Why this is sound is in `docs/opening.md`.

mod polynomial;
mod prove;
mod verify;

pub use prove::{hiding_coefficients, open};
pub use verify::{reduce, verify};

#[doc(hidden)]
pub use prove::open_by_stages;

use halo2curves::bn256::{Fr, G1Affine};
use nanozk_transcript::encoding::{
    WORD, check_point, point_compressed, point_decompressed, scalar_from_bytes, scalar_to_bytes,
};
use nanozk_transcript::{Malformed, Transcript};
use std::marker::PhantomData;

/// Points of a proof.
pub const POINTS: usize = 8;
/// Values of a proof.
pub const VALUES: usize = 6;
/// Bytes of a proof.
pub const PROOF_BYTES: usize = (POINTS + VALUES) * WORD;
/// Most variables of a polynomial: there are no setups for more.
pub const MAX_VARIABLES: usize = 28;

/// Powers of a setup's secret in the first group that anybody knows, at most: files of Perpetual Powers of Tau have `2^29 - 1`
/// of them, twice as many as the `2^28` after which they are called.
const KNOWN_POWERS: u128 = 1 << 29;

/// By chance a false opening of a polynomial of `k` variables is accepted with a probability of at most this over the order of
/// the field: the sum of the steps in `docs/opening.md`, `κ` 1, `z` and `β` `D + 6`, `ζ` `2·D + 2·b + 2`, `γ` 1, `α` `D`.
pub fn error_numerator(k: u32) -> u128 {
    let powers = KNOWN_POWERS.max((1 << k) + hiding_coefficients(k as usize) as u128);
    4 * powers + (2 << k.div_ceil(2)) + 10
}

/// A proof that a polynomial has a value at a point. Names are those of the table above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<F = Fr, P = G1Affine> {
    /// Commitment to the values of rows.
    pub h: P,
    /// Commitment to the quotient by `X^b - α`.
    pub q: P,
    /// Commitment to the remainder.
    pub g: P,
    /// Commitment to the symmetric part.
    pub s: P,
    /// Commitment to the remainder with its coefficients in reverse.
    pub d: P,
    /// Commitment to the quotient by `X - ζ`.
    pub l: P,
    /// Commitment to the quotients of the small polynomials.
    pub m: P,
    /// Commitment to the quotient by `X - z`.
    pub w: P,
    /// Values of the small polynomials.
    pub values: Values<F>,
}

/// Values that a proof has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Values<F = Fr> {
    /// `g(ζ)`.
    pub g: F,
    /// `g(1/ζ)`.
    pub g_inverse: F,
    /// `h(ζ)`.
    pub h: F,
    /// `h(1/ζ)`.
    pub h_inverse: F,
    /// `h(α)`.
    pub h_alpha: F,
    /// `s(ζ)`.
    pub s: F,
}

impl<F: Copy> Values<F> {
    /// The values, in the order in which they are absorbed.
    pub fn all(&self) -> [F; VALUES] {
        let Self {
            g,
            g_inverse,
            h,
            h_inverse,
            h_alpha,
            s,
        } = *self;
        [g, g_inverse, h, h_inverse, h_alpha, s]
    }
}

impl<F: Copy, P: Copy> Opening<F, P> {
    /// The points, in the order in which they are absorbed.
    pub fn points(&self) -> [P; POINTS] {
        let Self {
            h,
            q,
            g,
            s,
            d,
            l,
            m,
            w,
            values: _,
        } = *self;
        [h, q, g, s, d, l, m, w]
    }

    /// A proof of points and values in the order in which they are absorbed. Nothing is checked.
    pub fn new(points: [P; POINTS], values: [F; VALUES]) -> Self {
        let [h, q, g, s, d, l, m, w] = points;
        let [g_at, g_inverse, h_at, h_inverse, h_alpha, s_at] = values;
        let values = Values {
            g: g_at,
            g_inverse,
            h: h_at,
            h_inverse,
            h_alpha,
            s: s_at,
        };
        Self {
            h,
            q,
            g,
            s,
            d,
            l,
            m,
            w,
            values,
        }
    }
}

impl Opening {
    /// Compressed points, then values, in the order in which they are absorbed.
    pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
        let mut bytes = [0; PROOF_BYTES];
        let points = self.points().map(|p| point_compressed(&p));
        let values = self.values.all().map(|v| scalar_to_bytes(&v));
        let words = points.iter().chain(&values);
        for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *to = *word;
        }
        bytes
    }

    /// The proof of which these are [`Opening::to_bytes`]: no other bytes are accepted for it.
    pub fn from_bytes(bytes: &[u8; PROOF_BYTES]) -> Result<Self, Malformed> {
        let mut words = bytes.as_chunks().0.iter();
        let mut points = [G1Affine::default(); POINTS];
        let mut values = [Fr::zero(); VALUES];
        for (to, word) in points.iter_mut().zip(words.by_ref().take(POINTS)) {
            *to = point_decompressed(word)?;
        }
        for (to, word) in values.iter_mut().zip(words) {
            *to = scalar_from_bytes(word)?;
        }
        Ok(Self::new(points, values))
    }
}

/// Why there is no opening, or it is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpeningError {
    /// Number of coordinates of the point.
    #[error("a polynomial of {got} variables, where it should be from 2 to {MAX_VARIABLES}")]
    Variables {
        /// Given.
        got: usize,
    },
    /// A polynomial has fewer coefficients than the cube has corners.
    #[error("{got} coefficients of a polynomial that has {expected}")]
    Coefficients {
        /// Of the cube.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// The setup is too small for the polynomial.
    #[error("{got} powers of a setup where {expected} are needed")]
    Powers {
        /// Coefficients of the polynomial.
        expected: usize,
        /// Of the setup.
        got: usize,
    },
    /// A point of the proof. An honest proof has none at infinity if the polynomial has random coefficients.
    #[error("point {index} of the opening: {reason}")]
    Point {
        /// Which, in the order in which they are absorbed.
        index: usize,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// A point of the commitment is not on the curve.
    #[error("point {index} of the commitment is not on the curve")]
    Commitment {
        /// Which.
        index: usize,
    },
    /// Points of evaluation coincide, which chance does once in `2^250` times.
    #[error("challenges coincide")]
    Challenges,
}

/// The sizes of a polynomial cut into rows.
#[derive(Clone, Copy, Debug)]
struct Shape {
    variables: usize,
    /// Variables of the place in a row.
    row_variables: usize,
}

impl Shape {
    fn new<F>(point: &[F]) -> Result<Self, OpeningError> {
        let variables = point.len();
        if !(2..=MAX_VARIABLES).contains(&variables) {
            return Err(OpeningError::Variables { got: variables });
        }
        Ok(Self {
            variables,
            row_variables: variables.div_ceil(2),
        })
    }

    fn size(&self) -> usize {
        1 << self.variables
    }

    /// Coefficients of a row.
    fn row(&self) -> usize {
        1 << self.row_variables
    }

    /// The coordinates of the place in a row, and those of the row.
    fn split<'a, F>(&self, point: &'a [F]) -> (&'a [F], &'a [F]) {
        point
            .split_at_checked(self.row_variables)
            .unwrap_or_default()
    }
}

/// A point that a proof may have.
fn check(index: usize, point: &G1Affine) -> Result<(), OpeningError> {
    check_point(point).map_err(|reason| OpeningError::Point { index, reason })
}

/// What prover and verifier absorb, in this order, and the challenges that they draw.
struct Rounds<'a, T, F = Fr, P = G1Affine> {
    transcript: &'a mut T,
    points: usize,
    elements: PhantomData<(F, P)>,
}

impl<'a, F, P, T: Transcript<F, P>> Rounds<'a, T, F, P> {
    /// Absorbs the claim.
    fn new(transcript: &'a mut T, point: &[F], value: &F) -> Self {
        for coordinate in point {
            transcript.absorb_scalar(coordinate);
        }
        transcript.absorb_scalar(value);
        Self {
            transcript,
            points: 0,
            elements: PhantomData,
        }
    }

    fn point(&mut self, point: &P) -> Result<(), OpeningError> {
        let index = self.points;
        self.points += 1;
        self.transcript
            .absorb_point(point)
            .map_err(|reason| OpeningError::Point { index, reason })
    }

    fn scalar(&mut self, scalar: &F) {
        self.transcript.absorb_scalar(scalar);
    }

    fn challenge(&mut self) -> F {
        self.transcript.squeeze()
    }
}

#[cfg(test)]
mod tests;
