//! Checkpoints of any shape with pseudorandom weights, for measurements: the same on every machine.
//!
//! Written tensor by tensor, so that a large one takes no more memory than its largest matrix.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use nanozk_executor::synthetic::Random;
use nanozk_executor::{Architecture, MlpKind, Positions};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// Name, shape, mean and standard deviation of each tensor, with the magnitudes of trained ones.
type Tensors = Vec<(String, Vec<usize>, f32, f32)>;

/// Those of a Llama, without biases.
fn llama_tensors(arch: &Architecture) -> Tensors {
    let Architecture {
        layers,
        width: d,
        mlp_width: f,
        vocab,
        ..
    } = *arch;
    let (q, kv) = (arch.query_width(), arch.kv_width());
    let name = |name: &str| format!("model.{name}.weight");
    let mut all = vec![(name("embed_tokens"), vec![vocab, d], 0.0, 0.14)];
    // What all blocks add to the residual stream stays of the size of what is there.
    let residual = (2.0 * layers as f32).sqrt().recip();
    let scale = |inputs: usize| (inputs as f32).sqrt().recip();
    for l in 0..layers {
        let mut add = |own: &str, shape: &[usize], mean, deviation| {
            let name = name(&format!("layers.{l}.{own}"));
            all.push((name, shape.to_vec(), mean, deviation));
        };
        add("input_layernorm", &[d], 1.0, 0.1);
        add("self_attn.q_proj", &[q, d], 0.0, 1.5 * scale(d));
        add("self_attn.k_proj", &[kv, d], 0.0, 1.5 * scale(d));
        add("self_attn.v_proj", &[kv, d], 0.0, scale(d));
        add("self_attn.o_proj", &[d, q], 0.0, residual * scale(q));
        if arch.qk_norm {
            add("self_attn.q_norm", &[arch.head_width], 1.0, 0.1);
            add("self_attn.k_norm", &[arch.head_width], 1.0, 0.1);
        }
        add("post_attention_layernorm", &[d], 1.0, 0.1);
        add("mlp.gate_proj", &[f, d], 0.0, scale(d));
        add("mlp.up_proj", &[f, d], 0.0, scale(d));
        add("mlp.down_proj", &[d, f], 0.0, residual * scale(f));
    }
    all.push((name("norm"), vec![d], 1.0, 0.1));
    all
}

/// Those of a GPT-2.
fn gpt2_tensors(arch: &Architecture) -> Tensors {
    let Architecture {
        layers,
        width: d,
        mlp_width: f,
        vocab,
        context,
        ..
    } = *arch;
    let mut all = vec![
        ("wte.weight".to_owned(), vec![vocab, d], 0.0, 0.14),
        ("wpe.weight".to_owned(), vec![context, d], 0.0, 0.05),
    ];
    // What all blocks add to the residual stream stays of the size of what is there.
    let residual = (2.0 * layers as f32).sqrt().recip();
    for l in 0..layers {
        let mut add = |name: &str, shape: &[usize], mean, deviation| {
            let bias = shape[shape.len() - 1..].to_vec();
            all.push((
                format!("h.{l}.{name}.weight"),
                shape.to_vec(),
                mean,
                deviation,
            ));
            all.push((format!("h.{l}.{name}.bias"), bias, 0.0, 0.05));
        };
        let scale = |inputs: usize| (inputs as f32).sqrt().recip();
        add("ln_1", &[d], 1.0, 0.1);
        add("attn.c_attn", &[d, 3 * d], 0.0, 1.5 * scale(d));
        add("attn.c_proj", &[d, d], 0.0, residual * scale(d));
        add("ln_2", &[d], 1.0, 0.1);
        add("mlp.c_fc", &[d, f], 0.0, scale(d));
        add("mlp.c_proj", &[f, d], 0.0, residual * scale(f));
    }
    all.push(("ln_f.weight".into(), vec![d], 1.0, 0.1));
    all.push(("ln_f.bias".into(), vec![d], 0.0, 0.05));
    all
}

fn gpt2_config(arch: &Architecture) -> Value {
    json!({
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "n_layer": arch.layers,
        "n_embd": arch.width,
        "n_head": arch.heads,
        "n_inner": arch.mlp_width,
        "n_positions": arch.context,
        "vocab_size": arch.vocab,
    })
}

fn llama_config(arch: &Architecture) -> Value {
    let (kind, class) = match arch.qk_norm {
        false => ("llama", "LlamaForCausalLM"),
        true => ("qwen3", "Qwen3ForCausalLM"),
    };
    json!({
        "model_type": kind,
        "architectures": [class],
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "num_hidden_layers": arch.layers,
        "hidden_size": arch.width,
        "num_attention_heads": arch.heads,
        "num_key_value_heads": arch.kv_heads,
        "head_dim": arch.head_width,
        "intermediate_size": arch.mlp_width,
        "max_position_embeddings": arch.context,
        "tie_word_embeddings": true,
        "vocab_size": arch.vocab,
        "eos_token_id": null,
    })
}

/// Writes a checkpoint in the layout of Hugging Face, with a tokenizer of as many tokens as the vocabulary has.
pub fn write_checkpoint(dir: &Path, arch: &Architecture, seed: u64) -> Result<()> {
    arch.validate()?;
    let (config, tensors) = match (arch.positions, arch.mlp) {
        (Positions::Rotary, MlpKind::Gated) => (llama_config(arch), llama_tensors(arch)),
        (Positions::Learned, MlpKind::Plain) => (gpt2_config(arch), gpt2_tensors(arch)),
        _ => {
            return Err(Error::InvalidArgument {
                name: "architecture",
                expected: "that of a GPT-2 or of a Llama",
                got: format!("{arch:?}"),
            });
        }
    };
    write(&dir.join("config.json"), |out| {
        out.write_all(config.to_string().as_bytes())
    })?;
    let tokenizer = tokenizer(arch.vocab)?.to_string();
    write(&dir.join("tokenizer.json"), |out| {
        out.write_all(tokenizer.as_bytes())
    })?;

    let mut header = Map::new();
    let mut end = 0;
    for (name, shape, ..) in &tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        header.insert(name.clone(), entry);
    }
    let mut header = Value::Object(header).to_string();
    header += &" ".repeat(header.len().next_multiple_of(8) - header.len());
    let mut random = Random::new(seed);
    write(&dir.join("model.safetensors"), |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        for (_, shape, mean, deviation) in &tensors {
            for _ in 0..shape.iter().product::<usize>() {
                let value = mean + deviation * random.normal(1 << 16) as f32 / 65_536.0;
                out.write_all(&value.to_le_bytes())?;
            }
        }
        Ok(())
    })
}

fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<()> {
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.flush()
    });
    written.map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Least vocabulary: one token for each byte.
const BYTES: usize = 256;

/// A byte-level tokenizer with as many tokens as asked for: bytes, and merges of lower-case letters.
fn tokenizer(vocab: usize) -> Result<Value> {
    if vocab < BYTES {
        return Err(Error::InvalidArgument {
            name: "vocabulary",
            expected: "at least 256 tokens",
            got: vocab.to_string(),
        });
    }
    let printable =
        |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let mut other = BYTES as u32 - 1;
    let mut tokens: Vec<String> = (0..BYTES as u32)
        .map(|byte| {
            let code = if printable(byte) {
                byte
            } else {
                other += 1;
                other
            };
            char::from_u32(code).map(String::from).unwrap_or_default()
        })
        .collect();
    let letters: Vec<String> = ('a'..='z').map(String::from).collect();
    let mut merges = Vec::new();
    // Every word of two letters, then of three, and so on, as one longer by a letter.
    let mut shorter = letters.clone();
    while tokens.len() < vocab {
        let mut longer = Vec::new();
        for (word, letter) in shorter
            .iter()
            .flat_map(|w| letters.iter().map(move |l| (w, l)))
        {
            if tokens.len() == vocab {
                break;
            }
            merges.push(json!([word, letter]));
            let token = format!("{word}{letter}");
            tokens.push(token.clone());
            longer.push(token);
        }
        shorter = longer;
    }
    let ids: Map<String, Value> = tokens.into_iter().zip((0..).map(Value::from)).collect();
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    Ok(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": level, "post_processor": null, "decoder": level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": ids, "merges": merges},
    }))
}

/// Pseudorandom words, at least as many as tokens are asked for.
pub fn text(tokens: usize, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for _ in 0..tokens {
        for _ in 0..1 + random.below(8) {
            text.push((b'a' + random.below(26) as u8).into());
        }
        text.push(' ');
    }
    text
}
