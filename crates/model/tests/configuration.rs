//! Every field of `config.json` and `generation_config.json` that changes what is computed: implemented or refused.
//! The table is in `docs/models.md`.

mod common;

use std::path::Path;

use common::Checkpoint;
use nanozk_executor::{Activation, Architecture, MlpKind, Norm, Positions};
use nanozk_model::config::{Rope, Scaling};
use nanozk_model::{Config, Error, FloatModel};
use serde_json::{Value, json};

fn with(change: impl FnOnce(&mut Value)) -> Result<Config, Error> {
    let mut config = Checkpoint::default().config();
    change(&mut config);
    Config::from_json(&config)
}

fn accepted(change: impl FnOnce(&mut Value)) -> Config {
    with(change).unwrap()
}

fn remove(config: &mut Value, name: &str) {
    config.as_object_mut().unwrap().remove(name).unwrap();
}

#[test]
fn every_field_that_changes_the_function() {
    // Refused by name: field, value, and a word of the way out.
    for (name, value, word) in [
        ("add_cross_attention", json!(true), "encoder"),
        ("is_encoder_decoder", json!(true), "encoder"),
        ("cross_attention_hidden_size", json!(64), "encoder"),
        ("tie_encoder_decoder", json!(true), "encoder"),
        (
            "pruned_heads",
            json!({"0": [1]}),
            "save the model after pruning",
        ),
        ("quantization_config", json!({"bits": 4}), "float weights"),
        (
            "auto_map",
            json!({"AutoModelForCausalLM": "modeling.GPT"}),
            "remove `auto_map`",
        ),
        (
            "adapters",
            json!({"adapters": {"a": "pfeiffer"}}),
            "merge adapters",
        ),
        ("architectures", json!("GPT2LMHeadModel"), "a list"),
        ("reorder_and_upcast_attn", json!("yes"), "true or false"),
    ] {
        let error = with(|c| c[name] = value.clone()).unwrap_err();
        assert!(
            matches!(&error, Error::UnsupportedOption { option, file: "config.json", .. } if *option == name),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with("config.json: ") && text.contains(word),
            "{text}"
        );
    }
    // Other heads than the next token's.
    for class in [
        "GPT2ForSequenceClassification",
        "GPT2ForTokenClassification",
        "GPT2ForQuestionAnswering",
        "GPTBigCodeForCausalLM",
        "CustomGPT2",
    ] {
        let error = with(|c| c["architectures"] = json!([class])).unwrap_err();
        assert!(
            matches!(&error, Error::UnsupportedArchitecture { got, .. } if got == class),
            "{error}"
        );
    }
    // Values with which the same fields change nothing.
    let base = accepted(|_| {});
    for (name, value) in [
        ("add_cross_attention", json!(false)),
        ("is_encoder_decoder", json!(null)),
        ("pruned_heads", json!({})),
        ("quantization_config", json!(null)),
        ("auto_map", json!({})),
        ("reorder_and_upcast_attn", json!(true)),
        ("architectures", json!(["GPT2DoubleHeadsModel"])),
        ("architectures", json!(["GPT2Model"])),
        ("architectures", json!(null)),
        ("scale_attn_weights", json!(null)),
        ("tie_word_embeddings", json!(null)),
        ("n_ctx", json!(8)),
        ("attn_pdrop", json!(0.1)),
        ("initializer_range", json!(1.0)),
        ("torch_dtype", json!("float16")),
        ("use_cache", json!(false)),
        ("summary_type", json!("cls_index")),
        (
            "task_specific_params",
            json!({"text-generation": {"do_sample": true}}),
        ),
    ] {
        assert_eq!(accepted(|c| c[name] = value.clone()), base, "{name}");
    }
}

#[test]
fn scales_of_attention() {
    let width = 8f64.sqrt();
    let divisors = |config: Config| [0, 1, 5].map(|l| config.query_divisor(l));
    assert_eq!(divisors(accepted(|_| {})), [width; 3]);
    let by_layer = accepted(|c| c["scale_attn_by_inverse_layer_idx"] = json!(true));
    assert_eq!(divisors(by_layer), [width, 2.0 * width, 6.0 * width]);
    let none = accepted(|c| c["scale_attn_weights"] = json!(false));
    assert_eq!(divisors(none), [1.0; 3]);
}

#[test]
fn names_of_activations() {
    for (function, names) in [
        (
            Activation::GeluNew,
            &[
                "gelu_new",
                "gelu_fast",
                "gelu_accurate",
                "gelu_pytorch_tanh",
                "gelu_python_tanh",
            ][..],
        ),
        (Activation::Gelu, &["gelu", "gelu_python"]),
        (Activation::Relu, &["relu"]),
        (Activation::Silu, &["silu", "swish"]),
    ] {
        for name in names {
            let config = accepted(|c| c["activation_function"] = json!(name));
            assert_eq!(config.activation, function, "{name}");
        }
    }
    let config = accepted(|c| remove(c, "activation_function"));
    assert_eq!(config.activation, Activation::GeluNew);
    for name in [
        "gelu_10",
        "quick_gelu",
        "relu2",
        "relu6",
        "leaky_relu",
        "tanh",
        "sigmoid",
        "mish",
        "linear",
        "laplace",
        "prelu",
        "xielu",
    ] {
        let error = with(|c| c["activation_function"] = json!(name)).unwrap_err();
        assert!(
            matches!(&error, Error::UnsupportedOption { option: "activation_function", got, .. } if got == name),
            "{error}"
        );
    }
    with(|c| c["activation_function"] = json!(null)).unwrap_err();
}

#[test]
fn aliases_of_dimensions() {
    let base = accepted(|_| {});
    for (name, alias) in [
        ("n_embd", "hidden_size"),
        ("n_head", "num_attention_heads"),
        ("n_layer", "num_hidden_layers"),
        ("n_positions", "max_position_embeddings"),
        ("n_positions", "n_ctx"),
    ] {
        let moved = accepted(|c| {
            c[alias] = c[name].clone();
            remove(c, name);
        });
        assert_eq!(moved, base, "{alias}");
        assert_eq!(accepted(|c| c[alias] = c[name].clone()), base, "{alias}");
        if alias != "n_ctx" {
            let error = with(|c| c[alias] = json!(48)).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{alias}` = 48")) && error.contains(name),
                "{error}"
            );
        }
    }
}

/// Stop tokens and notes with these two files.
fn stop(config: Option<Value>, generation: Option<Value>) -> Result<(Vec<u32>, String), Error> {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::default();
    checkpoint.write(dir.path());
    let mut json = checkpoint.config();
    if let Some(fields) = config {
        for (name, value) in fields.as_object().unwrap() {
            json[name] = value.clone();
        }
    }
    let write =
        |name: &str, json: &Value| std::fs::write(dir.path().join(name), json.to_string()).unwrap();
    write("config.json", &json);
    if let Some(json) = &generation {
        write("generation_config.json", json);
    }
    let model = FloatModel::load(dir.path())?;
    let read: Vec<_> = model.files().iter().filter_map(|p| p.file_name()).collect();
    assert_eq!(
        read.contains(&Path::new("generation_config.json").as_os_str()),
        generation.is_some()
    );
    Ok((model.stop_tokens().to_vec(), model.notes().join("\n")))
}

#[test]
fn stop_tokens() {
    let eos = |value: Value| Some(json!({ "eos_token_id": value }));
    let ids = |config, generation| stop(config, generation).unwrap().0;
    let none: [u32; 0] = [];
    // The default of the class, 50256, is no token of this small model.
    assert_eq!(ids(None, None), none);
    assert_eq!(ids(eos(json!(0)), None), [0]);
    assert_eq!(ids(eos(json!([5, 3, 5])), None), [3, 5]);
    assert_eq!(ids(eos(json!(null)), None), none);
    // The generation configuration wins, if it says something.
    assert_eq!(ids(eos(json!(0)), eos(json!([7, 9]))), [7, 9]);
    assert_eq!(ids(eos(json!(0)), eos(json!(null))), none);
    assert_eq!(ids(eos(json!(4)), Some(json!({"bos_token_id": 1}))), [4]);
    for outside in [json!(257), json!(-1), json!([257])] {
        let (ids, notes) = stop(eos(outside), None).unwrap();
        assert_eq!(ids, none);
        assert!(notes.contains("no token of this model"), "{notes}");
    }
    for (config, generation, file) in [
        (eos(json!("x")), None, "config.json"),
        (eos(json!(1.5)), None, "config.json"),
        (None, eos(json!({"a": 1})), "generation_config.json"),
    ] {
        let error = stop(config, generation).unwrap_err();
        assert!(
            matches!(&error, Error::UnsupportedOption { option: "eos_token_id", file: f, .. } if *f == file),
            "{error}"
        );
    }
}

#[test]
fn generation_settings_that_do_not_apply_are_named() {
    let neutral = json!({
        "do_sample": false, "num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "min_length": 0,
        "bad_words_ids": null, "suppress_tokens": [], "temperature": 0.7, "top_k": 50, "max_length": 20,
    });
    assert_eq!(stop(None, Some(neutral)).unwrap().1, "");
    for (name, value) in [
        ("do_sample", json!(true)),
        ("num_beams", json!(4)),
        ("repetition_penalty", json!(1.2)),
        ("no_repeat_ngram_size", json!(3)),
        ("min_new_tokens", json!(5)),
        ("suppress_tokens", json!([3])),
        ("forced_bos_token_id", json!(0)),
        ("stop_strings", json!(["###"])),
    ] {
        let settings = json!({ name: value });
        let notes = stop(None, Some(settings.clone())).unwrap().1;
        assert!(
            notes.contains(&format!("generation_config.json: `{name}` is not applied")),
            "{notes}"
        );
        let notes = stop(Some(settings), None).unwrap().1;
        assert!(
            notes.starts_with(&format!("config.json: `{name}` is not applied")),
            "{notes}"
        );
    }
    let both = json!({"do_sample": true, "num_beams": 2});
    assert!(
        stop(None, Some(both))
            .unwrap()
            .1
            .contains("`do_sample` and `num_beams` are not applied")
    );
}

#[test]
fn an_untied_head_is_its_own() {
    let untied = Checkpoint {
        tied: false,
        ..Checkpoint::default()
    };
    let tied = Checkpoint::default();
    let tokens = [1, 2, 3];
    assert_ne!(
        untied.load().logits(&tokens).unwrap(),
        tied.load().logits(&tokens).unwrap()
    );
}

#[test]
fn a_class_with_a_second_head_computes_the_same_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::default();
    checkpoint.write(dir.path());
    let mut config = checkpoint.config();
    config["architectures"] = json!(["GPT2DoubleHeadsModel"]);
    std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    let model = FloatModel::load(dir.path()).unwrap();
    let tokens = [4, 5, 6];
    assert_eq!(
        model.logits(&tokens).unwrap(),
        checkpoint.load().logits(&tokens).unwrap()
    );
}

/// A Llama's `config.json`, changed.
fn llama(change: impl FnOnce(&mut Value)) -> Result<Config, Error> {
    let mut config = common::json("tiny-llama/config.json");
    change(&mut config);
    Config::from_json(&config)
}

#[test]
fn llamas_and_their_relatives() {
    let base = llama(|_| {}).unwrap();
    let arch = base.arch;
    assert_eq!((arch.heads, arch.kv_heads, arch.head_width), (4, 2, 32));
    assert_eq!((base.norm, base.epsilon), (Norm::RmsNorm, 1e-5));
    assert_eq!(
        (arch.positions, arch.mlp),
        (Positions::Rotary, MlpKind::Gated)
    );
    assert!(base.tied && base.scale_by_width && !base.biases.qkv);
    assert_eq!(base.query_divisor(3), 32f64.sqrt());

    // What a family's code says.
    let mistral = llama(|c| {
        c["model_type"] = json!("mistral");
        c["architectures"] = json!(["MistralForCausalLM"]);
    });
    assert_eq!(mistral.unwrap(), base);
    let qwen = llama(|c| {
        c["model_type"] = json!("qwen2");
        c["architectures"] = json!(["Qwen2ForCausalLM"]);
    });
    let qwen = qwen.unwrap();
    assert!(qwen.biases.qkv && !qwen.biases.out && !qwen.biases.mlp);
    assert_eq!(qwen.default_stop, None);
    assert!(!qwen.arch.qk_norm);
    // Qwen 3 normalizes queries and keys; biases are an option, and heads have 128 features if nothing is said.
    let qwen3 = |more: &dyn Fn(&mut Value)| {
        llama(|c| {
            c["model_type"] = json!("qwen3");
            c["architectures"] = json!(["Qwen3ForCausalLM"]);
            more(c);
        })
    };
    let plain = qwen3(&|_| {}).unwrap();
    assert_eq!(plain.biases, base.biases);
    assert_eq!(plain.default_stop, None);
    let expected = Architecture {
        qk_norm: true,
        ..base.arch
    };
    assert_eq!(plain.arch, expected);
    let biased = qwen3(&|c| c["attention_bias"] = json!(true)).unwrap();
    assert!(biased.biases.qkv && biased.biases.out);
    let bare = qwen3(&|c| {
        remove(c, "head_dim");
        remove(c, "num_key_value_heads");
        c["num_attention_heads"] = json!(64);
    });
    let bare = bare.unwrap().arch;
    assert_eq!((bare.head_width, bare.kv_heads), (128, 32));
    let other = qwen3(&|c| c["architectures"] = json!(["Qwen3MoeForCausalLM"]));
    assert!(other.unwrap_err().to_string().contains("Qwen3ForCausalLM"));

    // What is absent.
    let bare = llama(|c| {
        let removed = [
            "head_dim",
            "num_key_value_heads",
            "max_position_embeddings",
            "rms_norm_eps",
            "rope_parameters",
            "tie_word_embeddings",
            "hidden_act",
        ];
        removed.iter().for_each(|name| remove(c, name));
    });
    let bare = bare.unwrap();
    assert_eq!((bare.arch.kv_heads, bare.arch.head_width), (4, 32));
    assert_eq!(
        (bare.arch.context, bare.epsilon, bare.tied),
        (2048, 1e-6, false)
    );
    assert_eq!(bare.activation, Activation::Silu);
    let plain = Rope {
        theta: 10_000.0,
        scaling: Scaling::None,
    };
    assert_eq!(bare.rope, Some(plain));

    // Biases, activations, heads that are not the width.
    let other = llama(|c| {
        c["attention_bias"] = json!(true);
        c["mlp_bias"] = json!(true);
        c["hidden_act"] = json!("gelu_pytorch_tanh");
        c["head_dim"] = json!(6);
    });
    let other = other.unwrap();
    assert!(other.biases.qkv && other.biases.out && other.biases.mlp);
    assert_eq!(other.activation, Activation::GeluNew);
    assert_eq!((other.arch.head_width, other.arch.query_width()), (6, 24));

    // Within a window attention is full.
    let windowed = |c: &mut Value| {
        c["sliding_window"] = json!(48);
        c["layer_types"] = json!(["full_attention", "sliding_attention"]);
    };
    assert_eq!(llama(windowed).unwrap().arch.context, 48);
    let unused = llama(|c| {
        windowed(c);
        c["model_type"] = json!("qwen2");
        c["architectures"] = json!(["Qwen2Model"]);
    });
    assert_eq!(unused.unwrap().arch.context, 128);
    let long = llama(|c| c["max_position_embeddings"] = json!(1 << 20));
    assert_eq!(long.unwrap().arch.context, 1 << 16);
}

#[test]
fn what_would_make_another_llama() {
    let yarn = |more: Value| {
        let mut of = json!({"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e4});
        for (name, value) in more.as_object().unwrap() {
            of[name] = value.clone();
        }
        of
    };
    for (name, value, option, word) in [
        ("attn_logit_softcapping", json!(50.0), "", "not capped"),
        ("final_logit_softcapping", json!(30.0), "", "not capped"),
        ("query_pre_attn_scalar", json!(256), "", "square root"),
        ("attention_multiplier", json!(0.1), "", "square root"),
        ("embedding_multiplier", json!(12.0), "", "not scaled"),
        ("residual_multiplier", json!(0.2), "", "not scaled"),
        ("logits_scaling", json!(8.0), "", "not scaled"),
        ("logit_scale", json!(0.5), "", "not scaled"),
        ("num_experts", json!(8), "", "one MLP"),
        ("num_local_experts", json!(8), "", "one MLP"),
        ("n_routed_experts", json!(8), "", "one MLP"),
        ("use_qk_norm", json!(true), "", "not normalized"),
        ("qk_layernorm", json!(true), "", "not normalized"),
        ("no_rope_layers", json!([1]), "", "all layers rotate"),
        ("rope_interleaved", json!(true), "", "two halves"),
        ("use_mrope", json!(true), "", "positions are numbers"),
        ("partial_rotary_factor", json!(0.5), "", "all features"),
        ("hidden_act", json!("relu2"), "", "silu"),
        ("attention_bias", json!("no"), "", "true or false"),
        ("head_dim", json!(7), "", "in pairs"),
        (
            "layer_types",
            json!(["linear_attention"]),
            "",
            "full_attention",
        ),
        (
            "layer_types",
            json!(["sliding_attention"]),
            "",
            "sliding_window",
        ),
        (
            "quantization_config",
            json!({"bits": 4}),
            "",
            "float weights",
        ),
        (
            "rope_parameters",
            json!({"rope_type": "dynamic"}),
            "rope_type",
            "length of a text",
        ),
        (
            "rope_parameters",
            json!({"rope_type": "longrope"}),
            "rope_type",
            "not implemented",
        ),
        (
            "rope_parameters",
            json!({"short_factor": [1.0]}),
            "short_factor",
            "LongRoPE",
        ),
        (
            "rope_parameters",
            yarn(json!({"mscale": 1.0})),
            "mscale",
            "attention_factor",
        ),
        (
            "rope_parameters",
            yarn(json!({"beta_fast": -1})),
            "beta_fast",
            "above 0",
        ),
        (
            "rope_parameters",
            json!({"full_attention": {"rope_theta": 1.0}}),
            "full_attention",
            "one rotation",
        ),
        (
            "rope_parameters",
            json!({"rope_theta": "big"}),
            "rope_theta",
            "above 0",
        ),
    ] {
        let error = llama(|c| c[name] = value.clone()).unwrap_err();
        let expected = if option.is_empty() { name } else { option };
        assert!(
            matches!(&error, Error::UnsupportedOption { option, .. } if *option == expected),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(word), "{error}");
    }
    let error = llama(|c| c["rope_parameters"] = json!({"rope_type": "linear"})).unwrap_err();
    assert!(matches!(error, Error::MissingOption { option: "factor" }));
    let error = llama(|c| c["num_key_value_heads"] = json!(3)).unwrap_err();
    assert!(error.to_string().contains("does not divide"), "{error}");
    for class in ["LlamaForSequenceClassification", "MistralForCausalLM"] {
        let error = llama(|c| c["architectures"] = json!([class])).unwrap_err();
        assert!(
            matches!(error, Error::UnsupportedArchitecture { .. }),
            "{error}"
        );
    }
}
