//! A look at a claim: what the chain and the files say, what follows, and what is written down to be done.

use super::{guard, Relayer};
use crate::cursor::Tip;
use crate::decide::{decide, lock_by, named, Act, Decision, Local, Need, Settle, BATCH};
use crate::error::Error;
use crate::facts::{status, Facts};
use crate::files::{Material, SessionFiles};
use crate::prover::Task;
use crate::signer::SignerError;
use crate::store::{clean, ClaimRow, Intent, Look, Role, Status};
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, Bytes, B256, U256};
use alloy::providers::Provider;
use nanozk_chain::bindings::{beacon, market, registry};
use nanozk_chain::format::utc;
use nanozk_chain::output::OutputFile;
use nanozk_chain::signing::Domains;
use nanozk_verifier::encoding::scalar_to_bytes;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use tracing::{info, warn};

/// Seconds after which a claim is looked at though nothing said so.
const IDLE: u64 = 3_600;
/// Seconds after which it is tried again to do what a limit was in the way of.
const LIMITED: u64 = 15;
/// Seconds after which files that could not be read are read again.
const MISSING: u64 = 60;

/// Files of proofs that are remembered to be readable.
const REMEMBERED: usize = 1 << 16;

/// Code and text of what is in the way.
type Fault = (String, String);
/// What a look at a claim finds.
type Seen = (Option<Facts>, Decision, Option<Fault>);

fn fault_of(error: &Error) -> Fault {
    (error.code().to_owned(), error.to_string())
}

/// What earlier transactions tell of proofs: which are on their way, and which were refused.
fn from_intents(intents: &[Intent], facts: &Facts, local: &mut Local) -> Option<Fault> {
    let mut fault = None;
    for intent in intents {
        let Some(layers) = intent.action.strip_prefix("prove-") else {
            continue;
        };
        let of: Vec<usize> = layers.split(',').filter_map(|l| l.parse().ok()).collect();
        let done = !of.is_empty() && of.iter().all(|l| facts.proven.bit(*l));
        let refused = intent.status == Status::Dropped && intent.error.is_some() && !done;
        match (intent.status, layers) {
            (Status::Signed, "all") => local.sent.extend(0..facts.layers),
            (Status::Signed, _) => local.sent.extend(of),
            // What cannot be had at once is had layer by layer.
            (_, "all") if refused => (local.aggregate, local.settle) = (false, Settle::Layers),
            // By halves: the rest still goes together.
            (_, some) if refused && some.contains(',') => {
                let half = of.len() / 2;
                local.batch = Some(local.batch.unwrap_or(BATCH).min(half));
            }
            (_, one) if refused && fault.is_none() => {
                let reason = intent.error.clone().unwrap_or_default();
                let reason = format!("the proof of layer {one} is refused, {reason}");
                fault = Some(("NZK301".into(), reason));
            }
            _ => {}
        }
    }
    fault
}

impl Relayer {
    /// Looks at a claim, and writes down what is to be done. What concerns the claim alone is kept with it; errors of
    /// nodes and of the database end the round.
    pub(super) async fn look(&self, id: B256, tip: Tip, now: u64) -> Result<(), Error> {
        let store = &self.shared.store;
        let Some(row) = store.claim(id).await? else {
            return Ok(());
        };
        store.looking(id).await?;
        let outcome = self.look_at(&row, tip, now).await;
        let mut failed = None;
        let mut look = Look {
            facts: None,
            ended: false,
            wake: now + IDLE,
            due: row.due,
            next: row.next.clone(),
            error: None,
            failed: false,
            now,
            block: tip.number,
        };
        match outcome {
            Ok((facts, decision, fault)) => {
                look.ended = decision.ended;
                look.wake = decision.wake.unwrap_or(u64::MAX).clamp(now + 1, now + IDLE);
                look.due = decision.due;
                look.next = decision.next;
                let error = decision.missed.map(|m| ("NZK420".into(), m)).or(fault);
                // Where nothing is left to do, nothing is in the way of it.
                let error = error.filter(|_| !look.ended);
                look.error = error.map(|(code, reason)| (code, clean(&reason)));
                look.facts = facts;
                if look.ended {
                    self.shared.runner.want(id, Path::new(""), None);
                }
            }
            Err(e @ Error::Database(_)) => {
                self.unsure.store(true, Ordering::Relaxed);
                return Err(e);
            }
            Err(e) => {
                // A node may know better soon, or another may.
                let most = if e.is_of_nodes() { 4 } else { 300 };
                look.wake = now + (2u64 << row.failures.min(8)).min(most);
                look.error = Some((e.code().into(), clean(&e.to_string())));
                look.failed = true;
                failed = Some(e).filter(|e| matches!(e, Error::Nodes(_) | Error::Slow(_)));
            }
        }
        if look.error != row.error {
            if let Some((code, reason)) = &look.error {
                warn!(code, claim = %id, reason, "the claim cannot go on");
            }
        }
        if look.ended && !row.ended {
            info!(code = "NZK021", claim = %id, "nothing is left to do: {}", look.next);
        }
        let written = store.looked(id, &look).await;
        written.inspect_err(|_| self.unsure.store(true, Ordering::Relaxed))?;
        failed.map_or(Ok(()), Err)
    }

    async fn look_at(&self, row: &ClaimRow, tip: Tip, now: u64) -> Result<Seen, Error> {
        let (id, shared) = (row.id, &self.shared);
        let Some(facts) = self.reader.facts(id, tip).await? else {
            // An event says so.
            let waiting = Decision {
                next: "waiting for the job to be opened".into(),
                ..Decision::default()
            };
            return Ok((None, waiting, None));
        };
        let directory = PathBuf::from(&row.directory);
        let mut fault = None;
        let mut note = |e: Error| fault = Some(fault_of(&e));
        let files = match row.role {
            // What needs no files is done without them.
            Role::Provider => SessionFiles::open(&directory).map_err(&mut note).ok(),
            Role::Watcher => None,
        };
        let mut role = row.role;
        if let Some(reason) = files.as_ref().and_then(|f| f.stranger(&facts)) {
            note(Error::Files(reason));
            if facts.status == status::POSTED {
                // It may be replaced by ours, should the chain be reorganized.
                shared.store.drop_unwanted(id, &[]).await?;
                shared.runner.want(id, &directory, None);
                let waiting = Decision {
                    next: "waiting for the end of another claim".into(),
                    ..Decision::default()
                };
                return Ok((Some(facts), waiting, fault));
            }
            role = Role::Watcher;
        }
        let mut material = Material {
            id,
            contracts: &shared.home.contracts,
            files: files.as_ref(),
            provider: facts.provider,
            lock_deadline: lock_by(&facts),
            lock_signature: Bytes::new(),
            claim_signature: Bytes::new(),
            reveal_signature: Bytes::new(),
            header: Bytes::new(),
        };
        let mut local = Local {
            account: shared.account,
            settle: shared.config.prover.settle,
            hurry: shared.config.prover.margin,
            ..Local::default()
        };
        if let Some(files) = files.as_ref().filter(|_| role == Role::Provider) {
            if facts.status == 0 && facts.job_status <= status::JOB_LOCKED {
                match self.signed(files, &facts, &mut material, tip).await {
                    Ok(signed) => {
                        (local.can_lock, local.can_post) = signed;
                        local.lock_deadline = Some(material.lock_deadline);
                    }
                    Err(e @ (Error::Files(_) | Error::Chain(_))) => note(e),
                    Err(e) => return Err(e),
                }
            }
            local.proofs = files.proofs();
            local.proofs.retain(|layer| {
                // What cannot be sent is made again.
                let needed = !facts.proven.bit(*layer) && facts.status == status::POSTED;
                !needed || self.readable(files, *layer).map_err(&mut note).is_ok()
            });
            // One file that cannot be read keeps nothing from being done that needs another.
            match files.output() {
                Ok(output) => {
                    local.output = output.is_some();
                    let demanded = facts.challenges.iter().any(|c| c.layer == facts.layers);
                    if let Some(output) = output.filter(|_| demanded) {
                        match self.sign_output(files, &facts, id, &output).await {
                            Ok(signature) => material.reveal_signature = signature,
                            Err(e) => note(e),
                        }
                    }
                }
                Err(e) => note(e),
            }
            match files.aggregate() {
                Ok(aggregate) => local.aggregate = aggregate.is_some(),
                Err(e) => note(e),
            }
        }
        let intents = shared.store.intents_of(id).await?;
        fault = fault.or(from_intents(&intents, &facts, &mut local));
        if row.role == Role::Watcher {
            let verdict = self.verdict(row, &facts, now, &mut fault).await?;
            local.joins = verdict.differs.into_iter().collect();
            local.challenges = local.joins.clone();
            local.challenges.extend(verdict.audits);
        }
        let mut decision = self.in_time(id, role, &facts, local, now);
        if row.role == Role::Provider && files.is_none() {
            decision.wait(now + MISSING);
        }
        if let Some((limit, limited)) = self.act(&facts, &decision, &intents, material, tip).await?
        {
            fault = Some(limit);
            if limited {
                // A deposit, or what frees a bond, is no event of this claim.
                decision.wait(now + LIMITED);
            }
        }
        if row.role == Role::Provider {
            let needed = decision.prove.clone().filter(|_| files.is_some());
            let lack = self.want(id, &directory, needed, fault.is_none());
            fault = lack.or(fault);
        }
        Ok((Some(facts), decision, fault))
    }

    /// Refuses a proof that cannot be sent. One that can be is not decoded again with each look, until its file or its
    /// session is another.
    fn readable(&self, files: &SessionFiles, layer: usize) -> Result<(), Error> {
        let path = files.proof_path(layer);
        let file = path
            .metadata()
            .map_err(|e| Error::Files(format!("cannot read {}: {e}", path.display())))?;
        let claim = files.session.claim_digest(files.card.layers.len());
        let stamp = [
            file.ino() as i64,
            file.len() as i64,
            file.mtime(),
            file.mtime_nsec(),
        ];
        let seen = (path, stamp, claim);
        if guard(&self.readable).contains(&seen) {
            return Ok(());
        }
        files.proof(layer, &mut guard(&self.encoder))?;
        let mut readable = guard(&self.readable);
        if readable.len() >= REMEMBERED {
            readable.clear();
        }
        readable.insert(seen);
        Ok(())
    }

    /// What is decided, if there is time for an aggregate; else with layers in its place.
    fn in_time(&self, id: B256, role: Role, facts: &Facts, mut local: Local, now: u64) -> Decision {
        let runner = &self.shared.runner;
        let mut decision = decide(role, facts, &local, now);
        let Some(need) = decision.prove.clone().filter(|need| need.aggregate) else {
            return decision;
        };
        let by = need.by;
        let takes = runner.seconds(&Task::Prove(need));
        let latest = by.saturating_sub(takes + self.shared.config.prover.margin);
        if now > latest || runner.without_aggregate(id) {
            local.settle = Settle::Layers;
            return decide(role, facts, &local, now);
        }
        decision.wait(latest + 1);
        decision
    }

    /// Plans what was decided, and drops what was planned before and is not wanted any more. Gives what is in the way of
    /// something, and whether it is a limit.
    async fn act(
        &self,
        facts: &Facts,
        decision: &Decision,
        intents: &[Intent],
        mut material: Material<'_>,
        tip: Tip,
    ) -> Result<Option<(Fault, bool)>, Error> {
        let mut in_the_way = None;
        let mut wanted = Vec::new();
        for (act, by) in &decision.acts {
            if *act == Act::Reveal {
                material.header = self.header(facts.draw_block).await?;
            }
            let on_its_way = intents.iter().any(|i| {
                i.action == act.key() && matches!(i.status, Status::Planned | Status::Signed)
            });
            if on_its_way {
                wanted.push(act.key());
                continue;
            }
            if matches!(act, Act::Challenge(_)) {
                if let Some(reason) = self.reserve_bond(facts, tip).await? {
                    in_the_way = Some((fault_of(&Error::Limit(reason)), true));
                    continue;
                }
            }
            wanted.push(act.key());
            let call = material.call(act, facts.layers, &mut guard(&self.encoder));
            let planned = match call {
                Ok(call) => match self.plan(material.id, act, *by, call, tip).await {
                    Err(e @ Error::Limit(_)) => Err(e),
                    other => Ok(other?),
                },
                Err(e) => Err(e),
            };
            if let Err(e) = planned {
                in_the_way = Some((fault_of(&e), matches!(e, Error::Limit(_))));
            }
        }
        let store = &self.shared.store;
        store.drop_unwanted(material.id, &wanted).await?;
        Ok(in_the_way)
    }

    /// Has proofs made, and says why they are not.
    fn want(
        &self,
        id: B256,
        directory: &Path,
        needed: Option<Need>,
        all_well: bool,
    ) -> Option<Fault> {
        let runner = &self.shared.runner;
        let layers = needed.as_ref().map(|need| need.layers.clone());
        if !self.shared.dry_run {
            runner.want(id, directory, needed.map(Task::Prove));
        }
        if let Some(reason) = runner.failure(id) {
            return Some(fault_of(&Error::Prover(reason)));
        }
        let layers = layers.filter(|_| all_well && !runner.exists())?;
        let proofs = match layers.len() {
            1 => format!("the proof of {} is", named(&layers)),
            _ => format!("proofs of {} are", named(&layers)),
        };
        let reason = format!(
            "{proofs} needed, and prover.command is not set: set it, or put proofs into the session"
        );
        Some(fault_of(&Error::Prover(reason)))
    }

    /// Whether the job can be taken, and the claim posted, in the provider's name.
    async fn signed(
        &self,
        files: &SessionFiles,
        facts: &Facts,
        material: &mut Material<'_>,
        tip: Tip,
    ) -> Result<(bool, bool), Error> {
        let (can_lock, can_post) = self.signatures(files, facts, material).await?;
        if can_post {
            // Before anything is staked on it.
            self.check_session(files, facts, tip).await?;
        }
        if can_lock && facts.job_status == status::JOB_OPEN {
            self.check_job(files, material, tip).await?;
        }
        Ok((can_lock, can_post))
    }

    /// Signatures of the provider: of its files, or of its key if it is here.
    async fn signatures(
        &self,
        files: &SessionFiles,
        facts: &Facts,
        material: &mut Material<'_>,
    ) -> Result<(bool, bool), Error> {
        let domains = self.domains();
        let header = files.header()?;
        let open = facts.job_status == status::JOB_OPEN;
        let mine = |provider: Address| match open {
            // Anybody may take a job that names nobody.
            true => facts.provider.is_zero() || facts.provider == provider,
            false => facts.provider == provider,
        };
        if let Some(signatures) = files.signatures()? {
            signatures.check(&domains, &header)?;
            if !mine(signatures.provider) {
                return Err(Error::Files(format!(
                    "signatures.json is by {}, but the job is for {}",
                    signatures.provider, facts.provider
                )));
            }
            material.provider = signatures.provider;
            material.lock_deadline = signatures.lock_deadline;
            material.lock_signature = signatures.lock;
            material.claim_signature = signatures.claim;
            return Ok((true, true));
        }
        if mine(self.shared.account) && self.provider_key.is_none() {
            material.provider = self.shared.account;
            return Ok((open, true));
        }
        let Some(key) = self.provider_key.as_ref().filter(|k| mine(k.address())) else {
            return Ok((false, false));
        };
        let key_error = |e: SignerError| Error::Key(e.to_string());
        material.provider = key.address();
        if open {
            let signature = key
                .sign_lock(&domains, material.id, material.lock_deadline)
                .await;
            material.lock_signature = signature.map_err(key_error)?.into();
        } else {
            let signature = key.sign_claim(&domains, &header).await;
            material.claim_signature = signature.map_err(key_error)?.into();
        }
        Ok((true, true))
    }

    /// The provider's signature of the output: of its files, or of its key if it is here. None is needed if the sending
    /// account is the provider's; with none the contract computes the digest, which costs more gas.
    async fn sign_output(
        &self,
        files: &SessionFiles,
        facts: &Facts,
        id: B256,
        output: &OutputFile,
    ) -> Result<Bytes, Error> {
        if let Some(signature) = files.signatures()?.and_then(|s| s.output) {
            return Ok(signature);
        }
        let key = self.provider_key.as_ref();
        let Some(key) = key.filter(|k| k.address() == facts.provider) else {
            return Ok(Bytes::new());
        };
        let domains = self.domains();
        let signature = key.sign_reveal(&domains, id, output.hash()?).await;
        Ok(signature.map_err(|e| Error::Key(e.to_string()))?.into())
    }

    fn domains(&self) -> Domains {
        Domains {
            chain_id: self.shared.home.chain_id,
            market: self.shared.home.contracts.market,
            book: self.shared.home.contracts.book,
        }
    }

    /// A claim that no proof could be made for is not posted.
    async fn check_session(
        &self,
        files: &SessionFiles,
        facts: &Facts,
        tip: Tip,
    ) -> Result<(), Error> {
        let version = facts.version;
        let model = self
            .reader
            .read(
                self.shared.home.contracts.registry,
                &registry::modelIdCall { version },
                tip,
            )
            .await?;
        if model.0 != files.session.model_id.0 {
            return Err(Error::Files(format!(
                "the job is for the model {model}, but the session ran {}",
                files.session.model_id
            )));
        }
        if scalar_to_bytes(&files.session.input_digest.0) != facts.input_digest.0 {
            return Err(Error::Files(
                "the session answers another prompt, or has another salt, than the job: run it with --request".into(),
            ));
        }
        Ok(())
    }

    /// A job that could not be answered, or whose layers could not be drawn in time, is not taken.
    async fn check_job(
        &self,
        files: &SessionFiles,
        material: &Material<'_>,
        tip: Tip,
    ) -> Result<(), Error> {
        let c = &self.shared.home.contracts;
        if tip.time > material.lock_deadline {
            return Err(Error::Files(format!(
                "the provider's signature took the job until {}: have it signed again (nanozk claim sign)",
                utc(material.lock_deadline)
            )));
        }
        let id = material.id;
        let job = self
            .reader
            .read(c.market, &market::jobCall { id }, tip)
            .await?;
        files.check_order(id, job.newTokens)?;
        if job.lane != status::LANE_AUDITED {
            return Ok(());
        }
        let draw_time = beacon::maxDrawTimeCall {};
        let draw_time = self.reader.read(c.beacon, &draw_time, tip).await?;
        if U256::from(job.challengeWindow) < draw_time {
            return Err(Error::Files(format!(
                "its layers may be drawn {draw_time} s after the claim, its challenge window is {} s: an honest claim could \
                 be defeated before the draw",
                job.challengeWindow
            )));
        }
        Ok(())
    }

    /// RLP of the header of a block, as its hash is made from.
    async fn header(&self, number: u64) -> Result<Bytes, Error> {
        let block = self
            .provider
            .get_block_by_number(BlockNumberOrTag::Number(number))
            .await
            .map_err(|e| Error::of_node(e, "a block"))?
            .ok_or_else(|| Error::Nodes(format!("no node has block {number}")))?;
        let consensus = &block.header.inner;
        if consensus.hash_slow() != block.header.hash {
            return Err(nanozk_chain::Error::UnknownHeader {
                number,
                hash: block.header.hash,
            }
            .into());
        }
        Ok(nanozk_chain::rlp(consensus).into())
    }

    /// Writes down what is to be sent, or says so with `--dry-run`.
    async fn plan(
        &self,
        id: B256,
        act: &Act,
        by: u64,
        call: nanozk_chain::client::Call,
        tip: Tip,
    ) -> Result<(), Error> {
        let intent = Intent {
            deadline: by,
            ..Intent::new(id, act.key(), call.what, call.to, call.data)
        };
        if self.shared.dry_run {
            if guard(&self.told).insert(format!("{id}:{}", act.key())) {
                match self
                    .manager
                    .simulate(&intent, BlockNumberOrTag::Pending)
                    .await
                {
                    Ok(gas) => {
                        info!(code = "NZK022", claim = %id, gas, "would send: {}", intent.what)
                    }
                    Err(e) => info!(code = "NZK022", claim = %id, "would not send yet: {e}"),
                }
            }
            return Ok(());
        }
        if self.shared.store.plan(&intent, tip.number).await? {
            let until = match by {
                0 => String::new(),
                _ => format!(", to be included by {}", utc(by)),
            };
            info!(code = "NZK023", claim = %id, by, "planned: {}{until}", intent.what);
        }
        Ok(())
    }
}
