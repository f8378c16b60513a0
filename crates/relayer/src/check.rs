//! What `run` will need, looked at thing by thing, so that all that is missing is named at once. Nothing is sent.

use crate::config::Config;
use crate::error::Error;
use crate::facts::Contracts;
use crate::prover::Runner;
use crate::rpc::Hashes;
use crate::signer::KeySource;
use crate::text::{count, gwei, node_name};
use crate::{api, ground, unobserved};
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::Filter;
use nanozk_chain::bindings::{escrow, registry};
use nanozk_chain::data_fee::DataFees;
use nanozk_chain::deployment::Deployment;
use nanozk_chain::format::{eth, utc};
use nanozk_chain::job::{PROVE_BYTES, PROVE_GAS};
use serde::Serialize;
use std::path::Path;

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and should be changed.
    Warning,
    /// The relayer cannot run, or cannot do what it is configured for.
    Failed,
}

/// One thing.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// Which setting or thing.
    pub name: &'static str,
    /// How it is.
    pub outcome: Outcome,
    /// Stable code of what is wrong.
    pub code: Option<&'static str>,
    /// In words.
    pub message: String,
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was looked at.
    pub checks: Vec<Item>,
    /// Chain of the deployment.
    pub chain_id: Option<u64>,
    /// The sending account.
    pub account: Option<Address>,
    /// What it has, in wei.
    pub balance: Option<U256>,
    /// The provider's account, if its key is here.
    pub provider: Option<Address>,
}

impl Report {
    /// How many things failed.
    pub fn failures(&self) -> usize {
        let failed = |item: &&Item| item.outcome == Outcome::Failed;
        self.checks.iter().filter(failed).count()
    }

    fn add(
        &mut self,
        name: &'static str,
        outcome: Outcome,
        code: Option<&'static str>,
        message: String,
    ) {
        self.checks.push(Item {
            name,
            outcome,
            code,
            message,
        });
    }

    fn ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, Outcome::Ok, None, message.into());
    }

    fn warn(&mut self, name: &'static str, code: &'static str, message: impl Into<String>) {
        self.add(name, Outcome::Warning, Some(code), message.into());
    }

    fn failed(&mut self, name: &'static str, e: &Error) {
        self.add(name, Outcome::Failed, Some(e.code()), e.to_string());
    }

    /// Keeps what was found, or why it was not.
    fn found<T>(&mut self, name: &'static str, found: Result<T, Error>) -> Option<T> {
        found.inspect_err(|e| self.failed(name, e)).ok()
    }
}

/// Looks at everything.
pub async fn check(config: &Config, dry_run: bool) -> Report {
    let mut report = Report::default();
    prover(config, &mut report).await;
    listen(config, &mut report).await;
    inbox(config, &mut report);
    let Some(deployment) = report.found("deployment", ground::deployment(config)) else {
        // Which chain, and so which key, is not known.
        return report;
    };
    report.chain_id = Some(deployment.chain_id);
    report.ok(
        "deployment",
        format!(
            "{}, chain {}",
            config.deployment.display(),
            deployment.chain_id
        ),
    );
    let account = keys(config, deployment.chain_id, &mut report).await;
    let provider = nodes(config, deployment.chain_id, &mut report).await;
    let contracts = match &provider {
        Some(provider) => contracts(config, &deployment, provider, &mut report).await,
        None => None,
    };
    if let (Some(provider), Some(account)) = (&provider, account) {
        money(
            config,
            provider,
            account,
            contracts.as_ref(),
            dry_run,
            &mut report,
        )
        .await;
    }
    models(config, provider.as_ref(), contracts.as_ref(), &mut report).await;
    if let Some(account) = account {
        let book = deployment.address("ClaimBook").map_err(Error::from);
        if let Some(book) = report.found("database", book) {
            database(config, deployment.chain_id, book, account, &mut report).await;
        }
    }
    report
}

/// The command is there, and is nanozk.
async fn prover(config: &Config, report: &mut Report) {
    let runner = Runner::new(config);
    if !runner.exists() {
        let needs = !config.watch.models.is_empty();
        let message = "prover.command is empty: proofs come from elsewhere";
        match needs {
            true => report.warn(
                "prover",
                "NZK402",
                format!("{message}, and no claim of watch.models is executed again"),
            ),
            false => report.ok("prover", message),
        }
        return;
    }
    let Some(version) = report.found("prover", runner.version().await) else {
        return;
    };
    let own = env!("CARGO_PKG_VERSION");
    match version.split_whitespace().last() == Some(own) {
        true => report.ok("prover", version),
        false => report.warn(
            "prover",
            "NZK402",
            format!("prover.command says {version:?}, this relayer is of nanozk {own}: use the same version"),
        ),
    }
}

/// The address is free, and the token can be read.
async fn listen(config: &Config, report: &mut Report) {
    let token = api::token(&config.api);
    let with = match report.found("api", token.map(|t| t.is_some())) {
        Some(true) => "uploads need the token",
        Some(false) => "uploads need no token",
        None => return,
    };
    let bound = api::bind(&config.api).await;
    if report.found("api", bound).is_some() {
        report.ok("api", format!("{} is free; {with}", config.api.listen));
    }
}

/// Uploads, and proofs of sessions in it, are written there.
fn inbox(config: &Config, report: &mut Report) {
    if report.found("inbox", ground::inbox(config)).is_none() {
        return;
    }
    let written = std::fs::read_dir(&config.inbox).and_then(|_| {
        tempfile::Builder::new()
            .prefix(".check")
            .tempfile_in(&config.inbox)
    });
    let written = written.map(drop).map_err(|e| {
        Error::Files(format!(
            "the inbox {} cannot be read and written: {e}",
            config.inbox.display()
        ))
    });
    if report.found("inbox", written).is_some() {
        report.ok("inbox", config.inbox.display().to_string());
    }
}

/// Keys open, and nobody else can.
async fn keys(config: &Config, chain_id: u64, report: &mut Report) -> Option<Address> {
    let mut account = None;
    let sources: [(&'static str, Option<&KeySource>); 2] = [
        ("signer", Some(&config.signer)),
        ("provider_signer", config.provider_signer.as_ref()),
    ];
    for (name, source) in sources {
        let Some(source) = source else { continue };
        for warning in source.warnings() {
            report.warn(name, "NZK320", warning);
        }
        let key = ground::key(source, chain_id, config.allow_development_keys).await;
        let Some(key) = report.found(name, key) else {
            continue;
        };
        report.ok(name, format!("{}, {}", key.address(), source.describe()));
        match name {
            "signer" => account = Some(key.address()),
            _ => report.provider = Some(key.address()),
        }
    }
    report.account = account;
    account
}

/// Each node by itself, for the others hide what one of them does.
async fn nodes(config: &Config, chain_id: u64, report: &mut Report) -> Option<RootProvider> {
    let urls = report.found("rpc", config.nodes())?;
    let mut usable = Vec::new();
    let mut unusable = Vec::new();
    for url in urls {
        let name = node_name(&url);
        let rpc = ground::over(config, vec![url.clone()], chain_id);
        let provider = rpc.provider();
        if let Err(e) = provider.get_chain_id().await {
            let said = rpc.health().pop().and_then(|health| health.last_error);
            unusable.push(format!("{name}: {}", said.unwrap_or_else(|| e.to_string())));
            continue;
        }
        let head = provider.get_block_by_number(BlockNumberOrTag::Latest).await;
        let head = head.map_err(|e| Error::of_node(e, "a block"));
        let head = match head {
            Ok(Some(block)) => block.header,
            Ok(None) => {
                unusable.push(format!("{name}: it has no block"));
                continue;
            }
            Err(e) => {
                unusable.push(e.to_string());
                continue;
            }
        };
        let hashes = rpc.hashes().await.pop().and_then(|(_, hashes)| hashes);
        if hashes == Some(Hashes::Ignored) {
            report.found("rpc", ground::look_at_hashes(&rpc).await);
            continue;
        }
        if hashes == Some(Hashes::Refused) {
            report.warn(
                "rpc",
                "NZK207",
                format!(
                    "{name} takes no block hashes (EIP-1898): contracts are read by block number, and whether the block \
                     stayed the same; an event may be seen later"
                ),
            );
        }
        let events = Filter::new()
            .at_block_hash(head.hash)
            .address(Address::ZERO);
        if let Err(e) = provider.get_logs(&events).await {
            let e = Error::of_node(e, "events");
            report.warn(
                "rpc",
                "NZK202",
                format!("{name} refuses events, so every claim is looked at with each block: {e}"),
            );
        }
        report.ok(
            "rpc",
            format!(
                "{name}: chain {chain_id}, block {} of {}",
                head.number,
                utc(head.timestamp)
            ),
        );
        usable.push(url);
    }
    for reason in unusable {
        match usable.is_empty() {
            true => report.failed("rpc", &Error::Nodes(reason)),
            // The others work: it is asked again, and used when it answers.
            false if !reason.contains("it is on chain") => report.warn("rpc", "NZK205", reason),
            false => report.failed("rpc", &Error::Nodes(reason)),
        }
    }
    match usable.is_empty() {
        true => None,
        false => Some(ground::over(config, usable, chain_id).provider()),
    }
}

async fn contracts(
    config: &Config,
    deployment: &Deployment,
    provider: &RootProvider,
    report: &mut Report,
) -> Option<Contracts> {
    let found = ground::contracts(deployment, &config.deployment, provider).await;
    let (contracts, _) = report.found("contracts", found)?;
    let number = count(deployment.contracts.len(), "contract", "contracts");
    report.ok("contracts", format!("{number} as deployed"));
    Some(contracts)
}

/// ETH for gas, a ceiling that lets transactions through, and something for bonds.
async fn money(
    config: &Config,
    provider: &RootProvider,
    account: Address,
    contracts: Option<&Contracts>,
    dry_run: bool,
    report: &mut Report,
) {
    let Some(balance) = report.found("balance", ground::balance(provider, account).await) else {
        return;
    };
    report.balance = Some(balance);
    match balance.is_zero() {
        true if dry_run => report.warn(
            "balance",
            "NZK302",
            format!("{account} has no ETH to pay for gas"),
        ),
        true => report.failed("balance", &ground::no_balance(account, &config.signer)),
        false => report.ok("balance", eth(balance)),
    }
    let fees = provider.estimate_eip1559_fees().await;
    let fees = fees.map_err(|e| Error::of_node(e, "the fees of blocks"));
    if let Some(fees) = report.found("fees", fees) {
        let (market, ceiling) = (fees.max_fee_per_gas, config.fees.max_fee_per_gas);
        match market > ceiling {
            true => report.warn(
                "fees",
                "NZK314",
                format!(
                    "blocks cost up to {} for a gas now, more than fees.max_fee_per_gas, {}: transactions wait",
                    gwei(market),
                    gwei(ceiling)
                ),
            ),
            false => report.ok(
                "fees",
                format!("up to {} for a gas now, at most {}", gwei(market), gwei(ceiling)),
            ),
        }
    }
    data_fees(provider, report).await;
    let watches = !config.watch.models.is_empty() || config.watch.audits > 0;
    let Some(contracts) = contracts.filter(|_| watches) else {
        return;
    };
    let call = escrow::freeCall {
        account,
        asset: Address::ZERO,
    };
    let free = read(provider, contracts.escrow, &call).await;
    match report.found("bonds", free) {
        Some(free) if free.is_zero() => report.warn(
            "bonds",
            "NZK302",
            format!("{account} has no free balance of ETH in the escrow, so it cannot challenge: nanozk escrow deposit"),
        ),
        Some(free) => report.ok("bonds", format!("{} of free balance", eth(free))),
        None => {}
    }
}

/// What the chain takes besides gas, for the transaction that costs most.
async fn data_fees(provider: &RootProvider, report: &mut Report) {
    let Some(fees) = report.found("data fees", ground::data_fees(provider).await) else {
        return;
    };
    let DataFees::Oracle(oracle) = fees else {
        return report.ok("data fees", "none: this chain charges for gas only");
    };
    let proof = fees.of_bytes(provider, PROVE_BYTES, PROVE_GAS).await;
    let proof = proof.map_err(|e| Error::of_node(e, "the fee for a transaction's bytes"));
    if let Some(proof) = report.found("data fees", proof) {
        let text = format!(
            "about {} for a proof now, besides gas, as {oracle} says",
            eth(proof)
        );
        report.ok("data fees", text);
    }
}

async fn read<C: alloy::sol_types::SolCall>(
    provider: &RootProvider,
    to: Address,
    call: &C,
) -> Result<C::Return, Error> {
    let request = alloy::rpc::types::TransactionRequest::default()
        .to(to)
        .input(call.abi_encode().into());
    let name = C::SIGNATURE.split('(').next().unwrap_or_default();
    let output = provider
        .call(request)
        .await
        .map_err(|e| Error::of_node(e, &format!("{name} reverted")))?;
    C::abi_decode_returns(&output).map_err(|_| Error::NotTheContract {
        contract: to,
        reason: format!("{name} returned {} bytes", output.len()),
    })
}

/// Models are whole, and registered.
async fn models(
    config: &Config,
    provider: Option<&RootProvider>,
    contracts: Option<&Contracts>,
    report: &mut Report,
) {
    if config.watch.models.is_empty() {
        return;
    }
    let registered = match (provider, contracts) {
        (Some(provider), Some(contracts)) => {
            report.found("model", registered(provider, contracts.registry).await)
        }
        _ => None,
    };
    for directory in &config.watch.models {
        let Some(id) = report.found("model", model(directory)) else {
            continue;
        };
        let name = directory.display();
        match &registered {
            Some(all) if !all.contains(&id) => report.warn(
                "model",
                "NZK401",
                format!("{name}: no version of the model {id} is registered here, so there are no claims of it"),
            ),
            Some(_) => report.ok("model", format!("{name}: {id}, registered")),
            None => report.ok("model", format!("{name}: {id}")),
        }
    }
}

/// Id of a model that can be executed.
fn model(directory: &Path) -> Result<B256, Error> {
    let id = ground::model(directory)?;
    for file in ["model.safetensors", "tokenizer.json"] {
        let path = directory.join(file);
        std::fs::File::open(&path)
            .map_err(|e| Error::Files(format!("cannot read {}: {e}", path.display())))?;
    }
    Ok(id)
}

/// Ids of the models of all versions.
async fn registered(provider: &RootProvider, registry: Address) -> Result<Vec<B256>, Error> {
    let number = read(provider, registry, &registry::versionCountCall {}).await?;
    let mut all = Vec::new();
    let mut index = U256::ZERO;
    while index < number {
        let version = read(provider, registry, &registry::versionAtCall { index }).await?;
        all.push(read(provider, registry, &registry::modelIdCall { version }).await?);
        index += U256::ONE;
    }
    Ok(all)
}

/// It is there, of this chain and account, nobody else's, and takes what is written.
async fn database(
    config: &Config,
    chain_id: u64,
    book: Address,
    account: Address,
    report: &mut Report,
) {
    let opened = ground::store(config, unobserved(), chain_id, book, account).await;
    let Some((store, _lease)) = report.found("database", opened) else {
        return;
    };
    if report.found("database", store.probe().await).is_some() {
        let kind = match config.database.split_once(':') {
            Some(("sqlite", path)) => format!("SQLite, {}", path.trim_start_matches("//")),
            _ => "PostgreSQL".to_owned(),
        };
        report.ok("database", format!("{kind}, can be written"));
    }
}
