//! Claims as they were posted, and final proofs at hand.

use super::rows::{final_of, posting_of, uint};
use super::{Final, Store, keep_posted, mark};
use crate::decide::list;
use crate::error::Error;
use crate::facts::Posting;
use alloy::primitives::B256;
use sqlx::Row;

impl Store {
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
}
