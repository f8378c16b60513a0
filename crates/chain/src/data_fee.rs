//! Fees that a rollup takes for a transaction's bytes, and for its operator, beside gas times price.
//!
//! On chains of the OP Stack and on Scroll a contract tells what a transaction costs besides, and receipts say what it cost
//! (`l1Fee`). Arbitrum, Linea and zkSync charge for bytes in gas, or in its price, so that there is nothing besides.
//! Sources: OP Stack specification, "L1 cost fees" and "Operator fee"; Scroll's documentation, "L1 data fee".

use alloy::consensus::{SignableTransaction, TxEip1559};
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::sol_types::SolCall;
use alloy::transports::{RpcError, TransportErrorKind};
use serde_json::Value;

mod oracle {
    alloy::sol! {
        /// What the bytes of a transaction cost.
        function getL1Fee(bytes transaction) external view returns (uint256);
        /// What the operator takes for a transaction of so much gas.
        function getOperatorFee(uint256 gas) external view returns (uint256);
    }
}

/// Contracts that tell the fees; a chain has one of them from its first block, or none.
const ORACLES: [Address; 2] = [
    // The OP Stack's `GasPriceOracle`.
    address!("420000000000000000000000000000000000000F"),
    // Scroll's `L1GasPriceOracle`.
    address!("5300000000000000000000000000000000000002"),
];
/// A signature's bytes in a transaction, at most.
const SIGNATURE: usize = 68;

type Answer<T> = Result<T, RpcError<TransportErrorKind>>;

/// How a chain tells what it takes besides gas times price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFees {
    /// Nothing.
    None,
    /// What this contract says.
    Oracle(Address),
}

impl DataFees {
    /// Those of a node's chain.
    ///
    /// # Errors
    /// Of the node.
    pub async fn of_chain(provider: &RootProvider) -> Answer<Self> {
        for oracle in ORACLES {
            if !provider.get_code_at(oracle).await?.is_empty() {
                return Ok(DataFees::Oracle(oracle));
            }
        }
        Ok(DataFees::None)
    }

    /// In wei: what a transaction costs besides, as of now.
    ///
    /// # Errors
    /// Of the node.
    pub async fn of_call(
        self,
        provider: &RootProvider,
        to: TxKind,
        input: &Bytes,
        gas: u64,
    ) -> Answer<U256> {
        let DataFees::Oracle(oracle) = self else {
            return Ok(U256::ZERO);
        };
        let mut bytes = Vec::new();
        // Numbers as long as they may become: each byte costs.
        TxEip1559 {
            chain_id: u64::MAX,
            nonce: u32::MAX.into(),
            gas_limit: gas,
            max_fee_per_gas: u64::MAX.into(),
            max_priority_fee_per_gas: u64::MAX.into(),
            to,
            value: U256::from(u128::MAX),
            access_list: Default::default(),
            input: input.clone(),
        }
        .encode_for_signing(&mut bytes);
        // Of the two contracts one adds the signature by itself.
        bytes.extend(incompressible(SIGNATURE));
        let data = ask(
            provider,
            oracle,
            oracle::getL1FeeCall {
                transaction: bytes.into(),
            },
            None,
        );
        let data = data.await?;
        Ok(data.saturating_add(operator_fee(provider, oracle, gas, None).await?))
    }

    /// In wei: what transactions of so many bytes in all cost besides, as of now.
    ///
    /// # Errors
    /// Of the node.
    pub async fn of_bytes(self, provider: &RootProvider, bytes: usize, gas: u64) -> Answer<U256> {
        self.of_call(provider, TxKind::Create, &incompressible(bytes).into(), gas)
            .await
    }

    /// In wei: what an included transaction cost in all.
    ///
    /// # Errors
    /// Of the node.
    pub async fn paid(self, provider: &RootProvider, receipt: &Paid) -> Answer<U256> {
        let fee = receipt.for_gas().saturating_add(receipt.data_fee);
        let DataFees::Oracle(oracle) = self else {
            return Ok(fee);
        };
        let block = receipt.inner.block_number.map(BlockId::number);
        let operator = operator_fee(provider, oracle, receipt.inner.gas_used, block).await?;
        Ok(fee.saturating_add(operator))
    }
}

/// What to have at hand for a fee that moves with the blocks of another chain until the transaction is included.
pub fn with_margin(fee: U256) -> U256 {
    fee.saturating_add(fee / U256::from(2))
}

/// A receipt, and what its transaction's bytes cost besides gas.
#[derive(Clone, Debug)]
pub struct Paid {
    /// As on any chain.
    pub inner: TransactionReceipt,
    /// Wei.
    pub data_fee: U256,
}

impl Paid {
    /// Wei: gas times price.
    pub fn for_gas(&self) -> U256 {
        let gas = U256::from(self.inner.gas_used);
        gas.saturating_mul(U256::from(self.inner.effective_gas_price))
    }
}

/// The receipt of a transaction, if there is one.
///
/// # Errors
/// Of the node.
pub async fn receipt(provider: &RootProvider, hash: B256) -> Answer<Option<Paid>> {
    let method = "eth_getTransactionReceipt";
    let answer: Value = provider.raw_request(method.into(), (hash,)).await?;
    if answer.is_null() {
        return Ok(None);
    }
    let wrong = |e: serde_json::Error| RpcError::deser_err(e, answer.to_string());
    let data_fee = match answer.get("l1Fee").filter(|fee| !fee.is_null()) {
        None => U256::ZERO,
        Some(fee) => serde_json::from_value(fee.clone()).map_err(wrong)?,
    };
    let inner = serde_json::from_value(answer.clone()).map_err(wrong)?;
    Ok(Some(Paid { inner, data_fee }))
}

async fn ask<C: SolCall<Return = U256>>(
    provider: &RootProvider,
    oracle: Address,
    call: C,
    block: Option<BlockId>,
) -> Answer<U256> {
    let request = TransactionRequest::default()
        .to(oracle)
        .input(Bytes::from(call.abi_encode()).into());
    let question = provider.call(request);
    let output = match block {
        Some(block) => question.block(block).await?,
        None => question.await?,
    };
    C::abi_decode_returns(&output).map_err(|e| {
        let name = C::SIGNATURE.split('(').next().unwrap_or_default();
        RpcError::local_usage_str(&format!("{name} of {oracle}: {e}"))
    })
}

/// Not all such chains have one.
async fn operator_fee(
    provider: &RootProvider,
    oracle: Address,
    gas: u64,
    block: Option<BlockId>,
) -> Answer<U256> {
    let call = oracle::getOperatorFeeCall {
        gas: U256::from(gas),
    };
    match ask(provider, oracle, call, block).await {
        Err(RpcError::ErrorResp(_) | RpcError::LocalUsageError(_)) => Ok(U256::ZERO),
        answer => answer,
    }
}

/// Bytes that no compression shortens, as those of signatures and proofs: such chains charge for compressed bytes.
fn incompressible(count: usize) -> Vec<u8> {
    let words = (0u64..).flat_map(|i| keccak256(i.to_be_bytes()).0);
    words.take(count).collect()
}
