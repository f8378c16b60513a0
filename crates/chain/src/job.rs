//! Whether a job can go through: whatever a later step would refuse is found before money moves.

use crate::bindings::{market, registry};
use crate::client::Client;
use crate::error::Error;
use crate::format::{amount, count, duration, eth, utc};
use crate::request::{Mode, RequestFile};
use alloy::primitives::{Address, B256, U256};
use nanozk_verifier::Claim;
use nanozk_verifier::encoding::scalar_to_bytes;

/// Least time between the last moment to take a job and the last moment to claim it, in seconds; as in `JobMarket`.
pub const MIN_CLAIM_TIME: u64 = 600;
/// Most that a deadline may be ahead.
pub const MAX_AHEAD: u64 = 30 * 86_400;
/// Bounds of the windows.
pub const MIN_WINDOW: u64 = 60;
/// Likewise.
pub const MAX_WINDOW: u64 = 7 * 86_400;

/// What the chain says of the version that a job is for.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Id of its model.
    pub model: B256,
    /// Whether its verifier is not frozen.
    pub usable: bool,
    /// Positions of a session.
    pub positions: usize,
    /// Layers.
    pub layers: u64,
    /// Its policy.
    pub policy: registry::Policy,
    /// Longest time from a claim to its draw, in seconds; none if nothing is audited in this deployment.
    pub draw_time: Option<u64>,
}

impl Terms {
    /// Refuses a request that could not be opened, taken, claimed and paid. `now` is the chain's time. The requester's
    /// money, the provider's, and their signatures are looked at elsewhere.
    pub fn check(&self, file: &RequestFile, now: u64) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Mismatch(reason));
        file.check()?;
        let r = &file.request;
        if self.model.0 != file.model_id.0 {
            return wrong(format!(
                "the request is for model {}, its version {} is of model {}",
                file.model_id, r.version, self.model
            ));
        }
        if !self.usable {
            return wrong(format!(
                "the verifier of the version {} is frozen: no job of it can be taken",
                r.version
            ));
        }
        file.check_prompt(self.positions)?;
        let (asset, most) = (self.policy.asset, U256::from(self.policy.maxPrice));
        if r.price.is_zero() {
            return wrong("the price is zero".into());
        }
        if r.price > most {
            return wrong(format!(
                "the price {} is above the {} that this version allows",
                amount(asset, r.price),
                amount(asset, most)
            ));
        }
        if now > r.lock_by {
            return wrong(format!(
                "the job could be taken until {}: the requester has to make a new request",
                utc(r.lock_by)
            ));
        }
        if r.claim_by < r.lock_by.saturating_add(MIN_CLAIM_TIME) {
            return wrong(format!(
                "it could be taken until {} and would have to be claimed by {}: at least {} have to be between them \
                 (--claim-within)",
                utc(r.lock_by),
                utc(r.claim_by),
                duration(MIN_CLAIM_TIME)
            ));
        }
        self.check_windows(r.mode, r.challenge_window.into(), r.answer_window.into())
    }

    /// Refuses a request that the market would not open now, though it could have been opened earlier.
    pub fn check_opening(&self, file: &RequestFile, now: u64) -> Result<(), Error> {
        self.check(file, now)?;
        if file.request.claim_by > now.saturating_add(MAX_AHEAD) {
            return Err(Error::Mismatch(format!(
                "it would have to be claimed by {}: at most {} from now are possible",
                utc(file.request.claim_by),
                duration(MAX_AHEAD)
            )));
        }
        Ok(())
    }

    /// Refuses windows that are too short or too long. In the audited mode layers are drawn some time after the claim:
    /// windows that end before cost an honest provider its stake.
    fn check_windows(&self, mode: Mode, challenge: u64, answer: u64) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Mismatch(reason));
        let mut least = MIN_WINDOW;
        if mode == Mode::Audited {
            let Some(draw_time) = self.draw_time else {
                return wrong(
                    "these contracts audit no claims, since their chain has no prevrandao: choose another --mode".into(),
                );
            };
            least = least.max(draw_time);
        }
        let waived = mode == Mode::Proofs && challenge == 0;
        if !waived && !(least..=MAX_WINDOW).contains(&challenge) {
            return wrong(format!(
                "the challenge window is {}, it must be {} to {}{} (--challenge-window)",
                duration(challenge),
                duration(least),
                duration(MAX_WINDOW),
                match mode {
                    Mode::Audited => ": the layers to prove are drawn within it",
                    Mode::Proofs => ", or 0",
                    Mode::Optimistic => "",
                }
            ));
        }
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&answer) {
            return wrong(format!(
                "the answer window is {}, it must be {} to {} (--answer-window)",
                duration(answer),
                duration(MIN_WINDOW),
                duration(MAX_WINDOW)
            ));
        }
        Ok(())
    }

    /// [`too_cheap`], of a job of this version, now.
    ///
    /// # Errors
    /// Of the node.
    pub fn too_cheap(
        &self,
        client: &Client,
        mode: Mode,
        price: U256,
    ) -> Result<Option<String>, Error> {
        let (gas, bytes) = (least_gas(mode, self.layers), least_bytes(mode, self.layers));
        let besides = client.data_fee_of_bytes(bytes, gas)?;
        let price = (self.policy.asset, price);
        Ok(too_cheap(gas, price, client.gas_price()?, besides))
    }
}

/// Least gas that a provider pays for before it is paid: for taking the job, the claim, the proof that its mode asks for if
/// nobody challenges, and the end.
pub fn least_gas(mode: Mode, layers: u64) -> u64 {
    let posting = LOCK_GAS + POST_GAS + ACTIVATIONS_GAS * layers.saturating_sub(1);
    let proving = match mode {
        Mode::Optimistic => FINALIZE_GAS,
        Mode::Audited => REVEAL_GAS + PROVE_GAS + FINALIZE_GAS,
        Mode::Proofs => PROVE_GAS,
    };
    posting + proving
}

/// Least bytes of those transactions, which some rollups charge for besides.
pub fn least_bytes(mode: Mode, layers: u64) -> usize {
    let layers = usize::try_from(layers).unwrap_or(usize::MAX);
    let posting = LOCK_BYTES.saturating_add(POST_BYTES.saturating_mul(layers));
    let proving = match mode {
        Mode::Optimistic => FINALIZE_BYTES,
        Mode::Audited => REVEAL_BYTES + PROVE_BYTES + FINALIZE_BYTES,
        Mode::Proofs => PROVE_BYTES,
    };
    posting.saturating_add(proving)
}

/// Says so if a price, in an asset, does not pay for so much gas at a price, and for what the chain takes besides, in wei. Of
/// tokens there is no rate.
pub fn too_cheap(
    gas: u64,
    (asset, price): (Address, U256),
    gas_price: u128,
    besides: U256,
) -> Option<String> {
    let cost = U256::from(gas) * U256::from(gas_price);
    let is_cheap = asset.is_zero() && price < cost.saturating_add(besides);
    is_cheap.then(|| {
        let data = match besides.is_zero() {
            true => String::new(),
            false => format!(", and {} for bytes", eth(besides)),
        };
        format!(
            "the price of {} does not cover the provider's gas: at least {gas} gas, {} at the {} gwei of now{data}",
            eth(price),
            eth(cost),
            gas_price as f64 / 1e9
        )
    })
}

// Of whole transactions, rounded down: a price below their sum does not pay.
const LOCK_GAS: u64 = 120_000;
const POST_GAS: u64 = 100_000;
const ACTIVATIONS_GAS: u64 = 2_000;
const FINALIZE_GAS: u64 = 60_000;
const REVEAL_GAS: u64 = 60_000;
/// A proof of a claim.
pub const PROVE_GAS: u64 = 280_000;
const LOCK_BYTES: usize = 300;
/// For each layer: a commitment to activations.
const POST_BYTES: usize = 64;
const FINALIZE_BYTES: usize = 100;
const REVEAL_BYTES: usize = 600;
/// A proof of a claim.
pub const PROVE_BYTES: usize = 1_400;

/// What a session has to answer. Contracts take all of it from the job into the statement that proofs are about, so nothing
/// can be proved of a session that says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Model of the version.
    pub model: B256,
    /// Digest of the prompt.
    pub input_digest: B256,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens to generate, exactly.
    pub new_tokens: u32,
    /// How they are chosen.
    pub decoding: B256,
}

impl Order {
    /// That of a request.
    pub fn of_request(file: &RequestFile) -> Self {
        let r = &file.request;
        Self {
            model: file.model_id.0.into(),
            input_digest: r.input_digest,
            prompt_tokens: r.prompt_tokens,
            new_tokens: r.new_tokens,
            decoding: r.decoding,
        }
    }

    /// That of a job, whose version is of this model.
    pub fn of_job(job: &market::Job, model: B256) -> Self {
        Self {
            model,
            input_digest: job.inputDigest,
            prompt_tokens: job.promptTokens,
            new_tokens: job.newTokens,
            decoding: job.decoding,
        }
    }

    /// Refuses a session that does not answer it.
    pub fn check(&self, claim: &Claim) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Mismatch(reason));
        if claim.model_id.0 != self.model.0 {
            return wrong(format!(
                "the job is for model {}, the session is of {}",
                self.model, claim.model_id
            ));
        }
        let input = B256::from(scalar_to_bytes(&claim.input_digest.0));
        if (input, claim.prompt_tokens) != (self.input_digest, self.prompt_tokens) {
            return wrong(
                "the session answers another prompt, or has another salt, than the job: run it with nanozk run --request"
                    .into(),
            );
        }
        if claim.generated_tokens != self.new_tokens {
            return wrong(format!(
                "the session generated {} where the job ordered {}: no proof of it would be accepted",
                count(claim.generated_tokens as usize, "token"),
                self.new_tokens
            ));
        }
        if claim.decoding.0 != self.decoding.0 {
            return wrong(format!(
                "the session's tokens were chosen by the decoding {}, the job asks for {}",
                claim.decoding, self.decoding
            ));
        }
        Ok(())
    }
}

/// Refuses a session that does not answer a request, or pays nobody.
pub fn check_session(file: &RequestFile, claim: &Claim) -> Result<(), Error> {
    let wrong = |reason: &str| Err(Error::Mismatch(reason.to_owned()));
    let context = crate::claim::context(file.chain, file.claim_book, file.job, Address::ZERO);
    let of_this_job = (context.chain, context.contract, context.claim)
        == (
            claim.context.chain,
            claim.context.contract,
            claim.context.claim,
        );
    if !of_this_job {
        return wrong("the session is of another job: run the model with nanozk run --request");
    }
    Order::of_request(file).check(claim)?;
    match crate::claim::unpadded(claim.context.recipient) {
        Some(recipient) if !recipient.is_zero() => Ok(()),
        _ => wrong("the session names no address that is paid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::signed_with;
    use nanozk_verifier::GREEDY;
    use nanozk_verifier::encoding::scalar_from_bytes;
    use nanozk_verifier::hex::{Digest32, Scalar};

    const NOW: u64 = 1_000_000;

    fn terms() -> Terms {
        Terms {
            model: B256::repeat_byte(3),
            usable: true,
            positions: 8,
            layers: 4,
            policy: registry::Policy {
                asset: Address::ZERO,
                maxPrice: 1_000_000_000_000_000_000,
                externalGain: 0,
                stake: 1,
                challengeBond: 1,
                audits: 1,
            },
            draw_time: Some(1_752),
        }
    }

    fn good(file: &mut RequestFile) {
        let r = &mut file.request;
        r.mode = Mode::Audited;
        r.price = U256::from(1_000);
        (r.lock_by, r.claim_by) = (NOW + 60, NOW + 660);
        (r.challenge_window, r.answer_window) = (1_752, 60);
    }

    fn refused(terms: &Terms, change: impl FnOnce(&mut RequestFile), words: &str) {
        let file = signed_with(|f| {
            good(f);
            change(f);
        });
        let error = terms.check(&file, NOW).expect_err(words).to_string();
        assert!(error.contains(words), "no {words:?} in {error}");
    }

    #[test]
    fn what_a_later_step_would_refuse_is_refused() {
        let t = terms();
        let file = signed_with(good);
        t.check_opening(&file, NOW).expect("good");
        t.check(&file, NOW + 60).expect("in the last second");
        assert!(t.check(&file, NOW + 61).is_err());

        refused(&t, |f| f.request.price = U256::ZERO, "price is zero");
        let high = U256::from(1_000_000_000_000_000_001u64);
        refused(&t, |f| f.request.price = high, "above the 1 ETH");
        refused(&t, |f| f.request.lock_by = NOW - 1, "could be taken until");
        refused(&t, |f| f.request.claim_by -= 1, "at least 10 min");
        refused(&t, |f| f.request.challenge_window -= 1, "drawn within it");
        refused(&t, |f| f.request.challenge_window = 0, "drawn within it");
        refused(&t, |f| f.request.challenge_window = 604_801, "to 7 d");
        refused(&t, |f| f.request.answer_window = 59, "answer window");
        refused(&t, |f| f.request.answer_window = 604_801, "answer window");
        refused(&t, |f| f.request.decoding.0[0] = 1, "only greedy decoding");
        refused(&t, |f| f.prompt = vec![1, 3], "do not have the digest");
        refused(&t, |f| f.model_id.0[0] ^= 1, "is of model");
        let frozen = Terms {
            usable: false,
            ..terms()
        };
        refused(&frozen, |_| (), "frozen");
        let none = Terms {
            draw_time: None,
            ..terms()
        };
        refused(&none, |_| (), "audit no claims");

        // Only when it is opened.
        let far = signed_with(|f| {
            good(f);
            f.request.claim_by = NOW + MAX_AHEAD + 1;
        });
        t.check(&far, NOW).expect("opened earlier");
        assert!(t.check_opening(&far, NOW).is_err());
        t.check_opening(&far, NOW + 1).expect("30 days ahead");
    }

    #[test]
    fn sessions_that_answer_something_else_are_refused() {
        let order = Order {
            model: B256::repeat_byte(3),
            input_digest: B256::with_last_byte(8),
            prompt_tokens: 2,
            new_tokens: 100,
            decoding: B256::ZERO,
        };
        let number = |n: u8| {
            let bytes = B256::with_last_byte(n).0;
            Scalar(scalar_from_bytes(&bytes).expect("reduced"))
        };
        let claim = Claim {
            format: nanozk_verifier::CLAIM_FORMAT.into(),
            model_id: Digest32([3; 32]),
            context: crate::claim::context(1, Address::ZERO, B256::ZERO, Address::ZERO),
            input_digest: number(8),
            output_digest: number(9),
            prompt_tokens: 2,
            generated_tokens: 100,
            decoding: GREEDY,
            seed_digest: Digest32([0; 32]),
            activations: Vec::new(),
        };
        order.check(&claim).expect("the answer");
        let refused = |change: fn(&mut Claim), words: &str| {
            let mut claim = claim.clone();
            change(&mut claim);
            let error = order.check(&claim).expect_err(words).to_string();
            assert!(error.contains(words), "no {words:?} in {error}");
        };
        refused(|c| c.model_id.0[0] ^= 1, "is for model");
        refused(|c| c.input_digest = c.output_digest, "another prompt");
        refused(|c| c.prompt_tokens = 1, "another prompt");
        refused(|c| c.generated_tokens = 1, "generated 1 token where");
        refused(|c| c.generated_tokens = 101, "job ordered 100");
        refused(|c| c.decoding.0[31] = 1, "by the decoding");
    }

    #[test]
    fn other_modes_need_no_draw() {
        let none = Terms {
            draw_time: None,
            ..terms()
        };
        let request = |mode: Mode, window: u32| {
            signed_with(|f| {
                good(f);
                (f.request.mode, f.request.challenge_window) = (mode, window);
            })
        };
        for (mode, window, ok) in [
            (Mode::Proofs, 0, true),
            (Mode::Proofs, 59, false),
            (Mode::Proofs, 60, true),
            (Mode::Optimistic, 0, false),
            (Mode::Optimistic, 60, true),
            (Mode::Audited, 3_600, false),
        ] {
            let checked = none.check(&request(mode, window), NOW);
            assert_eq!(checked.is_ok(), ok, "{mode:?} {window}");
        }
    }

    #[test]
    fn cheap_prices_are_noticed() {
        let t = terms();
        let gas = least_gas(Mode::Optimistic, t.layers);
        assert!(gas < least_gas(Mode::Proofs, t.layers));
        assert!(gas < least_gas(Mode::Audited, t.layers));
        assert!(least_bytes(Mode::Optimistic, t.layers) < least_bytes(Mode::Proofs, t.layers));
        let (eth, one) = (Address::ZERO, U256::from(1));
        let price = 2_000_000_000;
        let cost = U256::from(gas) * U256::from(price);
        assert_eq!(too_cheap(gas, (eth, cost), price, U256::ZERO), None);
        let warning = too_cheap(gas, (eth, cost - one), price, U256::ZERO).expect("cheap");
        assert!(warning.ends_with("the 2 gwei of now"), "{warning}");
        // What the chain takes besides is the provider's, too.
        assert_eq!(too_cheap(gas, (eth, cost + one), price, one), None);
        let warning = too_cheap(gas, (eth, cost), price, one).expect("cheap");
        assert!(
            warning.ends_with("0.000000000000000001 ETH for bytes"),
            "{warning}"
        );
        let token = Address::repeat_byte(1);
        assert_eq!(too_cheap(gas, (token, one), 1, one), None);
    }
}
