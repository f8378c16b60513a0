//! Rotary position embeddings: the angles of positions, and the ways in which models for longer texts scale them.

use nanozk_executor::Rotation;
use nanozk_executor::spec::ROTATION_FRAC;
use serde_json::Value;

use super::{number, refuse, refuse_all};
use crate::error::{Error, Result};

/// How frequencies differ from those of the paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// They do not.
    None,
    /// All are divided by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Low ones are divided by a factor, high ones are not, and those between somewhat.
    Llama3 {
        /// The factor.
        factor: f64,
        /// Turns within the original context below which a frequency is low.
        low: f64,
        /// Turns above which it is high.
        high: f64,
        /// Positions of the original context.
        original: f64,
    },
    /// The same with a linear ramp over pairs; and scores grow.
    Yarn {
        /// The factor.
        factor: f64,
        /// Turns above which a frequency stays.
        fast: f64,
        /// Turns below which it is divided.
        slow: f64,
        /// Positions of the original context.
        original: f64,
        /// What queries and keys are multiplied by.
        attention: f64,
        /// Whether the ramp begins and ends at whole pairs.
        truncate: bool,
    },
}

/// Frequencies of rotations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// Base of the frequencies.
    pub theta: f64,
    /// How they are scaled.
    pub scaling: Scaling,
}

/// A scaling with its newer name, and without the base of the frequencies, which older versions have elsewhere.
fn without_theta(parameters: &Value) -> Value {
    let mut parameters = parameters.clone();
    if let Some(all) = parameters.as_object_mut() {
        all.remove("rope_theta");
        if let Some(kind) = all.remove("type") {
            all.entry("rope_type").or_insert(kind);
        }
        if all.get("rope_type").is_some_and(|kind| kind == "default") {
            all.remove("rope_type");
        }
    }
    parameters
}

impl Rope {
    /// What `config.json` says, in the way of newer or of older versions of transformers. `context` are the positions it has.
    pub(super) fn from_json(json: &Value, context: usize) -> Result<Self> {
        const MOST: f64 = 1e12;
        let own = json.get("rope_parameters").filter(|v| !v.is_null());
        let old = json.get("rope_scaling").filter(|v| !v.is_null());
        if let (Some(own), Some(old)) = (own, old) {
            // transformers takes one or the other, by its version.
            if without_theta(own) != without_theta(old) {
                let expected = "absent, or what rope_parameters says: two scalings are given";
                return Err(refuse("rope_scaling", expected, old));
            }
        }
        let parameters = own.or(old).cloned().unwrap_or(Value::Null);
        let theta =
            |of: &Value, default| number(of, "rope_theta", default, MOST, "a number above 0");
        let theta = theta(&parameters, theta(json, 10_000.0)?)?;
        for json in [json, &parameters] {
            match json.get("partial_rotary_factor") {
                None | Some(Value::Null) => {}
                Some(v) if v.as_f64() == Some(1.0) => {}
                Some(v) => {
                    let expected = "1: all features of a head are rotated";
                    return Err(refuse("partial_rotary_factor", expected, v));
                }
            }
        }
        // Lists of factors are those of LongRoPE; the other options, of DeepSeek.
        refuse_all(
            &parameters,
            &[
                ("short_factor", "absent: LongRoPE is not implemented"),
                ("long_factor", "absent: LongRoPE is not implemented"),
                ("mscale", "absent: scores grow as `attention_factor` says"),
                (
                    "mscale_all_dim",
                    "absent: scores grow as `attention_factor` says",
                ),
                ("full_attention", "absent: all layers have one rotation"),
                ("sliding_attention", "absent: all layers have one rotation"),
            ],
        )?;
        let kind = parameters
            .get("rope_type")
            .or_else(|| parameters.get("type"))
            .filter(|v| !v.is_null());
        let of = |option: &'static str, default: Option<f64>| -> Result<f64> {
            if let (None, None) = (parameters.get(option).filter(|v| !v.is_null()), default) {
                return Err(Error::MissingOption { option });
            }
            number(
                &parameters,
                option,
                default.unwrap_or(1.0),
                MOST,
                "a number above 0",
            )
        };
        let original = || of("original_max_position_embeddings", Some(context as f64));
        let scaling = match kind.map(|v| (v, v.as_str())) {
            None | Some((_, Some("default"))) => Scaling::None,
            Some((_, Some("linear"))) => Scaling::Linear {
                factor: of("factor", None)?,
            },
            Some((_, Some("llama3"))) => Scaling::Llama3 {
                factor: of("factor", None)?,
                low: of("low_freq_factor", None)?,
                high: of("high_freq_factor", None)?,
                original: of("original_max_position_embeddings", None)?,
            },
            Some((_, Some("yarn"))) => {
                let factor = of("factor", None)?;
                let attention = 0.1 * factor.max(1.0).ln() + 1.0;
                Scaling::Yarn {
                    factor,
                    fast: of("beta_fast", Some(32.0))?,
                    slow: of("beta_slow", Some(1.0))?,
                    original: original()?,
                    attention: of("attention_factor", Some(attention))?,
                    truncate: super::flag(&parameters, "truncate", true)?,
                }
            }
            Some((value, _)) => {
                return Err(refuse(
                    "rope_type",
                    "default, linear, llama3 or yarn (others depend on the length of a text, or are not implemented)",
                    value,
                ));
            }
        };
        Ok(Self { theta, scaling })
    }

    /// What queries and keys are multiplied by beside being rotated.
    pub fn attention_factor(&self) -> f64 {
        match self.scaling {
            Scaling::Yarn { attention, .. } => attention,
            _ => 1.0,
        }
    }

    /// The angle by which each pair of features is rotated from one position to the next.
    pub fn frequencies(&self, pairs: usize) -> Vec<f64> {
        use std::f64::consts::TAU;
        let width = 2.0 * pairs as f64;
        let plain = (0..pairs).map(|i| self.theta.powf(-2.0 * i as f64 / width));
        match self.scaling {
            Scaling::None => plain.collect(),
            Scaling::Linear { factor } => plain.map(|f| f / factor).collect(),
            Scaling::Llama3 {
                factor,
                low,
                high,
                original,
            } => plain
                .map(|f| {
                    let turns = original * f / TAU;
                    if turns < low {
                        f / factor
                    } else if turns > high {
                        f
                    } else {
                        let smooth = (turns - low) / (high - low);
                        (1.0 - smooth) * f / factor + smooth * f
                    }
                })
                .collect(),
            Scaling::Yarn {
                factor,
                fast,
                slow,
                original,
                truncate,
                ..
            } => {
                // The pair that makes so many turns in the original context.
                let pair =
                    |turns: f64| width * (original / (turns * TAU)).ln() / (2.0 * self.theta.ln());
                let (mut first, mut last) = (pair(fast), pair(slow));
                if truncate {
                    (first, last) = (first.floor(), last.ceil());
                }
                let (first, mut last) = (first.max(0.0), last.min(width - 1.0));
                if first == last {
                    last += 0.001;
                }
                let ramp = |i: usize| ((i as f64 - first) / (last - first)).clamp(0.0, 1.0);
                plain
                    .enumerate()
                    .map(|(i, f)| f / factor * ramp(i) + f * (1.0 - ramp(i)))
                    .collect()
            }
        }
    }

    /// The angles of positions from the first on, pair by pair.
    pub(crate) fn angles(&self, pairs: usize, positions: usize) -> Vec<f64> {
        let frequencies = self.frequencies(pairs);
        let of = |t: usize| frequencies.iter().map(move |f| t as f64 * f);
        (0..positions).flat_map(of).collect()
    }

    /// Cosines and sines of all positions, as integers.
    pub(super) fn table(&self, pairs: usize, context: usize) -> Rotation {
        let one = f64::from(1_u32 << ROTATION_FRAC);
        let integer = |x: f64| (x * one).round() as i64;
        let angles = self.angles(pairs, context).into_iter();
        let turned = angles.map(|angle| (integer(angle.cos()), integer(angle.sin())));
        let (cos, sin) = turned.unzip();
        Rotation { cos, sin }
    }
}
