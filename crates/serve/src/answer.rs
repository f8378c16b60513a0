//! What clients read, as OpenAI's API has it; `nanozk` beside it has the receipt, and what opens it.

use crate::request::Endpoint;
use crate::worker::{Done, Worker};
use nanozk_chain::answer::Signed;
use nanozk_chain::epoch::answers::Header;
use nanozk_chain::receipt::Served;
use serde_json::{Map, Value, json};

/// What all parts of an answer begin with.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) endpoint: Endpoint,
    pub(crate) name: String,
    pub(crate) created: u64,
    pub(crate) model: String,
    /// What the prompt's text does not show of its tokens.
    pub(crate) notes: Vec<String>,
}

fn finish_reason(done: &Done) -> &'static str {
    match done.is_stopped {
        true => "stop",
        false => "length",
    }
}

fn usage(done: &Done) -> Value {
    let opening = done.signed.opening();
    let (prompt, generated) = (opening.prompt.len(), opening.generated.len());
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    })
}

impl Frame {
    /// The receipt, what opens it, and notes.
    fn served(&self, done: &Done) -> Value {
        match &done.signed {
            Signed::Alone(served) => {
                let Served { receipt, opening } = &**served;
                json!({ "receipt": receipt, "opening": opening, "notes": self.notes })
            }
            // It has its opening in itself.
            Signed::OfEpoch(receipt) => json!({ "receipt": receipt, "notes": self.notes }),
        }
    }

    fn object(&self, is_part: bool, choices: Value) -> Map<String, Value> {
        let (prefix, object) = match (self.endpoint, is_part) {
            (Endpoint::Completion, _) => ("cmpl", "text_completion"),
            (Endpoint::Chat, false) => ("chatcmpl", "chat.completion"),
            (Endpoint::Chat, true) => ("chatcmpl", "chat.completion.chunk"),
        };
        let object = json!({
            "id": format!("{prefix}-{}", self.name),
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        match object {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    /// The whole answer.
    pub(crate) fn whole(&self, text: &str, done: &Done) -> Value {
        let reason = finish_reason(done);
        let choice = match self.endpoint {
            Endpoint::Completion => json!({
                "index": 0, "text": text, "logprobs": null, "finish_reason": reason,
            }),
            Endpoint::Chat => json!({
                "index": 0,
                "message": { "role": "assistant", "content": text, "refusal": null },
                "logprobs": null,
                "finish_reason": reason,
            }),
        };
        let mut object = self.object(false, json!([choice]));
        object.insert("usage".into(), usage(done));
        object.insert("nanozk".into(), self.served(done));
        object.into()
    }

    fn part(&self, content: Value, reason: Option<&str>) -> Map<String, Value> {
        let mut choice = json!({ "index": 0, "logprobs": null, "finish_reason": reason });
        let member = match self.endpoint {
            Endpoint::Completion => "text",
            Endpoint::Chat => "delta",
        };
        choice[member] = content;
        self.object(true, json!([choice]))
    }

    /// What a stream begins with, if anything.
    pub(crate) fn first(&self) -> Option<Value> {
        let delta = json!({ "role": "assistant", "content": "" });
        (self.endpoint == Endpoint::Chat).then(|| self.part(delta, None).into())
    }

    /// More of the text.
    pub(crate) fn more(&self, text: &str) -> Value {
        let content = match self.endpoint {
            Endpoint::Completion => json!(text),
            Endpoint::Chat => json!({ "content": text }),
        };
        self.part(content, None).into()
    }

    /// What a stream ends with. The receipt is in the part that says why it ends.
    pub(crate) fn last(&self, done: &Done, with_usage: bool) -> Vec<Value> {
        let nothing = match self.endpoint {
            Endpoint::Completion => json!(""),
            Endpoint::Chat => json!({}),
        };
        let mut end = self.part(nothing, Some(finish_reason(done)));
        end.insert("nanozk".into(), self.served(done));
        let mut parts = vec![end.into()];
        if with_usage {
            let mut object = self.object(true, json!([]));
            object.insert("usage".into(), usage(done));
            parts.push(object.into());
        }
        parts
    }
}

/// What a requester has to know before it asks: for whom its channel is, and which epoch is open.
fn epoch(header: &Header) -> Value {
    let Header {
        books,
        line,
        number,
        ..
    } = header;
    json!({ "number": number, "books": books, "line": line })
}

/// A model in the list of models.
pub(crate) fn model(worker: &Worker, created: u64) -> Value {
    let model = &worker.model;
    json!({
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": worker.provider,
        "nanozk": {
            "model_id": model.version.id(),
            "provider": worker.provider,
            "positions": model.version.manifest().tokens,
            "has_chat_template": model.template.is_some(),
            "development_setup": model.version.manifest().development_setup,
            "epoch": worker.epochs.as_ref().map(|epochs| epoch(&epochs.header())),
        },
    })
}
