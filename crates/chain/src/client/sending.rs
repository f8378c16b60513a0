//! Transactions: signed, sent, raised, and waited for.

use super::*;

impl Client {
    /// Sends a call that succeeds as of now, and waits until a block has it.
    pub fn send(&self, call: &Call) -> Result<Receipt, Error> {
        let mut all = self.send_all(std::slice::from_ref(call))?;
        all.pop().expect("one for each call")
    }

    /// Sends calls of which none needs another, without waiting for a block between them; then waits for all. What came of
    /// each is in their order.
    ///
    /// # Errors
    /// If nothing could be sent.
    pub fn send_all(&self, calls: &[Call]) -> Result<Vec<Result<Receipt, Error>>, Error> {
        let signer = self.signer()?;
        let mut nonce = self.settled_nonce(signer.address())?;
        let mut sent = Vec::with_capacity(calls.len());
        for call in calls {
            let prepared = self.prepare(call, nonce);
            let broadcast =
                prepared.and_then(|own| self.broadcast(call, &own).map(|hash| (own, hash)));
            // A nonce that is not used would keep all later ones from being included.
            nonce += u64::from(broadcast.is_ok());
            sent.push(broadcast);
        }
        let all = calls.iter().zip(sent);
        Ok(all
            .map(|(call, sent)| sent.and_then(|(own, hash)| self.conclude(call, own, hash)))
            .collect())
    }

    /// What is signed of a call that succeeds as of now.
    fn prepare(&self, call: &Call, nonce: u64) -> Result<TransactionRequest, Error> {
        let from = self.account()?;
        self.check_funds(call, from, call.value)?;
        let gas = self.estimate(call, from)?;
        if gas > GAS_CAP {
            return Err(Error::TooMuchGas {
                what: call.what.clone(),
                gas,
            });
        }
        // The state may be another by the time it is included.
        let limit = (gas + gas / 8).min(GAS_CAP);
        let fees = self.ask(|p| async move { p.estimate_eip1559_fees().await })?;
        let besides = data_fee::with_margin(self.data_fee(call, limit)?);
        let needed = U256::from(limit) * U256::from(fees.max_fee_per_gas) + besides + call.value;
        self.check_funds(call, from, needed)?;
        Ok(TransactionRequest::default()
            .with_from(from)
            .with_to(call.to)
            .with_value(call.value)
            .with_input(call.data.clone())
            .with_chain_id(self.chain_id)
            .with_nonce(nonce)
            .with_gas_limit(limit)
            .with_max_fee_per_gas(fees.max_fee_per_gas)
            .with_max_priority_fee_per_gas(fees.max_priority_fee_per_gas))
    }

    /// Signs and sends; gives the hash.
    fn broadcast(&self, call: &Call, request: &TransactionRequest) -> Result<B256, Error> {
        let wallet = EthereumWallet::from(self.signer()?.clone());
        let envelope = self
            .runtime
            .block_on(request.clone().build(&wallet))
            .map_err(|e| Error::Refused {
                node: "the key".into(),
                reason: e.to_string(),
            })?;
        let hash = *envelope.tx_hash();
        let raw = envelope.encoded_2718();
        let sent = self
            .runtime
            .block_on(async { self.provider.send_raw_transaction(&raw).await });
        let Err(e) = sent else {
            return Ok(hash);
        };
        // A node that did not answer may have taken it all the same.
        Err(match self.reverted(e, &call.what) {
            Error::Unreachable { node, .. } => Error::Lost {
                node,
                what: call.what.clone(),
                hash,
            },
            other => other,
        })
    }

    /// Waits until a block has a transaction, and raises what it pays as long as none has: fees that were enough when it was
    /// sent may not be any more.
    fn conclude(
        &self,
        call: &Call,
        mut request: TransactionRequest,
        hash: B256,
    ) -> Result<Receipt, Error> {
        let start = Instant::now();
        let most = request.max_fee_per_gas.unwrap_or_default() * MOST_RAISED;
        let mut hashes = vec![hash];
        let receipt = loop {
            let left = self.patience.saturating_sub(start.elapsed());
            match self.wait(&hashes, &call.what, left.min(RAISE_AFTER)) {
                Ok(receipt) => break receipt,
                Err(Error::NotIncluded { .. }) if !left.is_zero() => {}
                Err(other) => return Err(other),
            }
            let raise = |fee: Option<u128>| fee.unwrap_or_default() * 5 / 4 + 1;
            let fee = raise(request.max_fee_per_gas);
            if fee > most {
                continue;
            }
            request.max_fee_per_gas = Some(fee);
            request.max_priority_fee_per_gas = Some(raise(request.max_priority_fee_per_gas));
            // Refused if one of them is included by now.
            hashes.extend(self.broadcast(call, &request).ok());
        };
        let fees = self.data_fees()?;
        let fee = self.ask(|p| fees.paid(p, &receipt))?;
        let receipt = receipt.inner;
        if !receipt.status() {
            return Err(self.why_failed(call, self.account()?, &receipt));
        }
        Ok(Receipt {
            what: call.what.clone(),
            hash: receipt.transaction_hash,
            block: receipt.block_number.unwrap_or_default(),
            gas: receipt.gas_used,
            fee,
            logs: receipt
                .inner
                .logs()
                .iter()
                .map(|log| log.inner.clone())
                .collect(),
        })
    }

    /// Waits until earlier transactions of the account are included: what they did decides what is left to do.
    pub fn settle(&self) -> Result<(), Error> {
        self.settled_nonce(self.account()?).map(drop)
    }

    /// The next nonce, once every transaction of the account was included.
    fn settled_nonce(&self, account: Address) -> Result<u64, Error> {
        let start = Instant::now();
        loop {
            let included = self.ask(|p| async move { p.get_transaction_count(account).await })?;
            let all =
                self.ask(|p| async move { p.get_transaction_count(account).pending().await })?;
            if all <= included {
                return Ok(included);
            }
            if start.elapsed() > self.patience {
                return Err(Error::Pending {
                    account,
                    count: all - included,
                });
            }
            self.pause(start);
        }
    }

    fn pause(&self, start: Instant) {
        // Local chains answer at once, others take seconds.
        let pause = (start.elapsed() / 4).clamp(Duration::from_millis(50), Duration::from_secs(2));
        self.runtime
            .block_on(async { tokio::time::sleep(pause).await });
    }

    /// Waits until a block has one of these.
    pub(super) fn wait(
        &self,
        hashes: &[B256],
        what: &str,
        patience: Duration,
    ) -> Result<Paid, Error> {
        let start = Instant::now();
        let mut answered = Instant::now();
        let last = *hashes.last().expect("one was sent");
        loop {
            for &hash in hashes {
                match self.ask(|p| data_fee::receipt(p, hash)) {
                    Ok(Some(receipt)) if receipt.inner.block_number.is_some() => {
                        return Ok(receipt);
                    }
                    Ok(_) => answered = Instant::now(),
                    Err(Error::Unreachable { node, .. }) if answered.elapsed() > OUTAGE => {
                        return Err(Error::Lost {
                            node,
                            what: what.into(),
                            hash,
                        });
                    }
                    Err(Error::Unreachable { .. } | Error::Refused { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
            if start.elapsed() > patience {
                return Err(Error::NotIncluded {
                    what: what.into(),
                    hash: last,
                    seconds: self.patience.as_secs(),
                });
            }
            self.pause(start);
        }
    }

    /// Repeats a failed transaction on the state after its block, which mostly fails for the same reason.
    fn why_failed(&self, call: &Call, from: Address, receipt: &TransactionReceipt) -> Error {
        let revert = match self.call(self.request(call, from), &call.what) {
            Err(Error::Reverted { revert, .. }) => revert,
            _ => Revert::decode(&[]).into(),
        };
        Error::Failed {
            what: call.what.clone(),
            hash: receipt.transaction_hash,
            revert,
        }
    }
}
