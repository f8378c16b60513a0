//! An account at the contracts of a chain: what requesters and providers of jobs do, with what no contract looks at for them.

use crate::bindings::{beacon, book, escrow, lens, market, registry};
use crate::claim::{Posted, Proved, header, prove};
use crate::client::{Call, Client, Receipt};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::format::readable;
use crate::job::{Order, Terms, check_session};
use crate::policy::{self, registration};
use crate::request::{JobRequest, RequestFile};
use crate::signing::Domains;
use alloy::primitives::{Address, B256, Bytes, U256};
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::{CheckedManifest, Claim, FinalFile};

/// A node with an account's key, and the contracts.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    client: &'a Client,
    contracts: &'a Deployment,
}

impl<'a> Account<'a> {
    /// An account, whose key the client has, at a deployment.
    ///
    /// # Errors
    /// If the deployment is on another chain than the node's.
    pub fn new(client: &'a Client, contracts: &'a Deployment) -> Result<Self, Error> {
        contracts.check(client)?;
        Ok(Self { client, contracts })
    }

    fn at(&self, name: &str) -> Result<Address, Error> {
        self.contracts.address(name)
    }

    /// Where signatures about jobs and claims are valid.
    ///
    /// # Errors
    /// If the deployment has no such contracts.
    pub fn domains(&self) -> Result<Domains, Error> {
        Ok(Domains {
            chain_id: self.client.chain_id(),
            market: self.at("JobMarket")?,
            book: self.at("ClaimBook")?,
        })
    }

    /// What a job of a version depends on.
    ///
    /// # Errors
    /// If the version's proofs are judged by another verifier than the deployment's: anybody may register a version with a
    /// verifier that accepts everything. Or if the version is not registered.
    pub fn terms(&self, version: B256) -> Result<Terms, Error> {
        let (client, to) = (self.client, self.at("ModelRegistry")?);
        let draw_time = match self.contracts.beacon()? {
            Some(at) => {
                let time = client.read(at, &beacon::maxDrawTimeCall {})?;
                Some(time.saturating_to())
            }
            None => None,
        };
        let header = client.read(to, &registry::headerCall { version })?;
        let bound = client.read(to, &registry::bindingsCall { version })?;
        let expected = self.at("FinalVerifier")?;
        if bound.verifier != expected {
            return Err(Error::Mismatch(format!(
                "the version {version} has the verifier {}, which is not this deployment's, {expected}: its proofs may prove \
                 nothing",
                bound.verifier
            )));
        }
        Ok(Terms {
            model: bound.modelId,
            usable: bound.usable,
            positions: header.tokens as usize,
            layers: bound.layers.into(),
            policy: client.read(to, &registry::policyCall { version })?,
            draw_time,
        })
    }

    /// Registers a model under terms; gives the version's id. A model that is registered under them already stays as it is.
    /// Whoever did not import the model itself computes the keys of its programs before
    /// ([`CheckedManifest::check_programs`]): what is registered stays.
    ///
    /// # Errors
    /// If the registry computes another model id than the manifest has, or refuses the terms.
    pub fn register(
        &self,
        manifest: &CheckedManifest,
        terms: &policy::Terms,
    ) -> Result<B256, Error> {
        let to = self.at("ModelRegistry")?;
        let (header, layers) = registration(manifest, terms);
        let computed = registry::modelIdOfCall {
            header: header.clone(),
        };
        let (expected, got) = (manifest.id(), self.client.read(to, &computed)?);
        if got.0 != expected.0 {
            return Err(Error::Mismatch(format!(
                "the registry computes the model id {got}, the manifest has {expected}: it is of another version of nanozk"
            )));
        }
        let call = registry::registerCall {
            header,
            layers,
            policy: terms.policy.clone(),
            verifier: self.at("FinalVerifier")?,
            metadataURI: String::new(),
        };
        let version = self.client.read(to, &call)?;
        self.client
            .send(&Call::new("registering the model", to, &call))?;
        Ok(version)
    }

    /// Pays wei into the escrow, where they are free.
    ///
    /// # Errors
    /// If the account has less.
    pub fn deposit(&self, amount: U256) -> Result<Receipt, Error> {
        let asset = Address::ZERO;
        let call = escrow::depositCall { asset, amount };
        let call = Call::new("depositing", self.at("BondEscrow")?, &call);
        self.client.send(&call.paying(amount))
    }

    /// Bonds wei that are free: stakes are held from there.
    ///
    /// # Errors
    /// If less is free.
    pub fn bond(&self, amount: U256) -> Result<Receipt, Error> {
        let asset = Address::ZERO;
        let call = escrow::bondCall { asset, amount };
        self.client
            .send(&Call::new("bonding", self.at("BondEscrow")?, &call))
    }

    /// The terms of a request's version, if a job of it could be opened, taken, claimed and paid now.
    fn terms_for(&self, request: &RequestFile) -> Result<Terms, Error> {
        let (ours, theirs) = (self.domains()?, request.domains());
        if ours != theirs {
            return Err(Error::Mismatch(format!(
                "the request is for chain {} and the market {}, the deployment is chain {} and {}",
                theirs.chain_id, theirs.market, ours.chain_id, ours.market
            )));
        }
        let terms = self.terms(request.request.version)?;
        terms.check(request, self.client.head()?.timestamp)?;
        Ok(terms)
    }

    /// Signs an order of an answer by a model: [`RequestFile::sign`].
    ///
    /// # Errors
    /// As there.
    pub fn sign(
        &self,
        manifest: &CheckedManifest,
        order: JobRequest,
        prompt: (Vec<u32>, Scalar),
    ) -> Result<RequestFile, Error> {
        RequestFile::sign(
            &self.domains()?,
            manifest,
            order,
            prompt,
            self.client.signer()?,
        )
    }

    /// Opens a job: its price is held.
    ///
    /// # Errors
    /// If a later step would be refused, or if the price is not free.
    pub fn open(&self, request: &RequestFile) -> Result<Receipt, Error> {
        let terms = self.terms_for(request)?;
        terms.check_opening(request, self.client.head()?.timestamp)?;
        let call = market::openCall {
            request: request.request.to_abi()?,
            signature: request.signature.clone(),
        };
        self.client
            .send(&Call::new("opening the job", self.at("JobMarket")?, &call))
    }

    /// Takes a job that this session answers: the stake is held.
    ///
    /// # Errors
    /// If the session does not answer the request, if a later step would be refused, or if the bond is too small.
    pub fn lock(&self, request: &RequestFile, session: &Claim) -> Result<Receipt, Error> {
        self.terms_for(request)?;
        check_session(request, session)?;
        let call = market::lockCall {
            job: request.job,
            provider: self.client.account()?,
            deadline: request.request.lock_by,
            signature: Bytes::new(),
        };
        self.client
            .send(&Call::new("taking the job", self.at("JobMarket")?, &call))
    }

    /// Claims the answer to a job that this account took.
    ///
    /// # Errors
    /// If the session does not answer the job, or if it is too late.
    pub fn post(&self, session: &Claim) -> Result<Posted, Error> {
        let (id, book) = (session.context.claim.0.into(), self.at("ClaimBook")?);
        let job = market::jobCall { id };
        let job = self.client.read(self.at("JobMarket")?, &job)?;
        let terms = self.terms(job.version)?;
        Order::of_job(&job, terms.model).check(session)?;
        let call = book::postCall {
            header: header(session)?,
            signature: Bytes::new(),
        };
        self.client
            .send(&Call::new("posting the claim", book, &call))?;
        let posted = Posted::find(self.client, book, id)?.ok_or_else(|| {
            Error::Mismatch(format!("the job {id} has no claim after it was posted"))
        })?;
        posted.check(session)?;
        Ok(posted)
    }

    /// Sends a final proof about claims, each with its model, in the file's order: it settles them, or answers what is asked of
    /// them.
    ///
    /// # Errors
    /// If the proof is of other claims, or if the contract does not accept it.
    pub fn prove(
        &self,
        file: &FinalFile,
        claims: &[(&Posted, &CheckedManifest)],
    ) -> Result<Receipt, Error> {
        let claims = claims.iter();
        let claims: Vec<Proved<'_>> = claims
            .map(|&(posted, manifest)| Proved { posted, manifest })
            .collect();
        self.client
            .send(&prove(self.at("ClaimBook")?, file, &claims)?)
    }

    /// Where a claim stands and who acts next, in the contracts' words.
    ///
    /// # Errors
    /// Of the node.
    pub fn status(&self, posted: &Posted) -> Result<String, Error> {
        let claim = posted.for_lens();
        let call = lens::explainStatusCall { claim };
        Ok(readable(&self.client.read(self.at("ClaimLens")?, &call)?))
    }
}
