//! Claims: whose they are, where they stand, what was found about them.

use super::rows::{claim_of, int, parse, uint};
use super::{ClaimRow, Look, Role, Store, Verdict, clean, mark};
use crate::error::Error;
use alloy::primitives::B256;
use sqlx::Row;

impl Store {
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
}
