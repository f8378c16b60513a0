//! One node, and one account that sends through it.

mod events;
mod sending;

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
}
