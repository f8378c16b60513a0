//! What is to be sent, was signed, and is included.

use super::rows::{attempt_of, int, intent_of, parse, uint};
use super::{
    ATTEMPTS, Attempt, Inclusion, Intent, Status, Store, clean, keep_posted, mark, number_of,
};
use crate::error::Error;
use alloy::primitives::{B256, U256};
use sqlx::Row;

impl Store {
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
}
