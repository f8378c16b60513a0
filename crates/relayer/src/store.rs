//! What the relayer knows and what it intends, on disk: SQLite, or PostgreSQL by its URL.
//!
//! Nothing acts before it is here: an intent is written before its transaction is signed, a signed transaction before it
//! is broadcast. Whatever happens in between, the next start finds what to go on with.

use crate::decide::list;
use crate::error::Error;
use crate::facts::{Facts, Posting, id_of};
use crate::text::shortened;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolValue;
use nanozk_chain::bindings::book;
use nanozk_chain::claim::Posted;
use serde::{Deserialize, Serialize};
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyPool, Row, Transaction};
use std::collections::BTreeSet;
use std::fs::File;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Is told after each point at which something became durable, or left the process.
pub type Observer = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Blocks that are remembered to find where a reorganization starts.
const REMEMBERED: u64 = 1_024;

/// How often something may fail in a block before it is not sent again.
const ATTEMPTS: usize = 5;

/// Whose side of a claim this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Posts and proves it.
    Provider,
    /// Looks at it, for its requester or anybody.
    Watcher,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Provider => "provider",
            Role::Watcher => "watcher",
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "provider" => Ok(Role::Provider),
            "watcher" => Ok(Role::Watcher),
            other => Err(Error::Damaged(format!("a role {other:?}"))),
        }
    }
}

/// A claim.
#[derive(Clone, Debug)]
pub struct ClaimRow {
    /// Id.
    pub id: B256,
    /// Our side.
    pub role: Role,
    /// Where its files are.
    pub directory: String,
    /// Nothing is left to do.
    pub ended: bool,
    /// Until when something of ours is due; zero: nothing is.
    pub due: u64,
    /// What comes next, for people.
    pub next: String,
    /// What the chain said last.
    pub facts: Option<Facts>,
    /// What a watcher found.
    pub verdict: Option<Verdict>,
    /// Code and text of what is in the way.
    pub error: Option<(String, String)>,
    /// How often in a row it could not be looked at.
    pub failures: u64,
    /// Chain time of the last look.
    pub updated: u64,
}

/// What a watcher found out about a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Of this claim: a reorganization may put another in its place.
    pub of: B256,
    /// Digest of the provider's secret part, if it was there: another may take its place.
    #[serde(default)]
    pub secret: Option<B256>,
    /// What has no proof, for certain, and is challenged: a layer, or the whole claim.
    #[serde(default)]
    pub target: Option<usize>,
    /// Layers that are challenged without knowing whether they are wrong.
    #[serde(default)]
    pub audits: Vec<usize>,
    /// Why, for people.
    pub reason: String,
}

/// What becomes of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// To be sent.
    Planned,
    /// Signed: it is, or will be, with the nodes.
    Signed,
    /// In a block, with success.
    Included,
    /// The same, below as many blocks as were asked for.
    Final,
    /// In a block, and reverted.
    Failed,
    /// Not wanted any more before it was signed.
    Dropped,
    /// Another transaction used its nonce.
    Displaced,
    /// Its nonce was used up by a transaction of ours that does nothing.
    Cancelled,
}

impl Status {
    /// All, for counting.
    pub const ALL: [Status; 8] = [
        Status::Planned,
        Status::Signed,
        Status::Included,
        Status::Final,
        Status::Failed,
        Status::Dropped,
        Status::Displaced,
        Status::Cancelled,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Status::Planned => "planned",
            Status::Signed => "signed",
            Status::Included => "included",
            Status::Final => "final",
            Status::Failed => "failed",
            Status::Dropped => "dropped",
            Status::Displaced => "displaced",
            Status::Cancelled => "cancelled",
        }
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Status::ALL
            .into_iter()
            .find(|s| s.name() == text)
            .ok_or_else(|| Error::Damaged(format!("a status {text:?}")))
    }
}

/// Something to send.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Claim, action and how often before.
    pub id: String,
    /// What it is about: a claim, or a final proof of claims; zero: the account's own nonces.
    pub claim: B256,
    /// What it does, such as `post`: one of a claim at a time.
    pub action: String,
    /// For people.
    pub what: String,
    /// Contract.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Where it stands.
    pub status: Status,
    /// Until when it has to be included; zero: any time.
    pub deadline: u64,
    /// Most gas.
    pub gas_limit: u64,
    /// Its nonce, once signed.
    pub nonce: Option<u64>,
    /// Block that has it.
    pub block: Option<u64>,
    /// The transaction that was included.
    pub tx: Option<B256>,
    /// Gas it took.
    pub gas_used: Option<u64>,
    /// What it cost.
    pub fee: Option<U256>,
    /// Why it is not included, or failed.
    pub error: Option<String>,
}

impl Intent {
    /// One that is to be planned.
    pub fn new(claim: B256, action: String, what: String, to: Address, data: Bytes) -> Self {
        Intent {
            id: String::new(),
            claim,
            action,
            what,
            to,
            data,
            status: Status::Planned,
            deadline: 0,
            gas_limit: 0,
            nonce: None,
            block: None,
            tx: None,
            gas_used: None,
            fee: None,
            error: None,
        }
    }
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its hash.
    pub hash: B256,
    /// Of which intent.
    pub intent: String,
    /// Its nonce.
    pub nonce: u64,
    /// It only uses the nonce up.
    pub cancels: bool,
    /// As it is broadcast.
    pub raw: Bytes,
    /// `maxFeePerGas`.
    pub max_fee: u128,
    /// `maxPriorityFeePerGas`.
    pub priority_fee: u128,
    /// Most that the chain takes besides gas times price, as of when it was signed.
    pub data_fee: U256,
    /// The newest block when it was signed.
    pub signed_block: u64,
}

/// Where a transaction was included.
#[derive(Clone, Debug)]
pub struct Inclusion {
    /// Transaction.
    pub tx: B256,
    /// Block.
    pub block: u64,
    /// Its time, or the newest known one.
    pub block_time: u64,
    /// Gas.
    pub gas_used: u64,
    /// What it cost.
    pub fee: U256,
    /// [`Status::Included`], [`Status::Failed`] or [`Status::Cancelled`].
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// Claims that it posted.
    pub postings: Vec<Posting>,
}

/// A final proof at hand, as one of its claims sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    /// Hash of its file.
    pub id: B256,
    /// The file.
    pub path: String,
    /// Layers of the claim that it proves.
    pub layers: BTreeSet<usize>,
    /// How many claims it is about.
    pub claims: usize,
}

/// A block, linked to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the one before.
    pub parent: B256,
}

/// What a look at a claim led to.
#[derive(Clone, Debug)]
pub struct Look {
    /// What the chain said.
    pub facts: Option<Facts>,
    /// Nothing is left to do.
    pub ended: bool,
    /// When to look again at the latest.
    pub wake: u64,
    /// Until when something is due.
    pub due: u64,
    /// What comes next.
    pub next: String,
    /// What is in the way.
    pub error: Option<(String, String)>,
    /// It could not be looked at.
    pub failed: bool,
    /// Chain time.
    pub now: u64,
    /// Block.
    pub block: u64,
}

/// The database.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    observer: Observer,
    /// Only one relayer works on a database.
    _lock: Option<Arc<File>>,
    postgres: bool,
    /// What was written so far.
    steps: Arc<AtomicU64>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Text of somebody else's, as it is kept: PostgreSQL takes no NUL, and nobody reads a megabyte.
pub fn clean(text: &str) -> String {
    shortened(text, 1_000)
}

fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn uint(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

fn parse<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|_| Error::Damaged(format!("{text:?} where a value was written")))
}

fn parse_opt<T: FromStr>(text: Option<String>) -> Result<Option<T>, Error> {
    text.as_deref().map(parse).transpose()
}

fn json_opt<T: serde::de::DeserializeOwned>(text: Option<String>) -> Result<Option<T>, Error> {
    text.map(|t| serde_json::from_str(&t).map_err(|e| Error::Damaged(e.to_string())))
        .transpose()
}

fn claim_of(row: &AnyRow) -> Result<ClaimRow, Error> {
    let facts = json_opt(row.try_get("facts")?)?;
    let verdict = json_opt(row.try_get("verdict")?)?;
    let code: Option<String> = row.try_get("error_code")?;
    let error: Option<String> = row.try_get("error")?;
    Ok(ClaimRow {
        id: parse(row.try_get("id")?)?,
        role: parse(row.try_get("role")?)?,
        directory: row.try_get("directory")?,
        ended: row.try_get::<i64, _>("ended")? != 0,
        due: uint(row.try_get("due")?),
        next: row.try_get("next")?,
        facts,
        verdict,
        error: code.zip(error),
        failures: uint(row.try_get("failures")?),
        updated: uint(row.try_get("updated")?),
    })
}

fn intent_of(row: &AnyRow) -> Result<Intent, Error> {
    let number = |name: &str| -> Result<Option<u64>, Error> {
        Ok(row.try_get::<Option<i64>, _>(name)?.map(uint))
    };
    Ok(Intent {
        id: row.try_get("id")?,
        claim: parse(row.try_get("claim")?)?,
        action: row.try_get("action")?,
        what: row.try_get("what")?,
        to: parse(row.try_get("destination")?)?,
        data: parse(row.try_get("data")?)?,
        status: parse(row.try_get("status")?)?,
        deadline: uint(row.try_get("deadline")?),
        gas_limit: uint(row.try_get("gas_limit")?),
        nonce: number("nonce")?,
        block: number("block")?,
        tx: parse_opt(row.try_get("tx")?)?,
        gas_used: number("gas_used")?,
        fee: parse_opt(row.try_get("fee")?)?,
        error: row.try_get("error")?,
    })
}

fn attempt_of(row: &AnyRow) -> Result<Attempt, Error> {
    Ok(Attempt {
        hash: parse(row.try_get("hash")?)?,
        intent: row.try_get("intent")?,
        nonce: uint(row.try_get("nonce")?),
        cancels: row.try_get::<i64, _>("cancels")? != 0,
        raw: parse(row.try_get("raw")?)?,
        max_fee: parse(row.try_get("max_fee")?)?,
        priority_fee: parse(row.try_get("priority_fee")?)?,
        data_fee: parse(row.try_get("data_fee")?)?,
        signed_block: uint(row.try_get("signed_block")?),
    })
}

/// How many intents of the same claim and action there were before one.
pub fn number_of(id: &str) -> u32 {
    let number = id.rsplit(':').next().and_then(|n| n.parse().ok());
    number.unwrap_or_default()
}

/// Claims that an id is about: its own, the one that was posted under it, or those of a final proof.
macro_rules! about {
    ($statement:literal) => {
        concat!(
            $statement,
            " (id = $1 OR id IN (SELECT job FROM posted WHERE claim = $1) \
               OR id IN (SELECT claim FROM final_claims WHERE final = $1))"
        )
    };
}

/// Marks claims as dirty, also those that have ended: what happens afterwards shows that one was taken for ended too early,
/// of a node that answered for another block than it was asked for.
async fn mark(tx: &mut Transaction<'_, Any>, id: B256) -> Result<(), Error> {
    sqlx::query(about!("UPDATE claims SET dirty = 1 WHERE"))
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps a claim, if its job is known.
async fn keep_posted(tx: &mut Transaction<'_, Any>, posting: &Posting) -> Result<(), Error> {
    let Posted {
        id,
        provider,
        claim,
        points,
    } = &posting.posted;
    let points: Vec<u8> = points
        .iter()
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect();
    sqlx::query(
        "INSERT INTO posted (claim, job, statement, block, data, points, provider) \
         SELECT $1, $2, $3, $4, $5, $6, $7 WHERE EXISTS (SELECT 1 FROM claims WHERE id = $2) \
         ON CONFLICT (claim) DO UPDATE SET block = excluded.block",
    )
    .bind(id.to_string())
    .bind(claim.job.to_string())
    .bind(claim.statement.to_string())
    .bind(int(posting.block))
    .bind(Bytes::from(claim.abi_encode()).to_string())
    .bind(Bytes::from(points).to_string())
    .bind(provider.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn posting_of(row: &AnyRow) -> Result<Posting, Error> {
    let data: Bytes = parse(row.try_get("data")?)?;
    let points: Bytes = parse(row.try_get("points")?)?;
    let claim = book::Claim::abi_decode(&data).map_err(|e| Error::Damaged(e.to_string()))?;
    let id = parse(row.try_get("claim")?)?;
    if id != id_of(&claim) {
        return Err(Error::Damaged(format!("another claim under {id}")));
    }
    let points = points.chunks_exact(32).map(U256::from_be_slice).collect();
    Ok(Posting {
        posted: Posted {
            id,
            provider: parse(row.try_get("provider")?)?,
            claim,
            points,
        },
        block: uint(row.try_get("block")?),
    })
}

fn final_of(row: &AnyRow) -> Result<Final, Error> {
    let layers: String = row.try_get("layers")?;
    let layers = layers.split(',').map(parse);
    Ok(Final {
        id: parse(row.try_get("id")?)?,
        path: row.try_get("path")?,
        layers: layers.collect::<Result<_, Error>>()?,
        claims: uint(row.try_get("n")?) as usize,
    })
}

fn block_of(row: &AnyRow) -> Result<Block, Error> {
    Ok(Block {
        number: uint(row.try_get("number")?),
        hash: parse(row.try_get("hash")?)?,
        parent: parse(row.try_get("parent")?)?,
    })
}

impl Store {
    /// Opens a database, and brings its tables up to date.
    ///
    /// `sqlite:PATH` makes the file if there is none; `postgres://…` has to exist.
    pub async fn open(url: &str, observer: Observer) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let postgres = url.starts_with("postgres:") || url.starts_with("postgresql:");
        if postgres && !cfg!(feature = "postgres") {
            return Err(Error::Config(
                "a database of PostgreSQL needs a program that was built with it: cargo install --locked --path crates/cli \
                 --features postgres"
                    .into(),
            ));
        }
        let mut lock = None;
        let options = if postgres {
            AnyPoolOptions::new()
                .max_connections(4)
                .acquire_timeout(Duration::from_secs(10))
        } else {
            let path = url.strip_prefix("sqlite:").ok_or_else(|| {
                // It may have a password.
                Error::Config("database must be sqlite:PATH or postgres://…".into())
            })?;
            let path = path.trim_start_matches("//");
            let held = format!("{}.lock", path.split('?').next().unwrap_or(path));
            let file = File::create(&held)
                .map_err(|e| Error::Config(format!("cannot write {held}: {e}")))?;
            file.try_lock().map_err(|_| Error::Locked(held))?;
            lock = Some(Arc::new(file));
            // One connection: writers would wait for each other anyway.
            AnyPoolOptions::new()
                .max_connections(1)
                .acquire_timeout(Duration::from_secs(30))
                .after_connect(|c, _| {
                    Box::pin(async move {
                        // What is committed survives a loss of power.
                        for pragma in [
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA busy_timeout = 5000",
                        ] {
                            sqlx::query(pragma).execute(&mut *c).await?;
                        }
                        Ok(())
                    })
                })
        };
        let full = if postgres || url.contains('?') {
            url.to_owned()
        } else {
            format!("{url}?mode=rwc")
        };
        let pool = options.connect(&full).await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        let store = Store {
            pool,
            observer,
            _lock: lock,
            postgres,
            steps: Arc::default(),
        };
        Ok(store)
    }

    /// A stable number of a text, for PostgreSQL's locks.
    fn lock_number(text: &str) -> i64 {
        let hash = alloy::primitives::keccak256(text);
        i64::from_be_bytes(hash[..8].try_into().expect("eight bytes"))
    }

    /// On PostgreSQL: takes the lock of an account on this database, on a connection of its own that the caller keeps.
    pub async fn lock(&self, account: Address) -> Result<Option<Lease>, Error> {
        if !self.postgres {
            return Ok(None);
        }
        let mut connection = self.pool.acquire().await?.detach();
        let (taken,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
            .bind(Self::lock_number(&format!("nanozk relayer {account}")))
            .fetch_one(&mut connection)
            .await?;
        if !taken {
            return Err(Error::Locked(format!("PostgreSQL, account {account}")));
        }
        Ok(Some(Lease(connection)))
    }

    /// Tells the observer that something became durable, or left the process.
    pub fn passed(&self, point: &'static str) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        (self.observer)(point);
    }

    /// How often something was written: as long as it grows, something goes on.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Writes what the database is of, or refuses if it is of something else.
    pub async fn identify(&self, name: &str, value: &str) -> Result<(), Error> {
        let known: Option<(String,)> = sqlx::query_as("SELECT value FROM meta WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        match known {
            Some((known,)) if known == value => Ok(()),
            Some((known,)) => Err(Error::Config(format!(
                "the database is for the {name} {known}, not {value}: give another --database, or the options it was made with"
            ))),
            None => {
                sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2)")
                    .bind(name)
                    .bind(value)
                    .execute(&self.pool)
                    .await?;
                Ok(())
            }
        }
    }

    /// Writes something that means nothing.
    pub async fn probe(&self) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ('checked', '1') ON CONFLICT (name) DO UPDATE SET value = '1'",
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    // ---------------------------------------------------------------- claims

    /// Adds a claim; false if it is known.
    pub async fn add_claim(
        &self,
        id: B256,
        role: Role,
        directory: &str,
        now: u64,
    ) -> Result<bool, Error> {
        let added = sqlx::query(
            "INSERT INTO claims (id, role, directory, added, updated) VALUES ($1, $2, $3, $4, $4) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(role.name())
        .bind(directory)
        .bind(int(now))
        .execute(&self.pool)
        .await?
        .rows_affected();
        if added != 0 {
            self.passed("claim-added");
            return Ok(true);
        }
        // Files of a provider may follow a request into the same place.
        if role == Role::Provider {
            sqlx::query(
                "UPDATE claims SET role = 'provider', dirty = 1 WHERE id = $1 AND directory = $2 AND role <> 'provider'",
            )
            .bind(id.to_string())
            .bind(directory)
            .execute(&self.pool)
            .await?;
        }
        Ok(false)
    }

    /// A claim.
    pub async fn claim(&self, id: B256) -> Result<Option<ClaimRow>, Error> {
        let row = sqlx::query("SELECT * FROM claims WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(claim_of).transpose()
    }

    /// Claims: what is due first.
    pub async fn claims(&self, ended: Option<bool>, limit: u64) -> Result<Vec<ClaimRow>, Error> {
        let which = ended.map_or(-1, i64::from);
        let rows = sqlx::query(
            "SELECT * FROM claims WHERE ($1 < 0 OR ended = $1) \
             ORDER BY ended, CASE WHEN due = 0 THEN 1 ELSE 0 END, due, added DESC, id LIMIT $2",
        )
        .bind(which)
        .bind(int(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(claim_of).collect()
    }

    /// Open claims in the order of their ids, a page at a time.
    pub async fn open_claims_after(&self, id: &str, limit: u64) -> Result<Vec<ClaimRow>, Error> {
        let rows =
            sqlx::query("SELECT * FROM claims WHERE ended = 0 AND id > $1 ORDER BY id LIMIT $2")
                .bind(id)
                .bind(int(limit))
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(claim_of).collect()
    }

    /// Open and ended claims, how many.
    pub async fn count_claims(&self) -> Result<(u64, u64), Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS total, CAST(COALESCE(SUM(ended), 0) AS BIGINT) AS ended FROM claims",
        )
        .fetch_one(&self.pool)
        .await?;
        let (total, ended) = (
            row.try_get::<i64, _>("total")?,
            row.try_get::<i64, _>("ended")?,
        );
        Ok((uint(total - ended), uint(ended)))
    }

    /// The earliest deadline of ours, and its claim.
    pub async fn earliest_due(&self) -> Result<Option<(u64, B256)>, Error> {
        let row = sqlx::query(
            "SELECT id, due FROM claims WHERE ended = 0 AND due <> 0 ORDER BY due LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|r| Ok((uint(r.try_get("due")?), parse(r.try_get("id")?)?)))
            .transpose()
    }

    /// Claims to look at now. Written so that both parts are found by the index `claims_open`.
    pub async fn awake(&self, now: u64, limit: u64) -> Result<Vec<B256>, Error> {
        let rows = sqlx::query(
            "SELECT id FROM claims WHERE (ended = 0 AND (dirty = 1 OR wake <= $1)) OR (ended = 1 AND dirty = 1) \
             ORDER BY CASE WHEN due = 0 THEN 1 ELSE 0 END, due, dirty DESC, wake LIMIT $2",
        )
        .bind(int(now))
        .bind(int(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|r| parse(r.try_get("id")?)).collect()
    }

    /// Something happened to claims.
    pub async fn touch(&self, ids: &[B256]) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        for id in ids {
            mark(&mut tx, *id).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Something happened after a block that may concern every claim, except those that had ended before it.
    pub async fn touch_all(&self, after: u64) -> Result<(), Error> {
        sqlx::query("UPDATE claims SET dirty = 1 WHERE ended = 0 OR ended_block >= $1")
            .bind(int(after))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Looks at a claim again at a time, if not before.
    pub async fn wake_at(&self, id: B256, time: u64) -> Result<(), Error> {
        sqlx::query(about!(
            "UPDATE claims SET wake = CASE WHEN wake < $2 AND wake > 0 THEN wake ELSE $2 END WHERE"
        ))
        .bind(id.to_string())
        .bind(int(time))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes down a look at a claim. What happened since it began is looked at again.
    pub async fn looked(&self, id: B256, look: &Look) -> Result<(), Error> {
        let facts = look
            .facts
            .as_ref()
            .map(|f| serde_json::to_string(f).expect("facts can be written"));
        sqlx::query(
            "UPDATE claims SET facts = COALESCE($2, facts), ended = $3, ended_block = $4, wake = $5, due = $6, \
             next = $7, error_code = $8, error = $9, \
             failures = CASE WHEN $11 = 0 THEN 0 ELSE failures + 1 END, updated = $10 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(facts)
        .bind(i64::from(look.ended))
        .bind(look.ended.then(|| int(look.block)))
        .bind(int(look.wake))
        .bind(int(look.due))
        .bind(clean(&look.next))
        .bind(look.error.as_ref().map(|e| e.0.clone()))
        .bind(look.error.as_ref().map(|e| clean(&e.1)))
        .bind(int(look.now))
        .bind(i64::from(look.failed))
        .execute(&self.pool)
        .await?;
        self.passed(if look.ended { "claim-ended" } else { "looked" });
        Ok(())
    }

    /// A look begins: events from here on make it dirty again.
    pub async fn looking(&self, id: B256) -> Result<(), Error> {
        sqlx::query("UPDATE claims SET dirty = 0 WHERE id = $1")
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes down what a watcher found, before it acts on it.
    pub async fn judge(&self, id: B256, verdict: &Verdict) -> Result<(), Error> {
        sqlx::query("UPDATE claims SET verdict = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(serde_json::to_string(verdict).expect("verdicts can be written"))
            .execute(&self.pool)
            .await?;
        self.passed("judged");
        Ok(())
    }

    // ---------------------------------------------------------------- what is known of claims and proofs

    /// Keeps a claim that was posted, if its job is known.
    pub async fn add_posted(&self, posting: &Posting) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        keep_posted(&mut tx, posting).await?;
        tx.commit().await?;
        self.passed("posted-kept");
        Ok(())
    }

    /// Claims that were posted for a job, the newest first: more than one after reorganizations.
    pub async fn posted_of(&self, job: B256) -> Result<Vec<Posting>, Error> {
        let rows = sqlx::query("SELECT * FROM posted WHERE job = $1 ORDER BY block DESC, claim")
            .bind(job.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(posting_of).collect()
    }

    /// Claims that were posted with a statement, likewise.
    pub async fn posted_with(&self, statement: B256) -> Result<Vec<Posting>, Error> {
        let rows =
            sqlx::query("SELECT * FROM posted WHERE statement = $1 ORDER BY block DESC, claim")
                .bind(statement.to_string())
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(posting_of).collect()
    }

    /// Keeps a final proof, and which layers of which claims it proves.
    pub async fn add_final(
        &self,
        id: B256,
        path: &str,
        claims: &[(B256, Vec<usize>)],
    ) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        let added = sqlx::query(
            "INSERT INTO finals (id, path) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET path = excluded.path",
        )
        .bind(id.to_string())
        .bind(path)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        for (claim, layers) in claims {
            sqlx::query(
                "INSERT INTO final_claims (final, claim, layers) VALUES ($1, $2, $3) ON CONFLICT (final, claim) DO NOTHING",
            )
            .bind(id.to_string())
            .bind(claim.to_string())
            .bind(list(layers, ","))
            .execute(&mut *tx)
            .await?;
            mark(&mut tx, *claim).await?;
        }
        tx.commit().await?;
        if added != 0 {
            self.passed("final-proof");
        }
        Ok(())
    }

    /// Final proofs of a claim.
    pub async fn finals_of(&self, claim: B256) -> Result<Vec<Final>, Error> {
        let rows = sqlx::query(
            "SELECT f.id AS id, f.path AS path, c.layers AS layers, \
             (SELECT COUNT(*) FROM final_claims o WHERE o.final = f.id) AS n \
             FROM final_claims c JOIN finals f ON f.id = c.final WHERE c.claim = $1 ORDER BY f.id",
        )
        .bind(claim.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(final_of).collect()
    }

    /// How many claims a final proof is about.
    pub async fn claims_of_final(&self, id: B256) -> Result<usize, Error> {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM final_claims WHERE final = $1")
            .bind(id.to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(uint(row.try_get("n")?) as usize)
    }

    /// A claim wants a final proof to be sent, or does not any more; gives whether any of its claims does.
    pub async fn want_final(&self, id: B256, claim: B256, wants: bool) -> Result<bool, Error> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("UPDATE final_claims SET wanted = $3 WHERE final = $1 AND claim = $2")
            .bind(id.to_string())
            .bind(claim.to_string())
            .bind(i64::from(wants))
            .execute(&mut *tx)
            .await?;
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM final_claims WHERE final = $1 AND wanted = 1 \
             AND claim IN (SELECT id FROM claims WHERE ended = 0)",
        )
        .bind(id.to_string())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(row.try_get::<i64, _>("n")? != 0)
    }

    // ---------------------------------------------------------------- intents

    /// Plans something, unless the same is on its way, was done after the block that the plan comes from, or failed
    /// so often that it would go on to.
    pub async fn plan(&self, intent: &Intent, as_of: u64) -> Result<bool, Error> {
        let mut tx = self.pool.begin().await?;
        let rows =
            sqlx::query("SELECT id, status, block FROM intents WHERE claim = $1 AND action = $2")
                .bind(intent.claim.to_string())
                .bind(intent.action.clone())
                .fetch_all(&mut *tx)
                .await?;
        let mut failed = 0;
        let mut number = 0;
        for row in &rows {
            let status: Status = parse(row.try_get("status")?)?;
            number = number.max(number_of(row.try_get("id")?) + 1);
            let block = row.try_get::<Option<i64>, _>("block")?.map(uint);
            match status {
                Status::Planned => {
                    let id: String = row.try_get("id")?;
                    tx.rollback().await?;
                    self.hasten(&id, intent.deadline).await?;
                    return Ok(false);
                }
                Status::Signed => return Ok(false),
                Status::Included | Status::Final if block.is_some_and(|b| b > as_of) => {
                    return Ok(false);
                }
                Status::Failed => failed += 1,
                _ => {}
            }
        }
        if failed >= ATTEMPTS {
            return Err(Error::Limit(format!(
                "{} failed in its block {failed} times although the simulation succeeded: it is not sent again; see why the last transaction failed",
                intent.what
            )));
        }
        // What never had a nonce is not needed any more: it does not pile up.
        sqlx::query("DELETE FROM intents WHERE claim = $1 AND action = $2 AND status = 'dropped'")
            .bind(intent.claim.to_string())
            .bind(intent.action.clone())
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO intents (id, claim, action, what, destination, data, status, deadline, created) \
             VALUES ($1, $2, $3, $4, $5, $6, 'planned', $7, $8)",
        )
        .bind(format!("{}:{}:{number}", intent.claim, intent.action))
        .bind(intent.claim.to_string())
        .bind(intent.action.clone())
        .bind(intent.what.clone())
        .bind(intent.to.to_string())
        .bind(intent.data.to_string())
        .bind(int(intent.deadline))
        .bind(int(as_of))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.passed("planned");
        Ok(true)
    }

    /// What several claims wait for is due when the first of them is.
    pub async fn hasten(&self, id: &str, deadline: u64) -> Result<(), Error> {
        sqlx::query(
            "UPDATE intents SET deadline = $2 WHERE id = $1 AND status = 'planned' AND $2 <> 0 \
             AND (deadline = 0 OR deadline > $2)",
        )
        .bind(id)
        .bind(int(deadline))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Intents of a status: those with the earliest deadline first, of the signed ones the lowest nonce.
    pub async fn intents(&self, status: Status, limit: u64) -> Result<Vec<Intent>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM intents WHERE status = $1 \
             ORDER BY nonce, CASE WHEN deadline = 0 THEN 1 ELSE 0 END, deadline, created, id LIMIT $2",
        )
        .bind(status.name())
        .bind(int(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(intent_of).collect()
    }

    /// Intents of a claim and of final proofs of it, the newest first.
    pub async fn intents_of(&self, claim: B256) -> Result<Vec<Intent>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM intents WHERE claim = $1 OR claim IN (SELECT final FROM final_claims WHERE claim = $1) \
             ORDER BY created DESC, nonce DESC, id",
        )
        .bind(claim.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(intent_of).collect()
    }

    /// How many intents have each status.
    pub async fn count_intents(&self) -> Result<Vec<(Status, u64)>, Error> {
        let rows = sqlx::query("SELECT status, COUNT(*) AS n FROM intents GROUP BY status")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|r| Ok((parse(r.try_get("status")?)?, uint(r.try_get("n")?))))
            .collect()
    }

    /// Drops what is planned for a claim and not wanted any more, by it or by another claim of the same final proof. What
    /// is wanted is named by what it is about and its action.
    pub async fn drop_unwanted(&self, claim: B256, wanted: &[(B256, String)]) -> Result<(), Error> {
        for intent in self.intents_of(claim).await? {
            let named = |(subject, action): &(B256, String)| {
                *subject == intent.claim && *action == intent.action
            };
            if intent.status != Status::Planned || wanted.iter().any(named) {
                continue;
            }
            let shared = intent.claim != claim;
            if !shared || !self.want_final(intent.claim, claim, false).await? {
                self.drop_intent(&intent.id, None).await?;
            }
        }
        Ok(())
    }

    /// Ends an intent that was not signed: it is not wanted any more, or would fail, for a reason.
    pub async fn drop_intent(&self, id: &str, reason: Option<&str>) -> Result<(), Error> {
        sqlx::query("UPDATE intents SET status = 'dropped', error = $2 WHERE id = $1")
            .bind(id)
            .bind(reason.map(clean))
            .execute(&self.pool)
            .await?;
        self.passed("intent-ended");
        Ok(())
    }

    /// Another transaction used an intent's nonce, as was found with this block: if that one goes, the nonce is free.
    pub async fn displaced(&self, intent: &Intent, block: u64) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE intents SET status = 'displaced', block = $2, error = 'another transaction used its nonce' \
             WHERE id = $1",
        )
        .bind(intent.id.clone())
        .bind(int(block))
        .execute(&mut *tx)
        .await?;
        mark(&mut tx, intent.claim).await?;
        tx.commit().await?;
        self.passed("intent-ended");
        Ok(())
    }

    /// Intents that were displaced above a block: what was said of their nonces may have been wrong.
    pub async fn displaced_above(&self, block: u64) -> Result<Vec<Intent>, Error> {
        let rows = sqlx::query("SELECT * FROM intents WHERE status = 'displaced' AND block > $1")
            .bind(int(block))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(intent_of).collect()
    }

    /// The lowest nonce that no transaction of ours has, and no transaction of ours in a block had.
    pub async fn next_nonce(&self) -> Result<u64, Error> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(MAX(nonce) + 1, 0) AS BIGINT) AS next FROM intents WHERE status <> 'displaced'",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(uint(row.try_get("next")?))
    }

    /// Whether a transaction of ours in a block has a nonce.
    pub async fn used(&self, nonce: u64) -> Result<bool, Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM intents WHERE nonce = $1 AND status NOT IN ('signed', 'displaced')",
        )
        .bind(int(nonce))
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get::<i64, _>("n")? != 0)
    }

    /// Why an intent has to wait.
    pub async fn hold_intent(&self, id: &str, error: &str) -> Result<(), Error> {
        sqlx::query("UPDATE intents SET error = $2 WHERE id = $1")
            .bind(id)
            .bind(clean(error))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes a signed transaction, and its intent's nonce with it: only then may it be broadcast.
    pub async fn signed(&self, attempt: &Attempt, gas_limit: u64) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        let changed = sqlx::query(
            "UPDATE intents SET status = 'signed', nonce = $2, gas_limit = $3, error = NULL WHERE id = $1 \
             AND (status = 'planned' OR (status = 'signed' AND nonce = $2))",
        )
        .bind(attempt.intent.clone())
        .bind(int(attempt.nonce))
        .bind(int(gas_limit))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if changed != 1 {
            // Another relayer has it, which took the lock while this one did not know that it had lost it.
            return Err(Error::Locked(format!(
                "{} was signed elsewhere",
                attempt.intent
            )));
        }
        sqlx::query(
            "INSERT INTO attempts (hash, intent, nonce, cancels, raw, max_fee, priority_fee, data_fee, signed_block) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hash) DO NOTHING",
        )
        .bind(attempt.hash.to_string())
        .bind(attempt.intent.clone())
        .bind(int(attempt.nonce))
        .bind(i64::from(attempt.cancels))
        .bind(attempt.raw.to_string())
        .bind(attempt.max_fee.to_string())
        .bind(attempt.priority_fee.to_string())
        .bind(attempt.data_fee.to_string())
        .bind(int(attempt.signed_block))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.passed("signed");
        Ok(())
    }

    /// Transactions of an intent, the oldest first.
    pub async fn attempts(&self, intent: &str) -> Result<Vec<Attempt>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM attempts WHERE intent = $1 ORDER BY signed_block, cancels, LENGTH(max_fee), max_fee",
        )
        .bind(intent)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(attempt_of).collect()
    }

    /// A transaction of an intent was included.
    pub async fn included(&self, intent: &Intent, at: &Inclusion) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE intents SET status = $2, block = $3, block_time = $4, tx = $5, gas_used = $6, fee = $7, error = $8 \
             WHERE id = $1",
        )
        .bind(intent.id.clone())
        .bind(at.status.name())
        .bind(int(at.block))
        .bind(int(at.block_time))
        .bind(at.tx.to_string())
        .bind(int(at.gas_used))
        .bind(at.fee.to_string())
        .bind(at.error.as_deref().map(clean))
        .execute(&mut *tx)
        .await?;
        for posting in &at.postings {
            keep_posted(&mut tx, posting).await?;
        }
        sqlx::query(about!("UPDATE claims SET dirty = 1 WHERE ended = 0 AND"))
            .bind(intent.claim.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.passed("included");
        Ok(())
    }

    /// Included intents at or below a block are final.
    pub async fn finalize(&self, block: u64) -> Result<(), Error> {
        let n = sqlx::query(
            "UPDATE intents SET status = 'final' WHERE status = 'included' AND block <= $1",
        )
        .bind(int(block))
        .execute(&self.pool)
        .await?
        .rows_affected();
        if n != 0 {
            self.passed("final");
        }
        Ok(())
    }

    /// Fees of what was included since a time, by the chain's clock.
    pub async fn spent_since(&self, time: u64) -> Result<U256, Error> {
        let rows =
            sqlx::query("SELECT fee FROM intents WHERE fee IS NOT NULL AND block_time >= $1")
                .bind(int(time))
                .fetch_all(&self.pool)
                .await?;
        let mut sum = U256::ZERO;
        for row in &rows {
            sum = sum.saturating_add(parse(row.try_get("fee")?)?);
        }
        Ok(sum)
    }

    /// Most that signed transactions may still cost.
    pub async fn reserved(&self) -> Result<U256, Error> {
        let rows = sqlx::query(
            "SELECT a.intent AS intent, i.gas_limit AS gas, a.max_fee AS fee, a.data_fee AS besides FROM attempts a \
             JOIN intents i ON i.id = a.intent WHERE i.status = 'signed'",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut most = std::collections::HashMap::new();
        for row in &rows {
            let gas = U256::from(uint(row.try_get("gas")?));
            let fee: U256 = parse(row.try_get("fee")?)?;
            let besides = parse(row.try_get("besides")?)?;
            let cost = gas.saturating_mul(fee).saturating_add(besides);
            let entry = most
                .entry(row.try_get::<String, _>("intent")?)
                .or_insert(U256::ZERO);
            *entry = cost.max(*entry);
        }
        Ok(most.values().fold(U256::ZERO, |a, b| a.saturating_add(*b)))
    }

    // ---------------------------------------------------------------- blocks

    /// The newest block that was looked at.
    pub async fn tip(&self) -> Result<Option<Block>, Error> {
        let row = sqlx::query("SELECT * FROM blocks ORDER BY number DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(block_of).transpose()
    }

    /// A block that was looked at.
    pub async fn block(&self, number: u64) -> Result<Option<Block>, Error> {
        let row = sqlx::query("SELECT * FROM blocks WHERE number = $1")
            .bind(int(number))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(block_of).transpose()
    }

    /// Numbers of the blocks that are remembered, from the newest.
    pub async fn remembered(&self) -> Result<Vec<Block>, Error> {
        let rows = sqlx::query("SELECT * FROM blocks ORDER BY number DESC")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(block_of).collect()
    }

    /// Blocks were looked at: what happened to claims in them, and claims that were posted, are written with them.
    pub async fn advance(
        &self,
        blocks: &[Block],
        touched: &[B256],
        postings: &[Posting],
    ) -> Result<(), Error> {
        let Some(last) = blocks.last() else {
            return Ok(());
        };
        let mut tx = self.pool.begin().await?;
        for block in blocks {
            sqlx::query(
                "INSERT INTO blocks (number, hash, parent) VALUES ($1, $2, $3) \
                 ON CONFLICT (number) DO UPDATE SET hash = excluded.hash, parent = excluded.parent",
            )
            .bind(int(block.number))
            .bind(block.hash.to_string())
            .bind(block.parent.to_string())
            .execute(&mut *tx)
            .await?;
        }
        for posting in postings {
            keep_posted(&mut tx, posting).await?;
        }
        for id in touched {
            mark(&mut tx, *id).await?;
        }
        sqlx::query("DELETE FROM blocks WHERE number < $1")
            .bind(int(last.number.saturating_sub(REMEMBERED)))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.passed("cursor");
        Ok(())
    }

    /// The chain replaced all blocks above this one: what was included or displaced there is on its way again, and every
    /// claim that is open, or ended up there, is looked at again.
    pub async fn rewind(&self, ancestor: u64) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        for statement in [
            "DELETE FROM blocks WHERE number > $1",
            "DELETE FROM posted WHERE block > $1",
            "UPDATE intents SET status = 'signed', block = NULL, block_time = NULL, tx = NULL, gas_used = NULL, \
             fee = NULL, error = NULL WHERE block > $1",
            "UPDATE claims SET ended = 0, ended_block = NULL, dirty = 1 WHERE ended = 0 OR ended_block > $1",
        ] {
            sqlx::query(statement)
                .bind(int(ancestor))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.passed("rewound");
        Ok(())
    }
}

/// PostgreSQL's lock of an account, as long as its connection lives.
#[derive(Debug)]
pub struct Lease(<Any as sqlx::Database>::Connection);

impl Lease {
    /// Whether the connection, and with it the lock, is still there.
    pub async fn holds(&mut self) -> bool {
        sqlx::query("SELECT 1").execute(&mut self.0).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::keccak256;

    async fn store() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("relayer.db").display());
        let store = Store::open(&url, Arc::new(|_| {})).await.expect("opens");
        (store, folder)
    }

    fn intent(claim: B256, action: &str) -> Intent {
        let data = Bytes::from_static(&[1, 2, 3]);
        Intent::new(claim, action.into(), action.into(), Address::ZERO, data)
    }

    fn attempt(intent: &Intent, nonce: u64, fee: u128) -> Attempt {
        Attempt {
            hash: keccak256(format!("{} {nonce} {fee}", intent.id)),
            intent: intent.id.clone(),
            nonce,
            cancels: false,
            raw: Bytes::new(),
            max_fee: fee,
            priority_fee: 1,
            data_fee: U256::ZERO,
            signed_block: 1,
        }
    }

    /// Plans, and gives it with its id.
    async fn plan(store: &Store, claim: B256, action: &str) -> Intent {
        let planned = store.plan(&intent(claim, action), 1).await;
        assert!(planned.expect("written"));
        let all = store.intents_of(claim).await.expect("read");
        let planned = |i: &Intent| i.action == action && i.status == Status::Planned;
        all.into_iter().find(planned).expect("there")
    }

    /// In block 9.
    fn included() -> Inclusion {
        Inclusion {
            tx: B256::ZERO,
            block: 9,
            block_time: 90,
            gas_used: 1,
            fee: U256::ONE,
            status: Status::Included,
            error: None,
            postings: Vec::new(),
        }
    }

    async fn only(store: &Store, claim: B256) -> Intent {
        let mut all = store.intents_of(claim).await.expect("read");
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[tokio::test]
    async fn an_intent_has_one_nonce() {
        let (store, _folder) = store().await;
        let claim = B256::repeat_byte(1);
        assert_eq!(store.next_nonce().await.expect("read"), 0);
        let post = plan(&store, claim, "post").await;
        store
            .signed(&attempt(&post, 5, 10), 1)
            .await
            .expect("signed");
        // A replacement has the same; another is of a relayer that lost the lock.
        store
            .signed(&attempt(&post, 5, 20), 1)
            .await
            .expect("replaced");
        let other = store.signed(&attempt(&post, 6, 30), 1).await;
        assert!(matches!(other, Err(Error::Locked(_))), "{other:?}");
        assert_eq!(only(&store, claim).await.nonce, Some(5));
        assert_eq!(store.attempts(&post.id).await.expect("read").len(), 2);
        assert_eq!(store.next_nonce().await.expect("read"), 6);
        assert!(!store.used(5).await.expect("read"), "not in a block yet");

        store.included(&post, &included()).await.expect("written");
        // A node that is behind would say 5.
        assert_eq!(store.next_nonce().await.expect("read"), 6);
        assert!(store.used(5).await.expect("read"));
        let again = store.signed(&attempt(&post, 6, 30), 1).await;
        assert!(matches!(again, Err(Error::Locked(_))), "{again:?}");
    }

    #[tokio::test]
    async fn reorganizations_undo_what_was_said_of_nonces() {
        let (store, _folder) = store().await;
        let claim = B256::repeat_byte(1);
        let post = plan(&store, claim, "post").await;
        store
            .signed(&attempt(&post, 5, 10), 1)
            .await
            .expect("signed");
        store.displaced(&post, 9).await.expect("written");
        assert_eq!(store.next_nonce().await.expect("read"), 0, "it has none");
        assert_eq!(store.displaced_above(8).await.expect("read").len(), 1);
        assert_eq!(store.displaced_above(9).await.expect("read").len(), 0);
        store.rewind(9).await.expect("written");
        assert_eq!(only(&store, claim).await.status, Status::Displaced);
        store.rewind(8).await.expect("written");
        let undone = only(&store, claim).await;
        assert_eq!((undone.status, undone.nonce), (Status::Signed, Some(5)));
        assert_eq!(undone.error, None);
    }

    #[tokio::test]
    async fn what_is_dropped_does_not_pile_up() {
        let (store, _folder) = store().await;
        let claim = B256::repeat_byte(1);
        for n in 0..5 {
            let post = plan(&store, claim, "post").await;
            assert_eq!(number_of(&post.id), n);
            store
                .hold_intent(&post.id, "too\0 poor")
                .await
                .expect("written");
            assert_eq!(
                only(&store, claim).await.error.as_deref(),
                Some("too  poor")
            );
            // Not wanted any more is no refusal.
            store.drop_unwanted(claim, &[]).await.expect("written");
            assert_eq!(only(&store, claim).await.error, None);
        }
        let post = plan(&store, claim, "post").await;
        let reason = "x".repeat(5_000);
        store
            .drop_intent(&post.id, Some(&reason))
            .await
            .expect("written");
        let error = only(&store, claim).await.error;
        assert_eq!(
            error.map(|e| e.chars().count()),
            Some(1_001),
            "with an ellipsis"
        );
    }

    #[tokio::test]
    async fn what_happened_comes_before_what_is_only_due_for_a_look() {
        let (store, _folder) = store().await;
        let ids: Vec<B256> = (1..=3).map(B256::repeat_byte).collect();
        for (id, due) in ids.iter().zip([0, 0, 700]) {
            let added = store.add_claim(*id, Role::Provider, "d", 1).await;
            assert!(added.expect("written"));
            let look = Look {
                facts: None,
                ended: false,
                wake: 2,
                due,
                next: "a\0b".into(),
                error: None,
                failed: false,
                now: 1,
                block: 1,
            };
            store.looking(*id).await.expect("written");
            store.looked(*id, &look).await.expect("written");
        }
        store.touch(&ids[1..2]).await.expect("written");
        let awake = store.awake(10, 9).await.expect("read");
        assert_eq!(awake, [ids[2], ids[1], ids[0]]);
        assert_eq!(store.awake(1, 9).await.expect("read"), [ids[1]]);
        let row = store.claim(ids[0]).await.expect("read").expect("there");
        assert_eq!(row.next, "a b");
    }

    #[tokio::test]
    async fn what_happens_to_a_claim_that_ended_is_looked_at() {
        let (store, _folder) = store().await;
        let ids: Vec<B256> = (1..=2).map(B256::repeat_byte).collect();
        let look = |block| Look {
            facts: None,
            ended: true,
            wake: 2,
            due: 0,
            next: String::new(),
            error: None,
            failed: false,
            now: 1,
            block,
        };
        let end = async |id: B256, block| {
            store.looking(id).await.expect("written");
            store.looked(id, &look(block)).await.expect("written");
        };
        for (id, block) in ids.iter().zip([7, 8]) {
            let added = store.add_claim(*id, Role::Provider, "d", 1).await;
            assert!(added.expect("written"));
            end(*id, block).await;
        }
        assert!(store.awake(10, 9).await.expect("read").is_empty());
        // An event, of which all that is known is its claim.
        let block = |number| Block {
            number,
            hash: B256::repeat_byte(9),
            parent: B256::ZERO,
        };
        let advanced = store.advance(&[block(9)], &ids[..1], &[]).await;
        advanced.expect("written");
        assert_eq!(store.awake(10, 9).await.expect("read"), [ids[0]]);
        end(ids[0], 7).await;
        // Blocks whose events are not read.
        store.touch_all(8).await.expect("written");
        assert_eq!(store.awake(10, 9).await.expect("read"), [ids[1]]);
    }

    /// Looks at all that is dirty, and gives it.
    async fn looked_at(store: &Store) -> Vec<B256> {
        let awake = store.awake(10, 9).await.expect("read");
        let look = Look {
            facts: None,
            ended: false,
            wake: 100,
            due: 0,
            next: String::new(),
            error: None,
            failed: false,
            now: 1,
            block: 1,
        };
        for id in &awake {
            store.looking(*id).await.expect("written");
            store.looked(*id, &look).await.expect("written");
        }
        let mut awake = awake;
        awake.sort();
        awake
    }

    #[tokio::test]
    async fn a_final_proof_is_of_all_its_claims() {
        let (store, _folder) = store().await;
        let ids: Vec<B256> = (1..=3).map(B256::repeat_byte).collect();
        for id in &ids {
            let added = store.add_claim(*id, Role::Provider, "d", 1).await;
            assert!(added.expect("written"));
        }
        assert_eq!(looked_at(&store).await, ids);
        let proof = B256::repeat_byte(9);
        let claims = [(ids[0], vec![0]), (ids[1], vec![1, 2])];
        for _ in 0..2 {
            let added = store.add_final(proof, "f", &claims).await;
            added.expect("written");
        }
        assert_eq!(looked_at(&store).await, ids[..2], "they can go on");
        let of = |id| store.finals_of(id);
        let second = of(ids[1]).await.expect("read");
        assert_eq!(
            second,
            [Final {
                id: proof,
                path: "f".into(),
                layers: [1, 2].into(),
                claims: 2
            }]
        );
        assert!(of(ids[2]).await.expect("read").is_empty());

        // Whoever is the first plans it; it is due when the first of them is.
        let planned = |deadline| Intent {
            deadline,
            ..intent(proof, "prove")
        };
        assert!(store.plan(&planned(700), 1).await.expect("written"));
        assert!(!store.plan(&planned(500), 1).await.expect("written"));
        assert!(!store.plan(&planned(600), 1).await.expect("written"));
        for id in &ids[..2] {
            assert_eq!(only(&store, *id).await.deadline, 500);
        }
        let none = store.intents_of(ids[2]).await;
        assert!(none.expect("read").is_empty());

        // It is dropped once nobody wants it.
        let wanted = [(proof, "prove".to_owned())];
        store.drop_unwanted(ids[0], &[]).await.expect("written");
        store.drop_unwanted(ids[1], &wanted).await.expect("written");
        assert_eq!(only(&store, ids[0]).await.status, Status::Planned);
        store.drop_unwanted(ids[1], &[]).await.expect("written");
        assert_eq!(only(&store, ids[0]).await.status, Status::Dropped);

        // What becomes of it concerns all of them.
        let again = plan(&store, proof, "prove").await;
        store
            .signed(&attempt(&again, 5, 10), 1)
            .await
            .expect("signed");
        store.included(&again, &included()).await.expect("written");
        assert_eq!(looked_at(&store).await, ids[..2]);
    }

    #[tokio::test]
    async fn what_was_posted_goes_with_its_block() {
        let (store, _folder) = store().await;
        let (job, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let added = store.add_claim(job, Role::Watcher, "d", 1).await;
        assert!(added.expect("written"));
        looked_at(&store).await;
        let posting = |job: B256, n: u8, block| {
            let mut claim = book::Claim::abi_decode(&[0; 32].repeat(64)).expect("words");
            (claim.job, claim.point) = (job, U256::from(n));
            let id = id_of(&claim);
            let points = vec![U256::from(n), U256::MAX];
            Posting {
                posted: Posted {
                    id,
                    provider: Address::repeat_byte(n),
                    claim,
                    points,
                },
                block,
            }
        };
        let all = [posting(job, 1, 7), posting(job, 2, 8), posting(other, 3, 8)];
        let block = |number| Block {
            number,
            hash: B256::with_last_byte(number as u8),
            parent: B256::with_last_byte(number as u8 - 1),
        };
        let advanced = store.advance(&[block(7), block(8)], &[], &all).await;
        advanced.expect("written");
        let ids = async || -> Vec<B256> {
            let known = store.posted_of(job).await.expect("read");
            known.iter().map(|p| p.posted.id).collect()
        };
        assert_eq!(ids().await, [all[1].posted.id, all[0].posted.id]);
        let known = store.posted_of(job).await.expect("read");
        assert_eq!(
            (known[0].block, &known[0].posted.points),
            (8, &all[1].posted.points)
        );
        let stranger = store.posted_of(other).await.expect("read");
        assert!(stranger.is_empty(), "its job is not known");
        // An event names the claim, which is the job's.
        let id = all[0].posted.id;
        let advanced = store.advance(&[block(9)], &[id], &[]).await;
        advanced.expect("written");
        assert_eq!(looked_at(&store).await, [job]);
        store.rewind(7).await.expect("written");
        assert_eq!(ids().await, [id]);
    }
}
