//! Follows the chain block by block, each linked to the one before by its hash; where the chain changed its mind, it
//! goes back to the last block both have.

use crate::error::Error;
use crate::facts::Contracts;
use crate::store::{Block, Store};
use crate::transactions::Tip;
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{Filter, Header};
use tracing::{info, warn};

/// Blocks of one question for events.
const CHUNK: u64 = 500;
/// Headers that are read one by one when many blocks are behind.
const LINKED: u64 = 64;

/// Follows the chain.
#[derive(Debug)]
pub struct Cursor {
    store: Store,
    provider: RootProvider,
    /// Contracts whose events are about one claim, and come with its id.
    of_claims: Vec<Address>,
    /// The router: what it freezes concerns all claims.
    router: Address,
}

impl Cursor {
    /// A cursor over the events of contracts.
    pub fn new(store: Store, provider: RootProvider, c: &Contracts, router: Address) -> Self {
        Cursor {
            store,
            provider,
            of_claims: vec![c.market, c.book, c.settlement, c.dispute, c.beacon],
            router,
        }
    }

    async fn header(&self, at: BlockNumberOrTag) -> Result<Option<Header>, Error> {
        let block = self
            .provider
            .get_block_by_number(at)
            .await
            .map_err(|e| Error::of_node(e, "a block"))?;
        Ok(block.map(|b| b.header))
    }

    /// Goes on to the newest block, which it gives.
    pub async fn sync(&self) -> Result<Tip, Error> {
        let head = self
            .header(BlockNumberOrTag::Latest)
            .await?
            .ok_or_else(|| Error::Nodes("the chain has no block".into()))?;
        let newest = Tip {
            number: head.number,
            time: head.timestamp,
        };
        let Some(tip) = self.store.tip().await? else {
            self.store.advance(&[block_of(&head)], &[]).await?;
            return Ok(newest);
        };
        if tip.hash == head.hash {
            return Ok(newest);
        }
        let Some(from) = self.common(tip, &head).await? else {
            warn!(
                code = "NZK211",
                "no block that was seen is on the chain any more: everything is looked at again"
            );
            self.store.rewind(0).await?;
            self.store.advance(&[block_of(&head)], &[]).await?;
            return Ok(newest);
        };
        if from < tip.number {
            let depth = tip.number - from;
            warn!(
                code = "NZK210",
                depth,
                block = from,
                "the chain was reorganized"
            );
            self.store.rewind(from).await?;
        }
        let mut first = from + 1;
        while first <= head.number {
            let last = (first + CHUNK - 1).min(head.number);
            if !self.advance(first, last, &head).await? {
                // It changed while it was read: the next round starts from what is written.
                break;
            }
            first = last + 1;
        }
        Ok(newest)
    }

    /// The newest block that both the chain and the store have, if there is one.
    async fn common(&self, tip: Block, head: &Header) -> Result<Option<u64>, Error> {
        if head.parent_hash == tip.hash {
            return Ok(Some(tip.number));
        }
        for known in self.store.remembered().await? {
            if known.number > head.number {
                continue;
            }
            let there = self.header(BlockNumberOrTag::Number(known.number)).await?;
            if there.is_some_and(|h| h.hash == known.hash) {
                return Ok(Some(known.number));
            }
        }
        Ok(None)
    }

    /// Reads blocks and their events; false if they do not fit together.
    async fn advance(&self, first: u64, last: u64, head: &Header) -> Result<bool, Error> {
        let mut blocks = Vec::new();
        for number in first.max((last + 1).saturating_sub(LINKED))..=last {
            let header = match number == head.number {
                true => Some(head.clone()),
                false => self.header(BlockNumberOrTag::Number(number)).await?,
            };
            let Some(header) = header else {
                return Ok(false);
            };
            let block = block_of(&header);
            let linked = match blocks.last() {
                Some(Block { hash, .. }) => *hash == block.parent,
                None => match self.store.block(number.saturating_sub(1)).await? {
                    Some(before) => before.hash == block.parent,
                    None => true,
                },
            };
            if !linked {
                return Ok(false);
            }
            blocks.push(block);
        }
        let mut addresses = self.of_claims.clone();
        addresses.push(self.router);
        let filter = Filter::new()
            .address(addresses)
            .from_block(first)
            .to_block(last);
        let logs = self
            .provider
            .get_logs(&filter)
            .await
            .map_err(|e| Error::of_node(e, "events"))?;
        let mut touched: Vec<B256> = Vec::new();
        for log in &logs {
            let read = blocks.iter().find(|b| Some(b.number) == log.block_number);
            if log.removed || read.is_some_and(|b| Some(b.hash) != log.block_hash) {
                return Ok(false);
            }
            if log.address() == self.router {
                info!(code = "NZK212", "the verifiers of the router changed");
                self.store.touch_all().await?;
            } else if let Some(id) = log.topics().get(1) {
                touched.push(*id);
            }
        }
        touched.sort();
        touched.dedup();
        self.store.advance(&blocks, &touched).await?;
        Ok(true)
    }
}

fn block_of(header: &Header) -> Block {
    Block {
        number: header.number,
        hash: header.hash,
        parent: header.parent_hash,
    }
}
