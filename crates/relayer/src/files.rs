//! Files of a claim: a session's directory as its provider has it, or a request as its requester has it.
//!
//! | file | of | for |
//! |---|---|---|
//! | `session.json`, `card.json` | a provider | the claim |
//! | `signatures.json` | a provider | that somebody else sends it |
//! | `proofs/`, `aggregate.json` | a provider | proofs |
//! | `output.json` | a provider | answering a demand for the output |
//! | `request.json` | a requester | the job |
//! | `secret.json` | either; disclosed by the provider | executing the claim again |

use crate::allow::AllowList;
use crate::decide::Act;
use crate::error::Error;
use crate::facts::{status, Contracts, Facts};
use crate::store::Role;
use alloy::primitives::{Address, Bytes, B256, U256};
use nanozk_chain::aggregate::{prove_all, AggregateCall};
use nanozk_chain::bindings::{beacon, book, dispute, market, settlement};
use nanozk_chain::claim::{header, padded, unpadded, Encoder};
use nanozk_chain::client::Call;
use nanozk_chain::output::OutputFile;
use nanozk_chain::request::RequestFile;
use nanozk_chain::signing::SignatureFile;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::session::Session;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Most bytes of a file that is read whole.
const LARGEST: u64 = 64 << 20;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let wrong = |e: std::io::Error| Error::Files(format!("cannot read {}: {e}", path.display()));
    let length = path.metadata().map_err(wrong)?.len();
    if length > LARGEST {
        return Err(Error::Files(format!(
            "{} has {length} bytes, more than the {LARGEST} that a file of a claim may have",
            path.display()
        )));
    }
    std::fs::read(path).map_err(wrong)
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    serde_json::from_slice(&read(path)?)
        .map_err(|e| Error::Files(format!("{}: {e}", path.display())))
}

fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match path.exists() {
        true => read_json(path).map(Some),
        false => Ok(None),
    }
}

/// What is in the inbox under one name.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Id of the claim.
    pub id: B256,
    /// Whose files they are.
    pub role: Role,
    /// Where.
    pub directory: PathBuf,
}

/// Where claims are made: those of other chains and contracts are refused.
#[derive(Clone, Copy, Debug)]
pub struct Home {
    /// Chain.
    pub chain_id: u64,
    /// Contracts.
    pub contracts: Contracts,
}

impl Home {
    /// What a name in the inbox is; none if it is not of a claim, or not whole yet.
    pub fn entry(&self, path: &Path) -> Result<Option<Entry>, Error> {
        let elsewhere = |chain: u64, what: String| {
            Error::Files(format!(
                "{} is for chain {chain} and {what}; this relayer is for chain {} and the claim book {}",
                path.display(),
                self.chain_id,
                self.contracts.book
            ))
        };
        if path.join("session.json").is_file() && path.join("card.json").is_file() {
            let session: Session = read_json(&path.join("session.json"))?;
            let context = &session.context;
            if context.chain != self.chain_id || context.contract != padded(self.contracts.book) {
                return Err(elsewhere(
                    context.chain,
                    format!("contract {}", context.contract),
                ));
            }
            return Ok(Some(Entry {
                id: context.claim.0.into(),
                role: Role::Provider,
                directory: path.to_owned(),
            }));
        }
        let request = match path.join("request.json") {
            inner if inner.is_file() => inner,
            _ if path.is_file() && path.extension().is_some_and(|e| e == "json") => path.to_owned(),
            _ => return Ok(None),
        };
        let file: RequestFile = read_json(&request)?;
        file.check()?;
        if file.chain != self.chain_id || file.claim_book != self.contracts.book {
            return Err(elsewhere(
                file.chain,
                format!("claim book {}", file.claim_book),
            ));
        }
        Ok(Some(Entry {
            id: file.job,
            role: Role::Watcher,
            directory: path.to_owned(),
        }))
    }
}

/// A session's files.
#[derive(Debug)]
pub struct SessionFiles {
    /// Where.
    pub path: PathBuf,
    /// The claim.
    pub session: Session,
    /// The model.
    pub card: ModelCard,
}

impl SessionFiles {
    /// Reads them.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let card: ModelCard = read_json(&path.join("card.json"))?;
        card.check()
            .map_err(|e| Error::Files(format!("{}: {e}", path.join("card.json").display())))?;
        Ok(SessionFiles {
            session: read_json(&path.join("session.json"))?,
            card,
            path: path.to_owned(),
        })
    }

    fn recipient(&self) -> Result<Address, Error> {
        unpadded(self.session.context.recipient)
            .ok_or_else(|| Error::Files("the recipient in session.json is not an address".into()))
    }

    /// What the provider signs and posts.
    pub fn header(&self) -> Result<book::ClaimHeader, Error> {
        Ok(header(&self.session, self.recipient()?))
    }

    /// Where the proof of a layer is.
    pub fn proof_path(&self, layer: usize) -> PathBuf {
        self.path.join("proofs").join(format!("{layer:03}.proof"))
    }

    /// Layers that have a proof file.
    pub fn proofs(&self) -> BTreeSet<usize> {
        (0..self.card.layers.len())
            .filter(|l| self.proof_path(*l).is_file())
            .collect()
    }

    /// A layer's proof as the contract takes it. Whether it is valid is for the contract to say.
    pub fn proof(&self, layer: usize, encoder: &mut Encoder) -> Result<Bytes, Error> {
        let path = self.proof_path(layer);
        encoder
            .calldata(&self.session, &self.card, layer, &read(&path)?)
            .map_err(|e| Error::Files(format!("{}: {e}", path.display())))
    }

    /// The provider's signatures.
    pub fn signatures(&self) -> Result<Option<SignatureFile>, Error> {
        optional(&self.path.join("signatures.json"))
    }

    /// The aggregate, if there is one of this session.
    pub fn aggregate(&self) -> Result<Option<AggregateCall>, Error> {
        let Some(call) = optional::<AggregateCall>(&self.path.join("aggregate.json"))? else {
            return Ok(None);
        };
        call.check(&self.session, &self.card)?;
        Ok(Some(call))
    }

    /// What answers a demand for the output.
    pub fn output(&self) -> Result<Option<OutputFile>, Error> {
        optional(&self.path.join("output.json"))
    }

    /// Refuses files that do not answer the job: its request, if it is among them, and the number of tokens.
    pub fn check_order(&self, job: B256, new_tokens: u32) -> Result<(), Error> {
        if self.card.model_id() != self.session.model_id {
            return Err(Error::Files(format!(
                "card.json is of model {}, the session of {}",
                self.card.model_id(),
                self.session.model_id
            )));
        }
        if let Some(request) = optional::<RequestFile>(&self.path.join("request.json"))? {
            request.check()?;
            if request.job != job {
                return Err(Error::Files(format!(
                    "request.json is of the job {}",
                    request.job
                )));
            }
            request.check_prompt(self.card.tokens)?;
            nanozk_chain::job::check_session(&request, &self.session)?;
        }
        match self.output()?.map(|o| o.tokens.len()) {
            Some(got) if got != new_tokens as usize => Err(Error::Files(format!(
                "{got} tokens were generated where the job ordered {new_tokens}"
            ))),
            _ => Ok(()),
        }
    }

    /// Why what the chain has is not of this session, if it is not.
    pub fn stranger(&self, facts: &Facts) -> Option<String> {
        let statement = self.session.statement(self.card.layers.len()).digest();
        if facts.status != 0 && facts.statement.0 != statement {
            return Some(format!(
                "the claim on chain was posted from another session: its statement is {}",
                facts.statement
            ));
        }
        if facts.job_status != status::JOB_LOCKED {
            return None;
        }
        let signer = self.signatures().ok()??.provider;
        (signer != facts.provider).then(|| {
            format!(
                "signatures.json is by {signer}, but the job was taken by {}",
                facts.provider
            )
        })
    }
}

/// What an act needs besides the chain.
#[derive(Debug)]
pub struct Material<'a> {
    /// The claim.
    pub id: B256,
    /// Contracts.
    pub contracts: &'a Contracts,
    /// Files of a provider.
    pub files: Option<&'a SessionFiles>,
    /// Who took the job.
    pub provider: Address,
    /// Until when that takes the job.
    pub lock_deadline: u64,
    /// Signature to take the job; empty if the sending account is the provider.
    pub lock_signature: Bytes,
    /// Signature of the claim.
    pub claim_signature: Bytes,
    /// Signature of the output that is revealed.
    pub reveal_signature: Bytes,
    /// RLP of the header that draws layers.
    pub header: Bytes,
}

impl Material<'_> {
    fn files(&self) -> Result<&SessionFiles, Error> {
        self.files
            .ok_or_else(|| Error::Files("this needs the session's files".into()))
    }

    /// The call that does it, for a claim of so many layers.
    pub fn call(&self, act: &Act, layers: usize, encoder: &mut Encoder) -> Result<Call, Error> {
        let (claim, c) = (self.id, self.contracts);
        let what = act.what(layers);
        let layer_of = |l: &usize| U256::from(*l);
        Ok(match act {
            Act::Lock => Call::new(
                what,
                c.market,
                &market::lockCall {
                    job: claim,
                    provider: self.provider,
                    deadline: self.lock_deadline,
                    signature: self.lock_signature.clone(),
                },
            ),
            Act::Post => Call::new(
                what,
                c.book,
                &book::postClaimCall {
                    header: self.files()?.header()?,
                    signature: self.claim_signature.clone(),
                },
            ),
            Act::Prove(layers) => {
                let files = self.files()?;
                let proofs = layers
                    .iter()
                    .map(|layer| files.proof(*layer, encoder))
                    .collect::<Result<Vec<Bytes>, Error>>()?;
                Call::new(
                    what,
                    c.settlement,
                    &settlement::proveLayersCall {
                        claim,
                        first: U256::from(layers.first().copied().unwrap_or_default()),
                        proofs,
                    },
                )
            }
            Act::ProveAll => {
                let aggregate = self
                    .files()?
                    .aggregate()?
                    .ok_or_else(|| Error::Files("there is no aggregate.json".into()))?;
                prove_all(
                    c.settlement,
                    claim,
                    aggregate.verifying_key,
                    aggregate.proof,
                )
            }
            Act::Reveal => Call::new(
                what,
                c.beacon,
                &beacon::revealCall {
                    claim,
                    header: self.header.clone(),
                },
            ),
            Act::RevealOutput => {
                let output = self
                    .files()?
                    .output()?
                    .ok_or_else(|| Error::Files("there is no output.json".into()))?;
                let call = output.call(claim, self.reveal_signature.clone())?;
                Call::new(what, c.dispute, &call)
            }
            Act::Finalize => Call::new(what, c.settlement, &settlement::finalizeCall { claim }),
            Act::Expire => Call::new(what, c.settlement, &settlement::expireCall { claim }),
            Act::Void => Call::new(what, c.settlement, &settlement::voidClaimCall { claim }),
            Act::ExpireJob => Call::new(what, c.market, &market::expireCall { job: claim }),
            Act::CancelJob => Call::new(what, c.market, &market::cancelCall { job: claim }),
            Act::Timeout(l) => Call::new(
                what,
                c.dispute,
                &dispute::timeoutCall {
                    claim,
                    layer: layer_of(l),
                },
            ),
            Act::Resolve(l, challenger) => Call::new(
                what,
                c.dispute,
                &dispute::resolveCall {
                    claim,
                    layer: layer_of(l),
                    challenger: *challenger,
                },
            ),
            Act::Challenge(l) => Call::new(
                what,
                c.dispute,
                &dispute::challengeCall {
                    claim,
                    layer: layer_of(l),
                },
            ),
        })
    }
}

/// Contracts and functions that the relayer calls: its key signs nothing else.
pub fn allowed(c: &Contracts) -> AllowList {
    AllowList::new(functions(c))
}

/// A contract, its name, and selectors with their signatures.
type Functions = (Address, String, Vec<([u8; 4], String)>);

/// Without a beacon there is nothing of it to call.
fn functions(c: &Contracts) -> Vec<Functions> {
    let mut functions = all_functions(c);
    functions.retain(|(address, ..)| !address.is_zero());
    functions
}

fn all_functions(c: &Contracts) -> Vec<Functions> {
    use alloy::sol_types::SolCall;
    fn function<C: SolCall>() -> ([u8; 4], String) {
        (C::SELECTOR, C::SIGNATURE.to_owned())
    }
    vec![
        (
            c.market,
            "JobMarket".into(),
            vec![
                function::<market::lockCall>(),
                function::<market::cancelCall>(),
                function::<market::expireCall>(),
            ],
        ),
        (
            c.book,
            "ClaimBook".into(),
            vec![function::<book::postClaimCall>()],
        ),
        (
            c.beacon,
            "AuditBeacon".into(),
            vec![function::<beacon::revealCall>()],
        ),
        (
            c.settlement,
            "Settlement".into(),
            vec![
                function::<settlement::proveLayersCall>(),
                function::<settlement::proveAllCall>(),
                function::<settlement::finalizeCall>(),
                function::<settlement::expireCall>(),
                function::<settlement::voidClaimCall>(),
            ],
        ),
        (
            c.dispute,
            "LayerDispute".into(),
            vec![
                function::<dispute::challengeCall>(),
                function::<dispute::timeoutCall>(),
                function::<dispute::resolveCall>(),
                function::<dispute::revealOutputCall>(),
            ],
        ),
    ]
}
