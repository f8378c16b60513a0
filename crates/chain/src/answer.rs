//! Answers with a receipt, as `nanozk serve` gives them, and what a receipt says.

use crate::epoch::answers::{EPOCH_RECEIPT_FORMAT, EpochReceipt};
use crate::receipt::{Opening, Served};
use alloy::primitives::{Address, B256};
use nanozk_verifier::hex::Digest32;
use serde_json::Value;

/// What was signed of an answer.
#[derive(Clone, Debug)]
pub enum Signed {
    /// A receipt that promises to keep what a proof takes.
    Alone(Box<Served>),
    /// A receipt of a place in an epoch.
    OfEpoch(Box<EpochReceipt>),
}

/// What is known of a receipt that its provider signed.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Who signed it.
    pub provider: Address,
    /// Model version that it names.
    pub model_id: Digest32,
    /// EIP-712 digest, which was signed.
    pub digest: B256,
    /// The receipt itself.
    pub receipt: Value,
}

/// A receipt, and the text that came with it, if it is an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was signed.
    pub signed: Signed,
    /// And whether a stop token or a stop text ended it.
    pub text: Option<(String, bool)>,
}

/// Why nothing that was signed could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// An answer of OpenAI's API as others serve it.
    #[error(
        "an answer without a receipt: nanozk serve adds one under nanozk, in a stream to its last part"
    )]
    NoReceipt,
    /// Fields are missing, or of another kind.
    #[error("no receipt: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Signed {
    /// Prompt and answer, as tokens.
    pub fn opening(&self) -> &Opening {
        match self {
            Self::Alone(served) => &served.opening,
            Self::OfEpoch(receipt) => &receipt.opening,
        }
    }

    /// Checks that its provider signed it, of these tokens.
    ///
    /// # Errors
    /// Says what is not so.
    pub fn check(&self) -> Result<Checked, String> {
        let (provider, model_id, digest, receipt) = match self {
            Self::Alone(served) => {
                served.check().map_err(|e| e.to_string())?;
                let receipt = &served.receipt;
                let value = serde_json::to_value(receipt);
                (receipt.provider, receipt.model_id, receipt.digest(), value)
            }
            Self::OfEpoch(receipt) => {
                let typed = receipt.check().map_err(|e| e.to_string())?;
                let digest = receipt.books.receipt(&typed);
                let value = serde_json::to_value(receipt);
                (receipt.line.provider, receipt.model_id, digest, value)
            }
        };
        Ok(Checked {
            provider,
            model_id,
            digest,
            receipt: receipt.map_err(|e| e.to_string())?,
        })
    }
}

impl Answer {
    /// From JSON: an answer of `nanozk serve`, the last part of a stream of it, or a receipt alone.
    ///
    /// # Errors
    /// If there is no receipt in it.
    pub fn from_json(value: Value) -> Result<Self, Unreadable> {
        let choice = &value["choices"][0];
        let text = [&choice["message"]["content"], &choice["text"]];
        let text = text.into_iter().find_map(Value::as_str);
        // The last part of a stream has none, and its text cannot be compared.
        let is_part = value["object"] == "chat.completion.chunk" || value.get("usage").is_none();
        let text = text.filter(|text| !(is_part && text.is_empty()));
        // What a stop text cuts off is not shown.
        let is_cut = choice["finish_reason"] == "stop";
        let text = text.map(|text| (text.to_owned(), is_cut));
        let inside = match value.get("nanozk") {
            Some(inside) => inside,
            None if value.get("choices").is_some() => return Err(Unreadable::NoReceipt),
            None => &value,
        };
        let is_of_epoch = [&inside["format"], &inside["receipt"]["format"]]
            .into_iter()
            .any(|format| format == EPOCH_RECEIPT_FORMAT);
        let signed = if is_of_epoch {
            Signed::OfEpoch(Box::new(EpochReceipt::from_json(value)?))
        } else {
            let mut served = inside.clone();
            // They are the server's, and not signed.
            served.as_object_mut().map(|all| all.remove("notes"));
            Signed::Alone(Box::new(serde_json::from_value(served)?))
        };
        Ok(Self { signed, text })
    }
}
