//! Whether a job can go through: whatever a later step would refuse is found before money moves.

use crate::bindings::registry;
use crate::error::Error;
use crate::format::{amount, duration, eth, utc};
use crate::request::{Lane, RequestFile};
use alloy::primitives::{Address, B256, U256};
use nanozk_verifier::session::Session;

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
    /// Whether no verifier of it is frozen.
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
                "a verifier of the version {} is frozen: no job of it can be taken",
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
        self.check_windows(r.lane, r.challenge_window.into(), r.answer_window.into())
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

    /// Refuses windows that are too short or too long. In the audited lane layers are drawn some time after the claim:
    /// windows that end before cost an honest provider its stake.
    fn check_windows(&self, lane: Lane, challenge: u64, answer: u64) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Mismatch(reason));
        let mut least = MIN_WINDOW;
        if lane == Lane::Audited {
            let Some(draw_time) = self.draw_time else {
                return wrong(
                    "these contracts audit no claims, since their chain has no prevrandao: choose another --lane".into(),
                );
            };
            least = least.max(draw_time);
        }
        let waived = lane == Lane::Proofs && challenge == 0;
        if !waived && !(least..=MAX_WINDOW).contains(&challenge) {
            return wrong(format!(
                "the challenge window is {}, it must be {} to {}{} (--challenge-window)",
                duration(challenge),
                duration(least),
                duration(MAX_WINDOW),
                match lane {
                    Lane::Audited => ": the layers to prove are drawn within it",
                    Lane::Proofs => ", or 0",
                    Lane::Optimistic => "",
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

    /// Least gas that a provider pays for before it is paid: for taking the job, the claim, the proofs that its lane
    /// asks for if nobody challenges, and the end.
    pub fn least_gas(&self, lane: Lane) -> u64 {
        let posting = LOCK_GAS + POST_GAS + BOUNDARY_GAS * self.layers.saturating_sub(1);
        let proving = match lane {
            Lane::Optimistic => FINALIZE_GAS,
            Lane::Audited => {
                let layers = LAYER_GAS * u64::from(self.policy.audits);
                SCHEDULE_GAS + REVEAL_GAS + layers.min(AGGREGATE_GAS) + FINALIZE_GAS
            }
            Lane::Proofs => AGGREGATE_GAS.min(LAYER_GAS * self.layers),
        };
        posting + proving
    }

    /// Says so if a price does not pay for that at a price of gas, in wei. Of tokens there is no rate.
    pub fn too_cheap(&self, lane: Lane, price: U256, gas_price: u128) -> Option<String> {
        let gas = self.least_gas(lane);
        let cost = U256::from(gas) * U256::from(gas_price);
        let cheap = self.policy.asset.is_zero() && price < cost;
        cheap.then(|| {
            format!(
                "the price of {} does not cover the provider's gas: at least {gas} gas, {} at the {} gwei of now",
                eth(price),
                eth(cost),
                gas_price as f64 / 1e9
            )
        })
    }
}

// Measured on the tiny GPT-2, and rounded down: what is below them does not pay.
const LOCK_GAS: u64 = 90_000;
const POST_GAS: u64 = 300_000;
const BOUNDARY_GAS: u64 = 24_000;
const FINALIZE_GAS: u64 = 80_000;
const SCHEDULE_GAS: u64 = 30_000;
const REVEAL_GAS: u64 = 100_000;
const LAYER_GAS: u64 = 350_000;
const AGGREGATE_GAS: u64 = 550_000;

/// Refuses a session that does not answer a request, or pays nobody.
pub fn check_session(file: &RequestFile, session: &Session) -> Result<(), Error> {
    let wrong = |reason: &str| Err(Error::Mismatch(reason.to_owned()));
    let context = crate::claim::context(file.chain, file.claim_book, file.job, Address::ZERO);
    let of_this_job = (context.chain, context.contract, context.claim)
        == (
            session.context.chain,
            session.context.contract,
            session.context.claim,
        );
    if !of_this_job {
        return wrong("the session is of another job: run the model with nanozk run --request");
    }
    if session.model_id != file.model_id {
        return wrong("the session is of another model than the request");
    }
    let digest = nanozk_verifier::encoding::scalar_to_bytes(&session.input_digest.0);
    if digest != file.request.input_digest.0 {
        return wrong(
            "the session answers another prompt or has another salt than the request: run it with nanozk run --request",
        );
    }
    match crate::claim::unpadded(session.context.recipient) {
        Some(recipient) if !recipient.is_zero() => Ok(()),
        _ => wrong("the session names no address that is paid"),
    }
}
