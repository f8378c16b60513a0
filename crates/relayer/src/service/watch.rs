//! Watching: what is known of a claim of somebody else's, and what may be risked on it.

use super::{guard, Relayer};
use crate::cursor::Tip;
use crate::error::Error;
use crate::facts::{status, Facts};
use crate::files::read;
use crate::prover::{Reexecution, Task};
use crate::store::{ClaimRow, Verdict};
use alloy::primitives::{keccak256, B256};
use nanozk_chain::bindings::escrow;
use nanozk_chain::format::amount;
use rand_core::{OsRng, RngCore};
use std::collections::BTreeSet;
use std::path::Path;
use tracing::{info, warn};

impl Relayer {
    /// Counts a bond as at risk, before its challenge is planned; or says why none is risked.
    pub(super) async fn reserve_bond(
        &self,
        facts: &Facts,
        tip: Tip,
    ) -> Result<Option<String>, Error> {
        let call = escrow::freeCall {
            account: self.shared.account,
            asset: facts.asset,
        };
        let escrow = self.shared.home.contracts.escrow;
        let free = self.reader.read(escrow, &call, tip).await?;
        let bond = facts.challenge_bond;
        if free < bond {
            return Ok(Some(format!(
                "a challenge takes a bond of {} from the free balance of {}, which is {}: nanozk escrow deposit",
                amount(facts.asset, bond),
                self.shared.account,
                amount(facts.asset, free)
            )));
        }
        let most = self.shared.config.watch.max_bonds;
        // Claims are looked at side by side.
        let mut at_risk = guard(&self.bonds);
        let with_it = at_risk.saturating_add(bond);
        if with_it > most {
            return Ok(Some(format!(
                "a challenge needs a bond of {}; with those of other challenges {} would be at risk, more than watch.max_bonds, {}",
                amount(facts.asset, bond),
                amount(facts.asset, with_it),
                amount(facts.asset, most)
            )));
        }
        *at_risk = with_it;
        Ok(None)
    }

    /// What is known of a claim's correctness: once found, it is kept.
    pub(super) async fn verdict(
        &self,
        row: &ClaimRow,
        facts: &Facts,
        now: u64,
        fault: &mut Option<(String, String)>,
    ) -> Result<Verdict, Error> {
        let shared = &self.shared;
        let directory = Path::new(&row.directory);
        let of = claim_digest(facts);
        let known = row.verdict.as_ref().filter(|v| v.of == of);
        let secret = read(&directory.join("secret.json")).ok().map(keccak256);
        if let Some(verdict) = known.filter(|v| secret.is_none() || v.secret == secret) {
            return Ok(verdict.clone());
        }
        let open = facts.status == status::POSTED && now <= facts.challenge_by;
        if !open || facts.lane == status::LANE_PROOFS {
            // Nothing can be challenged.
            shared.runner.want(row.id, directory, None);
            return Ok(known.cloned().unwrap_or_default());
        }
        let model = self.models.get(&facts.model_id);
        let mut reason = "the provider disclosed nothing";
        if let (Some(secret), Some(model), true) = (secret, model, shared.runner.exists()) {
            let found = shared.runner.take_result(row.id);
            if let Some(found) = found.filter(|f| f.secret == secret) {
                let mut verdict = judge(facts, &found);
                if found.input_digest != facts.input_digest {
                    // Drawn once, whatever is disclosed, and how often.
                    let drawn = known.map(|v| v.audits.clone()).filter(|a| !a.is_empty());
                    verdict.audits = drawn.unwrap_or_else(|| self.audits(facts));
                }
                match verdict.differs {
                    Some(layer) => warn!(
                        code = "NZK430", claim = %row.id, layer, reason = verdict.reason,
                        "the claim is false"
                    ),
                    None => {
                        info!(code = "NZK431", claim = %row.id, reason = verdict.reason, "the claim was executed again")
                    }
                }
                shared.store.judge(row.id, &verdict).await?;
                return Ok(verdict);
            }
            let task = Task::Reexecute {
                model: model.clone(),
                by: facts.challenge_by,
                secret,
            };
            shared.runner.want(row.id, directory, Some(task));
            match shared.runner.failure(row.id) {
                Some(failure) => *fault = Some(("NZK402".into(), failure)),
                None => return Ok(known.cloned().unwrap_or_default()),
            }
            reason = "what the provider disclosed cannot be executed";
        } else if secret.is_some() && model.is_none() {
            *fault = Some((
                "NZK401".into(),
                format!(
                    "secret.json is there, but none of watch.models is the model {}: add its directory",
                    facts.model_id
                ),
            ));
            reason = "the model is not here";
        }
        if let Some(verdict) = known {
            return Ok(verdict.clone());
        }
        let audits = self.audits(facts);
        if audits.is_empty() {
            return Ok(Verdict::default());
        }
        // The draw is kept, so that a restart does not draw more.
        let verdict = Verdict {
            of,
            secret: None,
            differs: None,
            audits,
            reason: format!("layers are drawn at random: {reason}"),
        };
        shared.store.judge(row.id, &verdict).await?;
        Ok(verdict)
    }

    /// Layers to challenge without knowing whether they are wrong.
    fn audits(&self, facts: &Facts) -> Vec<usize> {
        match facts.lane {
            status::LANE_PROOFS => Vec::new(),
            _ => draw(facts.layers, self.shared.config.watch.audits),
        }
    }
}

/// What a verdict is about.
fn claim_digest(facts: &Facts) -> B256 {
    let mut bytes = facts.statement.to_vec();
    bytes.extend(facts.boundaries.iter().flatten());
    keccak256(bytes)
}

/// The first layer that no proof can be made for, if a claim is false.
fn judge(facts: &Facts, found: &Reexecution) -> Verdict {
    let verdict = |differs: Option<usize>, reason: String| Verdict {
        of: claim_digest(facts),
        secret: Some(found.secret),
        differs,
        audits: Vec::new(),
        reason,
    };
    let false_at = |layer: usize, reason: String| verdict(Some(layer), reason);
    if found.input_digest != facts.input_digest {
        let reason =
            "secret.json has another prompt than the job: the provider disclosed something else";
        return verdict(None, reason.into());
    }
    for (layer, (claimed, right)) in facts.boundaries.iter().zip(&found.boundaries).enumerate() {
        if claimed != right {
            return false_at(
                layer,
                format!("the commitment to the output of layer {layer} is {claimed}, the computation's is {right}"),
            );
        }
    }
    let head = facts.layers.saturating_sub(1);
    if let Some(position) = found.wrong_token {
        return false_at(
            head,
            format!("the token at position {position} is not the one that the model generates"),
        );
    }
    if found.output_digest != facts.output_digest {
        return false_at(
            head,
            format!(
                "the output digest is {}, the computation's is {}",
                facts.output_digest, found.output_digest
            ),
        );
    }
    verdict(None, "every commitment is that of the computation".into())
}

/// Different layers, at random.
fn draw(layers: usize, count: usize) -> Vec<usize> {
    let mut drawn = BTreeSet::new();
    while drawn.len() < count.min(layers) {
        drawn.insert((OsRng.next_u64() % layers as u64) as usize);
    }
    drawn.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            layers: 3,
            boundaries: vec![B256::repeat_byte(1), B256::repeat_byte(2)],
            input_digest: B256::repeat_byte(8),
            output_digest: B256::repeat_byte(9),
            ..Facts::default()
        }
    }

    fn same(f: &Facts) -> Reexecution {
        Reexecution {
            secret: B256::ZERO,
            input_digest: f.input_digest,
            output_digest: f.output_digest,
            boundaries: f.boundaries.clone(),
            wrong_token: None,
        }
    }

    #[test]
    fn the_first_difference_is_found() {
        let f = facts();
        assert_eq!(judge(&f, &same(&f)).differs, None);
        let mut found = same(&f);
        found.boundaries = vec![B256::repeat_byte(1), B256::repeat_byte(3)];
        found.wrong_token = Some(4);
        assert_eq!(judge(&f, &found).differs, Some(1));
        found.boundaries[0] = B256::ZERO;
        assert_eq!(judge(&f, &found).differs, Some(0));
        let mut found = same(&f);
        found.wrong_token = Some(4);
        assert_eq!(judge(&f, &found).differs, Some(2));
        let mut found = same(&f);
        found.output_digest = B256::ZERO;
        assert_eq!(judge(&f, &found).differs, Some(2));
        // What was disclosed proves nothing then.
        found.input_digest = B256::ZERO;
        assert_eq!(judge(&f, &found).differs, None);
    }

    #[test]
    fn draws_are_of_different_layers() {
        for count in 0..6 {
            let drawn = draw(4, count);
            assert_eq!(drawn.len(), count.min(4));
            assert!(drawn.iter().all(|l| *l < 4));
        }
    }
}
