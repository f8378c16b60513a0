//! From floats to the integers of `docs/arithmetic.md`.
//!
//! Gain and bias of a normalization are folded into the matrix that follows, `1/sqrt(c)` and the calibrated scales of each
//! feature of queries, keys and values into their matrices, in `f64`; the scale of the residual stream into all that
//! write to it. A scale leaves room for the greatest magnitude that any text can cause, if that is known and not far
//! above what calibration text shows; otherwise for a margin above that, estimated from how much its windows differ.
//!
//! The activation table interpolates, which is off to one side where the function is curved. Its mean error on
//! calibration text, a constant per feature, is folded into the bias of the second MLP matrix.
//!
//! The weights are gone through twice, a layer at a time: once to observe, once to quantize. No layer is kept.

mod build;
mod choose;
mod compare;
mod estimate;
mod observe;

use candle_core::Tensor;
use nanozk_executor::executor::{PreparedAttention, PreparedMlp};
use nanozk_executor::ops::{PreparedLinear, embed};
use nanozk_executor::tables::MIN_ACT_FRAC;
use nanozk_executor::trace::prepared_head_trace;
use nanozk_executor::{
    ActivationTable, Linear, Matrix, QuantizedLayer, QuantizedModel, Rotation, Spec,
};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::file::Writer;
use crate::float::{FloatModel, Pass, argmax, to_vec};
use crate::parts::{Checkpoint, Parts};
use crate::report::{Op, OpReport, Overflow, Report};

use choose::{Formats, LayerScales, choose};
use compare::{Comparison, head_integers, integers};
pub use estimate::Estimate;
use observe::{ACT_FRACS, Layer, Tables};

/// What may be chosen about quantization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Windows of calibration text used, at most; spread over the text.
    pub windows: usize,
    /// Tokens of a window; without, the longest that fits the context.
    pub window: Option<usize>,
    /// Representable range over the greatest magnitude observed, at least; without, what the spread of the windows
    /// suggests. A range that no text can leave is enough in any case.
    pub headroom: Option<f64>,
    /// Windows computed at a time; 0 for as many as there are processors.
    pub parallel: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            windows: 32,
            window: None,
            headroom: None,
            parallel: 0,
        }
    }
}

impl Options {
    /// Windows of `length` tokens that show enough: 2,048 tokens, and no fewer than 8 windows.
    pub fn enough_windows(length: usize) -> usize {
        (2048 / length.max(1)).max(8)
    }

    fn check(&self) -> Result<()> {
        if self.windows == 0 {
            let got = self.windows.to_string();
            return Err(Error::InvalidArgument {
                name: "calibration windows",
                expected: "at least 1",
                got,
            });
        }
        match self.headroom {
            Some(headroom) if !(1.0..=64.0).contains(&headroom) => Err(Error::InvalidArgument {
                name: "headroom",
                expected: "1 to 64",
                got: headroom.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// At most as many windows as asked for, evenly spread over the text.
    fn spread(&self, all: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
        let (count, total) = (self.windows.min(all.len()), all.len());
        let chosen = (0..count).map(|i| i * total / count);
        let mut chosen = chosen.peekable();
        all.into_iter()
            .enumerate()
            .filter(|(i, _)| chosen.next_if_eq(i).is_some())
            .map(|(_, window)| window)
            .collect()
    }
}

/// What is being done to the parts of a model: embedding, blocks, head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Magnitudes are observed.
    Observe,
    /// Weights become integers, and both models are compared.
    Quantize,
}

/// Called with each part that is done: of `all`, `done` are.
pub type Progress<'a> = dyn FnMut(Stage, usize, usize) + 'a;

/// Takes the parts of a quantized model.
trait Sink {
    fn embedding(
        &mut self,
        wte: Vec<i32>,
        wpe: Vec<i32>,
        rotation: Option<&Rotation>,
    ) -> Result<()>;
    fn layer(&mut self, index: usize, layer: QuantizedLayer) -> Result<()>;
    fn head(&mut self, head: Linear) -> Result<()>;
}

impl Sink for QuantizedModel {
    fn embedding(
        &mut self,
        wte: Vec<i32>,
        wpe: Vec<i32>,
        rotation: Option<&Rotation>,
    ) -> Result<()> {
        self.wte = wte;
        self.wpe = wpe;
        self.rotation = rotation.cloned();
        Ok(())
    }

    fn layer(&mut self, _: usize, layer: QuantizedLayer) -> Result<()> {
        self.layers.push(layer);
        Ok(())
    }

    fn head(&mut self, head: Linear) -> Result<()> {
        self.head = head;
        Ok(())
    }
}

impl Sink for Writer {
    fn embedding(
        &mut self,
        wte: Vec<i32>,
        wpe: Vec<i32>,
        rotation: Option<&Rotation>,
    ) -> Result<()> {
        Writer::embedding(self, &wte, &wpe, rotation)
    }

    fn layer(&mut self, index: usize, layer: QuantizedLayer) -> Result<()> {
        Writer::layer(self, index, &layer)
    }

    fn head(&mut self, head: Linear) -> Result<()> {
        Writer::head(self, &head)
    }
}

/// Quantizes a model in memory, with the precision `calibration` text permits.
pub fn quantize(
    model: &FloatModel,
    calibration: &str,
    options: &Options,
) -> Result<(QuantizedModel, Report)> {
    options.check()?;
    let windows = match options.window {
        Some(length) => model.tokenizer().windows(calibration, length)?,
        None => model.windows(calibration)?,
    };
    let mut quantized = QuantizedModel {
        arch: model.architecture(),
        // Until it is chosen.
        spec: Spec {
            norm_frac: 0,
            eps: 1,
            score_shift: 0,
            norm: model.config().norm,
            act_frac: 0,
            activation: model.config().activation,
        },
        wte: Vec::new(),
        wpe: Vec::new(),
        rotation: None,
        layers: Vec::new(),
        head: Linear {
            weight: Matrix::from_fn(0, 0, |_, _| 0),
            bias: Vec::new(),
        },
    };
    let windows = options.spread(windows);
    let (spec, report) = run(model, &windows, options, &mut quantized, &mut |_, _, _| {})?;
    quantized.spec = spec;
    quantized.validate()?;
    Ok((quantized, report))
}

/// Quantizes a checkpoint on disk to a file on disk. Of the weights, one layer is in memory at a time.
///
/// The file is complete when `writer` is finished with the formats that are given back.
pub fn quantize_checkpoint(
    checkpoint: &Checkpoint,
    calibration: &str,
    options: &Options,
    writer: &mut Writer,
    progress: &mut Progress<'_>,
) -> Result<(Spec, Report)> {
    options.check()?;
    let windows = checkpoint.windows(calibration, options.window)?;
    run(
        checkpoint,
        &options.spread(windows),
        options,
        writer,
        progress,
    )
}

fn pow2(e: u32) -> f64 {
    f64::from(e).exp2()
}

/// Applies `f` to every window, a few at a time; results in order.
fn each<T: Send, R: Send>(
    parallel: usize,
    items: Vec<T>,
    f: impl Fn(usize, T) -> Result<R> + Sync,
    mut done: impl FnMut(R),
) -> Result<()> {
    let parallel = match parallel {
        0 => rayon::current_num_threads(),
        n => n,
    };
    let mut items = items.into_iter().enumerate();
    loop {
        let chunk: Vec<_> = items.by_ref().take(parallel).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        // Merged in order, so that sums do not depend on scheduling.
        let results: Vec<R> = chunk
            .into_par_iter()
            .map(|(i, item)| f(i, item))
            .collect::<Result<_>>()?;
        results.into_iter().for_each(&mut done);
    }
}

fn run<S: Sink>(
    model: &impl Parts,
    windows: &[Vec<u32>],
    options: &Options,
    sink: &mut S,
    progress: &mut Progress<'_>,
) -> Result<(Spec, Report)> {
    model.config().arch.validate()?;
    let observed = observe(model, windows, options, progress)?;
    let (formats, scales) = choose(model.config(), &observed, options.headroom)?;
    let offsets: Vec<Vec<f64>> = observed
        .layers
        .iter()
        .map(|(layer, _)| layer.offsets(formats.spec.act_frac))
        .collect();
    drop(observed);
    let quantizer = Quantizer {
        model,
        windows,
        parallel: options.parallel,
        formats: &formats,
        rotation: model.config().rotation(),
    };
    let mut ops = Vec::new();
    let mut overflows = Vec::new();
    let same = quantizer.run(&scales, &offsets, sink, &mut ops, &mut overflows, progress)?;
    let lost: usize = overflows.iter().map(|o| o.windows).sum();
    if lost == windows.len() {
        return Err(Overflow::all(overflows).unwrap_or(Error::TextTooShort {
            expected: 1,
            got: 0,
        }));
    }
    let spec = formats.spec;
    let window = windows.first().map_or(0, Vec::len);
    let report = Report {
        windows: windows.len(),
        window,
        headroom_required: options.headroom,
        norm_frac: spec.norm_frac,
        act_frac: spec.act_frac,
        score_shift: spec.score_shift,
        residual_frac: formats.residual_frac,
        top1_agreement: Some(same as f64 / ((windows.len() - lost) * window) as f64),
        overflows,
        ops,
    };
    Ok((spec, report))
}

/// A forward pass for each window, and one more for ranges only: half a window, padded as sessions are.
fn passes(model: &impl Parts, windows: &[Vec<u32>]) -> Result<Vec<Pass>> {
    let padded = windows.first().map(|w| {
        let mut w = w.clone();
        let half = w.len() / 2;
        w[half..].fill(0);
        w
    });
    let all = windows.iter().chain(&padded);
    all.map(|w| Pass::new(model.config(), std::slice::from_ref(w)))
        .collect()
}

/// The first time through the weights.
fn observe(
    model: &impl Parts,
    windows: &[Vec<u32>],
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<choose::Model> {
    let (config, arch) = (*model.config(), model.config().arch);
    let parallel = options.parallel;
    let passes = passes(model, windows)?;
    let all = arch.layers + 2;
    let mut observed = choose::Model::default();

    let (wte, wpe) = model.embedding()?;
    let mut streams = Vec::with_capacity(passes.len());
    let mut embedding = Layer::default();
    for pass in &passes {
        let x = pass.embed(&wte, wpe.as_ref())?;
        embedding.add(Op::Embedding, &x, &arch)?;
        streams.push(x);
    }
    observed.embedding_bound = build::embedding_bound(&wte, wpe.as_ref())?;
    drop((wte, wpe));
    observed.embedding = embedding.ops.remove(&Op::Embedding).unwrap_or_default();
    progress(Stage::Observe, 1, all);

    let mut tables = Vec::with_capacity(ACT_FRACS);
    for frac in 0..ACT_FRACS as u32 {
        tables.push(ActivationTable::get(
            config.activation,
            MIN_ACT_FRAC + frac,
        )?);
    }
    let tables: &Tables = tables
        .first_chunk()
        .expect("as many tables as fractional bits");
    for l in 0..arch.layers {
        let block = model.block(l)?;
        let bounds = build::bounds(&block, l, &config)?;
        let mut layer = Layer::default();
        let mut outputs = Vec::with_capacity(passes.len());
        let window = |i: usize, x: Tensor| {
            let mut seen = Layer::default();
            let mut arguments = Vec::new();
            let x = passes[i].block(l, &block, x, &mut |op, t| {
                let values = seen.add(op, t, &arch)?;
                match op {
                    Op::PreActivation => arguments = values,
                    // The padded window shows ranges, not what is usual.
                    Op::Activation if i < windows.len() => {
                        seen.add_activations(tables, &arguments, &values, arch.mlp_width);
                    }
                    _ => {}
                }
                Ok(())
            })?;
            Ok((x, seen))
        };
        each(parallel, streams, window, |(x, seen)| {
            outputs.push(x);
            layer.merge(seen);
        })?;
        streams = outputs;
        observed.layers.push((layer, bounds));
        progress(Stage::Observe, 2 + l, all);
    }

    let (last_norm, head) = model.head()?;
    let mut last = Layer::default();
    let window = |i: usize, x: Tensor| {
        let mut seen = Layer::default();
        passes[i].head(&last_norm, &head, &x, &mut |op, t| {
            seen.add(op, t, &arch).map(drop)
        })?;
        Ok(seen)
    };
    each(parallel, streams, window, |seen| last.merge(seen))?;
    observed.logit = last.ops.remove(&Op::Logit).unwrap_or_default();
    progress(Stage::Observe, all, all);
    Ok(observed)
}

/// Residual streams of a window, float and integer; none of one that left a range.
type Stream = Option<(Tensor, Vec<i64>)>;

/// A window after a part of the model.
enum Window<'a, T> {
    Done(T, Comparison<'a>),
    /// It left a range here.
    Overflow(Overflow),
    /// It did so before.
    Lost,
}

impl<T> Window<'_, T> {
    fn overflow(error: nanozk_executor::Error) -> Result<Self> {
        let overflow = Overflow::of(&error).map(Self::Overflow);
        overflow.ok_or(Error::Executor(error))
    }
}

/// The second time through the weights: float and integer residual streams side by side.
struct Quantizer<'a, P> {
    model: &'a P,
    windows: &'a [Vec<u32>],
    parallel: usize,
    formats: &'a Formats,
    /// Of all blocks.
    rotation: Option<Rotation>,
}

impl<P: Parts> Quantizer<'_, P> {
    /// Gives the number of positions at which both models find the same token most likely.
    fn run<S: Sink>(
        &self,
        scales: &[LayerScales],
        offsets: &[Vec<f64>],
        sink: &mut S,
        ops: &mut Vec<OpReport>,
        overflows: &mut Vec<Overflow>,
        progress: &mut Progress<'_>,
    ) -> Result<usize> {
        let all = scales.len() + 2;
        let passes = &passes(self.model, self.windows)?[..self.windows.len()];
        let mut streams = self.embedding(passes, sink, ops)?;
        progress(Stage::Quantize, 1, all);
        for (l, (scales, offsets)) in scales.iter().zip(offsets).enumerate() {
            let scaled = (l, scales, offsets.as_slice());
            streams = self.layer(scaled, passes, streams, sink, ops, overflows)?;
            progress(Stage::Quantize, 2 + l, all);
        }
        let same = self.head(passes, streams, sink, ops, overflows)?;
        progress(Stage::Quantize, all, all);
        Ok(same)
    }

    fn embedding<S: Sink>(
        &self,
        passes: &[Pass],
        sink: &mut S,
        ops: &mut Vec<OpReport>,
    ) -> Result<Vec<Stream>> {
        let (float_wte, float_wpe) = self.model.embedding()?;
        let wte = build::embedding(&float_wte, self.formats)?;
        let wpe = match &float_wpe {
            Some(wpe) => build::embedding(wpe, self.formats)?,
            None => Vec::new(),
        };
        let arch = self.model.config().arch;
        let d = arch.width;
        let mut comparison = Comparison::new(arch, self.formats, None);
        let mut streams = Vec::with_capacity(passes.len());
        for (pass, tokens) in passes.iter().zip(self.windows) {
            let x = pass.embed(&float_wte, float_wpe.as_ref())?;
            let mut integers = Vec::with_capacity(tokens.len() * d);
            for (position, &token) in tokens.iter().enumerate() {
                let token = &wte[token as usize * d..][..d];
                integers.extend(embed(token, wpe.get(position * d..(position + 1) * d))?);
            }
            let mut one = Comparison::new(arch, self.formats, None);
            one.add(Op::Embedding, tokens.len(), &x, &integers)?;
            comparison.merge(one);
            streams.push(Some((x, integers)));
        }
        ops.extend(comparison.report());
        sink.embedding(wte, wpe, self.rotation.as_ref())?;
        Ok(streams)
    }

    fn layer<S: Sink>(
        &self,
        (l, scales, offsets): (usize, &LayerScales, &[f64]),
        passes: &[Pass],
        streams: Vec<Stream>,
        sink: &mut S,
        ops: &mut Vec<OpReport>,
        overflows: &mut Vec<Overflow>,
    ) -> Result<Vec<Stream>> {
        let arch = self.model.config().arch;
        let spec = &self.formats.spec;
        let block = self.model.block(l)?;
        let layer = build::layer(
            &block,
            l,
            self.model.config(),
            self.formats,
            scales,
            offsets,
        )?;
        let attention = PreparedAttention::new(&arch, &layer, self.rotation.as_ref())?;
        let mlp = PreparedMlp::new(&arch, &layer)?;
        let table = ActivationTable::get(spec.activation, spec.act_frac)?;
        let mut comparison = Comparison::new(arch, self.formats, Some((l, scales)));
        let mut outputs = Vec::with_capacity(streams.len());
        let window = |i: usize, stream: Stream| {
            let Some((x, integer)) = stream else {
                return Ok(Window::Lost);
            };
            let traces = attention.trace(spec, &integer).and_then(|attention| {
                let mlp = mlp.trace(spec, table, &attention.output)?;
                Ok((attention, mlp))
            });
            let (attention, mlp) = match traces.map_err(|e| e.in_layer(l)) {
                Ok(traces) => traces,
                Err(e) => return Window::overflow(e),
            };
            let mut one = Comparison::new(arch, self.formats, Some((l, scales)));
            let x = passes[i].block(l, &block, x, &mut |op, t| {
                let values = integers(op, &attention, &mlp, spec);
                one.add(op, self.windows[i].len(), t, &values)
            })?;
            Ok(Window::Done((x, mlp.output), one))
        };
        each(self.parallel, streams, window, |window| {
            outputs.push(match window {
                Window::Done(stream, one) => {
                    comparison.merge(one);
                    Some(stream)
                }
                Window::Overflow(o) => {
                    o.count(overflows);
                    None
                }
                Window::Lost => None,
            });
        })?;
        ops.extend(comparison.report());
        drop((attention, mlp, block));
        sink.layer(l, layer)?;
        Ok(outputs)
    }

    fn head<S: Sink>(
        &self,
        passes: &[Pass],
        streams: Vec<Stream>,
        sink: &mut S,
        ops: &mut Vec<OpReport>,
        overflows: &mut Vec<Overflow>,
    ) -> Result<usize> {
        let arch = self.model.config().arch;
        let spec = &self.formats.spec;
        let (last_norm, float) = self.model.head()?;
        let head = build::head(&last_norm, &float, &arch, self.formats)?;
        let prepared = PreparedLinear::new(&head)?;
        let mut comparison = Comparison::new(arch, self.formats, None);
        let mut same = 0;
        let window = |i: usize, stream: Stream| {
            let Some((x, integer)) = stream else {
                return Ok(Window::Lost);
            };
            let trace = match prepared_head_trace(&prepared, spec, &integer) {
                Ok(trace) => trace,
                Err(e) => return Window::overflow(e),
            };
            let mut one = Comparison::new(arch, self.formats, None);
            let logits = passes[i].head(&last_norm, &float, &x, &mut |op, t| {
                one.add(op, self.windows[i].len(), t, head_integers(op, &trace))
            })?;
            let logits = to_vec(&logits)?;
            let rows = logits.chunks_exact(arch.vocab).zip(&trace.argmax);
            let same = rows.filter(|(row, token)| argmax(row) == **token as usize);
            Ok(Window::Done(same.count(), one))
        };
        each(self.parallel, streams, window, |window| match window {
            Window::Done(count, one) => {
                comparison.merge(one);
                same += count;
            }
            Window::Overflow(o) => o.count(overflows),
            Window::Lost => {}
        })?;
        ops.extend(comparison.report());
        drop((prepared, float));
        sink.head(head)?;
        Ok(same)
    }
}
