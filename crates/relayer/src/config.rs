//! `relayer.toml`, below the environment, below options.

use crate::error::Error;
use crate::signer::KeySource;
use crate::text::node_name;
use alloy::primitives::U256;
use alloy::transports::http::reqwest::Url;
use nanozk_chain::format::{duration, eth, parse_amount, parse_duration};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Variables of this prefix are settings: `NANOZK_RELAYER_FEES__MAX_PER_DAY` is `fees.max_per_day`.
pub const PREFIX: &str = "NANOZK_RELAYER_";

/// A configuration with every setting and what it is for.
pub const EXAMPLE: &str = include_str!("../relayer.toml");

/// When proofs are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// As soon as they are owed.
    #[default]
    Early,
    /// As late as their deadlines allow, so that what ends otherwise costs nothing.
    Late,
}

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Nodes, in the order of preference.
    #[serde(deserialize_with = "one_or_more")]
    pub rpc: Vec<String>,
    /// File of the deployment.
    pub deployment: PathBuf,
    /// `sqlite:PATH` or `postgres://…`.
    #[serde(default = "database")]
    pub database: String,
    /// Folder of sessions and requests.
    #[serde(default = "inbox")]
    pub inbox: PathBuf,
    /// Block explorer, for links.
    #[serde(default)]
    pub explorer: Option<String>,
    /// How often to ask for new blocks.
    #[serde(default = "poll", deserialize_with = "pause")]
    pub poll: Duration,
    /// How long to wait for a node's answer.
    #[serde(default = "timeout", deserialize_with = "seconds")]
    pub rpc_timeout: u64,
    /// How long at most, for what no node answered in that time.
    #[serde(default = "longest", deserialize_with = "seconds")]
    pub rpc_timeout_max: u64,
    /// How long a round may do nothing before it is given up.
    #[serde(default = "round_timeout", deserialize_with = "seconds")]
    pub round_timeout: u64,
    /// How long transactions on their way are waited for at the end.
    #[serde(default = "grace", deserialize_with = "seconds")]
    pub grace: u64,
    /// The account that sends.
    pub signer: KeySource,
    /// The provider's key, if claims are to be signed here.
    #[serde(default)]
    pub provider_signer: Option<KeySource>,
    /// Keys of files and variables on chains that are not local.
    #[serde(default)]
    pub allow_development_keys: bool,
    /// HTTP.
    #[serde(default)]
    pub api: Api,
    /// Proofs.
    #[serde(default)]
    pub prover: Prover,
    /// Money.
    #[serde(default)]
    pub fees: Fees,
    /// Claims of others.
    #[serde(default)]
    pub watch: Watch,
}

/// HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Where to listen.
    pub listen: SocketAddr,
    /// File with the token that changes need; without it only this machine may listen.
    pub token_file: Option<PathBuf>,
}

/// Proofs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prover {
    /// The command, to which `aggregate` and `reexecute` are given; empty: proofs come from elsewhere.
    pub command: Vec<String>,
    /// Most claims of one proof.
    pub batch: usize,
    /// When proofs are asked for.
    pub start: Start,
    /// What a layer takes to prove, until it was measured.
    #[serde(deserialize_with = "seconds")]
    pub seconds_per_layer: u64,
    /// What a final proof of a claim takes besides, until it was measured.
    #[serde(deserialize_with = "seconds")]
    pub seconds_per_proof: u64,
    /// Time before a deadline that is kept for sending.
    #[serde(deserialize_with = "seconds")]
    pub margin: u64,
    /// How long the command may do nothing before it is ended.
    #[serde(deserialize_with = "seconds")]
    pub timeout: u64,
}

/// Money.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fees {
    /// Most wei for a gas.
    #[serde(deserialize_with = "wei")]
    pub max_fee_per_gas: u128,
    /// Most that a transaction may cost.
    #[serde(deserialize_with = "money")]
    pub max_per_transaction: U256,
    /// Most that transactions of a day may cost.
    #[serde(deserialize_with = "money")]
    pub max_per_day: U256,
    /// Blocks above one that make it final.
    pub confirmations: u64,
    /// Blocks that may pass a transaction by before its fees are raised.
    pub bump_after: u64,
    /// Blocks after which a nonce that somebody else left behind is used up.
    pub repair_after: u64,
    /// Most transactions on their way.
    pub max_pending: usize,
}

/// Claims of others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watch {
    /// Model directories, to execute claims again.
    pub models: Vec<PathBuf>,
    /// Layers of each claim to challenge at random if it cannot be executed again.
    pub audits: usize,
    /// Publish the seed of a session with a challenge, if the provider disclosed it: then anybody who has the tokens can
    /// execute the claim again, and anybody who guesses them knows it.
    pub publish_seed: bool,
    /// Most that may be at risk in bonds, in the smallest units of the asset.
    #[serde(deserialize_with = "money")]
    pub max_bonds: U256,
}

fn database() -> String {
    "sqlite:relayer.db".into()
}

fn inbox() -> PathBuf {
    "sessions".into()
}

fn poll() -> Duration {
    Duration::from_secs(2)
}

fn timeout() -> u64 {
    10
}

fn longest() -> u64 {
    120
}

fn round_timeout() -> u64 {
    600
}

fn grace() -> u64 {
    60
}

impl Default for Api {
    fn default() -> Self {
        Api {
            listen: SocketAddr::from(([127, 0, 0, 1], 8645)),
            token_file: None,
        }
    }
}

impl Default for Prover {
    fn default() -> Self {
        Prover {
            command: Vec::new(),
            batch: 16,
            start: Start::Early,
            seconds_per_layer: 60,
            seconds_per_proof: 60,
            margin: 600,
            timeout: 600,
        }
    }
}

impl Default for Fees {
    fn default() -> Self {
        let gwei = 1_000_000_000;
        let eth = U256::from(1_000_000_000_000_000_000u64);
        Fees {
            max_fee_per_gas: 200 * gwei,
            max_per_transaction: eth,
            max_per_day: eth * U256::from(5),
            confirmations: 12,
            bump_after: 3,
            repair_after: 25,
            max_pending: 16,
        }
    }
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            models: Vec::new(),
            audits: 0,
            publish_seed: false,
            max_bonds: U256::from(1_000_000_000_000_000_000u64),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Number(u64),
    Text(String),
}

fn seconds<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    match Text::deserialize(d)? {
        Text::Number(n) => Ok(n),
        Text::Text(t) => parse_duration(&t).map_err(D::Error::custom),
    }
}

/// As [`seconds`], and milliseconds: `250ms`.
fn pause<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    let text = match Text::deserialize(d)? {
        Text::Number(n) => return Ok(Duration::from_secs(n)),
        Text::Text(t) => t,
    };
    if let Some(Ok(millis)) = text.strip_suffix("ms").map(str::parse) {
        return Ok(Duration::from_millis(millis));
    }
    parse_duration(&text)
        .map(Duration::from_secs)
        .map_err(D::Error::custom)
}

fn money<'de, D: Deserializer<'de>>(d: D) -> Result<U256, D::Error> {
    // A number alone has no unit, and is refused as such.
    let text = match Text::deserialize(d)? {
        Text::Number(n) => n.to_string(),
        Text::Text(t) => t,
    };
    parse_amount(&text).map_err(D::Error::custom)
}

fn wei<'de, D: Deserializer<'de>>(d: D) -> Result<u128, D::Error> {
    u128::try_from(money(d)?).map_err(D::Error::custom)
}

fn one_or_more<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        One(String),
        More(Vec<String>),
    }
    Ok(match List::deserialize(d)? {
        List::One(t) => t.split(',').map(|s| s.trim().to_owned()).collect(),
        List::More(list) => list,
    })
}

/// Puts a value at a dotted path.
fn set(table: &mut toml::Table, path: &str, text: &str) -> Result<(), Error> {
    let mut at = table;
    let mut names: Vec<&str> = path.split('.').collect();
    let Some(last) = names.pop() else {
        return Ok(());
    };
    for name in names {
        let inner = at
            .entry(name)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = inner
            .as_table_mut()
            .ok_or_else(|| Error::Config(format!("{path}: {name} is a value, not a section")))?;
    }
    // A number, a list, a truth value; or else text.
    let value = toml::from_str::<toml::Table>(&format!("v = {text}"))
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| toml::Value::String(text.into()));
    at.insert(last.into(), value);
    Ok(())
}

impl Config {
    /// Reads a file, if there is one, the environment, and options (`fees.max_per_day`, `5eth`).
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        options: &[(String, String)],
    ) -> Result<Self, Error> {
        let mut table = toml::Table::new();
        let mut base = PathBuf::new();
        if let Some(file) = file {
            let text = std::fs::read_to_string(file)
                .map_err(|e| Error::Config(format!("cannot read {}: {e}", file.display())))?;
            table = toml::from_str(&text).map_err(|e: toml::de::Error| {
                // Not with the line's text, which may be an address with a secret.
                let before = e.span().and_then(|s| text.get(..s.start));
                let line = before.unwrap_or_default().matches('\n').count() + 1;
                Error::Config(format!("{}, line {line}: {}", file.display(), e.message()))
            })?;
            base = file.parent().map(Path::to_owned).unwrap_or_default();
        }
        let mut from_file = toml::Table::new();
        std::mem::swap(&mut table, &mut from_file);
        absolute(&mut from_file, &base);
        table = from_file;
        let mut variables: Vec<(String, String)> = environment
            .into_iter()
            .filter_map(|(name, value)| {
                let path = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
                Some((path, value))
            })
            .collect();
        variables.sort();
        for (path, value) in variables.iter().chain(options) {
            set(&mut table, path, value)?;
        }
        let config: Config = toml::Value::Table(table).try_into().map_err(|e| {
            Error::Config(format!(
                "{}: see nanozk relayer init",
                e.to_string().trim_end()
            ))
        })?;
        config.check()?;
        Ok(config)
    }

    /// Addresses of the nodes. They may hold secrets: errors show no more than scheme, host and port.
    pub fn nodes(&self) -> Result<Vec<Url>, Error> {
        let node = |(i, text): (usize, &String)| {
            let url = text.parse::<Url>().ok().filter(Url::has_host);
            let shown = match url {
                Some(url) if matches!(url.scheme(), "http" | "https") => return Ok(url),
                // No more of it: the rest may be secret.
                Some(url) => format!(" ({}://{})", url.scheme(), node_name(&url)),
                None => String::new(),
            };
            Err(Error::Config(format!(
                "rpc: entry {}{shown} is not the URL of a node: write one such as http://127.0.0.1:8545",
                i + 1
            )))
        };
        self.rpc.iter().enumerate().map(node).collect()
    }

    /// Where final proofs are put that are made here.
    pub fn proofs(&self) -> PathBuf {
        self.inbox.join(".proofs")
    }

    /// What can be said of it without asking anybody.
    fn check(&self) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Config(text));
        if self.rpc.is_empty() {
            return wrong(
                "rpc is empty: give the URL of one node or more, such as http://127.0.0.1:8545"
                    .into(),
            );
        }
        self.nodes()?;
        if !self.api.listen.ip().is_loopback() && self.api.token_file.is_none() {
            return wrong(format!(
                "api.listen: {} can be reached by others: give api.token_file, or listen on 127.0.0.1",
                self.api.listen
            ));
        }
        if self.rpc_timeout == 0 || self.round_timeout == 0 || self.prover.timeout == 0 {
            return wrong(
                "rpc_timeout, round_timeout and prover.timeout must be above zero".into(),
            );
        }
        if self.rpc_timeout_max < self.rpc_timeout {
            return wrong(format!(
                "rpc_timeout_max ({}) is less than rpc_timeout ({})",
                duration(self.rpc_timeout_max),
                duration(self.rpc_timeout)
            ));
        }
        if self.poll.is_zero() || self.fees.bump_after == 0 || self.fees.max_pending == 0 {
            return wrong("poll, fees.bump_after and fees.max_pending must be above zero".into());
        }
        if self.prover.batch == 0 {
            return wrong("prover.batch must be above zero".into());
        }
        if self.fees.max_fee_per_gas == 0 {
            return wrong("fees.max_fee_per_gas is 0: nothing could be sent".into());
        }
        if self.fees.max_per_transaction > self.fees.max_per_day {
            return wrong(format!(
                "fees.max_per_transaction ({}) is more than fees.max_per_day ({})",
                eth(self.fees.max_per_transaction),
                eth(self.fees.max_per_day)
            ));
        }
        Ok(())
    }
}

/// Paths in a file are relative to it.
fn absolute(table: &mut toml::Table, base: &Path) {
    const PATHS: [&str; 6] = [
        "deployment",
        "inbox",
        "file",
        "password_file",
        "token_file",
        "models",
    ];
    fn join(value: &mut toml::Value, base: &Path) {
        match value {
            toml::Value::String(text) => {
                *text = base.join(&*text).to_string_lossy().into_owned();
            }
            toml::Value::Array(list) => list.iter_mut().for_each(|v| join(v, base)),
            _ => {}
        }
    }
    for (name, value) in table.iter_mut() {
        if let toml::Value::Table(inner) = value {
            absolute(inner, base);
        } else if PATHS.contains(&name.as_str()) {
            join(value, base);
        } else if name == "database"
            && let toml::Value::String(text) = value
            && let Some(path) = text.strip_prefix("sqlite:")
        {
            *text = format!("sqlite:{}", base.join(path).to_string_lossy());
        }
    }
}

#[cfg(test)]
mod tests;
