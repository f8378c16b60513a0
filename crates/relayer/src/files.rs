//! Files of a claim: a session's directory as its provider has it, or a request as its requester has it.
//!
//! | file | of | for |
//! |---|---|---|
//! | `claim.json`, `manifest.json` | a provider | the claim |
//! | `signatures.json` | a provider | that somebody else sends it |
//! | `final.json` | a provider | a final proof that was made elsewhere |
//! | `output.json` | a provider | answering a demand for the output |
//! | `request.json` | a requester | the job |
//! | `secret.json` | either; disclosed by the provider | executing the claim again |

use crate::allow::AllowList;
use crate::decide::Act;
use crate::error::Error;
use crate::facts::{Contracts, Facts, status};
use crate::store::Role;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use nanozk_chain::bindings::{book, market};
use nanozk_chain::claim::{Posted, header, padded};
use nanozk_chain::client::Call;
use nanozk_chain::output::OutputFile;
use nanozk_chain::request::RequestFile;
use nanozk_chain::signing::SignatureFile;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::{
    CLAIM_FORMAT, CheckedManifest, Claim, FINAL_FORMAT, FinalFile, window_layers,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
        if path.join("claim.json").is_file() && path.join("manifest.json").is_file() {
            let claim: Claim = read_json(&path.join("claim.json"))?;
            let context = &claim.context;
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

/// Models that were checked, which takes time for large ones.
#[derive(Debug, Default)]
pub struct Manifests(Mutex<HashMap<B256, Arc<CheckedManifest>>>);

/// Models that are remembered.
const MODELS: usize = 64;

impl Manifests {
    /// The model of a file.
    pub fn open(&self, path: &Path) -> Result<Arc<CheckedManifest>, Error> {
        let bytes = read(path)?;
        let hash = keccak256(&bytes);
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manifest) = known().get(&hash) {
            return Ok(manifest.clone());
        }
        let manifest = checked_manifest(&bytes)
            .map_err(|e| Error::Files(format!("{}: {e}", path.display())))?;
        let manifest = Arc::new(manifest);
        let mut known = known();
        if known.len() >= MODELS {
            known.clear();
        }
        known.insert(hash, manifest.clone());
        Ok(manifest)
    }
}

/// Reads and checks a model.
pub fn checked_manifest(bytes: &[u8]) -> Result<CheckedManifest, String> {
    let manifest = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    CheckedManifest::new(manifest).map_err(|e| e.to_string())
}

/// Reads a claim, of this version's format.
pub fn claim_of(bytes: &[u8]) -> Result<Claim, String> {
    of_format(bytes, CLAIM_FORMAT, |claim: &Claim| &claim.format)
}

/// Reads a final proof, of this version's format. Whether it is valid is for the contract to say.
pub fn final_of(bytes: &[u8]) -> Result<FinalFile, String> {
    of_format(bytes, FINAL_FORMAT, |file: &FinalFile| &file.format)
}

fn of_format<T: DeserializeOwned>(
    bytes: &[u8],
    expected: &str,
    format: fn(&T) -> &String,
) -> Result<T, String> {
    let content: T = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let got = format(&content);
    match got == expected {
        true => Ok(content),
        false => Err(format!("format {got:?} where {expected:?} is needed")),
    }
}

/// A final proof, and the hash of its file, which names it.
pub fn read_final(path: &Path) -> Result<(B256, FinalFile), Error> {
    let bytes = read(path)?;
    let file = final_of(&bytes).map_err(|e| Error::Files(format!("{}: {e}", path.display())))?;
    Ok((keccak256(&bytes), file))
}

/// Layers that a final proof proves of one of its claims, ascending.
pub fn layers_of_final(file: &FinalFile, claim: usize) -> Vec<usize> {
    let windows = file.claims.get(claim).map(|c| c.windows.as_slice());
    let windows = windows.unwrap_or_default().iter();
    // Nobody has checked the file: a model has fewer layers.
    let mut layers: Vec<usize> = windows
        .flat_map(|w| window_layers((w.first, w.count.min(256))))
        .collect();
    layers.sort_unstable();
    layers.dedup();
    layers
}

/// The seed of a session, if there is a `secret.json`: all that the relayer takes of it.
pub fn seed(directory: &Path) -> Result<Option<Digest32>, Error> {
    #[derive(Deserialize)]
    struct Seed {
        seed: Digest32,
    }
    Ok(optional::<Seed>(&directory.join("secret.json"))?.map(|secret| secret.seed))
}

/// A session's files.
#[derive(Debug)]
pub struct SessionFiles {
    /// Where.
    pub path: PathBuf,
    /// The claim.
    pub claim: Claim,
    /// The model.
    pub manifest: Arc<CheckedManifest>,
}

impl SessionFiles {
    /// Reads them.
    pub fn open(path: &Path, manifests: &Manifests) -> Result<Self, Error> {
        let file = path.join("claim.json");
        let claim = claim_of(&read(&file)?)
            .map_err(|e| Error::Files(format!("{}: {e}", file.display())))?;
        Ok(SessionFiles {
            manifest: manifests.open(&path.join("manifest.json"))?,
            claim,
            path: path.to_owned(),
        })
    }

    /// The statement of its proofs.
    pub fn statement(&self) -> B256 {
        self.claim.statement().into()
    }

    /// What the provider signs and posts.
    pub fn header(&self) -> Result<book::ClaimHeader, Error> {
        Ok(header(&self.claim)?)
    }

    /// The final proof that somebody put there.
    pub fn final_path(&self) -> PathBuf {
        self.path.join("final.json")
    }

    /// The provider's signatures.
    pub fn signatures(&self) -> Result<Option<SignatureFile>, Error> {
        optional(&self.path.join("signatures.json"))
    }

    /// What answers a demand for the output. Refuses what is not what the claim says: publishing it would cost the stake.
    pub fn output(&self) -> Result<Option<OutputFile>, Error> {
        let output: Option<OutputFile> = optional(&self.path.join("output.json"))?;
        if let Some(output) = &output {
            output.check_claim(&self.claim, self.manifest.manifest().tokens)?;
        }
        Ok(output)
    }

    /// Refuses files with which the job could not be completed: a request of another job, an output that is not what is
    /// claimed, or none though it may be demanded.
    pub fn check_order(&self, job: B256, demandable: bool) -> Result<(), Error> {
        self.manifest
            .claim(self.claim.clone())
            .map_err(|e| Error::Files(format!("claim.json does not fit manifest.json: {e}")))?;
        if let Some(request) = optional::<RequestFile>(&self.path.join("request.json"))? {
            request.check()?;
            if request.job != job {
                return Err(Error::Files(format!(
                    "request.json is of the job {}",
                    request.job
                )));
            }
            request.check_prompt(self.manifest.manifest().tokens)?;
            nanozk_chain::job::check_session(&request, &self.claim)?;
        }
        match self.output()? {
            Some(_) => Ok(()),
            None if demandable => Err(Error::Files(
                "output.json is not there: the requester may demand the answer, and the stake is lost if nobody publishes it"
                    .into(),
            )),
            None => Ok(()),
        }
    }

    /// Why what the chain has is not of this session, if it is not.
    pub fn stranger(&self, facts: &Facts) -> Option<String> {
        if facts.status != 0 && facts.statement != self.statement() {
            return Some(format!(
                "the claim on chain was posted from another session: its statement is {}",
                facts.statement
            ));
        }
        let own = self.claim.activations_digest().ok();
        let own = own.map(|d| U256::from_be_bytes(scalar_to_bytes(&d.0)));
        if facts.status != 0 && own != Some(facts.activations[0]) {
            return Some(
                "the claim on chain was posted from another session: it has other commitments to activations"
                    .into(),
            );
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
    /// The claim, named by its job.
    pub id: B256,
    /// Contracts.
    pub contracts: &'a Contracts,
    /// Files of a provider.
    pub files: Option<&'a SessionFiles>,
    /// The claim as it was posted.
    pub posted: Option<&'a Posted>,
    /// Who took the job.
    pub provider: Address,
    /// Until when that takes the job.
    pub lock_deadline: u64,
    /// Signature to take the job; empty if the sending account is the provider.
    pub lock_signature: Bytes,
    /// Signature of the claim; likewise.
    pub claim_signature: Bytes,
    /// Signature of the output; likewise.
    pub reveal_signature: Bytes,
    /// The session's seed, to be published with a challenge; zero: it is not.
    pub seed: B256,
    /// RLP of the header that draws layers.
    pub header: Bytes,
}

impl Material<'_> {
    fn files(&self) -> Result<&SessionFiles, Error> {
        self.files
            .ok_or_else(|| Error::Files("this needs the session's files".into()))
    }

    fn claim(&self) -> Result<book::Claim, Error> {
        let posted = self.posted.ok_or_else(|| {
            Error::Files(format!(
                "what was posted for the job {} is not known",
                self.id
            ))
        })?;
        Ok(posted.claim.clone())
    }

    /// The call that does it. Final proofs, which may be about other claims too, are sent in another way.
    pub fn call(&self, act: &Act) -> Result<Call, Error> {
        let (job, c) = (self.id, self.contracts);
        let what = act.what();
        let number = |target: &usize| U256::from(*target);
        Ok(match act {
            Act::Lock => Call::new(
                what,
                c.market,
                &market::lockCall {
                    job,
                    provider: self.provider,
                    deadline: self.lock_deadline,
                    signature: self.lock_signature.clone(),
                },
            ),
            Act::Post => Call::new(
                what,
                c.book,
                &book::postCall {
                    header: self.files()?.header()?,
                    signature: self.claim_signature.clone(),
                },
            ),
            Act::Prove(proof, _) => {
                return Err(Error::Files(format!("the final proof {proof} is not here")));
            }
            Act::Reveal => Call::new(
                what,
                c.book,
                &book::revealDrawCall {
                    claim: self.claim()?,
                    header: self.header.clone(),
                },
            ),
            Act::RevealOutput => {
                let output = self
                    .files()?
                    .output()?
                    .ok_or_else(|| Error::Files("there is no output.json".into()))?;
                let call = output.call(&self.claim()?, self.reveal_signature.clone())?;
                Call::new(what, c.book, &call)
            }
            Act::Finalize => {
                let claim = self.claim()?;
                Call::new(what, c.book, &book::finalizeCall { claim })
            }
            Act::Expire => {
                let claim = self.claim()?;
                Call::new(what, c.book, &book::expireClaimCall { claim })
            }
            Act::Void => {
                let claim = self.claim()?;
                Call::new(what, c.book, &book::voidClaimCall { claim })
            }
            Act::ExpireJob => Call::new(what, c.market, &market::expireCall { job }),
            Act::CancelJob => Call::new(what, c.market, &market::cancelCall { job }),
            Act::Timeout(target) => Call::new(
                what,
                c.book,
                &book::timeoutCall {
                    claim: self.claim()?,
                    target: number(target),
                },
            ),
            Act::Resolve(target, challenger) => Call::new(
                what,
                c.book,
                &book::resolveCall {
                    claim: self.claim()?,
                    target: number(target),
                    challenger: *challenger,
                },
            ),
            Act::Challenge(target) => Call::new(
                what,
                c.book,
                &book::challengeCall {
                    claim: self.claim()?,
                    target: number(target),
                    seed: self.seed,
                },
            ),
        })
    }
}

/// A contract, its name, and selectors with their signatures.
type Functions = (Address, String, Vec<([u8; 4], String)>);

/// Contracts and functions that the relayer calls: its key signs nothing else.
pub fn allowed(c: &Contracts) -> AllowList {
    AllowList::new(functions(c))
}

fn functions(c: &Contracts) -> [Functions; 2] {
    use alloy::sol_types::SolCall;
    fn function<C: SolCall>() -> ([u8; 4], String) {
        (C::SELECTOR, C::SIGNATURE.to_owned())
    }
    [
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
            vec![
                function::<book::postCall>(),
                function::<book::proveCall>(),
                function::<book::finalizeCall>(),
                function::<book::expireClaimCall>(),
                function::<book::voidClaimCall>(),
                function::<book::revealDrawCall>(),
                function::<book::challengeCall>(),
                function::<book::revealCall>(),
                function::<book::timeoutCall>(),
                function::<book::resolveCall>(),
            ],
        ),
    ]
}
