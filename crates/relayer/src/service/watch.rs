//! Watching: what is known of a claim of somebody else's, and what may be risked on it.

use super::{guard, Relayer};
use crate::cursor::Tip;
use crate::error::Error;
use crate::facts::{status, Facts};
use crate::files::{read, seed};
use crate::prover::{Reexecution, Task};
use crate::store::{ClaimRow, Verdict};
use alloy::primitives::{keccak256, B256, U256};
use nanozk_chain::bindings::escrow;
use nanozk_chain::claim::Posted;
use nanozk_chain::format::amount;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::{activation_words, activations_digest, POINT_WORDS};
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
        posted: Option<&Posted>,
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
        if !open || facts.mode == status::MODE_PROOFS {
            // Nothing can be challenged.
            shared.runner.want(row.id, directory, None);
            return Ok(known.cloned().unwrap_or_default());
        }
        let model = self.models.get(&facts.model_id);
        let mut reason = "the provider disclosed nothing";
        if let (Some(secret), Some(model), true) = (secret, model, shared.runner.exists()) {
            let found = shared.runner.take_result(row.id);
            if let Some(found) = found.filter(|f| f.secret == secret) {
                let points = posted.map(|p| p.points.as_slice()).unwrap_or_default();
                let disclosed = seed(directory).ok().flatten();
                let same_seed = disclosed.is_some_and(|s| keccak256(s.0) == facts.seed_digest);
                let mut verdict = match same_seed {
                    true => judge(facts, points, &found),
                    // Other blinding gives other commitments, whatever the computation was.
                    false => Verdict {
                        of,
                        secret: Some(found.secret),
                        reason: "secret.json has another seed than the claim: the provider disclosed something else".into(),
                        ..Verdict::default()
                    },
                };
                if !same_seed || found.input_digest != facts.input_digest {
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
        match facts.mode {
            status::MODE_PROOFS => Vec::new(),
            _ => draw(facts.layers, self.shared.config.watch.audits),
        }
    }
}

/// What a verdict is about.
fn claim_digest(facts: &Facts) -> B256 {
    let mut bytes = facts.statement.to_vec();
    for word in facts.activations {
        bytes.extend(word.to_be_bytes::<32>());
    }
    bytes.extend(facts.seed_digest);
    keccak256(bytes)
}

fn word(scalar: Scalar) -> U256 {
    U256::from_be_bytes(scalar_to_bytes(&scalar.0))
}

/// The first layer that no proof can be made for, if a claim is false; `points` are the words of the commitments that were
/// posted with it.
fn judge(facts: &Facts, points: &[U256], found: &Reexecution) -> Verdict {
    let verdict = |differs: Option<usize>, reason: String| Verdict {
        of: claim_digest(facts),
        secret: Some(found.secret),
        differs,
        audits: Vec::new(),
        reason,
    };
    let head = facts.layers.saturating_sub(1);
    let false_at = |layer: usize, reason: String| verdict(Some(layer.min(head)), reason);
    if found.input_digest != facts.input_digest {
        let reason =
            "secret.json has another prompt than the job: the provider disclosed something else";
        return verdict(None, reason.into());
    }
    let right = activation_words(&found.activations);
    let right: Vec<U256> = right.into_iter().map(word).collect();
    let other = (0..points.len().max(right.len())).find(|at| points.get(*at) != right.get(*at));
    if let Some(at) = other {
        let layer = at / POINT_WORDS;
        return false_at(
            layer,
            format!("the commitment to the output of layer {layer} is not the computation's"),
        );
    }
    // Proofs say the digest, and what is not under it is in no proof.
    let own = activations_digest(&found.activations).ok();
    if own.map(word) != Some(facts.activations[0]) {
        return false_at(
            0,
            "the digest of the commitments to activations is not that of the commitments".into(),
        );
    }
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
    use halo2curves::bn256::{Fr, G1Affine};
    use halo2curves::group::Curve;
    use nanozk_verifier::hex::Point;

    fn points(numbers: &[u64]) -> Vec<Point> {
        let point = |n: &u64| Point((G1Affine::generator() * Fr::from(*n)).to_affine());
        numbers.iter().map(point).collect()
    }

    fn all_words(points: &[Point]) -> Vec<U256> {
        activation_words(points).into_iter().map(word).collect()
    }

    /// A claim that is right, the words that were posted, and what the computation gives.
    fn right() -> (Facts, Vec<U256>, Reexecution) {
        let activations = points(&[1, 2]);
        let digest = activations_digest(&activations).expect("points");
        let facts = Facts {
            layers: 3,
            activations: [word(digest), U256::ZERO, U256::ZERO],
            input_digest: B256::repeat_byte(8),
            output_digest: B256::repeat_byte(9),
            ..Facts::default()
        };
        let found = Reexecution {
            secret: B256::ZERO,
            input_digest: facts.input_digest,
            output_digest: facts.output_digest,
            activations: activations.clone(),
            wrong_token: None,
        };
        (facts, all_words(&activations), found)
    }

    #[test]
    fn the_first_difference_is_found() {
        let (f, posted, same) = right();
        assert_eq!(judge(&f, &posted, &same).differs, None);
        let mut found = same.clone();
        found.activations = points(&[1, 3]);
        found.wrong_token = Some(4);
        assert_eq!(judge(&f, &posted, &found).differs, Some(1));
        found.activations = points(&[4, 3]);
        assert_eq!(judge(&f, &posted, &found).differs, Some(0));
        // Any word of any commitment counts.
        for at in 0..posted.len() {
            let mut other = posted.clone();
            other[at] += U256::ONE;
            assert_eq!(judge(&f, &other, &same).differs, Some(at / POINT_WORDS));
        }
        // Fewer, or more.
        assert_eq!(judge(&f, &posted[..3], &same).differs, Some(1));
        assert_eq!(judge(&f, &[], &same).differs, Some(0));
        let more = all_words(&points(&[1, 2, 3, 4, 5]));
        assert_eq!(judge(&f, &more, &same).differs, Some(2));
        let mut other = f.clone();
        other.activations[0] += U256::ONE;
        assert_eq!(judge(&other, &posted, &same).differs, Some(0));
        let mut found = same.clone();
        found.wrong_token = Some(4);
        assert_eq!(judge(&f, &posted, &found).differs, Some(2));
        let mut found = same;
        found.output_digest = B256::ZERO;
        assert_eq!(judge(&f, &posted, &found).differs, Some(2));
        // What was disclosed proves nothing then.
        found.input_digest = B256::ZERO;
        assert_eq!(judge(&f, &posted, &found).differs, None);
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
