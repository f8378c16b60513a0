//! What quantization does to each operation.

use std::fmt::{self, Write as _};

use crate::error::Error;
use nanozk_executor::spec::RESIDUAL_FRAC;
use serde::{Deserialize, Serialize};

/// An operation of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// The embedding.
    Embedding,
    /// Normalization before attention, without gain and bias.
    Norm1,
    /// Query, with `1/sqrt(head width)`; without it if queries are normalized.
    Query,
    /// Key.
    Key,
    /// Value.
    Value,
    /// Query, normalized, without gain.
    NormedQuery,
    /// Key, normalized, without gain.
    NormedKey,
    /// Query, rotated by its position.
    RotatedQuery,
    /// Key, rotated by its position.
    RotatedKey,
    /// Query times key, at unmasked positions.
    Score,
    /// Attention probability, at unmasked positions.
    Probability,
    /// Probabilities times values.
    Context,
    /// Attention output projection.
    AttentionOut,
    /// Normalization before the MLP, without gain and bias.
    Norm2,
    /// First MLP matrix.
    PreActivation,
    /// Non-linearity of the MLP.
    Activation,
    /// What activations are multiplied by.
    Gate,
    /// Activations times that.
    Gated,
    /// Last MLP matrix.
    MlpOut,
    /// Residual stream after a block.
    Residual,
    /// Normalization before the head, without gain and bias.
    FinalNorm,
    /// Vocabulary projection.
    Logit,
}

impl Op {
    fn label(self) -> &'static str {
        match self {
            Op::Embedding => "embedding",
            Op::Norm1 => "norm1 out",
            Op::Query => "q",
            Op::Key => "k",
            Op::Value => "v",
            Op::NormedQuery => "normed q",
            Op::NormedKey => "normed k",
            Op::RotatedQuery => "rotated q",
            Op::RotatedKey => "rotated k",
            Op::Score => "score",
            Op::Probability => "probability",
            Op::Context => "attn context",
            Op::AttentionOut => "attn out",
            Op::Norm2 => "norm2 out",
            Op::PreActivation => "mlp pre-act",
            Op::Activation => "activation",
            Op::Gate => "gate",
            Op::Gated => "gated",
            Op::MlpOut => "mlp out",
            Op::Residual => "residual",
            Op::FinalNorm => "final norm out",
            Op::Logit => "logit",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// One operation of one layer on the calibration windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpReport {
    /// Block, or none for embedding and head.
    pub layer: Option<usize>,
    /// Operation.
    pub op: Op,
    /// Least float value observed.
    pub min: f64,
    /// Greatest float value observed.
    pub max: f64,
    /// Standard deviation of the float values.
    pub std: f64,
    /// Least value the integer format represents (of the head with least headroom).
    pub representable_min: f64,
    /// Greatest value the integer format represents (of the head with least headroom).
    pub representable_max: f64,
    /// Bits of the integer format.
    pub bits: u32,
    /// Bits the observed integers need.
    pub bits_used: u32,
    /// Representable over observed magnitude; above 1 everything fits.
    pub headroom: f64,
    /// Whether it is known that no text leaves the range.
    #[serde(default)]
    pub safe: bool,
    /// Float values outside the representable range.
    pub clipped: u64,
    /// Value of one integer step (the coarsest head).
    pub resolution: f64,
    /// Root mean square of integer minus float, errors of earlier operations included.
    pub error_rms: f64,
    /// Greatest magnitude of integer minus float.
    pub error_max: f64,
    /// `error_rms` over `std`.
    pub error_relative: f64,
}

/// An operation that left its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overflow {
    /// Block, or none for embedding and head.
    pub layer: Option<usize>,
    /// Operation, as the executor calls it.
    pub operation: String,
    /// Windows that stopped here.
    pub windows: usize,
    /// Greatest magnitude over the end of the range.
    pub greatest: f64,
}

impl Overflow {
    /// What an error tells of one window; none if it is another error.
    pub(crate) fn of(error: &nanozk_executor::Error) -> Option<Self> {
        let nanozk_executor::Error::Range {
            layer,
            operation,
            value,
            min,
            max,
        } = error
        else {
            return None;
        };
        let end = if value < min { min } else { max };
        Some(Self {
            layer: *layer,
            operation: (*operation).to_owned(),
            windows: 1,
            greatest: (*value as f64 / *end as f64).abs(),
        })
    }

    /// Adds to the entry of the same operation, or a new one.
    pub(crate) fn count(self, all: &mut Vec<Self>) {
        let same = |o: &&mut Self| (o.layer, &o.operation) == (self.layer, &self.operation);
        match all.iter_mut().find(same) {
            Some(other) => {
                other.windows += self.windows;
                other.greatest = other.greatest.max(self.greatest);
            }
            None => all.push(self),
        }
    }

    /// The error that no window is left; none if there was none.
    pub(crate) fn all(overflows: Vec<Self>) -> Option<Error> {
        let windows = overflows.iter().map(|o| o.windows).sum();
        let worst = overflows
            .into_iter()
            .max_by(|a, b| a.greatest.total_cmp(&b.greatest))?;
        Some(Error::AllOverflow {
            windows,
            layer: worst.layer,
            operation: worst.operation,
            greatest: worst.greatest,
        })
    }
}

/// The quantization report: every operation, and the parameters calibration chose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Windows of calibration text.
    pub windows: usize,
    /// Tokens per window.
    pub window: usize,
    /// Headroom asked for; none if it was estimated from the spread of the windows.
    pub headroom_required: Option<f64>,
    /// Fractional bits of normalized activations.
    pub norm_frac: u32,
    /// Fractional bits of the MLP pre-activation; the activation has one more.
    pub act_frac: u32,
    /// Shift from query times key to a score.
    pub score_shift: u32,
    /// Fractional bits of the residual stream.
    #[serde(default = "residual_frac")]
    pub residual_frac: u32,
    /// Fraction of the calibration text's positions at which both models find the same token most likely.
    #[serde(default)]
    pub top1_agreement: Option<f64>,
    /// Windows of the calibration text itself that left a range, because integers differ a little from floats.
    #[serde(default)]
    pub overflows: Vec<Overflow>,
    /// All operations in the order they are computed.
    pub ops: Vec<OpReport>,
}

/// Of reports that do not say: nothing else was possible.
fn residual_frac() -> u32 {
    RESIDUAL_FRAC
}

impl Report {
    /// Float values outside their range, over all operations.
    pub fn clipped(&self) -> u64 {
        self.ops.iter().map(|o| o.clipped).sum()
    }

    /// The least headroom and where it is, of ranges that some text might leave.
    pub fn tightest(&self) -> Option<&OpReport> {
        self.ops
            .iter()
            .filter(|o| !o.safe)
            .min_by(|a, b| a.headroom.total_cmp(&b.headroom))
    }

    /// A table that explains itself.
    pub fn render(&self) -> String {
        let mut s = String::new();
        let _ = writeln!(
            s,
            "Quantization on {} windows of {} tokens of calibration text.",
            self.windows, self.window
        );
        let _ = writeln!(
            s,
            "Chosen: {} fractional bits in the residual stream, {} after normalization, {} before the activation of the MLP, attention scores shifted by {}; headroom {}.",
            self.residual_frac,
            self.norm_frac,
            self.act_frac,
            self.score_shift,
            self.headroom_required
                .map_or("estimated".into(), |h| format!("{h} required"))
        );
        let _ = writeln!(
            s,
            "\n{:<5} {:<13} {:>10} {:>10} {:>12} {:>7} {:>9} {:>7} {:>10} {:>10} {:>10} {:>9}",
            "layer",
            "operation",
            "min",
            "max",
            "range ±",
            "bits",
            "headroom",
            "clipped",
            "step",
            "error rms",
            "error max",
            "rms/std"
        );
        for o in &self.ops {
            let layer = o.layer.map_or("-".into(), |l| l.to_string());
            let _ = writeln!(
                s,
                "{:<5} {:<13} {:>10.3} {:>10.3} {:>12.3} {:>7} {:>9} {:>7} {:>10} {:>10} {:>10} {:>9}",
                layer,
                o.op,
                o.min,
                o.max,
                o.representable_max,
                format!("{}/{}", o.bits_used, o.bits),
                if o.safe {
                    "any".into()
                } else if o.headroom < 1000.0 {
                    format!("{:.2}x", o.headroom)
                } else {
                    format!("{:.0e}x", o.headroom)
                },
                o.clipped,
                format!("{:.1e}", o.resolution),
                format!("{:.1e}", o.error_rms),
                format!("{:.1e}", o.error_max),
                format!("{:.1e}", o.error_relative),
            );
        }
        s.push_str(
            "\nmin, max    float values observed in calibration\n\
             range ±     what the integer format represents; bits: needed / available\n\
             headroom    range over observed magnitude; a value beyond the range stops a run, it is never clamped\n\
             any         no text whatever leaves this range\n\
             clipped     calibration values outside the range (must be 0)\n\
             step        value of one integer step\n\
             error       integer minus float at this point, errors of earlier operations included\n\
             rms/std     error rms relative to the spread of the float values\n",
        );
        if let Some(t) = self.tightest() {
            let at = t.layer.map_or(String::new(), |l| format!(" of layer {l}"));
            let _ = writeln!(
                s,
                "Tightest: {}{at} with {:.2}x; clipped in all: {}.",
                t.op,
                t.headroom,
                self.clipped()
            );
        }
        s
    }
}
