//! Blocks that were looked at, and what goes with them.

use super::rows::{block_of, int};
use super::{Block, REMEMBERED, Store, keep_posted, mark};
use crate::error::Error;
use crate::facts::Posting;
use alloy::primitives::B256;

impl Store {
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
