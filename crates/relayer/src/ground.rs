//! What the relayer stands on: deployment, nodes, contracts, keys, models, database. Each is looked at by itself.

use crate::config::Config;
use crate::error::Error;
use crate::facts::Contracts;
use crate::files::{checked_manifest, read};
use crate::rpc::{Failover, Hashes};
use crate::signer::{Key, KeySource, SignerError};
use crate::store::{Lease, Observer, Store};
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::{Provider, RootProvider};
use nanozk_chain::data_fee::DataFees;
use nanozk_chain::deployment::{DEPLOYMENT_FORMAT, Deployment};
use std::path::Path;
use std::time::Duration;

/// The deployment.
pub(crate) fn deployment(config: &Config) -> Result<Deployment, Error> {
    let path = config.deployment.display();
    let text = std::fs::read(&config.deployment).map_err(|e| {
        Error::Config(format!(
            "cannot read the deployment {path}: {e} (nanozk deploy writes it)"
        ))
    })?;
    let deployment: Deployment = serde_json::from_slice(&text)
        .map_err(|e| Error::Config(format!("{path} is not a deployment: {e}")))?;
    match deployment.format == DEPLOYMENT_FORMAT {
        true => Ok(deployment),
        false => Err(Error::Config(format!(
            "{path}: format {:?} where {DEPLOYMENT_FORMAT:?} is needed: deploy again with this version of nanozk",
            deployment.format
        ))),
    }
}

/// The nodes, as one, on a chain.
pub(crate) fn nodes(config: &Config, chain_id: u64) -> Result<Failover, Error> {
    Ok(over(config, config.nodes()?, chain_id))
}

/// Some of the nodes.
pub(crate) fn over(
    config: &Config,
    nodes: Vec<alloy::transports::http::reqwest::Url>,
    chain_id: u64,
) -> Failover {
    Failover::new(
        nodes,
        chain_id,
        Duration::from_secs(config.rpc_timeout),
        Duration::from_secs(config.rpc_timeout_max),
    )
}

/// Refuses nodes that answer for any hash of a block: what they say is of another block than the one that was asked for.
pub(crate) async fn look_at_hashes(rpc: &Failover) -> Result<(), Error> {
    for (node, hashes) in rpc.hashes().await {
        if hashes == Some(Hashes::Ignored) {
            return Err(Error::Config(format!(
                "{node} answers for a block hash that no block has: it does not look at block hashes (EIP-1898), so its \
                 answers may be of any block. Use another node"
            )));
        }
    }
    Ok(())
}

/// What the chain takes besides gas.
pub(crate) async fn data_fees(provider: &RootProvider) -> Result<DataFees, Error> {
    let found = DataFees::of_chain(provider).await;
    found.map_err(|e| Error::of_node(e, "whether the chain charges for bytes"))
}

/// Contracts of a deployment, if the chain has them, and the block below which there is none of their events.
pub(crate) async fn contracts(
    deployment: &Deployment,
    path: &Path,
    provider: &RootProvider,
) -> Result<(Contracts, u64), Error> {
    let wrong = |text: String| Error::Config(format!("{}: {text}", path.display()));
    let chain_id = provider
        .get_chain_id()
        .await
        .map_err(|e| Error::of_node(e, "the chain"))?;
    if deployment.chain_id != chain_id {
        return Err(wrong(format!(
            "the deployment is on chain {}, the nodes are on chain {chain_id}: change rpc or deployment",
            deployment.chain_id
        )));
    }
    for (name, contract) in &deployment.contracts {
        let code = provider
            .get_code_at(contract.address)
            .await
            .map_err(|e| Error::of_node(e, "code"))?;
        if code.is_empty() {
            return Err(wrong(format!(
                "there is no contract at {}, where {name} should be: it is on another chain, or the chain was reset",
                contract.address
            )));
        }
        if keccak256(&code) != contract.code_hash {
            return Err(wrong(format!(
                "the contract at {}, where {name} should be, has other code than was deployed",
                contract.address
            )));
        }
    }
    let at = |name: &str| Ok::<_, Error>(deployment.address(name)?);
    let contracts = Contracts {
        market: at("JobMarket")?,
        book: at("ClaimBook")?,
        // Zero: nothing is audited.
        beacon: deployment.beacon()?.unwrap_or_default(),
        registry: at("ModelRegistry")?,
        escrow: at("BondEscrow")?,
        lens: at("ClaimLens")?,
        verifier: at("FinalVerifier")?,
    };
    let book = deployment.contracts.get("ClaimBook");
    let first = book.and_then(|book| book.block).unwrap_or(0);
    Ok((contracts, first))
}

/// A key, opened.
pub(crate) async fn key(source: &KeySource, chain_id: u64, allow: bool) -> Result<Key, Error> {
    let wrong = |e: SignerError| Error::Key(e.to_string());
    source.check_allowed(chain_id, allow).map_err(wrong)?;
    source.open(chain_id).await.map_err(wrong)
}

/// What an account has to pay for gas with.
pub(crate) async fn balance(provider: &RootProvider, account: Address) -> Result<U256, Error> {
    let balance = provider.get_balance(account).await;
    balance.map_err(|e| Error::of_node(e, "the account's balance"))
}

/// Why an account cannot send.
pub(crate) fn no_balance(account: Address, source: &KeySource) -> Error {
    Error::Config(format!(
        "the account {account} ({}) has no ETH to pay for gas: send it some",
        source.describe()
    ))
}

/// Makes the inbox, if there is none.
pub(crate) fn inbox(config: &Config) -> Result<(), Error> {
    // The folder of final proofs is in it.
    std::fs::create_dir_all(config.proofs()).map_err(|e| {
        Error::Config(format!(
            "cannot make the inbox {}: {e}",
            config.inbox.display()
        ))
    })
}

/// Id of the model in a directory.
pub(crate) fn model(directory: &Path) -> Result<B256, Error> {
    let path = directory.join("manifest.json");
    let manifest = checked_manifest(&read(&path)?)
        .map_err(|e| Error::Files(format!("{}: {e}", path.display())))?;
    Ok(B256::from(manifest.id().0))
}

/// The database, locked, and of this chain, claim book and account.
pub(crate) async fn store(
    config: &Config,
    observer: Observer,
    chain_id: u64,
    book: Address,
    account: Address,
) -> Result<(Store, Option<Lease>), Error> {
    let store = Store::open(&config.database, observer).await?;
    let lease = store.lock(account).await?;
    for (name, value) in [
        ("chain", chain_id.to_string()),
        ("claim book", book.to_string()),
        ("account", account.to_string()),
    ] {
        store.identify(name, &value).await?;
    }
    Ok((store, lease))
}
