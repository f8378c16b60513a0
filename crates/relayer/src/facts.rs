//! What the chain says of a claim, as of one block.

use crate::cursor::Tip;
use crate::error::Error;
use alloy::eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy::primitives::{Address, Bytes, B256, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{TransactionInput, TransactionRequest};
use alloy::sol_types::SolCall;
use nanozk_chain::bindings::{beacon, dispute, lens, registry, settlement};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::warn;

/// Statuses, as in the contracts.
pub mod status {
    /// A job nobody took.
    pub const JOB_OPEN: u8 = 1;
    /// A job somebody took.
    pub const JOB_LOCKED: u8 = 2;
    /// A claim that is not over.
    pub const POSTED: u8 = 1;
    /// A challenge that is not over.
    pub const CHALLENGE_OPEN: u8 = 1;
    /// An output that was revealed, and may be disputed.
    pub const CHALLENGE_REVEALED: u8 = 2;
    /// The lane of proofs.
    pub const LANE_PROOFS: u8 = 0;
    /// The audited lane.
    pub const LANE_AUDITED: u8 = 2;
}

/// Addresses of the contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// `JobMarket`.
    pub market: Address,
    /// `ClaimBook`.
    pub book: Address,
    /// `Settlement`.
    pub settlement: Address,
    /// `LayerDispute`.
    pub dispute: Address,
    /// `AuditBeacon`.
    pub beacon: Address,
    /// `ModelRegistry`.
    pub registry: Address,
    /// `BondEscrow`.
    pub escrow: Address,
    /// `ClaimLens`.
    pub lens: Address,
}

/// A challenge that is not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Layer; the number of layers stands for the output.
    pub layer: usize,
    /// Who asked first.
    pub challenger: Address,
    /// Until when it may be answered.
    pub answer_by: u64,
}

/// A challenger's bond, which is held until the claim is over and somebody has it paid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    /// Layer that was challenged.
    pub layer: usize,
    /// Whose bond it is.
    pub challenger: Address,
    /// Who gets it; zero as long as the claim is not over.
    pub winner: Address,
}

/// What the chain says of a claim.
///
/// They are kept as JSON for people to see, of other versions too; decisions are made from those just read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// As of this block.
    pub block: u64,
    /// Its time.
    pub time: u64,
    /// Status of the job; see `Types.sol`.
    pub job_status: u8,
    /// Lane.
    pub lane: u8,
    /// Who pays.
    pub requester: Address,
    /// Who took the job, or may.
    pub provider: Address,
    /// Registered version.
    pub version: B256,
    /// Asset; zero is ETH.
    pub asset: Address,
    /// Price.
    pub price: U256,
    /// Stake of the provider.
    pub stake: U256,
    /// Bond of a challenge.
    pub challenge_bond: U256,
    /// Until when the job may be taken.
    pub lock_by: u64,
    /// Until when it may be claimed.
    pub claim_by: u64,
    /// Whether proofs for the version count.
    pub usable: bool,
    /// Status of the claim; zero: none is posted.
    pub status: u8,
    /// Who is paid.
    pub recipient: Address,
    /// Model.
    pub model_id: B256,
    /// Statement of all proofs.
    pub statement: B256,
    /// Digest of the output.
    pub output_digest: B256,
    /// Digest of the prompt.
    pub input_digest: B256,
    /// Layers.
    pub layers: usize,
    /// Those proven.
    pub proven: U256,
    /// All by one proof.
    pub aggregated: bool,
    /// Commitments between the layers.
    pub boundaries: Vec<B256>,
    /// Until when layers may be challenged, and the output be demanded.
    pub challenge_by: u64,
    /// Until when layers may be proven.
    pub proven_by: u64,
    /// Challenges that are open; those that an aggregate answers are not.
    pub challenges: Vec<Challenge>,
    /// Bonds that are held, and parts of the stake that nobody took yet.
    pub bonds: Vec<Bond>,
    /// Until when the requester may dispute the output that was revealed; zero: it cannot.
    pub dispute_by: u64,
    /// The requester has the output, or may not ask for it any more.
    pub output_closed: bool,
    /// Layers that the lane wants proven and are not.
    pub missing: U256,
    /// Block that draws layers; zero: none does.
    pub draw_block: u64,
    /// Whether they are drawn.
    pub revealed: bool,
    /// Those drawn.
    pub drawn: U256,
    /// The chain's own sentence.
    pub text: String,
}

/// Reads contracts as of one block.
///
/// A block is named by its hash (EIP-1898): a node that is behind, or on another branch, has none of that name. A node
/// that takes no hashes is asked by number, and for the block of that number before and after: if both times it is the
/// one that was meant, the state in between was that block's.
#[derive(Clone, Debug)]
pub struct Reader {
    provider: RootProvider,
    contracts: Contracts,
    numbered: Arc<Mutex<Numbered>>,
}

/// The block of a hash, as the object of EIP-1898. Requests write a hash without `requireCanonical` as a bare string, which
/// some nodes take and the standard does not know.
fn by_hash(at: Tip) -> BlockId {
    RpcBlockHash::from_hash(at.hash, Some(false)).into()
}

/// Whether nodes take hashes of blocks.
#[derive(Debug, Default)]
struct Numbered {
    /// They were refused as of this block.
    at: B256,
    /// It was said.
    told: bool,
}

impl Reader {
    /// Reads through a provider.
    pub fn new(provider: RootProvider, contracts: Contracts) -> Self {
        Reader {
            provider,
            contracts,
            numbered: Arc::default(),
        }
    }

    /// Asks a contract as of a block.
    pub async fn read<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        at: Tip,
    ) -> Result<C::Return, Error> {
        let request = TransactionRequest::default()
            .to(to)
            .input(TransactionInput::both(Bytes::from(call.abi_encode())));
        let name = C::SIGNATURE.split('(').next().unwrap_or_default();
        let output = match self.is_numbered(at) {
            true => self.by_number(name, request, at).await?,
            false => match self.call(name, request.clone(), by_hash(at)).await {
                Err(Error::Refused(reason)) => match self.by_number(name, request, at).await {
                    // The number was not what it refused.
                    Err(Error::Refused(_)) => return Err(Error::Refused(reason)),
                    other => {
                        self.note_numbered(at, &reason);
                        other?
                    }
                },
                other => other?,
            },
        };
        C::abi_decode_returns(&output).map_err(|_| Error::NotTheContract {
            contract: to,
            reason: format!("{name} returned {} bytes", output.len()),
        })
    }

    async fn call(
        &self,
        name: &str,
        request: TransactionRequest,
        block: BlockId,
    ) -> Result<Bytes, Error> {
        let output = self.provider.call(request).block(block).await;
        output.map_err(|e| Error::of_node(e, &format!("{name} reverted")))
    }

    /// The same of a node that takes no hashes.
    async fn by_number(
        &self,
        name: &str,
        request: TransactionRequest,
        at: Tip,
    ) -> Result<Bytes, Error> {
        self.is_canonical(at).await?;
        let output = self.call(name, request, BlockId::number(at.number)).await;
        // Also a revert is one of that block only then.
        self.is_canonical(at).await?;
        output
    }

    /// Refuses a block that is not, or no longer, the one of its number.
    async fn is_canonical(&self, at: Tip) -> Result<(), Error> {
        let block = self
            .provider
            .get_block_by_number(BlockNumberOrTag::Number(at.number))
            .await
            .map_err(|e| Error::of_node(e, "a block"))?;
        match block {
            Some(block) if block.header.hash == at.hash => Ok(()),
            Some(_) => Err(Error::Nodes(format!(
                "block {} was replaced while its state was read",
                at.number
            ))),
            None => Err(Error::Nodes(format!("no node has block {}", at.number))),
        }
    }

    /// Hashes are tried once with each block: another node may take them.
    fn is_numbered(&self, at: Tip) -> bool {
        let numbered = self.numbered.lock();
        numbered.unwrap_or_else(PoisonError::into_inner).at == at.hash
    }

    fn note_numbered(&self, at: Tip, reason: &str) {
        let mut numbered = self.numbered.lock().unwrap_or_else(PoisonError::into_inner);
        numbered.at = at.hash;
        if !std::mem::replace(&mut numbered.told, true) {
            warn!(
                code = "NZK207",
                reason,
                "a node takes no block hashes (EIP-1898): it is asked by number, and whether the block stayed the same"
            );
        }
    }

    /// All about a claim; none if there is no such job.
    pub async fn facts(&self, claim: B256, tip: Tip) -> Result<Option<Facts>, Error> {
        let at = tip;
        let c = &self.contracts;
        let described = self
            .read(c.lens, &lens::describeClaimCall { claim }, at)
            .await;
        let d = match described {
            Ok(d) => d,
            Err(Error::Reverted { revert, .. }) if revert.name == "UnknownJob" => return Ok(None),
            Err(e) => return Err(e),
        };
        let version = d.job.version;
        let usable = self
            .read(c.registry, &registry::usableCall { version }, at)
            .await?;
        let mut facts = Facts {
            block: tip.number,
            time: tip.time,
            job_status: d.job.status,
            lane: d.job.lane,
            requester: d.job.requester,
            provider: d.job.provider,
            version,
            asset: d.job.asset,
            price: U256::from(d.job.price),
            stake: U256::from(d.job.stake),
            challenge_bond: U256::from(d.job.challengeBond),
            lock_by: d.job.lockBy,
            claim_by: d.job.claimBy,
            usable,
            input_digest: d.job.inputDigest,
            text: d.status,
            ..Facts::default()
        };
        if d.claim.status == 0 {
            return Ok(Some(facts));
        }
        facts.status = d.claim.status;
        facts.recipient = d.claim.recipient;
        facts.model_id = d.claim.modelId;
        facts.statement = d.claim.statement;
        facts.output_digest = d.claim.outputDigest;
        facts.layers = d.claim.layers.into();
        facts.proven = d.proven;
        facts.aggregated = !d.claim.aggregateKey.is_zero();
        facts.boundaries = d.boundaries;
        facts.challenge_by = d.challengeBy;
        facts.proven_by = d.provenBy;
        let posted = facts.status == status::POSTED;
        if posted {
            let missing = settlement::missingLayersCall { claim };
            facts.missing = self.read(c.settlement, &missing, at).await?;
        }
        if facts.lane == status::LANE_AUDITED {
            let drawn = self
                .read(c.beacon, &beacon::drawnCall { claim }, at)
                .await?;
            (facts.revealed, facts.drawn) = (drawn.revealed, drawn.layers);
            let of = beacon::blockOfCall { claim };
            facts.draw_block = self.read(c.beacon, &of, at).await?;
        }
        // Nothing but the output is challenged in the lane of proofs, and without a bond.
        if !posted || facts.lane != status::LANE_PROOFS {
            let open = dispute::openBondsCall { claim };
            for bond in self.read(c.dispute, &open, at).await? {
                facts.bonds.push(Bond {
                    layer: bond.layer.saturating_to(),
                    challenger: bond.challenger,
                    winner: bond.winner,
                });
            }
        }
        // Of a claim that is over every bond has a winner: decisions from a mixture of two blocks would be final.
        if !posted && facts.bonds.iter().any(|b| b.winner.is_zero()) {
            return Err(Error::Nodes(format!(
                "a node answers for another block than {}: the claim is over there, and a bond is open that nobody has won",
                tip.number
            )));
        }
        if posted && !d.openChallenges.is_zero() {
            let waited = (0..facts.layers).filter(|l| !d.proven.bit(*l));
            for layer in waited {
                self.challenge(claim, layer, at, &mut facts).await?;
            }
        }
        if posted {
            let output = facts.layers;
            self.challenge(claim, output, at, &mut facts).await?;
        }
        Ok(Some(facts))
    }

    async fn challenge(
        &self,
        claim: B256,
        layer: usize,
        at: Tip,
        facts: &mut Facts,
    ) -> Result<(), Error> {
        let call = dispute::challengeOfCall {
            claim,
            layer: U256::from(layer),
        };
        let c = self.read(self.contracts.dispute, &call, at).await?;
        if c.status == status::CHALLENGE_OPEN {
            facts.challenges.push(Challenge {
                layer,
                challenger: c.challenger,
                answer_by: c.answerBy,
            });
        } else if layer == facts.layers && c.status == status::CHALLENGE_REVEALED {
            facts.dispute_by = c.answerBy;
            facts.output_closed = facts.time > c.answerBy;
        } else if layer == facts.layers && c.status != 0 {
            facts.output_closed = true;
        }
        Ok(())
    }
}
