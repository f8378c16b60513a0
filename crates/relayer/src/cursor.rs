//! Follows the chain block by block, each linked to the one before by its hash; where the chain changed its mind, it
//! goes back to the last block both have.

use crate::error::Error;
use crate::facts::{Contracts, Posting};
use crate::store::{Block, Store};
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{Filter, Header, Log};
use alloy::sol_types::SolEvent;
use nanozk_chain::bindings::registry;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Blocks that are read at most: with more to catch up on, all claims are looked at instead.
const LINKED: u64 = 64;
/// How often it is begun anew if the chain changes while it is read.
const ANEW: u32 = 3;
/// How long a chain that is shorter, but no other, is taken for a node that is behind.
const BEHIND: Duration = Duration::from_secs(30);

/// The newest block of the chain that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Number.
    pub number: u64,
    /// Time.
    pub time: u64,
    /// Hash.
    pub hash: B256,
}

/// Follows the chain.
#[derive(Debug)]
pub struct Cursor {
    store: Store,
    provider: RootProvider,
    /// Where it is, and since when nodes are behind it.
    last: Option<(Tip, Option<Instant>)>,
    /// Contracts whose events are about a job, a claim or a verifier.
    contracts: Vec<Address>,
    /// Nodes refused events, which was said.
    blind: bool,
}

impl Cursor {
    /// A cursor over the events of contracts.
    pub fn new(store: Store, provider: RootProvider, c: &Contracts) -> Self {
        Cursor {
            store,
            provider,
            last: None,
            contracts: vec![c.market, c.book, c.registry],
            blind: false,
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
    pub async fn sync(&mut self) -> Result<Tip, Error> {
        for _ in 0..ANEW {
            if let Some(tip) = self.follow().await? {
                return Ok(tip);
            }
        }
        Err(Error::Nodes("the chain changes while it is read".into()))
    }

    /// The same; none if blocks do not fit together.
    async fn follow(&mut self) -> Result<Option<Tip>, Error> {
        let head = self
            .header(BlockNumberOrTag::Latest)
            .await?
            .ok_or_else(|| Error::Nodes("the chain has no block".into()))?;
        let newest = Tip {
            number: head.number,
            time: head.timestamp,
            hash: head.hash,
        };
        if self.last.is_none() {
            self.last = self.where_it_was().await?.map(|tip| (tip, None));
        }
        if let Some(tip) = self.ahead_of(&newest).await? {
            return Ok(Some(tip));
        }
        let there = self.go_to(&head).await?;
        if there {
            self.last = Some((newest, None));
        }
        Ok(there.then_some(newest))
    }

    /// Where the last run was, if a node has that block.
    async fn where_it_was(&self) -> Result<Option<Tip>, Error> {
        let Some(tip) = self.store.tip().await? else {
            return Ok(None);
        };
        let block = self.provider.get_block_by_hash(tip.hash).await;
        Ok(block.ok().flatten().map(|b| Tip {
            number: tip.number,
            time: b.header.timestamp,
            hash: tip.hash,
        }))
    }

    /// Where it is, if a node names a block that it passed already: the node is behind, for a while.
    async fn ahead_of(&mut self, newest: &Tip) -> Result<Option<Tip>, Error> {
        let Some((tip, since)) = &mut self.last else {
            return Ok(None);
        };
        if newest.number >= tip.number {
            return Ok(None);
        }
        let known = self.store.block(newest.number).await?;
        let since = since.get_or_insert_with(Instant::now);
        let behind = known.is_some_and(|b| b.hash == newest.hash) && since.elapsed() < BEHIND;
        Ok(behind.then_some(*tip))
    }

    /// Reads up to a block; false if blocks do not fit together.
    async fn go_to(&mut self, head: &Header) -> Result<bool, Error> {
        let Some(tip) = self.store.tip().await? else {
            self.store.advance(&[block_of(head)], &[], &[]).await?;
            return Ok(true);
        };
        if tip.hash == head.hash {
            return Ok(true);
        }
        let common = self.common(tip, head).await?;
        if common != Some(tip.number) {
            // What it was is none any more.
            self.last = None;
        }
        let Some(from) = common else {
            warn!(
                code = "NZK211",
                "no block that was seen is on the chain any more: everything is looked at again"
            );
            self.store.rewind(0).await?;
            self.store.advance(&[block_of(head)], &[], &[]).await?;
            return Ok(true);
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
        if from == head.number {
            return Ok(true);
        }
        let first = head.number.saturating_sub(LINKED).max(from) + 1;
        self.advance(first, from + 1, head).await
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

    /// Reads blocks from the first one that is read up to the newest, and the events of all from `unread` on; false if
    /// they do not fit together.
    async fn advance(&mut self, first: u64, unread: u64, head: &Header) -> Result<bool, Error> {
        let mut blocks = Vec::new();
        for number in first..=head.number {
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
        let mut touched: Vec<B256> = Vec::new();
        let mut postings: Vec<Posting> = Vec::new();
        let mut all = first > unread;
        let read: &[Block] = if all { &[] } else { &blocks };
        for block in read {
            let logs = match self.events(block.hash).await {
                Ok(logs) => {
                    self.blind = false;
                    logs
                }
                // What a node does not do must not keep it from going on.
                Err(Error::Refused(reason)) => {
                    if !std::mem::replace(&mut self.blind, true) {
                        warn!(
                            code = "NZK202",
                            reason,
                            "a node refuses events: all claims are looked at with each block"
                        );
                    }
                    all = true;
                    break;
                }
                Err(e) => return Err(e),
            };
            for log in &logs {
                if log.removed {
                    return Ok(false);
                }
                if log.topic0() == Some(&registry::VerifierFrozen::SIGNATURE_HASH) {
                    info!(code = "NZK212", "a verifier was frozen");
                    all = true;
                }
                postings.extend(Posting::of(log));
                // Ids of jobs and claims are among what is indexed; nothing is marked by the rest.
                touched.extend(log.topics().iter().skip(1));
            }
        }
        if all {
            self.store.touch_all(unread.saturating_sub(1)).await?;
        }
        touched.sort();
        touched.dedup();
        self.store.advance(&blocks, &touched, &postings).await?;
        Ok(true)
    }

    /// Events of a block. It is named by its hash: asked by number, a node that is behind says that there are none.
    async fn events(&self, block: B256) -> Result<Vec<Log>, Error> {
        let filter = Filter::new()
            .address(self.contracts.clone())
            .at_block_hash(block);
        let logs = self.provider.get_logs(&filter).await;
        logs.map_err(|e| Error::of_node(e, "events"))
    }
}

fn block_of(header: &Header) -> Block {
    Block {
        number: header.number,
        hash: header.hash,
        parent: header.parent_hash,
    }
}
