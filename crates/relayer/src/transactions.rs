//! From intents to included transactions.
//!
//! Every intent gets one nonce and keeps it: whatever is resubmitted, with higher fees or as a cancellation, has the same
//! nonce, so at most one of an intent's transactions takes effect. What nodes say is never believed to be final: an
//! intent is included if a receipt in the chain's own block says so, and is on its way again if that block goes.

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

/// What becomes of an intent whose nonce the chain used.
enum Found {
    /// A transaction of ours is in a block.
    Here(Box<Inclusion>),
    /// The same, in a block that was not looked at yet.
    Later,
    /// No transaction of ours has a receipt.
    Nowhere,
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

    fn note_inclusion(&self, intent: &Intent, at: &Inclusion) {
        match at.status {
            Status::Failed => warn!(
                code = "NZK310", claim = %intent.claim, tx = %at.tx, block = at.block, gas = at.gas_used,
                error = at.error.as_deref().unwrap_or_default(), "{} failed", intent.what
            ),
            Status::Cancelled => {
                info!(code = "NZK311", claim = %intent.claim, tx = %at.tx, "{} was cancelled", intent.what);
            }
            _ => info!(
                code = "NZK312", claim = %intent.claim, tx = %at.tx, block = at.block, gas = at.gas_used,
                "{} is included", intent.what
            ),
        }
    }

    /// The receipt of one of an intent's transactions, if a block of the chain has it.
    async fn receipt_of(&self, intent: &Intent, tip: Tip) -> Result<Found, Error> {
        let mut unclear = None;
        for attempt in self.store.attempts(&intent.id).await? {
            let receipt = match self.receipt(attempt.hash).await {
                Ok(receipt) => receipt,
                // One that cannot be looked up must not hide another.
                Err(e) => {
                    unclear = unclear.or(Some(e));
                    continue;
                }
            };
            let Some(receipt) = receipt else { continue };
            let of_block = (receipt.inner.block_number, receipt.inner.block_hash);
            let (Some(block), Some(hash)) = of_block else {
                continue;
            };
            // A node may remember receipts of blocks that the chain gave up.
            let canonical = self
                .ask(
                    "a block",
                    self.provider
                        .get_block_by_number(BlockNumberOrTag::Number(block)),
                )
                .await?;
            let Some(canonical) = canonical.filter(|b| b.header.hash == hash) else {
                continue;
            };
            if block > tip.number {
                // Should it go, nothing would be undone, as nobody knows of its block.
                return Ok(Found::Later);
            }
            let time = canonical.header.timestamp.min(tip.time);
            let at = self.inclusion(intent, &attempt, &receipt, block, time);
            return Ok(Found::Here(Box::new(at.await)));
        }
        unclear.map_or(Ok(Found::Nowhere), Err)
    }

    /// A receipt, if there is one. Some nodes say that there is none by an error.
    async fn receipt(&self, hash: B256) -> Result<Option<Paid>, Error> {
        let error = match data_fee::receipt(&self.provider, hash).await {
            Ok(receipt) => return Ok(receipt),
            Err(e) if e.as_error_resp().is_some_and(is_unknown) => return Ok(None),
            Err(e) => Error::of_node(e, "a receipt"),
        };
        // What no node has ever seen has no receipt either.
        match self.provider.get_transaction_by_hash(hash).await {
            Ok(None) => Ok(None),
            Err(e) if e.as_error_resp().is_some_and(is_unknown) => Ok(None),
            _ => Err(error),
        }
    }

    async fn inclusion(
        &self,
        intent: &Intent,
        attempt: &Attempt,
        paid: &Paid,
        block: u64,
        block_time: u64,
    ) -> Inclusion {
        let receipt = &paid.inner;
        // What cannot be asked for costs what was set aside.
        let fee = self.data_fees.paid(&self.provider, paid).await;
        let fee = fee.unwrap_or_else(|_| {
            let gas = U256::from(receipt.gas_used);
            let price = U256::from(receipt.effective_gas_price);
            gas.saturating_mul(price).saturating_add(attempt.data_fee)
        });
        let (status, error) = match (attempt.cancels, receipt.status()) {
            (true, _) => (Status::Cancelled, None),
            (false, true) => (Status::Included, None),
            (false, false) => {
                // The state before its block says why, mostly.
                let call = self.request(intent.to, &intent.data);
                let at = BlockId::number(block.saturating_sub(1));
                let reason = match self.provider.call(call).block(at).await {
                    Ok(_) => {
                        "it reverted: with the state of its block only, or for lack of gas".into()
                    }
                    Err(e) => Error::of_node(e, &format!("{} failed", intent.what)).to_string(),
                };
                (Status::Failed, Some(reason))
            }
        };
        Inclusion {
            tx: attempt.hash,
            block,
            block_time,
            gas_used: receipt.gas_used,
            fee,
            status,
            error,
            // Nodes that have no events have these.
            postings: receipt
                .inner
                .logs()
                .iter()
                .filter_map(Posting::of)
                .collect(),
        }
    }

    /// The chain used an intent's nonce, and no transaction of ours has a receipt.
    async fn displaced(&mut self, intent: &Intent, tip: Tip) -> Result<(), Error> {
        let first = || (0, Instant::now());
        let (rounds, since) = self.suspects.entry(intent.id.clone()).or_insert_with(first);
        *rounds += 1;
        // Rounds may follow each other without a pause.
        if *rounds < CERTAIN || since.elapsed() < self.poll * CERTAIN {
            return Ok(());
        }
        self.suspects.remove(&intent.id);
        warn!(
            code = "NZK313", claim = %intent.claim, nonce = intent.nonce,
            "another transaction used the nonce of {}: somebody else sends with this key", intent.what
        );
        self.store.displaced(intent, tip.number).await
    }

    /// Broadcasts again what nodes may have forgotten, with higher fees if blocks pass it by.
    async fn push(&mut self, intent: &Intent, included: u64, tip: Tip) -> Result<(), Error> {
        let attempts = self.store.attempts(&intent.id).await?;
        let Some(newest) = attempts.last() else {
            return Ok(());
        };
        let waited = tip.number.saturating_sub(newest.signed_block);
        // Where blocks come with transactions only, none passes it by.
        if (waited >= self.fees.bump_after || self.is_outbid(newest))
            && let Some(bumped) = self.bump(intent, newest, included, tip).await?
        {
            return self.broadcast(intent, &bumped).await;
        }
        let known = self
            .ask(
                "a transaction",
                self.provider.get_transaction_by_hash(newest.hash),
            )
            .await;
        // Nodes that do not say so yet take it all the same.
        if matches!(known, Ok(None) | Err(Error::Refused(_))) {
            return self.broadcast(intent, newest).await;
        }
        known.map(drop)
    }

    /// The same again with fees that nodes take as a replacement; none at the ceiling. What would fail by now becomes a
    /// cancellation.
    async fn bump(
        &mut self,
        intent: &Intent,
        last: &Attempt,
        included: u64,
        tip: Tip,
    ) -> Result<Option<Attempt>, Error> {
        let (mut market, mut market_tip) = self.market().await?;
        if self.is_outbid(last) {
            // Recent blocks say too little of what the next one costs.
            let price = self.provider.get_gas_price();
            let price = self.ask("the price of gas", price).await?;
            market = market.max(price.saturating_mul(2));
            market = market.min(self.fees.max_fee_per_gas);
        }
        // The others wait for the lowest nonce: without it they can neither be included nor be judged.
        let lowest = last.nonce == included;
        if !lowest && last.max_fee >= market {
            return Ok(None);
        }
        if intent.claim.is_zero() {
            // What is to be replaced pays nobody knows how much.
            market = market.max(last.max_fee * 2).min(self.fees.max_fee_per_gas);
            market_tip = market_tip.max(last.priority_fee * 2).min(market);
        }
        let Some((max_fee, priority_fee)) = raised(
            (last.max_fee, last.priority_fee),
            (market, market_tip),
            self.fees.max_fee_per_gas,
        ) else {
            self.at_limit(intent, last, "its fees are at fees.max_fee_per_gas");
            return Ok(None);
        };
        // As of the newest block: what a node expects of the next one may have the transaction itself.
        let cancels = last.cancels
            || (lowest
                && matches!(
                    self.simulate(intent, BlockNumberOrTag::Latest).await,
                    Err(Error::Reverted { .. })
                ));
        let gas = if cancels {
            CANCEL_GAS
        } else {
            intent.gas_limit
        };
        let offer = Offer {
            gas,
            max_fee,
            priority_fee,
            data_fee: self.data_fee(intent, cancels, gas).await?,
        };
        let before = Offer {
            gas: intent.gas_limit,
            max_fee: last.max_fee,
            priority_fee: last.priority_fee,
            data_fee: last.data_fee,
        };
        let reserved = self.store.reserved().await?.saturating_sub(before.cost());
        let spent = self.spent(tip).await?.saturating_add(reserved);
        let balance = self.balance().await?;
        let day = self.fees.max_per_day;
        if let Some(reason) = self.over(&offer, day, spent, reserved, balance) {
            self.at_limit(intent, last, &reason);
            return Ok(None);
        }
        let attempt = self.sign(intent, last.nonce, offer, cancels, tip).await?;
        self.refused.remove(&last.hash);
        info!(
            code = "NZK315", claim = %intent.claim, nonce = last.nonce, max_fee = %max_fee, cancels,
            "{} is replaced: it now pays up to {} for a gas instead of {}", intent.what, gwei(max_fee), gwei(last.max_fee)
        );
        self.store.passed("bumped");
        Ok(Some(attempt))
    }

    /// Whether a node refused a transaction because blocks cost more than it offers.
    fn is_outbid(&self, attempt: &Attempt) -> bool {
        let refused = self.refused.get(&attempt.hash);
        refused.is_some_and(|reason| OUTBID.iter().any(|words| reason.contains(words)))
    }

    /// Says once that a transaction cannot be replaced.
    fn at_limit(&mut self, intent: &Intent, last: &Attempt, reason: &str) {
        if self.told.insert(last.hash) {
            warn!(
                code = "NZK314", claim = %intent.claim, nonce = last.nonce, max_fee = %last.max_fee, reason,
                "{} is not included, and is not replaced", intent.what
            );
        }
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

    /// Nonces below ours that nobody uses keep ours from being included.
    async fn repair(&mut self, signed: &[Intent], included: u64, tip: Tip) -> Result<(), Error> {
        let lowest = signed.iter().filter_map(|i| i.nonce).min();
        let pending = self.pending_count().await?;
        let blocked = match lowest {
            // A hole before ours; or, with nothing of ours on its way, transactions that nobody here knows.
            Some(lowest) => lowest > included,
            None => pending > included,
        };
        if !blocked {
            self.foreign = None;
            return Ok(());
        }
        let foreign = match self.foreign {
            Some(foreign) if foreign.nonce == included => foreign,
            _ => Foreign {
                nonce: included,
                block: tip.number,
                since: Instant::now(),
            },
        };
        self.foreign = Some(foreign);
        let wait = match pending <= included {
            // A hole; or a node that is behind another.
            true => foreign.since.elapsed() < self.poll || self.store.used(included).await?,
            // A transaction of somebody else with this key may still be included by itself.
            false => tip.number.saturating_sub(foreign.block) < self.fees.repair_after,
        };
        if wait {
            return Ok(());
        }
        let action = format!("free-nonce-{included}");
        let what = format!("freeing nonce {included}");
        let (account, nothing) = (self.account(), Bytes::new());
        let intent = Intent {
            gas_limit: CANCEL_GAS,
            ..Intent::new(B256::ZERO, action, what, account, nothing)
        };
        let (max_fee, priority_fee) = self.market().await?;
        let ceiling = self.fees.max_fee_per_gas;
        // It replaces what is there, whatever that pays, sooner or later.
        let priority_fee = (priority_fee * 2).max(USUAL_TIP).min(ceiling);
        let max_fee = (max_fee * 2).max(priority_fee * 2).min(ceiling);
        let offer = Offer {
            gas: CANCEL_GAS,
            max_fee,
            priority_fee,
            data_fee: self.data_fee(&intent, true, CANCEL_GAS).await?,
        };
        let reserved = self.store.reserved().await?;
        let spent = self.spent(tip).await?.saturating_add(reserved);
        let day = self.fees.max_per_day;
        let balance = self.balance().await?;
        if let Some(reason) = self.over(&offer, day, spent, reserved, balance) {
            if self.told.insert(B256::from(U256::from(included))) {
                warn!(
                    code = "NZK314",
                    nonce = included,
                    reason,
                    "a nonce that is not ours is not used up"
                );
            }
            return Ok(());
        }
        if !self.store.plan(&intent, tip.number).await? {
            return Ok(());
        }
        let planned = self.store.intents(Status::Planned, 4_096).await?;
        let Some(intent) = planned.into_iter().find(|i| i.action == intent.action) else {
            return Ok(());
        };
        warn!(
            code = "NZK316",
            nonce = included,
            "a nonce that is not ours is in the way: it is used up"
        );
        let attempt = self.sign(&intent, included, offer, true, tip).await?;
        self.broadcast(&intent, &attempt).await
    }

    async fn pending_count(&self) -> Result<u64, Error> {
        let account = self.account();
        self.ask(
            "the account's pending nonce",
            self.provider
                .get_transaction_count(account)
                .block_id(BlockId::Number(BlockNumberOrTag::Pending)),
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

/// Fees of a replacement: at least an eighth above the last on both fields, as nodes demand a tenth, and not below the
/// market; none if that breaks the ceiling.
fn raised(last: (u128, u128), market: (u128, u128), ceiling: u128) -> Option<(u128, u128)> {
    let up = |fee: u128| fee + fee.div_ceil(8).max(1);
    let max = up(last.0).max(market.0);
    // Never above the other, as it was not before.
    let tip = up(last.1).max(market.1).min(max);
    (max <= ceiling).then_some((max, tip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn replacements_pay_more_up_to_the_ceiling() {
        assert_eq!(raised((80, 8), (10, 1), 1_000), Some((90, 9)));
        assert_eq!(raised((80, 8), (200, 1), 1_000), Some((200, 9)));
        assert_eq!(raised((80, 8), (10, 1), 89), None);
        assert_eq!(raised((1, 0), (0, 0), 10), Some((2, 1)));
        assert_eq!(raised((100, 11), (0, 0), 1_000), Some((113, 13)));
    }

    proptest! {
        #[test]
        fn replacements_are_taken(max in 1u128..1_000_000_000_000, tip in 0u128..1_000_000_000_000,
                                  market in 0u128..2_000_000_000_000, ceiling in 1u128..2_000_000_000_000) {
            let tip = tip.min(max);
            match raised((max, tip), (market.min(ceiling), tip / 2), ceiling) {
                Some((new_max, new_tip)) => {
                    prop_assert!(new_max * 10 >= max * 11 && new_tip * 10 >= tip * 11);
                    prop_assert!(new_tip <= new_max && new_max <= ceiling);
                }
                None => prop_assert!(max + max.div_ceil(8) > ceiling),
            }
        }
    }
}
