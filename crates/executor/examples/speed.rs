//! Times the executor on a synthetic model: `speed [NAME prompt generated threads]`, with the name of a known shape.

use std::ops::ControlFlow;
use std::time::Instant;

use nanozk_executor::{Executor, synthetic};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or("gpt2".into());
    let mut values = [128, 64, std::thread::available_parallelism()?.get()];
    for (value, argument) in values.iter_mut().zip(arguments) {
        *value = argument.parse()?;
    }
    let [prompt, new, threads] = values;
    let known = synthetic::KNOWN.iter().find(|(known, _)| *known == name);
    let (_, arch) = known.ok_or("no such shape")?;
    let model = synthetic::model(*arch, synthetic::activation(arch), 1).rounded();
    let executor = Executor::new(&model)?;
    let tokens = synthetic::tokens(prompt, arch.vocab, 2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build()?.install(|| {
        for _ in 0..5 {
            let start = Instant::now();
            let mut first = None;
            executor.generate_until(&tokens, new, |_| {
                first.get_or_insert_with(|| start.elapsed());
                ControlFlow::Continue(())
            })?;
            let (all, first) = (start.elapsed(), first.unwrap_or_default());
            let rate = |tokens: usize, micros: u128| tokens as u128 * 10_000_000 / micros.max(1);
            let rates = [
                rate(prompt, first.as_micros()),
                rate(new.saturating_sub(1), (all - first).as_micros()),
            ];
            let [prompt, new] = rates.map(|r| format!("{}.{}", r / 10, r % 10));
            println!("prompt {prompt} tokens/s, generation {new} tokens/s");
        }
        Ok::<_, nanozk_executor::Error>(())
    })?;
    Ok(())
}
