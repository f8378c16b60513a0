//! What the relayer knows and what it intends, on disk: SQLite, or PostgreSQL by its URL.
//!
//! Nothing acts before it is here: an intent is written before its transaction is signed, a signed transaction before it
//! is broadcast. Whatever happens in between, the next start finds what to go on with.

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
mod blocks;
mod claims;
mod intents;
mod kinds;
mod known;
mod rows;

pub use kinds::{
    Attempt, Block, ClaimRow, Final, Inclusion, Intent, Look, Role, Status, Verdict, number_of,
};

use crate::error::Error;
use crate::facts::Posting;
use crate::text::shortened;
use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::SolValue;
use nanozk_chain::claim::Posted;
use rows::int;
use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, Transaction};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Is told after each point at which something became durable, or left the process.
pub type Observer = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Blocks that are remembered to find where a reorganization starts.
const REMEMBERED: u64 = 1_024;

/// How often something may fail in a block before it is not sent again.
const ATTEMPTS: usize = 5;
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
mod tests;
