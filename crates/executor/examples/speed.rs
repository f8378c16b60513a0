//! Times the executor on a synthetic model: `speed [width layers positions vocab heads]`.

use std::time::Instant;

use nanozk_executor::{synthetic, Activation, Executor, Gpt2};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut values = [128, 4, 128, 1024, 4];
    for (value, argument) in values.iter_mut().zip(std::env::args().skip(1)) {
        *value = argument.parse()?;
    }
    let [width, layers, n, vocab, heads] = values;
    let arch = Gpt2 {
        layers,
        width,
        heads,
        mlp_width: 4 * width,
        vocab,
        context: n,
    }
    .architecture();
    let model = synthetic::model(arch, Activation::GeluNew, 1);
    let tokens = synthetic::tokens(n, vocab, 2);
    let time = |what: &str, run: &dyn Fn() -> Result<(), nanozk_executor::Error>| {
        let mut best = u128::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            run()?;
            best = best.min(start.elapsed().as_micros());
        }
        println!("{what}: {}.{:03} ms", best / 1000, best % 1000);
        Ok::<_, nanozk_executor::Error>(())
    };
    let executor = Executor::new(&model)?;
    time("validate", &|| model.validate())?;
    time("prepare", &|| Executor::new(&model).map(drop))?;
    time("forward", &|| executor.forward(&tokens).map(drop))?;
    time("logits", &|| executor.logits(&tokens).map(drop))?;
    let new = n / 2;
    time(&format!("generate {new} tokens"), &|| {
        executor.generate(&tokens[..n - new], new, |_| ()).map(drop)
    })?;
    Ok(())
}
