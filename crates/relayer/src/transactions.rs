//! From intents to included transactions.
//!
//! Every intent gets one nonce and keeps it: whatever is resubmitted, with higher fees or as a cancellation, has the same
//! nonce, so at most one of an intent's transactions takes effect. What nodes say is never believed to be final: an
//! intent is included if a receipt in the chain's own block says so, and is on its way again if that block goes.

mod inclusion;
mod replacement;

use inclusion::Found;

use crate::config::{Config, Fees};
use crate::cursor::Tip;
use crate::decide::PROVE;
use crate::error::Error;
use crate::facts::Posting;
use crate::rpc::is_unknown;
use crate::signer::Key;
use crate::store::{Attempt, Inclusion, Intent, Status, Store, clean, number_of};
use crate::text::gwei;
use alloy::consensus::TxEip1559;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{TransactionInput, TransactionRequest};
use nanozk_chain::GAS_CAP;
use nanozk_chain::data_fee::{self, DataFees, Paid, with_margin};
use nanozk_chain::format::{eth, relative};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Gas of a transaction that does nothing.
const CANCEL_GAS: u64 = 21_000;
/// Twice what wallets offer block producers, mostly, in wei for a gas.
const USUAL_TIP: u128 = 2_000_000_000;
/// Rounds in a row, and pauses between them, after which a nonce that the chain used is not ours: a node may lag behind
/// another.
const CERTAIN: u32 = 5;
/// The least that block producers are offered, in wei for a gas. Where blocks are empty, recent ones say that nothing is
/// enough, which nodes do not take as such: Geth's miner leaves out what offers less than this by default.
const LEAST_TIP: u128 = 1_000_000;
/// A day, in seconds.
pub const DAY: u64 = 86_400;
/// How nodes say that blocks cost more than a transaction offers.
const OUTBID: [&str; 3] = ["base fee", "basefee", "fee cap"];
/// How [`Error::Slow`] begins.
const SLOW: &str = "no node answers in time";

/// Sends intents.
#[derive(Debug)]
pub struct Manager {
    store: Store,
    provider: RootProvider,
    key: Key,
    chain_id: u64,
    data_fees: DataFees,
    fees: Fees,
    /// Pause between rounds.
    poll: Duration,
    /// Since when the account's lowest nonce is not ours and does not move.
    foreign: Option<Foreign>,
    /// Intents whose nonce was used, without a receipt of ours, in so many rounds, and since when.
    suspects: HashMap<String, (u32, Instant)>,
    /// Transactions at a limit of which that was said.
    told: HashSet<B256>,
    /// Why nodes refused a transaction last.
    refused: HashMap<B256, String>,
}

/// A nonce below ours that is not ours.
#[derive(Clone, Copy, Debug)]
struct Foreign {
    nonce: u64,
    /// The newest block when it was first seen.
    block: u64,
    since: Instant,
}

/// What a transaction may cost.
#[derive(Clone, Copy, Debug)]
struct Offer {
    gas: u64,
    max_fee: u128,
    priority_fee: u128,
    /// Besides gas times price.
    data_fee: U256,
}

impl Offer {
    fn cost(&self) -> U256 {
        let gas = U256::from(self.gas).saturating_mul(U256::from(self.max_fee));
        gas.saturating_add(self.data_fee)
    }
}

/// What the manager did in one round.
#[derive(Debug, Default)]
pub struct Round {
    /// Transactions on their way.
    pub pending: usize,
    /// Those that were included in this round.
    pub included: usize,
    /// What went wrong with single transactions.
    pub failed: Vec<Error>,
}

/// Failures of single transactions after which it is taken that all others fail, too.
const BEARABLE: usize = 3;

impl Round {
    /// Keeps what others can go on in spite of, or gives it back.
    fn bear(&mut self, error: Error) -> Result<(), Error> {
        match error {
            Error::Key(_) if self.failed.len() < BEARABLE => self.failed.push(error),
            e if e.is_of_nodes() && self.failed.len() < BEARABLE => self.failed.push(e),
            error => return Err(error),
        }
        Ok(())
    }
}

impl Manager {
    /// A manager of an account.
    pub fn new(
        store: Store,
        provider: RootProvider,
        key: Key,
        (chain_id, data_fees): (u64, DataFees),
        config: &Config,
    ) -> Self {
        Manager {
            store,
            provider,
            key,
            chain_id,
            data_fees,
            fees: config.fees.clone(),
            poll: config.poll,
            foreign: None,
            suspects: HashMap::new(),
            told: HashSet::new(),
            refused: HashMap::new(),
        }
    }

    /// The account.
    pub fn account(&self) -> Address {
        self.key.address()
    }

    async fn ask<T>(
        &self,
        what: &str,
        question: impl std::future::IntoFuture<
            Output = Result<T, alloy::transports::RpcError<alloy::transports::TransportErrorKind>>,
        >,
    ) -> Result<T, Error> {
        question.await.map_err(|e| Error::of_node(e, what))
    }

    /// Moves everything on by as much as the chain allows. What fails for one intent keeps no other from going on.
    pub async fn round(&mut self, tip: Tip, plan_more: bool) -> Result<Round, Error> {
        let account = self.account();
        let included = self
            .ask(
                "the account's nonce",
                self.provider
                    .get_transaction_count(account)
                    .block_id(BlockId::Number(BlockNumberOrTag::Latest)),
            )
            .await?;
        let mut round = Round::default();
        let mut used = self.store.intents(Status::Signed, 4_096).await?;
        used.retain(|i| i.nonce.is_some_and(|n| n < included));
        // Of those a receipt may have come late.
        let recent = tip.number.saturating_sub(self.fees.confirmations);
        used.extend(self.store.displaced_above(recent).await?);
        // Rounds in a row count.
        self.suspects
            .retain(|id, _| used.iter().any(|i| i.id == *id));
        for intent in &used {
            let found = match self.receipt_of(intent, tip).await {
                Ok(found) => found,
                Err(e) => {
                    round.bear(e)?;
                    continue;
                }
            };
            match found {
                Found::Here(at) => {
                    self.suspects.remove(&intent.id);
                    self.note_inclusion(intent, &at);
                    round.included += 1;
                    self.store.included(intent, &at).await?;
                }
                Found::Later => {
                    self.suspects.remove(&intent.id);
                }
                Found::Nowhere if intent.status == Status::Signed => {
                    self.displaced(intent, tip).await?;
                }
                Found::Nowhere => {}
            }
        }
        if tip.number > self.fees.confirmations {
            self.store
                .finalize(tip.number - self.fees.confirmations)
                .await?;
        }
        let signed = self.store.intents(Status::Signed, 4_096).await?;
        round.pending = signed.len();
        for intent in signed
            .iter()
            .filter(|i| i.nonce.is_some_and(|n| n >= included))
        {
            if let Err(e) = self.push(intent, included, tip).await {
                round.bear(e)?;
            }
        }
        if let Err(e) = self.repair(&signed, included, tip).await {
            round.bear(e)?;
        }
        if plan_more {
            self.send_planned(included, tip, &mut round).await?;
        }
        Ok(round)
    }

    async fn spent(&self, tip: Tip) -> Result<U256, Error> {
        self.store.spent_since(tip.time.saturating_sub(DAY)).await
    }

    async fn balance(&self) -> Result<U256, Error> {
        self.ask(
            "the account's balance",
            self.provider.get_balance(self.account()),
        )
        .await
    }

    /// Fees that the next blocks take, below the ceiling.
    async fn market(&self) -> Result<(u128, u128), Error> {
        let fees = self
            .ask("the fees of blocks", self.provider.estimate_eip1559_fees())
            .await?;
        let ceiling = self.fees.max_fee_per_gas;
        let tip = fees.max_priority_fee_per_gas.max(LEAST_TIP);
        let more = tip - fees.max_priority_fee_per_gas;
        let max = fees.max_fee_per_gas.saturating_add(more).min(ceiling);
        Ok((max, tip.min(max)))
    }

    /// What to set aside for what the chain takes besides gas times price.
    async fn data_fee(&self, intent: &Intent, cancels: bool, gas: u64) -> Result<U256, Error> {
        let nothing = Bytes::new();
        let (to, data) = match cancels {
            true => (self.account(), &nothing),
            false => (intent.to, &intent.data),
        };
        let fee = self
            .data_fees
            .of_call(&self.provider, TxKind::Call(to), data, gas);
        Ok(with_margin(
            self.ask("the fee for a transaction's bytes", fee).await?,
        ))
    }

    fn request(&self, to: Address, data: &Bytes) -> TransactionRequest {
        TransactionRequest::default()
            .from(self.account())
            .to(to)
            .input(TransactionInput::both(data.clone()))
    }

    /// Gas of an intent's call.
    pub async fn simulate(&self, intent: &Intent, at: BlockNumberOrTag) -> Result<u64, Error> {
        let call = self.request(intent.to, &intent.data);
        let estimate = self.provider.estimate_gas(call).block(BlockId::Number(at));
        let what = format!("{} would fail", intent.what);
        self.ask(&what, estimate).await
    }

    /// Signs and broadcasts what is planned, the most urgent first, while limits allow.
    async fn send_planned(
        &mut self,
        included: u64,
        tip: Tip,
        round: &mut Round,
    ) -> Result<(), Error> {
        let mut planned = self.store.intents(Status::Planned, 256).await?;
        if planned.is_empty() {
            return Ok(());
        }
        // What nodes take long for keeps no other waiting.
        planned.sort_by_key(|i| i.error.as_ref().is_some_and(|e| e.starts_with(SLOW)));
        let own = self.store.intents(Status::Signed, 4_096).await?;
        let mut room = self.fees.max_pending.saturating_sub(own.len());
        // A node that is behind another knows too few.
        let own_next = self.store.next_nonce().await?;
        let mut nonce = own_next.max(included).max(self.pending_count().await?);
        let (max_fee, priority_fee) = self.market().await?;
        let balance = self.balance().await?;
        let mut reserved = self.store.reserved().await?;
        let mut spent = self.spent(tip).await?.saturating_add(reserved);
        for intent in planned {
            if room == 0 {
                break;
            }
            if intent.action.starts_with("free-nonce-") {
                // Of an interrupted repair: the nonce it was for may be gone.
                self.store.drop_intent(&intent.id, None).await?;
                continue;
            }
            if intent.deadline != 0 && intent.deadline < tip.time {
                let passed = relative(intent.deadline, tip.time);
                let reason = format!("its deadline passed {passed}");
                self.give_up(&intent, &reason, tip).await?;
                continue;
            }
            let gas = match self.simulate(&intent, BlockNumberOrTag::Pending).await {
                Ok(gas) => gas,
                Err(e @ Error::Reverted { .. }) => {
                    self.give_up(&intent, &e.to_string(), tip).await?;
                    continue;
                }
                Err(Error::Slow(reason)) if self.is_shared(&intent).await? => {
                    // Smaller calls are estimated sooner.
                    self.split(&intent, &reason, tip).await?;
                    continue;
                }
                Err(e) => {
                    self.hold(&intent, e.code(), &e.to_string()).await?;
                    if !matches!(e, Error::Refused(_)) {
                        round.bear(e)?;
                    }
                    continue;
                }
            };
            if gas > GAS_CAP {
                let reason =
                    format!("it needs {gas} gas, more than the {GAS_CAP} of a transaction");
                self.give_up(&intent, &reason, tip).await?;
                continue;
            }
            // The state may be another by the time it is included.
            let limit = (gas + gas / 8).min(GAS_CAP);
            let data_fee = match self.data_fee(&intent, false, limit).await {
                Ok(fee) => fee,
                Err(e) => {
                    self.hold(&intent, e.code(), &e.to_string()).await?;
                    round.bear(e)?;
                    continue;
                }
            };
            let offer = Offer {
                gas: limit,
                max_fee,
                priority_fee,
                data_fee,
            };
            // The rest of the day's is for replacements, without which nothing might go on.
            let day = self.fees.max_per_day / U256::from(4) * U256::from(3);
            if let Some(reason) = self.over(&offer, day, spent, reserved, balance) {
                self.hold(&intent, "NZK302", &reason).await?;
                continue;
            }
            let attempt = self.sign(&intent, nonce, offer, false, tip).await?;
            self.broadcast(&intent, &attempt).await?;
            nonce += 1;
            room -= 1;
            round.pending += 1;
            reserved = reserved.saturating_add(offer.cost());
            spent = spent.saturating_add(offer.cost());
        }
        Ok(())
    }

    /// The limit that a cost would break.
    fn over(
        &self,
        offer: &Offer,
        day: U256,
        spent: U256,
        reserved: U256,
        balance: U256,
    ) -> Option<String> {
        let f = &self.fees;
        let cost = offer.cost();
        if cost > f.max_per_transaction {
            let data = match offer.data_fee.is_zero() {
                true => String::new(),
                false => format!(" ({} of it for its bytes)", eth(offer.data_fee)),
            };
            return Some(format!(
                "it may cost {}{data}, more than fees.max_per_transaction, {}",
                eth(cost),
                eth(f.max_per_transaction)
            ));
        }
        if spent.saturating_add(cost) > day {
            let part = match day < f.max_per_day {
                true => "three quarters of ",
                false => "",
            };
            return Some(format!(
                "with it a day's fees may be {}, more than {part}fees.max_per_day, {}",
                eth(spent.saturating_add(cost)),
                eth(f.max_per_day)
            ));
        }
        if reserved.saturating_add(cost) > balance {
            return Some(format!(
                "the account {} has {}, with it up to {} are needed: send it more",
                self.account(),
                eth(balance),
                eth(reserved.saturating_add(cost))
            ));
        }
        None
    }

    async fn hold(&self, intent: &Intent, code: &'static str, reason: &str) -> Result<(), Error> {
        let reason = &clean(reason);
        if intent.error.as_ref() != Some(reason) {
            warn!(code, claim = %intent.claim, reason, "{} waits", intent.what);
            self.store.hold_intent(&intent.id, reason).await?;
        }
        Ok(())
    }

    /// Would fail: whether it is still wanted is decided anew.
    async fn give_up(&self, intent: &Intent, reason: &str, tip: Tip) -> Result<(), Error> {
        info!(code = "NZK301", claim = %intent.claim, reason, "{} is not sent", intent.what);
        self.drop_for(intent, reason, tip).await
    }

    /// Whether it is a proof of several claims.
    async fn is_shared(&self, intent: &Intent) -> Result<bool, Error> {
        Ok(intent.action == PROVE && self.store.claims_of_final(intent.claim).await? > 1)
    }

    /// No node estimates it in time: its claims are decided anew, each by itself.
    async fn split(&self, intent: &Intent, reason: &str, tip: Tip) -> Result<(), Error> {
        warn!(
            code = "NZK319", claim = %intent.claim, reason,
            "{} is split into transactions of one claim each: no node estimates its gas in time", intent.what
        );
        let reason = format!("split into smaller transactions: {reason}");
        self.drop_for(intent, &reason, tip).await
    }

    async fn drop_for(&self, intent: &Intent, reason: &str, tip: Tip) -> Result<(), Error> {
        self.store.drop_intent(&intent.id, Some(reason)).await?;
        let pause = 1u64 << number_of(&intent.id).min(8);
        self.store.wake_at(intent.claim, tip.time + pause).await
    }

    async fn sign(
        &self,
        intent: &Intent,
        nonce: u64,
        offer: Offer,
        cancels: bool,
        tip: Tip,
    ) -> Result<Attempt, Error> {
        let (to, input) = match cancels {
            true => (self.account(), Bytes::new()),
            false => (intent.to, intent.data.clone()),
        };
        let (hash, raw) = self
            .key
            .sign_transaction(TxEip1559 {
                chain_id: self.chain_id,
                nonce,
                gas_limit: offer.gas,
                max_fee_per_gas: offer.max_fee,
                max_priority_fee_per_gas: offer.priority_fee,
                to: TxKind::Call(to),
                value: U256::ZERO,
                access_list: Default::default(),
                input,
            })
            .await
            .map_err(|e| Error::Key(e.to_string()))?;
        let attempt = Attempt {
            hash,
            intent: intent.id.clone(),
            nonce,
            cancels,
            raw: raw.into(),
            max_fee: offer.max_fee,
            priority_fee: offer.priority_fee,
            data_fee: offer.data_fee,
            signed_block: tip.number,
        };
        // The limit of the intent's own call stays, for later replacements.
        let kept = if cancels && intent.gas_limit != 0 {
            intent.gas_limit
        } else {
            offer.gas
        };
        self.store.signed(&attempt, kept).await?;
        Ok(attempt)
    }

    /// Hands a transaction to the nodes. It is on disk already: an answer that does not come changes nothing.
    async fn broadcast(&mut self, intent: &Intent, attempt: &Attempt) -> Result<(), Error> {
        let sent = self.provider.send_raw_transaction(&attempt.raw).await;
        self.store.passed("broadcast");
        let Err(e) = sent else {
            info!(
                code = "NZK317", claim = %intent.claim, tx = %attempt.hash, nonce = attempt.nonce,
                "{} is sent", intent.what
            );
            self.refused.remove(&attempt.hash);
            return Ok(());
        };
        let error = Error::of_node(e, &intent.what).to_string();
        let lower = error.to_lowercase();
        let harmless = [
            "already known",
            "alreadyknown",
            "known transaction",
            "already imported",
            "nonce too low",
        ];
        if harmless.iter().any(|h| lower.contains(h)) {
            return Ok(());
        }
        // Each reason is said once, not in every round.
        if self.refused.insert(attempt.hash, lower.clone()) != Some(lower) {
            warn!(
                code = "NZK318", claim = %intent.claim, tx = %attempt.hash, nonce = attempt.nonce, error,
                "no node took the transaction for {}: it is tried again", intent.what
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
