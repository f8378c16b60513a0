//! Chat templates against what Hugging Face transformers makes of them: `test/models/chat.py` wrote `chat.json`.

mod common;

use nanozk_model::{ChatTemplate, Error, Messages};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn template(text: &str) -> ChatTemplate {
    ChatTemplate {
        template: text.into(),
        special_tokens: BTreeMap::new(),
    }
}

fn hello() -> Messages {
    Messages::parse(r#"[{"role": "user", "content": "Hello"}]"#).unwrap()
}

#[test]
fn texts_are_those_of_transformers() {
    let path = common::models().join("chat.json");
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut refused = 0;
    for case in all["cases"].as_array().unwrap() {
        let name = case["template"].as_str().unwrap();
        let template = ChatTemplate {
            template: all["templates"][name].as_str().unwrap().into(),
            special_tokens: serde_json::from_value(all["special_tokens"].clone()).unwrap(),
        };
        let messages = Messages::parse(case["messages"].as_str().unwrap()).unwrap();
        match (template.render(&messages), case["text"].as_str()) {
            (Ok(text), Some(expected)) => assert_eq!(text, expected, "{name}"),
            (Err(Error::ChatTemplate { .. }), None) => refused += 1,
            (got, expected) => panic!("{name}: {got:?}, not {expected:?}"),
        }
    }
    assert_eq!(refused, 3);
}

#[test]
fn what_a_template_refuses_is_said() {
    let text = "{{ bos_token }}\n{{ raise_exception('roles have to alternate') }}";
    let error = template(text).render(&hello()).unwrap_err().to_string();
    assert_eq!(error, "the chat template: roles have to alternate (line 2)");
    for (text, expected) in [
        ("{% for %}", "syntax error"),
        ("{{ messages | nothing_such }}", "nothing_such"),
        ("{{ messages[0].content.nothing_such() }}", "nothing_such"),
        ("{% include 'a file' %}", ""),
        ("{{ [1] | tojson(sort_keys=true) }}", "sort_keys"),
    ] {
        let error = template(text).render(&hello()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// A template is a program of strangers.
#[test]
fn templates_end() {
    for text in [
        "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for i in range(90000) %}{% for j in range(400) %}{{ '0123456789' }}{% endfor %}{% endfor %}",
    ] {
        let error = template(text).render(&hello());
        assert!(matches!(error, Err(Error::ChatTemplate { .. })), "{text}");
    }
}

/// The same messages give the same text on any day.
#[test]
fn templates_have_no_clock() {
    let text = "{{ strftime_now is defined }} {{ now is defined }}";
    assert_eq!(template(text).render(&hello()).unwrap(), "False False");
}

#[test]
fn templates_of_checkpoints() {
    let load = |files: &[(&str, Value)]| {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let text = content
                .as_str()
                .map_or_else(|| content.to_string(), Into::into);
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        ChatTemplate::load(dir.path())
    };
    let config = "tokenizer_config.json";
    assert_eq!(load(&[]).unwrap(), None);
    assert_eq!(
        load(&[(config, json!({"bos_token": "<s>"}))]).unwrap(),
        None
    );
    let found = load(&[(
        config,
        json!({"chat_template": "a", "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null}),
    )]);
    let found = found.unwrap().unwrap();
    assert_eq!(found.template, "a");
    let special = [("bos_token", "<s>"), ("eos_token", "</s>")];
    let special = special.map(|(key, text)| (key.to_owned(), text.to_owned()));
    assert_eq!(found.special_tokens, special.into());
    // A list, of which the default is taken; a file of its own comes first.
    let list = json!({"chat_template": [{"name": "tool_use", "template": "b"}, {"name": "default", "template": "c"}]});
    let file = |list: &Value| (config, list.clone());
    assert_eq!(load(&[file(&list)]).unwrap().unwrap().template, "c");
    let own = ("chat_template.jinja", json!("d"));
    assert_eq!(load(&[file(&list), own]).unwrap().unwrap().template, "d");
    for wrong in [
        json!(3),
        json!([]),
        json!([{"name": "tool_use", "template": "b"}]),
    ] {
        let error = load(&[(config, json!({"chat_template": wrong}))]).unwrap_err();
        assert!(error.to_string().contains("`chat_template`"), "{error}");
    }
}

#[test]
fn what_are_messages() {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "Hello"}]});
    assert_eq!(Messages::parse(&request.to_string()).unwrap(), hello());
    for (wrong, expected) in [
        (json!("Hello"), "no list"),
        (json!({"prompt": "Hello"}), "no list"),
        (json!([]), "there is none"),
        (json!(["Hello"]), "message 0 has no `role`"),
        (json!([{"content": "Hello"}]), "message 0 has no `role`"),
        (json!([{"role": "user"}]), "message 0 has no `content`"),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
            "content of type \"image_url\": only text",
        ),
    ] {
        let error = Messages::parse(&wrong.to_string()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = Messages::parse("[{").unwrap_err().to_string();
    assert!(error.contains("EOF"), "{error}");
    let talk = r#"[{"role": "a", "content": "x"}, {"role": "b", "content": [{"type": "text", "text": "y"}]}]"#;
    let texts = Messages::parse(talk).unwrap().texts();
    assert_eq!(texts, [(0, "x".to_owned()), (1, "y".to_owned())]);
}
