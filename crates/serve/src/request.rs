//! What clients ask, as OpenAI's API has it: `POST /v1/completions` and `POST /v1/chat/completions`.
//!
//! Every member of a request is implemented, or has no influence on what a greedy decoder generates, or is refused by name.

use crate::error::Problem;
use nanozk_model::{ChatTemplate, Messages, PromptOptions, Tokenizer};
use serde_json::{Map, Value};

/// Texts that end an answer, at most, and their length in bytes.
const STOPS: usize = 4;
const STOP_BYTES: usize = 256;

/// Members that change nothing: names of users, keys of caches, a seed where nothing is random, a nucleus of which the most
/// probable token is always a part.
const WITHOUT_INFLUENCE: [&str; 10] = [
    "user",
    "metadata",
    "store",
    "seed",
    "service_tier",
    "prompt_cache_key",
    "safety_identifier",
    "parallel_tool_calls",
    "prediction",
    "top_p",
];

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A text is continued.
    Completion,
    /// Messages are answered.
    Chat,
}

/// What is to be continued or answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A text.
    Text(String),
    /// Tokens.
    Tokens(Vec<u32>),
    /// Messages.
    Messages(Messages),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Model.
    pub model: String,
    /// Prompt.
    pub input: Input,
    /// Tokens to generate, at most; none: as many as a session has room for.
    pub most: Option<usize>,
    /// Texts at which the answer ends.
    pub stops: Vec<String>,
    /// How the text of a prompt becomes tokens.
    pub options: PromptOptions,
    /// Go on after the model's stop tokens.
    pub ignore_eos: bool,
    /// Send the text as it comes.
    pub stream: bool,
    /// Send the numbers of tokens at the end of a stream.
    pub stream_usage: bool,
}

/// The members of a request that are not read yet.
struct Members(Map<String, Value>);

impl Members {
    /// What there is under a name; `null` is as nothing.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn flag(&mut self, name: &'static str) -> Result<bool, Problem> {
        self.flag_or(name, false)
    }

    fn flag_or(&mut self, name: &'static str, default: bool) -> Result<bool, Problem> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(invalid(name, "true or false")),
        }
    }

    fn count(&mut self, name: &'static str) -> Result<Option<usize>, Problem> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let count = value.as_u64().and_then(|n| usize::try_from(n).ok());
        match count {
            Some(count) if count > 0 => Ok(Some(count)),
            _ => Err(invalid(name, "a whole number above zero")),
        }
    }

    /// Refuses another value than the one that changes nothing.
    fn neutral(&mut self, name: &'static str, values: &[Value], why: &str) -> Result<(), Problem> {
        match self.take(name) {
            Some(value) if !values.contains(&value) => {
                let message = format!("{name} is not implemented: {why}. Leave it out");
                Err(Problem::bad(name, "unsupported_parameter", message))
            }
            _ => Ok(()),
        }
    }
}

fn invalid(name: &'static str, expected: &str) -> Problem {
    let message = format!("{name} has to be {expected}");
    Problem::bad(name, "invalid_value", message)
}

impl Request {
    /// From the body of a request.
    ///
    /// # Errors
    /// If it is malformed, or asks for what is not implemented.
    pub fn parse(endpoint: Endpoint, body: &str) -> Result<Self, Problem> {
        let malformed = |e: serde_json::Error| {
            let message = format!("the body is not JSON of a request: {e}");
            Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid_json", message)
        };
        let mut members = Members(serde_json::from_str(body).map_err(malformed)?);
        let model = match members.take("model") {
            Some(Value::String(model)) => model,
            _ => {
                return Err(invalid(
                    "model",
                    "the name of a model (GET /v1/models lists them)",
                ));
            }
        };
        let input = match endpoint {
            Endpoint::Completion => prompt(members.take("prompt"))?,
            Endpoint::Chat => {
                members.take("messages");
                // Once more from the text: templates see the order of keys.
                let messages = Messages::parse(body);
                let refused = |e: nanozk_model::Error| {
                    Problem::bad("messages", "invalid_value", e.to_string())
                };
                Input::Messages(messages.map_err(refused)?)
            }
        };
        let most = match (
            members.count("max_completion_tokens")?,
            members.count("max_tokens")?,
        ) {
            (Some(new), Some(old)) if new != old => {
                return Err(invalid(
                    "max_tokens",
                    "left out beside max_completion_tokens",
                ));
            }
            (new, old) => new.or(old),
        };
        let stops = stops(members.take("stop"))?;
        let ignore_eos = members.flag("ignore_eos")?;
        let options = match endpoint {
            Endpoint::Completion => PromptOptions {
                template: members.flag_or("add_special_tokens", true)?,
                special: !members.flag("split_special_tokens")?,
            },
            // The chat template says all of it.
            Endpoint::Chat => PromptOptions::default(),
        };
        let stream = members.flag("stream")?;
        let stream_usage = match members.take("stream_options") {
            None => false,
            Some(_) if !stream => return Err(invalid("stream_options", "left out without stream")),
            Some(Value::Object(options)) => {
                let mut options = Members(options);
                // A padding of chunks, for who counts bytes.
                options.take("include_obfuscation");
                let usage = options.flag("include_usage")?;
                if let Some(name) = options.0.keys().next() {
                    let message = format!("stream_options has no member {name}");
                    return Err(Problem::bad("stream_options", "unknown_parameter", message));
                }
                usage
            }
            Some(_) => return Err(invalid("stream_options", "an object")),
        };
        refuse_others(&mut members, endpoint)?;
        Ok(Self {
            model,
            input,
            most,
            stops,
            options,
            ignore_eos,
            stream,
            stream_usage,
        })
    }

    /// The tokens of the prompt, and what its text alone does not show.
    ///
    /// # Errors
    /// If the prompt has none, or others than the model's.
    pub fn prompt(
        &self,
        tokenizer: &Tokenizer,
        template: Option<&ChatTemplate>,
    ) -> Result<Prompt, Problem> {
        let refused =
            |name| move |e: nanozk_model::Error| Problem::bad(name, "invalid_value", e.to_string());
        let mut notes = Vec::new();
        let tokens = match &self.input {
            Input::Text(text) => {
                let prompt = tokenizer.encode_prompt(text, self.options);
                let prompt = prompt.map_err(refused("prompt"))?;
                let advice = ["add_special_tokens: false", "split_special_tokens: true"];
                notes = prompt.notes(tokenizer, advice);
                prompt.ids
            }
            Input::Tokens(tokens) => {
                tokenizer.check(tokens).map_err(refused("prompt"))?;
                tokens.clone()
            }
            Input::Messages(messages) => {
                let Some(template) = template else {
                    let message = "the model has no chat template: its checkpoint had none. Use /v1/completions";
                    return Err(Problem::bad("messages", "no_chat_template", message));
                };
                let prompt = template.prompt(messages, tokenizer);
                let prompt = prompt.map_err(refused("messages"))?;
                notes = prompt.notes(tokenizer);
                prompt.tokens
            }
        };
        match tokens.is_empty() {
            false => Ok(Prompt { tokens, notes }),
            true => Err(invalid("prompt", "of one token at least")),
        }
    }
}

/// A prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// What the text that was sent does not show of them.
    pub notes: Vec<String>,
}

fn prompt(value: Option<Value>) -> Result<Input, Problem> {
    let expected = "a text, or a list of tokens; several prompts at once are not implemented";
    let refuse = || invalid("prompt", expected);
    match value {
        Some(Value::String(text)) => Ok(Input::Text(text)),
        Some(Value::Array(list)) => match list.as_slice() {
            [Value::String(text)] => Ok(Input::Text(text.clone())),
            [Value::Array(tokens)] => Ok(Input::Tokens(token_list(tokens).ok_or_else(refuse)?)),
            tokens => Ok(Input::Tokens(token_list(tokens).ok_or_else(refuse)?)),
        },
        _ => Err(refuse()),
    }
}

fn token_list(values: &[Value]) -> Option<Vec<u32>> {
    let token = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    values.iter().map(token).collect()
}

fn stops(value: Option<Value>) -> Result<Vec<String>, Problem> {
    let list = match value {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(text) => vec![text],
    };
    let text = |value: Value| match value {
        Value::String(text) if (1..=STOP_BYTES).contains(&text.len()) => Some(text),
        _ => None,
    };
    let texts: Option<Vec<String>> = list.into_iter().map(text).collect();
    texts.filter(|texts| texts.len() <= STOPS).ok_or_else(|| {
        let expected = format!("a text or up to {STOPS}, each of 1 to {STOP_BYTES} bytes");
        invalid("stop", &expected)
    })
}

fn refuse_others(members: &mut Members, endpoint: Endpoint) -> Result<(), Problem> {
    use serde_json::json;
    let zero = [json!(0), json!(0.0)];
    let one = [json!(1)];
    let none = [json!([])];
    let greedy = "answers are greedy, and their receipts say so";
    members.neutral("temperature", &zero, greedy)?;
    for name in ["presence_penalty", "frequency_penalty"] {
        members.neutral(name, &zero, greedy)?;
    }
    members.neutral("logit_bias", &[json!({})], greedy)?;
    members.neutral("n", &one, "all greedy answers are the same")?;
    members.neutral("top_logprobs", &zero, "a receipt binds no probabilities")?;
    let no_logprobs = [json!(false), json!(0)];
    members.neutral("logprobs", &no_logprobs, "a receipt binds no probabilities")?;
    match endpoint {
        Endpoint::Completion => {
            members.neutral("best_of", &one, "all greedy answers are the same")?;
            members.neutral("echo", &[json!(false)], "the prompt is not repeated")?;
            members.neutral("suffix", &[json!("")], "texts are continued, not filled in")?;
        }
        Endpoint::Chat => {
            let text = "answers are text";
            members.neutral("response_format", &[json!({ "type": "text" })], text)?;
            members.neutral("modalities", &[json!(["text"])], text)?;
            members.neutral("audio", &[], text)?;
            members.neutral("reasoning_effort", &[], "the model decides that")?;
            members.neutral("verbosity", &[], "the model decides that")?;
            members.neutral("web_search_options", &[], "nothing is looked up")?;
            for name in ["tools", "functions"] {
                members.neutral(name, &none, "templates get no tools")?;
            }
            let no_choice = [json!("none"), json!("auto")];
            for name in ["tool_choice", "function_call"] {
                members.neutral(name, &no_choice, "templates get no tools")?;
            }
        }
    }
    for name in WITHOUT_INFLUENCE {
        members.take(name);
    }
    match members.0.keys().next() {
        None => Ok(()),
        Some(name) => Err(Problem::new(
            axum::http::StatusCode::BAD_REQUEST,
            "unknown_parameter",
            format!("there is no parameter {name}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn completion(members: Value) -> Result<Request, Problem> {
        let mut body = json!({"model": "m", "prompt": "Ownership is"});
        let all = members.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(all);
        Request::parse(Endpoint::Completion, &body.to_string())
    }

    fn chat(members: Value) -> Result<Request, Problem> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
        let all = members.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(all);
        Request::parse(Endpoint::Chat, &body.to_string())
    }

    #[test]
    fn requests_are_read() {
        let request = completion(json!({
            "max_tokens": 5, "stop": ["\n", "end"], "stream": true, "stream_options": {"include_usage": true},
            "temperature": 0, "n": 1, "user": "me", "seed": 4, "top_p": 0.5, "logprobs": null, "echo": false,
        }));
        let expected = Request {
            model: "m".into(),
            input: Input::Text("Ownership is".into()),
            most: Some(5),
            stops: vec!["\n".into(), "end".into()],
            options: PromptOptions::default(),
            ignore_eos: false,
            stream: true,
            stream_usage: true,
        };
        assert_eq!(request, Ok(expected));
        for (prompt, input) in [
            (json!(["one"]), Input::Text("one".into())),
            (json!([1, 2]), Input::Tokens(vec![1, 2])),
            (json!([[1, 2]]), Input::Tokens(vec![1, 2])),
        ] {
            let request = completion(json!({ "prompt": prompt })).expect("a request");
            assert_eq!(request.input, input);
            assert_eq!((request.most, request.stream), (None, false));
        }
        let request =
            chat(json!({"max_completion_tokens": 3, "max_tokens": 3, "tools": [], "stop": "x"}));
        let request = request.expect("a request");
        assert!(matches!(request.input, Input::Messages(_)));
        assert_eq!((request.most, request.stops), (Some(3), vec!["x".into()]));
    }

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        for (members, name) in [
            (json!({"model": 5}), "model"),
            (json!({"prompt": 5}), "prompt"),
            (json!({"prompt": ["a", "b"]}), "prompt"),
            (json!({"prompt": [-1]}), "prompt"),
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"max_tokens": 1.5}), "max_tokens"),
            (
                json!({"max_tokens": 1, "max_completion_tokens": 2}),
                "max_tokens",
            ),
            (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
            (json!({"stop": [""]}), "stop"),
            (json!({"stop": 5}), "stop"),
            (json!({"stream": 1}), "stream"),
            (json!({"stream_options": {}}), "stream_options"),
            (
                json!({"stream": true, "stream_options": {"other": 1}}),
                "stream_options",
            ),
            (json!({"temperature": 0.7}), "temperature"),
            (json!({"n": 2}), "n"),
            (json!({"presence_penalty": 1}), "presence_penalty"),
            (json!({"logit_bias": {"5": 1}}), "logit_bias"),
            (json!({"logprobs": 1}), "logprobs"),
            (json!({"echo": true}), "echo"),
            (json!({"suffix": "end"}), "suffix"),
            (json!({"best_of": 2}), "best_of"),
        ] {
            let problem = completion(members).expect_err(name);
            assert_eq!(problem.parameter, Some(name), "{problem:?}");
            assert!(problem.message.contains(name), "{problem:?}");
        }
        for (members, name) in [
            (json!({"messages": []}), "messages"),
            (json!({"messages": [{"role": "user"}]}), "messages"),
            (json!({"tools": [{}]}), "tools"),
            (json!({"tool_choice": "required"}), "tool_choice"),
            (
                json!({"response_format": {"type": "json_object"}}),
                "response_format",
            ),
            (json!({"reasoning_effort": "high"}), "reasoning_effort"),
            (json!({"logprobs": true}), "logprobs"),
        ] {
            let problem = chat(members).expect_err(name);
            assert_eq!(problem.parameter, Some(name), "{problem:?}");
        }
        let problem = chat(json!({"nonsense": 1})).expect_err("unknown");
        assert!(problem.message.contains("nonsense"), "{problem:?}");
        for body in ["", "[]", "5", "{"] {
            let problem = Request::parse(Endpoint::Chat, body).expect_err(body);
            assert_eq!(problem.code, "invalid_json");
        }
    }
}
