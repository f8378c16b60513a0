//! One node, and one account that sends through it.

use crate::bindings::book;
use crate::data_fee::{self, DataFees, Paid};
use crate::error::{Error, GAS_CAP, READING};
use crate::format::utc;
use crate::revert::Revert;
use alloy::consensus::Header;
use alloy::eips::BlockNumberOrTag;
use alloy::eips::eip2718::Encodable2718;
use alloy::network::{Ethereum, EthereumWallet, NetworkTransactionBuilder, TransactionBuilder};
use alloy::primitives::{Address, B256, Bytes, Log, TxKind, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::ClientBuilder;
use alloy::rpc::types::{
    Filter, Log as NodeLog, TransactionInput, TransactionReceipt, TransactionRequest,
};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::layers::RetryBackoffLayer;
use alloy::transports::{RpcError, TransportErrorKind};
use std::cell::OnceCell;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long to wait for a transaction, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long a transaction waits for a block before it pays more.
const RAISE_AFTER: Duration = Duration::from_secs(45);
/// What it pays at most then, times what it paid at first.
const MOST_RAISED: u128 = 10;
/// How long a node that stopped answering is asked again.
const OUTAGE: Duration = Duration::from_secs(5);

/// A call that may become a transaction.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it does, for people, such as "posting the claim".
    pub what: String,
    /// Contract.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// ETH that goes along.
    pub value: U256,
}

impl Call {
    /// A call without ETH.
    pub fn new<C: SolCall>(what: impl Into<String>, to: Address, call: &C) -> Self {
        Call {
            what: what.into(),
            to,
            data: call.abi_encode().into(),
            value: U256::ZERO,
        }
    }

    /// With ETH.
    pub fn paying(mut self, value: U256) -> Self {
        self.value = value;
        self
    }
}

/// A transaction that was included and succeeded.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// What it did.
    pub what: String,
    /// Transaction.
    pub hash: B256,
    /// Block.
    pub block: u64,
    /// Gas.
    pub gas: u64,
    /// What it cost, with what the chain takes besides gas.
    pub fee: U256,
    /// Events.
    pub logs: Vec<Log>,
}

/// The newest block.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its time.
    pub timestamp: u64,
}

impl Head {
    /// Its time, for people.
    pub fn time(&self) -> String {
        utc(self.timestamp)
    }
}

/// A node, and perhaps a key.
#[derive(Debug)]
pub struct Client {
    runtime: tokio::runtime::Runtime,
    provider: RootProvider<Ethereum>,
    url: String,
    node: String,
    chain_id: u64,
    signer: Option<PrivateKeySigner>,
    patience: Duration,
    /// What the chain takes besides gas, once it was asked for.
    data_fees: OnceCell<DataFees>,
}

type RpcResult<T> = Result<T, RpcError<TransportErrorKind>>;

impl Client {
    /// Connects to a node and asks for its chain.
    ///
    /// # Panics
    /// If the system gives no means of waiting for the network.
    pub fn connect(url: &str, signer: Option<PrivateKeySigner>) -> Result<Self, Error> {
        let parsed = url
            .parse::<alloy::transports::http::reqwest::Url>()
            .ok()
            .filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
            .ok_or_else(|| Error::Url { url: url.into() })?;
        // The rest of the address may hold a secret of its owner.
        let node = match (parsed.host_str(), parsed.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime on this thread");
        // Public nodes limit how often they may be asked.
        let limits = RetryBackoffLayer::new(8, 300, 500);
        let rpc = ClientBuilder::default().layer(limits).http(parsed.clone());
        let mut client = Client {
            runtime,
            provider: RootProvider::new(rpc),
            url: parsed.to_string(),
            node,
            chain_id: 0,
            signer,
            patience: PATIENCE,
            data_fees: OnceCell::new(),
        };
        client.chain_id = client.ask(|p| async move { p.get_chain_id().await })?;
        Ok(client)
    }

    /// Waits that long for transactions.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Chain of the node.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Host of the node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The key.
    pub fn signer(&self) -> Result<&PrivateKeySigner, Error> {
        self.signer.as_ref().ok_or(Error::NoKey)
    }

    /// Address of the key.
    pub fn account(&self) -> Result<Address, Error> {
        Ok(self.signer()?.address())
    }

    fn ask<'a, T, F>(&'a self, question: impl FnOnce(&'a RootProvider) -> F) -> Result<T, Error>
    where
        F: Future<Output = RpcResult<T>>,
    {
        self.runtime
            .block_on(question(&self.provider))
            .map_err(|e| self.explain(e))
    }

    fn explain(&self, error: RpcError<TransportErrorKind>) -> Error {
        let node = self.node.clone();
        match error {
            RpcError::ErrorResp(payload) => Error::Refused {
                node,
                reason: payload.message.into_owned(),
            },
            other => {
                let mut reason = other.to_string();
                let mut source = std::error::Error::source(&other);
                while let Some(cause) = source {
                    reason = format!("{reason}: {cause}");
                    source = cause.source();
                }
                Error::Unreachable {
                    reason: reason.replace(&self.url, &node),
                    node,
                }
            }
        }
    }

    /// The newest block.
    pub fn head(&self) -> Result<Head, Error> {
        let block =
            self.ask(|p| async move { p.get_block_by_number(BlockNumberOrTag::Latest).await })?;
        let header = block.ok_or(Error::NoBlock { number: 0 })?.header;
        Ok(Head {
            number: header.number,
            timestamp: header.timestamp,
        })
    }

    /// ETH of an account.
    pub fn balance(&self, account: Address) -> Result<U256, Error> {
        self.ask(|p| async move { p.get_balance(account).await })
    }

    /// Code at an address.
    pub fn code(&self, address: Address) -> Result<Bytes, Error> {
        self.ask(|p| async move { p.get_code_at(address).await })
    }

    /// Price of gas now.
    pub fn gas_price(&self) -> Result<u128, Error> {
        self.ask(|p| async move { p.get_gas_price().await })
    }

    fn data_fees(&self) -> Result<DataFees, Error> {
        if let Some(found) = self.data_fees.get() {
            return Ok(*found);
        }
        let found = self.ask(DataFees::of_chain)?;
        Ok(*self.data_fees.get_or_init(|| found))
    }

    /// Wei that a call costs besides its gas, now.
    pub fn data_fee(&self, call: &Call, gas: u64) -> Result<U256, Error> {
        let fees = self.data_fees()?;
        self.ask(|p| fees.of_call(p, TxKind::Call(call.to), &call.data, gas))
    }

    /// Wei that transactions of so many bytes and so much gas cost besides their gas, now.
    pub fn data_fee_of_bytes(&self, bytes: usize, gas: u64) -> Result<U256, Error> {
        let fees = self.data_fees()?;
        self.ask(|p| fees.of_bytes(p, bytes, gas))
    }

    /// Transaction and block of an event of a contract, by its first topics.
    pub fn find_event(
        &self,
        address: Address,
        topics: [B256; 2],
    ) -> Result<Option<(B256, u64)>, Error> {
        let log = self.first_log(address, topics)?;
        Ok(log.and_then(|log| Some((log.transaction_hash?, log.block_number?))))
    }

    /// Data of an event of a contract, by its first topics.
    pub fn event_data(&self, address: Address, topics: [B256; 2]) -> Result<Option<Bytes>, Error> {
        let log = self.first_log(address, topics)?;
        Ok(log.map(|log| log.inner.data.data))
    }

    /// Who challenged a target of a claim, in order.
    ///
    /// # Errors
    /// Of the node.
    pub fn challengers(
        &self,
        book: Address,
        claim: B256,
        target: u64,
    ) -> Result<Vec<Address>, Error> {
        self.named_by(book::Challenged::SIGNATURE_HASH, book, claim, target)
    }

    /// Those of them who were paid out.
    ///
    /// # Errors
    /// Of the node.
    pub fn paid_out(&self, book: Address, claim: B256, target: u64) -> Result<Vec<Address>, Error> {
        self.named_by(book::ChallengeResolved::SIGNATURE_HASH, book, claim, target)
    }

    /// Challengers that events about a target of a claim name.
    fn named_by(
        &self,
        signature: B256,
        book: Address,
        claim: B256,
        target: u64,
    ) -> Result<Vec<Address>, Error> {
        let target = B256::from(U256::from(target));
        let logs = self.logs(book, signature, [Some(claim), Some(target)])?;
        let named = logs
            .iter()
            .filter_map(|log| log.inner.topics().get(3).copied());
        Ok(named.map(Address::from_word).collect())
    }

    /// The first event of a contract with these second and third topics; none: any.
    pub fn event<E: SolEvent>(
        &self,
        address: Address,
        topics: [Option<B256>; 2],
    ) -> Result<Option<E>, Error> {
        Ok(self.events(address, topics)?.into_iter().next())
    }

    /// All events of a contract with these second and third topics; none: any.
    pub fn events<E: SolEvent>(
        &self,
        address: Address,
        topics: [Option<B256>; 2],
    ) -> Result<Vec<E>, Error> {
        let decoded = |log: NodeLog| {
            let event = E::decode_log(&log.inner);
            let event = event.map_err(|e| {
                let name = E::SIGNATURE.split('(').next().unwrap_or_default();
                Error::Mismatch(format!("the event {name}: {e}"))
            });
            event.map(|event| event.data)
        };
        let logs = self.logs(address, E::SIGNATURE_HASH, topics)?;
        logs.into_iter().map(decoded).collect()
    }

    fn first_log(&self, address: Address, topics: [B256; 2]) -> Result<Option<NodeLog>, Error> {
        let logs = self.logs(address, topics[0], [Some(topics[1]), None])?;
        Ok(logs.into_iter().next())
    }

    /// Events of a contract with these second and third topics; none: any.
    fn logs(
        &self,
        address: Address,
        signature: B256,
        topics: [Option<B256>; 2],
    ) -> Result<Vec<NodeLog>, Error> {
        let mut filter = Filter::new()
            .address(address)
            .event_signature(signature)
            .from_block(BlockNumberOrTag::Earliest);
        if let Some(topic) = topics[0] {
            filter = filter.topic1(topic);
        }
        if let Some(topic) = topics[1] {
            filter = filter.topic2(topic);
        }
        self.ask(|p| async move { p.get_logs(&filter).await })
    }

    /// RLP of a block's header, as its hash is made from.
    pub fn header(&self, number: u64) -> Result<Vec<u8>, Error> {
        let block = self.ask(|p| async move {
            p.get_block_by_number(BlockNumberOrTag::Number(number))
                .await
        })?;
        let header = block.ok_or(Error::NoBlock { number })?.header;
        let consensus: &Header = &header.inner;
        if consensus.hash_slow() != header.hash {
            return Err(Error::UnknownHeader {
                number,
                hash: header.hash,
            });
        }
        Ok(crate::rlp(consensus))
    }

    /// Asks a contract.
    pub fn read<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Error> {
        let name = C::SIGNATURE.split('(').next().unwrap_or_default();
        let output = self.read_raw(to, call.abi_encode().into(), name)?;
        C::abi_decode_returns(&output).map_err(|_| Error::NotTheContract {
            address: to,
            reason: format!("{name} returned {} bytes", output.len()),
        })
    }

    /// Asks a contract by calldata.
    pub fn read_raw(&self, to: Address, data: Bytes, name: &str) -> Result<Bytes, Error> {
        let request = TransactionRequest::default().with_to(to).with_input(data);
        self.call(request, &format!("{READING}{name}"))
    }

    /// Gas of a contract's creation.
    pub fn estimate_creation(&self, code: &Bytes, from: Address) -> Result<u64, Error> {
        let request = TransactionRequest::default()
            .with_from(from)
            .with_deploy_code(code.clone());
        self.runtime
            .block_on(async { self.provider.estimate_gas(request).await })
            .map_err(|e| self.reverted(e, "deploying"))
    }

    fn call(&self, request: TransactionRequest, what: &str) -> Result<Bytes, Error> {
        let answer = self
            .runtime
            .block_on(async { self.provider.call(request).await });
        answer.map_err(|e| self.reverted(e, what))
    }

    /// A revert, or else a node's error.
    fn reverted(&self, error: RpcError<TransportErrorKind>, what: &str) -> Error {
        let Some(payload) = error.as_error_resp() else {
            return self.explain(error);
        };
        match payload.as_revert_data() {
            Some(data) => Error::Reverted {
                what: what.into(),
                revert: Revert::decode(&data).into(),
            },
            None if payload.message.contains("revert") => Error::Reverted {
                what: what.into(),
                revert: Revert::decode(&[]).into(),
            },
            None => self.explain(error),
        }
    }

    fn request(&self, call: &Call, from: Address) -> TransactionRequest {
        TransactionRequest::default()
            .with_from(from)
            .with_to(call.to)
            .with_value(call.value)
            .input(TransactionInput::both(call.data.clone()))
    }

    /// Nodes say in many ways that an account lacks what it wants to send.
    fn check_funds(&self, call: &Call, from: Address, needed: U256) -> Result<(), Error> {
        let available = self.balance(from)?;
        if available < needed {
            return Err(Error::InsufficientFunds {
                account: from,
                what: call.what.clone(),
                needed,
                available,
            });
        }
        Ok(())
    }

    /// What a call would return, and its gas, as of now.
    pub fn simulate(&self, call: &Call, from: Address) -> Result<(Bytes, u64), Error> {
        self.check_funds(call, from, call.value)?;
        let output = self.call(self.request(call, from), &call.what)?;
        Ok((output, self.estimate(call, from)?))
    }

    /// Gas of a call.
    pub fn estimate(&self, call: &Call, from: Address) -> Result<u64, Error> {
        let request = self.request(call, from);
        self.runtime
            .block_on(async { self.provider.estimate_gas(request).await })
            .map_err(|e| self.reverted(e, &call.what))
    }

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
    fn wait(&self, hashes: &[B256], what: &str, patience: Duration) -> Result<Paid, Error> {
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
