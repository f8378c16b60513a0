//! Whether a block has one of our transactions.

use super::*;

/// What becomes of an intent whose nonce the chain used.
pub(super) enum Found {
    /// A transaction of ours is in a block.
    Here(Box<Inclusion>),
    /// The same, in a block that was not looked at yet.
    Later,
    /// No transaction of ours has a receipt.
    Nowhere,
}

impl Manager {
    pub(super) fn note_inclusion(&self, intent: &Intent, at: &Inclusion) {
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
    pub(super) async fn receipt_of(&self, intent: &Intent, tip: Tip) -> Result<Found, Error> {
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
    pub(super) async fn receipt(&self, hash: B256) -> Result<Option<Paid>, Error> {
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

    pub(super) async fn inclusion(
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
        let fee = fee.unwrap_or_else(|_| paid.for_gas().saturating_add(attempt.data_fee));
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
    pub(super) async fn displaced(&mut self, intent: &Intent, tip: Tip) -> Result<(), Error> {
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
}
