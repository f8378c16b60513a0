//! Quantizing a checkpoint on disk takes the memory of one layer, however many there are.

use nanozk_executor::{Architecture, Gpt2};
use nanozk_model::file::{ModelFile, Writer};
use nanozk_model::{Checkpoint, FloatModel, Options, quantize, quantize_checkpoint, synthetic};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn arch(layers: usize) -> Architecture {
    Gpt2 {
        layers,
        width: 128,
        heads: 4,
        mlp_width: 512,
        vocab: 300,
        context: 16,
    }
    .architecture()
}

/// Bytes allocated at the peak, and whether the parts came in order.
fn import(layers: usize) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let arch = arch(layers);
    synthetic::write_checkpoint(dir.path(), &arch, 7).unwrap();
    let text = synthetic::text(200, 8);
    let path = dir.path().join("quantized.safetensors");
    let options = Options {
        windows: 3,
        window: Some(8),
        parallel: 1,
        ..Options::default()
    };
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let mut writer = Writer::create(&path, arch).unwrap();
    let mut steps = Vec::new();
    let (spec, report) = quantize_checkpoint(
        &checkpoint,
        &text,
        &options,
        &mut writer,
        &mut |_, done, all| steps.push((done, all)),
    )
    .unwrap();
    writer.finish(&spec).unwrap();
    let peak = MEMORY.peak_usage() - before;

    // Both times through the model, part by part.
    let once = (1..=layers + 2).map(|done| (done, layers + 2));
    assert_eq!(steps, once.clone().chain(once).collect::<Vec<_>>());

    // The same as in memory, bit for bit.
    let float = FloatModel::load(dir.path()).unwrap();
    let (model, same) = quantize(&float, &text, &options).unwrap();
    let file = ModelFile::open(&path).unwrap();
    assert_eq!(file.load().unwrap(), model);
    assert_eq!(file.layer(layers - 1).unwrap(), model.layers[layers - 1]);
    assert_eq!(report, same);
    peak
}

#[test]
fn layers_are_dropped_before_the_next_is_read() {
    let (few, many) = (import(2), import(14));
    // Of the twelve more, not even one as floats and half a one for what was observed of them.
    let layer = 12 * 128 * 128 * 4;
    assert!(
        many < few + layer * 3 / 2,
        "{few} bytes with 2 layers, {many} with 14"
    );
}
