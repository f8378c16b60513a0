//! The tokenizer is a function, the one that transformers computes when it is called plainly.

mod common;

use std::path::Path;

use common::{Checkpoint, byte_tokenizer};
use nanozk_model::{Error, FloatModel, Options, PromptOptions, TextStream, Tokenizer, quantize};
use serde_json::{Value, json};

const PLAIN: PromptOptions = PromptOptions {
    template: false,
    special: false,
};

/// A checkpoint folder whose tokenizer was changed, with files beside it.
fn folder(change: impl FnOnce(&mut Value), beside: &[(&str, Value)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Checkpoint::default().write(dir.path());
    let mut tokenizer = byte_tokenizer();
    change(&mut tokenizer);
    write(dir.path(), "tokenizer.json", &tokenizer);
    for (name, json) in beside {
        write(dir.path(), name, json);
    }
    dir
}

fn write(dir: &Path, name: &str, json: &Value) {
    std::fs::write(dir.join(name), json.to_string()).unwrap();
}

fn load(change: impl FnOnce(&mut Value)) -> FloatModel {
    FloatModel::load(folder(change, &[]).path()).unwrap()
}

fn refused(change: impl FnOnce(&mut Value), beside: &[(&str, Value)]) -> String {
    let error = FloatModel::load(folder(change, beside).path()).unwrap_err();
    error.to_string()
}

fn notes(change: impl FnOnce(&mut Value), beside: &[(&str, Value)]) -> String {
    let model = FloatModel::load(folder(change, beside).path()).unwrap();
    model.notes().join("\n")
}

fn added(id: u32, content: &str, special: bool) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
           "normalized": false, "special": special})
}

/// `<s>` (256) before the text and `</s>` is not there.
fn template(t: &mut Value) {
    t["added_tokens"] = json!([added(256, "<s>", true)]);
    let token = json!({"SpecialToken": {"id": "<s>", "type_id": 0}});
    t["post_processor"] = json!({
        "type": "TemplateProcessing",
        "single": [token, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [token, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [256], "tokens": ["<s>"]}},
    });
}

fn bytes(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).collect()
}

#[test]
fn truncation_and_padding_are_not_applied() {
    let text = "a text of more than sixteen tokens";
    let model = load(|t| {
        t["truncation"] = json!({"direction": "Right", "max_length": 16, "strategy": "LongestFirst", "stride": 0});
        t["padding"] = json!({"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": null,
                              "pad_id": 0, "pad_type_id": 0, "pad_token": "x"});
    });
    assert_eq!(model.tokenizer().encode(text).unwrap(), bytes(text));
    let prompt = model
        .tokenizer()
        .encode_prompt(text, PromptOptions::default())
        .unwrap();
    assert_eq!(prompt.ids, bytes(text));
    assert_eq!(
        (prompt.added, prompt.special, prompt.changed),
        ([0, 0], vec![], None)
    );
    let notes = model.notes().join("\n");
    assert!(
        notes.contains("cuts texts to 16 tokens: not applied"),
        "{notes}"
    );
    assert!(notes.contains("pads texts: not applied"), "{notes}");
}

#[test]
fn dropout_is_refused() {
    let text = refused(|t| t["model"]["dropout"] = json!(0.5), &[]);
    assert!(
        text.contains("tokenizer.json: unsupported option `dropout` = 0.5"),
        "{text}"
    );
    // Also where an imported model keeps it.
    let dir = folder(|t| t["model"]["dropout"] = json!(0.1), &[]);
    Tokenizer::load(&dir.path().join("tokenizer.json"), 257).unwrap_err();
    load(|t| t["model"]["dropout"] = json!(0.0));
}

#[test]
fn merges_are_ignored_where_the_tokenizer_says_so() {
    let ids = |ignore: bool| {
        let model = load(|t| {
            t["model"]["vocab"]["abc"] = json!(256);
            t["model"]["ignore_merges"] = json!(ignore);
        });
        model.tokenizer().encode("abc").unwrap()
    };
    assert_eq!(ids(true), [256]);
    assert_eq!(ids(false), bytes("abc"));
}

#[test]
fn what_a_tokenizer_changes_is_told() {
    // A lossy normalizer is part of the tokenizer, and applies.
    let model = load(|t| t["normalizer"] = json!({"type": "Lowercase"}));
    let prompt = model
        .tokenizer()
        .encode_prompt("Ab", PromptOptions::default())
        .unwrap();
    assert_eq!(
        (prompt.ids, prompt.changed.as_deref()),
        (bytes("ab"), Some("ab"))
    );
    // So is a space before the text, and spaces that an added token takes with it.
    let model = load(|t| t["pre_tokenizer"]["add_prefix_space"] = json!(true));
    let prompt = model
        .tokenizer()
        .encode_prompt("a", PromptOptions::default())
        .unwrap();
    assert_eq!(
        (prompt.ids, prompt.changed.as_deref()),
        (bytes(" a"), Some(" a"))
    );
    let model = load(|t| {
        let mut token = added(256, "<x>", false);
        token["lstrip"] = json!(true);
        token["rstrip"] = json!(true);
        t["added_tokens"] = json!([token]);
    });
    let prompt = model
        .tokenizer()
        .encode_prompt("a <x> b", PromptOptions::default())
        .unwrap();
    assert_eq!(prompt.ids, [97, 256, 98]);
    assert_eq!(prompt.changed.as_deref(), Some("a<x>b"));
    // Normalized tokens match what the normalizer leaves.
    let model = load(|t| {
        t["normalizer"] = json!({"type": "Lowercase"});
        let mut token = added(256, "<x>", false);
        token["normalized"] = json!(true);
        t["added_tokens"] = json!([token]);
    });
    assert_eq!(model.tokenizer().encode("a<X>").unwrap(), [97, 256]);
    // Characters that no token has.
    let model = load(|t| {
        t["pre_tokenizer"] = json!(null);
        t["decoder"] = json!({"type": "Fuse"});
    });
    let prompt = model
        .tokenizer()
        .encode_prompt("a\u{4e00}b", PromptOptions::default())
        .unwrap();
    assert_eq!(
        (prompt.ids, prompt.changed.as_deref()),
        (bytes("ab"), Some("ab"))
    );
}

#[test]
fn a_template_is_applied_to_prompts() {
    let model = load(template);
    let tokenizer = model.tokenizer();
    assert_eq!(tokenizer.template(), &[vec![256], vec![]]);
    assert!(
        model
            .notes()
            .join("\n")
            .contains("adds \"<s>\" (256) before every prompt")
    );
    let prompt = tokenizer
        .encode_prompt("ab", PromptOptions::default())
        .unwrap();
    assert_eq!((prompt.ids, prompt.added), (vec![256, 97, 98], [1, 0]));
    assert_eq!((prompt.special, prompt.changed), (vec![], None));
    let prompt = tokenizer.encode_prompt("ab", PLAIN).unwrap();
    assert_eq!((prompt.ids, prompt.added), (bytes("ab"), [0, 0]));
    // Windows of text begin as prompts do: calibration sees what a run will see.
    let text = "0123456789".repeat(7);
    let windows = model.windows(&text).unwrap();
    assert_eq!(windows.len(), 2);
    for (window, chunk) in windows.iter().zip(bytes(&text).chunks(31)) {
        assert_eq!(window[0], 256);
        assert_eq!(&window[1..], chunk);
    }
    quantize(&model, &text, &Options::default()).unwrap();
    // The text of a long evaluation is not taken for several prompts.
    assert_eq!(tokenizer.encode_long("ab").unwrap(), bytes("ab"));
}

#[test]
fn special_tokens_in_a_text() {
    let model = load(|t| t["added_tokens"] = json!([added(256, "<|end|>", true)]));
    let tokenizer = model.tokenizer();
    let prompt = tokenizer
        .encode_prompt("a<|end|>b", PromptOptions::default())
        .unwrap();
    assert_eq!(prompt.ids, [97, 256, 98]);
    assert_eq!((prompt.special, prompt.changed), (vec![(1, 256)], None));
    let prompt = tokenizer.encode_prompt("a<|end|>b", PLAIN).unwrap();
    assert_eq!((prompt.ids, prompt.special), (bytes("a<|end|>b"), vec![]));
    assert_eq!(prompt.changed, None);
    assert_eq!(tokenizer.name(256), "\"<|end|>\" (256)");
    assert!(tokenizer.nameless(&[97, 256]).is_empty());
    assert_eq!(
        Checkpoint::default()
            .load()
            .tokenizer()
            .nameless(&[97, 256]),
        [256]
    );
}

#[test]
fn tokens_without_an_embedding() {
    let pad = |t: &mut Value| {
        t["added_tokens"] = json!([added(256, "<s>", true), added(257, "[PAD]", true)])
    };
    let model = load(pad);
    let text = model.notes().join("\n");
    assert!(
        text.contains("no embedding for \"[PAD]\" (257) of the tokenizer"),
        "{text}"
    );
    assert_eq!(model.tokenizer().encode("a<s>").unwrap(), [97, 256]);
    let error = model
        .tokenizer()
        .encode_prompt("ab[PAD]", PromptOptions::default())
        .unwrap_err();
    assert!(
        matches!(&error, Error::TokenWithoutEmbedding { position: 2, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("\"[PAD]\" (257)"), "{error}");
    model.tokenizer().check(&[257]).unwrap_err();
    // As text it can be asked about.
    assert_eq!(
        model.tokenizer().encode_prompt("[PAD]", PLAIN).unwrap().ids,
        bytes("[PAD]")
    );
}

#[test]
fn files_beside_the_tokenizer() {
    let config = |json: Value| [("tokenizer_config.json", json)];
    for (settings, words) in [
        (
            json!({"auto_map": {"AutoTokenizer": ["a.B", null]}}),
            "`auto_map`",
        ),
        (
            json!({"split_special_tokens": true}),
            "`split_special_tokens`",
        ),
        (json!({"add_bos_token": true}), "no token before the text"),
        (json!({"add_eos_token": true}), "no token after the text"),
        (
            json!({"add_prefix_space": true}),
            "`add_prefix_space` = false in tokenizer.json",
        ),
    ] {
        let text = refused(|_| {}, &config(settings));
        assert!(
            text.contains(words) && text.contains("tokenizer_config.json"),
            "{text}"
        );
    }
    let text = refused(template, &config(json!({"add_bos_token": false})));
    assert!(text.contains("a token before the text"), "{text}");
    // What agrees, and what only concerns other uses.
    let settings = json!({
        "add_bos_token": false, "add_prefix_space": false, "model_max_length": 16, "padding_side": "left",
        "tokenizer_class": "GPT2Tokenizer", "errors": "replace", "chat_template": "{{ messages }}",
        "clean_up_tokenization_spaces": true, "split_special_tokens": false, "bos_token": null,
    });
    assert_eq!(notes(|_| {}, &config(settings)), "");
    for beside in [
        ("tokenizer_config.json", json!({"pad_token": "[PAD]"})),
        (
            "tokenizer_config.json",
            json!({"added_tokens_decoder": {"300": {"content": "[PAD]"}}}),
        ),
        (
            "special_tokens_map.json",
            json!({"pad_token": {"content": "[PAD]"}}),
        ),
        (
            "special_tokens_map.json",
            json!({"additional_special_tokens": ["[PAD]"]}),
        ),
        ("added_tokens.json", json!({"[PAD]": 300})),
    ] {
        let text = notes(|_| {}, &[beside]);
        assert!(text.contains("does not add: \"[PAD]\""), "{text}");
    }
}

/// A folder with `vocab.json` and `merges.txt`: bytes, a merge of two letters, and an end-of-text token.
fn old(merges: &str, beside: &[(&str, Value)]) -> tempfile::TempDir {
    let dir = folder(|_| {}, beside);
    std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    let mut vocab = byte_tokenizer()["model"]["vocab"].clone();
    vocab.as_object_mut().unwrap().remove("ÿ");
    vocab["ab"] = json!(255);
    vocab["<|endoftext|>"] = json!(256);
    write(dir.path(), "vocab.json", &vocab);
    std::fs::write(dir.path().join("merges.txt"), merges).unwrap();
    dir
}

#[test]
fn vocabulary_and_merges() {
    let merges = "#version: 0.2\na b\n";
    let dir = old(merges, &[]);
    let model = FloatModel::load(dir.path()).unwrap();
    let tokenizer = model.tokenizer();
    assert!(model.notes()[0].contains("vocab.json and merges.txt"));
    let text = "abc<|endoftext|> ba\n";
    let ids = tokenizer.encode(text).unwrap();
    assert_eq!(ids, [255, 99, 256, 32, 98, 97, 10]);
    assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    // The tokenizer.json that it is can be read, and is the same.
    let path = dir.path().join("tokenizer.json");
    std::fs::write(&path, tokenizer.json()).unwrap();
    let again = FloatModel::load(dir.path()).unwrap();
    assert!(again.notes().is_empty(), "{:?}", again.notes());
    assert_eq!(again.tokenizer().json(), tokenizer.json());
    assert_eq!(again.tokenizer().encode(text).unwrap(), ids);

    // Line ends of another system; no header.
    for merges in ["#version: 0.2\r\na b\r\n", "a b\n", "a b"] {
        let model = FloatModel::load(old(merges, &[]).path()).unwrap();
        assert_eq!(model.tokenizer().encode("ab").unwrap(), [255], "{merges:?}");
    }
    for (merges, words) in [
        ("#version: 0.2\nab\n", "line 2: expected two tokens"),
        ("a b c\n", "line 1: expected two tokens"),
        ("a c\n", "line 1: \"ac\" is not in vocab.json"),
    ] {
        let error = FloatModel::load(old(merges, &[]).path()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn files_beside_vocabulary_and_merges() {
    let merges = "a b\n";
    let config = |json: Value| [("tokenizer_config.json", json)];
    let model =
        FloatModel::load(old(merges, &config(json!({"add_prefix_space": true}))).path()).unwrap();
    assert_eq!(model.tokenizer().encode("ab").unwrap(), [32, 255]);
    let model =
        FloatModel::load(old(merges, &config(json!({"add_bos_token": true}))).path()).unwrap();
    let prompt = model
        .tokenizer()
        .encode_prompt("ab", PromptOptions::default())
        .unwrap();
    assert_eq!((prompt.ids, prompt.added), (vec![256, 255], [1, 0]));
    let error = FloatModel::load(
        old(
            merges,
            &config(json!({"add_bos_token": true, "bos_token": "<s>"})),
        )
        .path(),
    );
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("`add_bos_token`: \"<s>\" is in no vocabulary"),
        "{error}"
    );

    // Added tokens, of which some are special.
    let beside = [
        ("added_tokens.json", json!({"[PAD]": 257, "<new>": 258})),
        (
            "special_tokens_map.json",
            json!({"pad_token": "[PAD]", "mask_token": "[MASK]"}),
        ),
    ];
    let model = FloatModel::load(old(merges, &beside).path()).unwrap();
    let notes = model.notes().join("\n");
    assert!(
        notes.contains("in no vocabulary are left out: \"[MASK]\""),
        "{notes}"
    );
    assert!(
        notes.contains("\"[PAD]\" (257), \"<new>\" (258)"),
        "{notes}"
    );
    let tokenizer: Value = serde_json::from_slice(model.tokenizer().json()).unwrap();
    let special: Vec<&Value> = tokenizer["added_tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["special"])
        .collect();
    assert_eq!(special, [true, false]);
    let beside = [("added_tokens.json", json!({"[PAD]": 300}))];
    let error = FloatModel::load(old(merges, &beside).path()).unwrap_err();
    assert!(
        error.to_string().contains("id 300 where 257 is next"),
        "{error}"
    );

    // One file of the two is not enough.
    for name in ["vocab.json", "merges.txt"] {
        let dir = old(merges, &[]);
        std::fs::remove_file(dir.path().join(name)).unwrap();
        let error = FloatModel::load(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::NoTokenizer { .. }), "{error}");
    }
}

/// Pieces of an answer's text are the text, whatever tokens split its characters, and each is whole characters.
#[test]
fn texts_are_streamed_in_whole_characters() {
    let text = "Grüße, 世界! 🦀🦀 naïve — ça va?  Two  spaces\n\tand a tab. ";
    for name in ["tiny-gpt2", "tiny-llama"] {
        let path = common::models().join(name).join("tokenizer.json");
        let tokenizer = Tokenizer::load(&path, 1 << 20).unwrap();
        let ids = tokenizer.encode(&text.repeat(3)).unwrap();
        let whole = tokenizer.decode(&ids).unwrap();
        let mut split = 0;
        for prompt in 1..ids.len() - 1 {
            let before = tokenizer.decode(&ids[..prompt]).unwrap();
            // Where the prompt ends within a character its text shows a part of it.
            let Some(expected) = whole.strip_prefix(&before) else {
                split += 1;
                continue;
            };
            let mut stream = TextStream::new(&tokenizer, &ids[..prompt]);
            let mut answer = String::new();
            for id in &ids[prompt..] {
                let piece = stream.push(*id).unwrap();
                assert!(!piece.contains('\u{fffd}'), "{name}: {piece:?}");
                answer += &piece;
            }
            answer += &stream.finish().unwrap();
            assert_eq!(answer, expected, "{name}, {prompt}");
        }
        assert!(split > 0, "{name}: no character has several tokens");
        // Bytes that never become a character are shown in the end.
        let crab = tokenizer.encode("🦀").unwrap();
        let mut stream = TextStream::new(&tokenizer, &ids);
        for id in &crab[..crab.len() - 1] {
            assert_eq!(stream.push(*id).unwrap(), "");
        }
        assert!(stream.finish().unwrap().ends_with('\u{fffd}'), "{name}");
        assert!(TextStream::new(&tokenizer, &[5]).push(1 << 21).is_err());
    }
}
