//! What becomes of transactions that blocks pass by, and of nonces that are in the way.

use super::*;

/// Fees of a replacement: at least an eighth above the last on both fields, as nodes demand a tenth, and not below the
/// market; none if that breaks the ceiling.
pub(super) fn raised(
    last: (u128, u128),
    market: (u128, u128),
    ceiling: u128,
) -> Option<(u128, u128)> {
    let up = |fee: u128| fee + fee.div_ceil(8).max(1);
    let max = up(last.0).max(market.0);
    // Never above the other, as it was not before.
    let tip = up(last.1).max(market.1).min(max);
    (max <= ceiling).then_some((max, tip))
}

impl Manager {
    /// Broadcasts again what nodes may have forgotten, with higher fees if blocks pass it by.
    pub(super) async fn push(
        &mut self,
        intent: &Intent,
        included: u64,
        tip: Tip,
    ) -> Result<(), Error> {
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

    /// Nonces below ours that nobody uses keep ours from being included.
    pub(super) async fn repair(
        &mut self,
        signed: &[Intent],
        included: u64,
        tip: Tip,
    ) -> Result<(), Error> {
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

    pub(super) async fn pending_count(&self) -> Result<u64, Error> {
        let account = self.account();
        self.ask(
            "the account's pending nonce",
            self.provider
                .get_transaction_count(account)
                .block_id(BlockId::Number(BlockNumberOrTag::Pending)),
        )
        .await
    }
}
