//! Watching: what is known of a claim of somebody else's, and what may be risked on it.

use super::{Relayer, guard};
use crate::cursor::Tip;
use crate::decide::Act;
use crate::error::Error;
use crate::facts::{Facts, WHOLE, status};
use crate::files::read;
use crate::prover::{Reexecution, Task};
use crate::store::{ClaimRow, Verdict};
use alloy::primitives::{B256, U256, keccak256};
use nanozk_chain::bindings::escrow;
use nanozk_chain::claim::Posted;
use nanozk_chain::format::amount;
use nanozk_verifier::encoding::{scalar_from_bytes, scalar_to_bytes};
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::{POINT_WORDS, activation_words, activations_digest, points_of_words};
use rand_core::{OsRng, RngCore};
use std::collections::BTreeSet;
use std::path::Path;
use tracing::{info, warn};

impl Relayer {
    /// Counts a bond as at risk, before its challenge is planned; or says why none is risked.
    pub(super) async fn reserve_bond(
        &self,
        facts: &Facts,
        target: usize,
        tip: Tip,
    ) -> Result<Option<String>, Error> {
        let call = escrow::freeCall {
            account: self.shared.account,
            asset: facts.asset,
        };
        let escrow = self.shared.home.contracts.escrow;
        let free = self.reader.read(escrow, &call, tip).await?;
        let bond = facts.bond_of(target);
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
        let points = posted.map(|p| p.points.as_slice()).unwrap_or_default();
        if let Some(reason) = posted.and_then(|p| self.foreign(p)) {
            // A false claim may have proofs then.
            let verdict = Verdict {
                of,
                secret,
                reason,
                ..Verdict::default()
            };
            shared.store.judge(row.id, &verdict).await?;
            return Ok(verdict);
        }
        if posted.is_some() && !is_under(facts, points) {
            let verdict = Verdict {
                of,
                secret,
                target: Some(0),
                reason: "the commitments to activations that were posted are not those under their digest".into(),
                ..Verdict::default()
            };
            self.told(row.id, &verdict);
            shared.store.judge(row.id, &verdict).await?;
            return Ok(verdict);
        }
        let model = self.models.get(&facts.model_id);
        let mut reason = "the provider disclosed nothing";
        if let (Some(secret), Some(model), true) = (secret, model, shared.runner.exists()) {
            let found = shared.runner.take_result(row.id);
            if let Some(found) = found.filter(|f| f.secret == secret) {
                let (mut verdict, says_something) = judge(facts, points, &found);
                if !says_something {
                    // Drawn once, whatever is disclosed, and how often.
                    let drawn = known.map(|v| v.audits.clone()).filter(|a| !a.is_empty());
                    verdict.audits = drawn.unwrap_or_else(|| self.audits(facts));
                }
                self.told(row.id, &verdict);
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
            target: None,
            audits,
            reason: format!("layers are drawn at random: {reason}"),
        };
        shared.store.judge(row.id, &verdict).await?;
        Ok(verdict)
    }

    /// Why proofs of a claim say nothing here, if they are judged by another contract than this deployment's.
    fn foreign(&self, posted: &Posted) -> Option<String> {
        let (ours, theirs) = (self.shared.home.contracts.verifier, posted.claim.verifier);
        (theirs != ours).then(|| {
            format!(
                "proofs of this claim are judged by {theirs}, which is not this deployment's verifier, {ours}: no bond is \
                 risked on it"
            )
        })
    }

    fn told(&self, id: B256, verdict: &Verdict) {
        let reason = &verdict.reason;
        match verdict.target {
            Some(target) => {
                let challenge = Act::Challenge(target).what();
                warn!(code = "NZK430", claim = %id, target, reason, "the claim is false: {challenge}");
            }
            None => info!(code = "NZK431", claim = %id, reason, "the claim was executed again"),
        }
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
    // Verdicts of versions with other rules are found anew.
    bytes.push(2);
    keccak256(bytes)
}

fn word(scalar: Scalar) -> U256 {
    U256::from_be_bytes(scalar_to_bytes(&scalar.0))
}

/// Whether the words that were posted are those of the commitments under the claim's digest, one between each two layers.
/// Proofs say the digest and a fingerprint of what is under it, whatever the computation was: where they are not, no layer
/// has one.
fn is_under(facts: &Facts, words: &[U256]) -> bool {
    let scalars = words
        .iter()
        .map(|w| scalar_from_bytes(&w.to_be_bytes()).ok().map(Scalar));
    let points = scalars
        .collect::<Option<Vec<Scalar>>>()
        .and_then(|scalars| points_of_words(&scalars).ok());
    let digest = points
        .filter(|points| points.len() + 1 == facts.layers)
        .and_then(|points| activations_digest(&points).ok());
    digest.map(word) == Some(facts.activations[0])
}

/// What a re-execution says of a claim whose commitments are those under its digest, and whether it says anything.
///
/// A difference counts where nothing can be proved whatever the provider did: what was disclosed opens both digests of the
/// claim, and is not what the model generates, or not as many tokens as were ordered. Then some layer has no proof; which one
/// is not known, since commitments may differ by their blinding alone. So it is the whole claim that is challenged.
fn judge(facts: &Facts, words: &[U256], found: &Reexecution) -> (Verdict, bool) {
    let verdict = |target: Option<usize>, reason: String| Verdict {
        of: claim_digest(facts),
        secret: Some(found.secret),
        target,
        audits: Vec::new(),
        reason,
    };
    let nothing = |reason: &str| (verdict(None, reason.into()), false);
    if found.input_digest != facts.input_digest {
        return nothing(
            "secret.json has another prompt than the job: the provider disclosed something else",
        );
    }
    if found.output_digest != facts.output_digest {
        return nothing(
            "secret.json does not open the claim's answer, which may be another one or have another salt: the requester can \
             demand it (nanozk claim demand-output)",
        );
    }
    let counts = [found.prompt_tokens, found.generated_tokens];
    if counts != [facts.prompt_tokens, facts.new_tokens] {
        let [prompt, new] = counts;
        let reason = format!(
            "the claim is about {new} tokens after a prompt of {prompt}, the job is about {} after {}",
            facts.new_tokens, facts.prompt_tokens
        );
        return (verdict(Some(WHOLE), reason), true);
    }
    if let Some(position) = found.wrong_token {
        let reason =
            format!("the token at position {position} is not the one that the model generates");
        return (verdict(Some(WHOLE), reason), true);
    }
    let own: Vec<U256> = activation_words(&found.activations)
        .into_iter()
        .map(word)
        .collect();
    let other = (0..words.len().max(own.len())).find(|at| words.get(*at) != own.get(*at));
    let reason = match other {
        Some(at) => format!(
            "the answer is the model's; the commitment to the output of layer {} is not the one that the disclosed seed gives, \
             which other blinding explains: no ground for a challenge",
            at / POINT_WORDS
        ),
        None => "the answer, and every commitment, is that of the computation".into(),
    };
    (verdict(None, reason), true)
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
            prompt_tokens: 3,
            new_tokens: 4,
            ..Facts::default()
        };
        let found = Reexecution {
            secret: B256::ZERO,
            input_digest: facts.input_digest,
            output_digest: facts.output_digest,
            prompt_tokens: facts.prompt_tokens,
            generated_tokens: facts.new_tokens,
            activations: activations.clone(),
            wrong_token: None,
        };
        (facts, all_words(&activations), found)
    }

    fn target(f: &Facts, words: &[U256], found: &Reexecution) -> (Option<usize>, bool) {
        let (verdict, says_something) = judge(f, words, found);
        (verdict.target, says_something)
    }

    #[test]
    fn what_has_no_proof_is_found() {
        let (f, posted, same) = right();
        assert_eq!(target(&f, &posted, &same), (None, true));
        let mut found = same.clone();
        found.wrong_token = Some(4);
        assert_eq!(target(&f, &posted, &found), (Some(WHOLE), true));
        // One token for an order of four, and a prompt of another length.
        let mut found = same.clone();
        found.generated_tokens = 1;
        assert_eq!(target(&f, &posted, &found), (Some(WHOLE), true));
        let mut found = same.clone();
        found.prompt_tokens += 1;
        assert_eq!(target(&f, &posted, &found), (Some(WHOLE), true));
        // What does not open the claim says nothing of it.
        for change in [
            (|f| f.input_digest = B256::ZERO) as fn(&mut Reexecution),
            |f| f.output_digest = B256::ZERO,
        ] {
            let mut found = same.clone();
            found.wrong_token = Some(4);
            change(&mut found);
            assert_eq!(target(&f, &posted, &found), (None, false));
        }
    }

    /// Commitments under a blinding of the provider's choice have proofs: a challenge of one would lose its bond.
    #[test]
    fn bait_is_left_alone() {
        let (f, _, found) = right();
        let others = all_words(&points(&[4, 2]));
        let (verdict, says_something) = judge(&f, &others, &found);
        assert_eq!((verdict.target, says_something), (None, true));
        assert!(verdict.reason.contains("layer 0"), "{}", verdict.reason);
        // Nor does it hide a wrong answer.
        let mut found = found;
        found.wrong_token = Some(4);
        assert_eq!(target(&f, &others, &found), (Some(WHOLE), true));
    }

    #[test]
    fn commitments_are_those_under_the_digest() {
        let (f, posted, _) = right();
        assert!(is_under(&f, &posted));
        // Any word of any commitment counts.
        for at in 0..posted.len() {
            for by in [U256::ONE, U256::MAX] {
                let mut other = posted.clone();
                other[at] = other[at].wrapping_add(by);
                assert!(!is_under(&f, &other), "{at}");
            }
        }
        // Fewer, or more.
        assert!(!is_under(&f, &posted[..3]));
        assert!(!is_under(&f, &posted[..4]));
        assert!(!is_under(&f, &[]));
        assert!(!is_under(&f, &all_words(&points(&[1, 2, 3]))));
        let mut other = f.clone();
        other.activations[0] += U256::ONE;
        assert!(!is_under(&other, &posted));
        other = f;
        other.layers += 1;
        assert!(!is_under(&other, &posted));
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
