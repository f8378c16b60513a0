//! Final proofs judged from JSON to JSON, for other languages: as contracts do, by a key of final proofs ([`FinalKey`]) and by the
//! keys that models were registered with, without a setup.

use crate::hex::Digest32;
use crate::statement::Context;
use crate::{
    CheckedClaim, CheckedFinalKey, CheckedManifest, Claim, Error, FinalFile, FinalKey, Manifest,
};
use serde::{Deserialize, Serialize};

/// What is judged.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Sessions that the proof is over, in its order.
    sessions: Vec<Session>,
    /// `final.json`.
    #[serde(rename = "final")]
    file: FinalFile,
    /// The key of final proofs: see `nanozk setup final-key`.
    key: FinalKey,
}

/// A session.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    /// The model that the claim must be of.
    model_id: Digest32,
    /// `manifest.json`.
    manifest: Manifest,
    /// `claim.json`.
    claim: Claim,
}

/// The verdict.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    /// The proof is valid.
    Accepted {
        accepted: bool,
        /// Digest of the key by which it is: compare it with a known one.
        key_digest: Digest32,
        /// What is proved of each session.
        sessions: Vec<Proved>,
    },
    /// It is not, or something is no input at all.
    Refused { accepted: bool, reason: String },
}

/// What is proved of a session.
#[derive(Debug, Serialize)]
struct Proved {
    model_id: Digest32,
    claim_digest: Digest32,
    /// Where the claim is made.
    context: Context,
    prompt_tokens: u32,
    generated_tokens: u32,
    /// Layers of the model.
    layers: usize,
    /// Numbers of those that are proved.
    proved: Vec<usize>,
    /// Whether the setup is one whose secret is public: then nothing is proved to anybody.
    development_setup: bool,
}

/// Judges a question in JSON; gives the answer in JSON.
pub fn verdict(question: &str) -> String {
    let question = serde_json::from_str(question).map_err(|e| format!("the input: {e}"));
    let answer = question.and_then(|question| judge(question).map_err(|e| e.to_string()));
    let answer = answer.unwrap_or_else(|reason| Answer::Refused {
        accepted: false,
        reason,
    });
    // Plain structures of numbers and text: this cannot fail.
    serde_json::to_string(&answer).unwrap_or_default()
}

fn judge(question: Question) -> Result<Answer, Error> {
    let key = CheckedFinalKey::new(question.key)?;
    let sessions = question.sessions;
    let mut manifests = Vec::with_capacity(sessions.len());
    let mut claims = Vec::with_capacity(sessions.len());
    for session in sessions {
        manifests.push(CheckedManifest::of_model(
            session.manifest,
            &session.model_id,
        )?);
        claims.push(session.claim);
    }
    let claims: Vec<CheckedClaim<'_>> = manifests
        .iter()
        .zip(claims)
        .map(|(manifest, claim)| manifest.claim(claim))
        .collect::<Result<_, _>>()?;
    let layers = key.verify(&claims.iter().collect::<Vec<_>>(), &question.file)?;
    let proved = claims.iter().zip(layers).map(|(checked, proved)| {
        let (claim, manifest) = (checked.claim(), checked.manifest());
        Ok(Proved {
            model_id: claim.model_id,
            claim_digest: Digest32(claim.claim_digest()?),
            context: claim.context,
            prompt_tokens: claim.prompt_tokens,
            generated_tokens: claim.generated_tokens,
            layers: manifest.layers(),
            proved,
            development_setup: manifest.manifest().development_setup,
        })
    });
    Ok(Answer::Accepted {
        accepted: true,
        key_digest: key.digest(),
        sessions: proved.collect::<Result<_, Error>>()?,
    })
}
