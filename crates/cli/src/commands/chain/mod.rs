//! The commands that talk to a chain.

mod channel;
mod claim;
mod deploy;
mod dispute;
mod epoch;
mod escrow;
mod freeze;
mod job;
mod register;
mod status;

pub(super) use channel::channel;
pub(super) use claim::claim;
pub(super) use deploy::deploy;
pub(super) use dispute::dispute;
pub(super) use epoch::epoch;
pub(super) use escrow::escrow;
pub(super) use freeze::freeze;
pub(super) use job::job;
pub(super) use register::register;

use crate::args::{ChainArgs, KeyArgs, SendArgs};
use crate::output::{Out, Progress, thousands};
use anyhow::{Context, Result, bail};
use nanozk_chain::account::Account;
use nanozk_chain::bindings::escrow as escrow_abi;
use nanozk_chain::claim::Posted;
use nanozk_chain::client::{Call, Receipt};
use nanozk_chain::deployment::Deployment;
use nanozk_chain::format::{amount, eth, relative, utc};
use nanozk_chain::job::Terms;
use nanozk_chain::primitives::{Address, B256, U256};
use nanozk_chain::request::RequestFile;
use nanozk_chain::signing::Domains;
use nanozk_chain::{Client, PrivateKeySigner, events, keyfile};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::session::SessionDir;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Private key, in hexadecimal.
const KEY_VARIABLE: &str = "NANOZK_PRIVATE_KEY";

/// The key that was given, if any.
pub(in crate::commands) fn signer(args: &KeyArgs, out: &Out) -> Result<Option<PrivateKeySigner>> {
    let files = [
        ("key", &args.private_key_file),
        ("keystore", &args.keystore),
        ("password", &args.password_file),
    ];
    for (what, path) in files {
        let warning = path
            .as_ref()
            .and_then(|p| keyfile::warning(what, p, &p.display().to_string()));
        if let Some(warning) = warning {
            out.note(format!("warning: {warning}"));
        }
    }
    let parse = |text: &str, whence: &str| -> Result<PrivateKeySigner> {
        text.trim()
            .parse()
            .with_context(|| format!("{whence} has no private key: 32 bytes in hexadecimal"))
    };
    if let Some(path) = &args.private_key_file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the key {}", path.display()))?;
        return parse(&text, &path.display().to_string()).map(Some);
    }
    if let (Some(keystore), Some(password)) = (&args.keystore, &args.password_file) {
        let password = std::fs::read_to_string(password)
            .with_context(|| format!("cannot read the password {}", password.display()))?;
        let password = password.trim_end_matches(['\r', '\n']);
        return Ok(Some(keyfile::open_keystore(keystore, password)?));
    }
    match std::env::var(KEY_VARIABLE) {
        Ok(text) => parse(&text, KEY_VARIABLE).map(Some),
        Err(_) => Ok(None),
    }
}

fn connect(args: &ChainArgs, key: &KeyArgs, out: &Out) -> Result<Client> {
    let client = Client::connect(&args.rpc, signer(key, out)?)?;
    Ok(client.with_patience(Duration::from_secs(args.patience)))
}

/// The file of a deployment: the one that was given, or that of the node's chain.
pub(super) fn deployment_path(given: Option<&Path>, client: &Client) -> PathBuf {
    let of_chain = || Path::new("deployments").join(format!("{}.json", client.chain_id()));
    given.map_or_else(of_chain, Path::to_owned)
}

/// A time on chain, as a date and from the newest block on.
fn when(time: u64, now: u64) -> String {
    format!("{} ({})", utc(time), relative(time, now))
}

/// A node, the contracts, and how to say what happens.
struct Chain<'a> {
    client: Client,
    deployment: Deployment,
    explorer: Option<String>,
    dry_run: bool,
    out: &'a Out,
}

impl<'a> Chain<'a> {
    /// To send transactions.
    fn sending(args: &SendArgs, out: &'a Out) -> Result<Self> {
        let mut chain = Self::with_key(&args.chain, &args.key, out)?;
        chain.dry_run = args.dry_run;
        Ok(chain)
    }

    /// To send transactions, never only to say what they would do.
    fn with_key(args: &ChainArgs, key: &KeyArgs, out: &'a Out) -> Result<Self> {
        let chain = Self::reading(args, key, out)?;
        chain.client.settle()?;
        Ok(chain)
    }

    /// To look.
    fn reading(args: &ChainArgs, key: &KeyArgs, out: &'a Out) -> Result<Self> {
        let client = connect(args, key, out)?;
        let path = deployment_path(args.deployment.as_deref(), &client);
        if !path.exists() {
            bail!(
                "no deployment is known on chain {}: there is no {} (deploy with nanozk deploy, or say where the file \
                 is with --deployment)",
                client.chain_id(),
                path.display()
            );
        }
        let deployment: Deployment = files::read_json(&path)?;
        deployment
            .check(&client)
            .with_context(|| path.display().to_string())?;
        Ok(Chain {
            client,
            deployment,
            explorer: args.explorer.clone(),
            dry_run: false,
            out,
        })
    }

    fn address(&self, name: &str) -> Result<Address> {
        Ok(self.deployment.address(name)?)
    }

    fn account(&self) -> Result<Account<'_>> {
        Ok(Account::new(&self.client, &self.deployment)?)
    }

    fn domains(&self) -> Result<Domains> {
        Ok(self.account()?.domains()?)
    }

    /// Sends a call and says so; with `--dry-run`, says what it would do.
    fn send(&self, call: &Call) -> Result<Option<Receipt>> {
        send(
            &self.client,
            call,
            self.dry_run,
            self.explorer.as_deref(),
            self.out,
        )
    }

    /// Sends calls of which none needs another, without waiting for a block between them. One that fails keeps no other from
    /// being sent.
    fn send_all(&self, calls: &[Call]) -> Result<()> {
        if self.dry_run || calls.len() < 2 {
            for call in calls {
                self.send(call)?;
            }
            return Ok(());
        }
        let progress =
            Progress::spinner(&format!("{} and {} more", calls[0].what, calls.len() - 1));
        let all = self.client.send_all(calls)?;
        drop(progress);
        let mut failed = None;
        for receipt in all {
            match receipt {
                Ok(receipt) => report(&receipt, self.explorer.as_deref(), self.out),
                Err(e) => failed = Some(e),
            }
        }
        match failed {
            None => Ok(()),
            Some(e) => Err(e.into()),
        }
    }

    /// A step that happened before: nothing to do.
    fn already(&self, what: &str) {
        self.out.text(format!("{what}: nothing to do"));
        self.out.json(&json!({"event": "already", "what": what}));
    }

    /// What a job of a version depends on.
    fn terms(&self, version: B256) -> Result<Terms> {
        Ok(self.account()?.terms(version)?)
    }

    /// Challengers of a target whose bond, or part of a stake, was not paid out.
    fn unpaid(&self, posted: &Posted, target: u64) -> Result<Vec<Address>> {
        let (client, book) = (&self.client, self.address("ClaimBook")?);
        let paid = client.paid_out(book, posted.id, target)?;
        let mut unpaid = Vec::new();
        for challenger in client.challengers(book, posted.id, target)? {
            if !paid.contains(&challenger) && !unpaid.contains(&challenger) {
                unpaid.push(challenger);
            }
        }
        Ok(unpaid)
    }

    fn free(&self, account: Address, asset: Address) -> Result<U256> {
        let call = escrow_abi::freeCall { account, asset };
        Ok(self.client.read(self.address("BondEscrow")?, &call)?)
    }

    fn bonded(&self, account: Address, asset: Address) -> Result<U256> {
        let call = escrow_abi::bondedCall { account, asset };
        Ok(self.client.read(self.address("BondEscrow")?, &call)?)
    }

    /// Says what is missing of a free balance.
    fn require_free(
        &self,
        account: Address,
        asset: Address,
        needed: U256,
        what: &str,
    ) -> Result<()> {
        let available = self.free(account, asset)?;
        if available < needed {
            bail!(
                "{what} takes {} from the free balance of {account}, which is {}: {} are missing (nanozk escrow deposit)",
                amount(asset, needed),
                amount(asset, available),
                amount(asset, needed - available)
            );
        }
        Ok(())
    }

    /// Says what is missing of a bond.
    fn require_bond(
        &self,
        account: Address,
        asset: Address,
        needed: U256,
        what: &str,
    ) -> Result<()> {
        let available = self.bonded(account, asset)?;
        if available < needed {
            bail!(
                "{what} takes {} from the bond of {account}, of which {} are not held: {} are missing (nanozk escrow \
                 deposit, then nanozk escrow bond)",
                amount(asset, needed),
                amount(asset, available),
                amount(asset, needed - available)
            );
        }
        Ok(())
    }

    fn link(&self, kind: &str, what: impl std::fmt::Display) -> Option<String> {
        link(self.explorer.as_deref(), kind, what)
    }
}

fn link(explorer: Option<&str>, kind: &str, what: impl std::fmt::Display) -> Option<String> {
    explorer.map(|e| format!("{}/{kind}/{what}", e.trim_end_matches('/')))
}

fn send(
    client: &Client,
    call: &Call,
    dry_run: bool,
    explorer: Option<&str>,
    out: &Out,
) -> Result<Option<Receipt>> {
    if dry_run {
        let (_, gas) = client.simulate(call, client.account()?)?;
        let besides = client.data_fee(call, gas)?;
        let fee = U256::from(gas) * U256::from(client.gas_price()?) + besides;
        out.text(format!(
            "{} would succeed: {} gas, about {}",
            call.what,
            thousands(gas),
            eth(fee)
        ));
        out.json(&json!({"event": "dry_run", "what": call.what, "to": call.to, "gas": gas, "fee": fee.to_string()}));
        return Ok(None);
    }
    let progress = Progress::spinner(&call.what);
    let receipt = client.send(call)?;
    drop(progress);
    report(&receipt, explorer, out);
    Ok(Some(receipt))
}

fn report(receipt: &Receipt, explorer: Option<&str>, out: &Out) {
    let events: Vec<events::Event> = receipt.logs.iter().filter_map(events::decode).collect();
    out.text(format!(
        "{}: {} gas, {}, block {}, transaction {}",
        receipt.what,
        thousands(receipt.gas),
        eth(receipt.fee),
        receipt.block,
        receipt.hash
    ));
    for event in &events {
        out.text(format!("  {event}"));
    }
    if let Some(link) = link(explorer, "tx", receipt.hash) {
        out.text(format!("  {link}"));
    }
    let events: Vec<Value> = events
        .iter()
        .map(|e| {
            let arguments: serde_json::Map<_, _> = e
                .arguments
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            json!({"name": e.name, "arguments": arguments})
        })
        .collect();
    out.json(&json!({
        "event": "transaction",
        "what": receipt.what,
        "hash": receipt.hash,
        "block": receipt.block,
        "gas": receipt.gas,
        "fee": receipt.fee.to_string(),
        "events": events,
    }));
}

/// The output digest that is claimed on chain for a request; none if nothing is claimed yet.
pub(super) fn claimed_output(
    rpc: &str,
    deployment: Option<PathBuf>,
    request: &RequestFile,
    out: &Out,
) -> Result<Option<B256>> {
    let chain = ChainArgs {
        rpc: rpc.to_owned(),
        deployment,
        explorer: None,
        patience: 0,
    };
    let chain = Chain::reading(&chain, &KeyArgs::default(), out)?;
    if chain.domains()? != request.domains() {
        bail!(
            "the request is for chain {} and the market {}, the deployment is chain {} and {}",
            request.chain,
            request.market,
            chain.client.chain_id(),
            chain.domains()?.market
        );
    }
    let posted = Posted::find(&chain.client, chain.address("ClaimBook")?, request.job)?;
    Ok(posted.map(|posted| posted.claim.outputDigest))
}

/// The claim of a job.
fn posted_of(chain: &Chain<'_>, job: B256) -> Result<Posted> {
    let posted = Posted::find(&chain.client, chain.address("ClaimBook")?, job)?;
    posted.with_context(|| format!("the job {job} has no claim: nanozk claim post"))
}

/// A request's file, consistent.
fn read_request(path: &Path) -> Result<RequestFile> {
    let file: RequestFile = files::read_json(path)?;
    file.check().with_context(|| path.display().to_string())?;
    Ok(file)
}

/// Id of a job: given as such, by a session directory, or by a request.
fn job_of(text: &str) -> Result<B256> {
    if let Ok(id) = text.parse::<B256>() {
        return Ok(id);
    }
    let path = Path::new(text);
    if Kind::of(path) == Some(Kind::Session) {
        let id = B256::from(SessionDir::new(path).claim()?.context.claim.0);
        if id.is_zero() {
            bail!("{text} was made off chain: run it for a job with nanozk run --request");
        }
        return Ok(id);
    }
    if path.is_file() {
        return Ok(read_request(path)?.job);
    }
    bail!(
        "{text:?} is neither a session directory, nor a request, nor an id (0x and 64 hexadecimal digits)"
    )
}
