//! A look at a claim: what the chain and the files say, what follows, and what is written down to be done.

mod files;

use super::{Relayer, guard};
use crate::cursor::Tip;
use crate::decide::{Act, Decision, Local, Need, PROVE, Ready, decide, lock_by, named};
use crate::error::Error;
use crate::facts::{Facts, OUTPUT, Posting, status};
use crate::files::{Material, SessionFiles, layers_of_final, read_final, seed};
use crate::prover::Task;
use crate::signer::SignerError;
use crate::store::{ClaimRow, Final, Intent, Look, Role, Status, clean};
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use nanozk_chain::bindings::{beacon, book, market, registry};
use nanozk_chain::claim::{Posted, Proved, prove};
use nanozk_chain::client::Call;
use nanozk_chain::format::{duration, utc};
use nanozk_chain::job::{Order, least_bytes, least_gas, too_cheap};
use nanozk_chain::output::OutputFile;
use nanozk_chain::request::Mode;
use nanozk_chain::signing::Domains;
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

/// Times that nodes are asked for events in one look at a claim.
const QUESTIONS: usize = 16;

/// Files of proofs that are remembered to be readable.
const REMEMBERED: usize = 1 << 16;

/// A file as it is now, by what the file system says of it, and what it is to be; none if it is not there.
fn seen(path: &Path, of: B256) -> Option<super::Readable> {
    let file = path.metadata().ok()?;
    let stamp = [
        file.ino() as i64,
        file.len() as i64,
        file.mtime(),
        file.mtime_nsec(),
    ];
    Some((path.to_owned(), stamp, of.0))
}

/// Code and text of what is in the way.
type Fault = (String, String);
/// What a look at a claim finds.
type Seen = (Option<Facts>, Decision, Option<Fault>);

fn fault_of(error: &Error) -> Fault {
    (error.code().to_owned(), error.to_string())
}

/// What earlier transactions tell of final proofs: which are on their way, and which were refused.
fn from_intents(
    intents: &[Intent],
    finals: &[Final],
    facts: &Facts,
    local: &mut Local,
) -> Option<Fault> {
    let mut fault = None;
    for intent in intents.iter().filter(|i| i.action == PROVE) {
        let Some(proof) = finals.iter().find(|f| f.id == intent.claim) else {
            continue;
        };
        let done = proof.layers.iter().all(|l| facts.proven.bit(*l));
        let (shared, refused) = (proof.claims > 1, intent.error.is_some() && !done);
        match intent.status {
            Status::Signed => local.sent.extend(&proof.layers),
            // What cannot be had together is had apart.
            Status::Dropped | Status::Failed if refused && shared => local.refuse(proof.id),
            Status::Dropped if refused && fault.is_none() => {
                let layers: Vec<usize> = proof.layers.iter().copied().collect();
                let reason = intent.error.clone().unwrap_or_default();
                let reason = format!("the proof of {} is refused, {reason}", named(&layers));
                fault = Some(("NZK301".into(), reason));
            }
            _ => {}
        }
    }
    fault
}

/// What became of the search for a claim's event.
enum Search {
    /// It is kept.
    Found,
    /// It goes on with the next look.
    GoesOn,
    /// No node has one.
    Nothing,
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
        if look.error != row.error
            && let Some((code, reason)) = &look.error
        {
            warn!(code, claim = %id, reason, "the claim cannot go on");
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
        let waiting = |next: &str| Decision {
            next: next.into(),
            ..Decision::default()
        };
        let postings = shared.store.posted_of(id).await?;
        let mut read = self.reader.facts(id, &postings, tip).await?;
        // Any claim that a job has, or may have had, is looked for.
        let unknown = |f: &Facts| f.status == 0 && status::may_have_claim(f.job_status);
        let nobody = || {
            Error::Nodes(format!(
                "the job {id} has a claim, and no node has the event that says what it is"
            ))
        };
        if let Some(facts) = read.as_ref().map(|r| &r.0).filter(|f| unknown(f)) {
            let search = match self.search(id, tip).await {
                // Its receipt will say it, where nodes have no events.
                Err(Error::Refused(_)) if self.posts(id).await? => Search::GoesOn,
                other => other?,
            };
            match search {
                Search::Found => {
                    let postings = shared.store.posted_of(id).await?;
                    read = self.reader.facts(id, &postings, tip).await?;
                    if read.as_ref().is_some_and(|r| unknown(&r.0)) {
                        return Err(nobody());
                    }
                }
                Search::GoesOn => {
                    let mut decision = waiting("looking for the event of the claim");
                    decision.wait(now + 1);
                    return Ok((Some(facts.clone()), decision, None));
                }
                // It was taken back, and never claimed.
                Search::Nothing if facts.job_status == status::JOB_REFUNDED => {}
                Search::Nothing => return Err(nobody()),
            }
        }
        let Some((facts, posted)) = read else {
            // An event says so.
            return Ok((None, waiting("waiting for the job to be opened"), None));
        };
        let directory = PathBuf::from(&row.directory);
        let mut fault = None;
        let mut note = |e: Error| fault = Some(fault_of(&e));
        let files = match row.role {
            // What needs no files is done without them.
            Role::Provider => SessionFiles::open(&directory, &self.manifests)
                .map_err(&mut note)
                .ok(),
            Role::Watcher => None,
        };
        let mut role = row.role;
        if let Some(reason) = files.as_ref().and_then(|f| f.stranger(&facts)) {
            note(Error::Files(reason));
            if facts.status == status::POSTED {
                // It may be replaced by ours, should the chain be reorganized.
                shared.store.drop_unwanted(id, &[]).await?;
                shared.runner.want(id, &directory, None);
                let waiting = waiting("waiting for the end of another claim");
                return Ok((Some(facts), waiting, fault));
            }
            role = Role::Watcher;
        }
        let mut material = Material {
            id,
            contracts: &shared.home.contracts,
            files: files.as_ref(),
            posted: posted.as_ref(),
            provider: facts.provider,
            lock_deadline: lock_by(&facts),
            lock_signature: Bytes::new(),
            claim_signature: Bytes::new(),
            reveal_signature: Bytes::new(),
            seed: B256::ZERO,
            header: Bytes::new(),
        };
        let mut local = Local {
            account: shared.account,
            ..Local::default()
        };
        let mut finals = Vec::new();
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
            // What cannot be sent is made again.
            if let Err(e) = self.take_final(files, id).await {
                match e {
                    Error::Files(_) => note(e),
                    e => return Err(e),
                }
            }
            finals = shared.store.finals_of(id).await?;
            local.ready = self.ready(&finals);
            for proof in &finals {
                if guard(&self.broken).contains(&proof.id) {
                    local.refuse(proof.id);
                }
            }
            // One file that cannot be read keeps nothing from being done that needs another.
            match files.output() {
                Ok(output) => {
                    local.output = output.is_some();
                    let demanded = facts.challenges.iter().any(|c| c.target == OUTPUT);
                    if let (Some(output), true) = (output, demanded) {
                        match self.sign_output(files, &facts, id, &output).await {
                            Ok(signature) => material.reveal_signature = signature,
                            Err(e) => note(e),
                        }
                    }
                }
                Err(e) => note(e),
            }
        }
        let intents = shared.store.intents_of(id).await?;
        fault = fault.or(from_intents(&intents, &finals, &facts, &mut local));
        if row.role == Role::Watcher {
            let verdict = self
                .verdict(row, &facts, posted.as_ref(), now, &mut fault)
                .await?;
            local.joins = verdict.target.into_iter().collect();
            local.challenges = local.joins.clone();
            local.challenges.extend(verdict.audits);
            if shared.config.watch.publish_seed && !local.joins.is_empty() {
                let disclosed = seed(&directory).ok().flatten();
                let disclosed = disclosed.filter(|s| keccak256(s.0) == facts.seed_digest);
                material.seed = disclosed.map(|s| s.0.into()).unwrap_or_default();
            }
        }
        let mut decision = decide(role, &facts, &local, now);
        if row.role == Role::Provider && files.is_none() {
            decision.wait(now + MISSING);
        }
        let acted = self.act(&facts, &decision, &intents, &finals, material, tip);
        if let Some((limit, limited)) = acted.await? {
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

    /// Whether a post of ours is on its way.
    async fn posts(&self, job: B256) -> Result<bool, Error> {
        let intents = self.shared.store.intents_of(job).await?;
        let post = Act::Post.key();
        Ok(intents
            .iter()
            .any(|i| i.action == post && i.status == Status::Signed))
    }

    /// Looks for the event of a job's claim, from the newest block on, some blocks at a time.
    async fn search(&self, job: B256, tip: Tip) -> Result<Search, Error> {
        let filter = Filter::new()
            .address(self.shared.home.contracts.book)
            .event_signature(book::ClaimPosted::SIGNATURE_HASH)
            .topic2(job);
        let mut to = guard(&self.searched).get(&job).copied();
        to = to.or(Some(tip.number));
        for _ in 0..QUESTIONS {
            let Some(upper) = to.filter(|to| *to >= self.first) else {
                guard(&self.searched).remove(&job);
                return Ok(Search::Nothing);
            };
            let (logs, rest) = self.reader.events(&filter, self.first, upper).await?;
            let postings: Vec<Posting> = logs.iter().filter_map(Posting::of).collect();
            for posting in postings.iter().filter(|p| p.posted.claim.job == job) {
                self.shared.store.add_posted(posting).await?;
            }
            if !postings.is_empty() {
                guard(&self.searched).remove(&job);
                return Ok(Search::Found);
            }
            to = rest.or(self.first.checked_sub(1));
            guard(&self.searched).insert(job, to.unwrap_or(0));
        }
        Ok(Search::GoesOn)
    }

    /// Final proofs whose files are there, as they were. They are not read again with each look, until they change.
    fn ready(&self, finals: &[Final]) -> Vec<Ready> {
        let is_there = |proof: &&Final| {
            let path = Path::new(&proof.path);
            let Some(seen) = seen(path, proof.id) else {
                return false;
            };
            if guard(&self.readable).contains(&seen) {
                return true;
            }
            let same = read_final(path).is_ok_and(|(id, _)| id == proof.id);
            if same {
                self.remember(seen);
            }
            same
        };
        let ready = |proof: &Final| Ready {
            proof: proof.id,
            layers: proof.layers.clone(),
        };
        finals.iter().filter(is_there).map(ready).collect()
    }

    /// The call that sends a final proof, with all that it is about.
    async fn prove_call(&self, proof: &Final) -> Result<Call, Error> {
        let store = &self.shared.store;
        let (id, file) = read_final(Path::new(&proof.path))?;
        if id != proof.id {
            return Err(Error::Files(format!("{} was replaced", proof.path)));
        }
        let mut claims = Vec::new();
        for claim in &file.claims {
            let statement = B256::from(claim.statement.0);
            let posting = store.posted_with(statement).await?.into_iter().next();
            let unknown =
                || Error::Files(format!("no claim of the statement {statement} is known"));
            let posted: Posted = posting.ok_or_else(unknown)?.posted;
            let row = store.claim(posted.claim.job).await?.ok_or_else(unknown)?;
            let manifest = Path::new(&row.directory).join("manifest.json");
            claims.push((posted, self.manifests.open(&manifest)?));
        }
        let proved: Vec<Proved<'_>> = claims
            .iter()
            .map(|(posted, manifest)| Proved { posted, manifest })
            .collect();
        Ok(prove(self.shared.home.contracts.book, &file, &proved)?)
    }

    /// Plans what was decided, and drops what was planned before and is not wanted any more. Gives what is in the way of
    /// something, and whether it is a limit.
    async fn act(
        &self,
        facts: &Facts,
        decision: &Decision,
        intents: &[Intent],
        finals: &[Final],
        mut material: Material<'_>,
        tip: Tip,
    ) -> Result<Option<(Fault, bool)>, Error> {
        let mut in_the_way = None;
        let mut wanted = Vec::new();
        for (act, by) in &decision.acts {
            if *act == Act::Reveal {
                material.header = self.header(facts.draw_block).await?;
            }
            let subject = act.subject(material.id);
            let name = (subject, act.key());
            let proof = finals.iter().find(|f| f.id == subject);
            if proof.is_some() {
                self.shared
                    .store
                    .want_final(subject, material.id, true)
                    .await?;
            }
            let on_its_way = intents.iter().find(|i| {
                (i.claim, i.action.as_str()) == (subject, act.key().as_str())
                    && matches!(i.status, Status::Planned | Status::Signed)
            });
            if let Some(intent) = on_its_way {
                if intent.status == Status::Planned {
                    self.shared.store.hasten(&intent.id, *by).await?;
                }
                wanted.push(name);
                continue;
            }
            if let Act::Challenge(target) = act
                && let Some(reason) = self.reserve_bond(facts, *target, tip).await?
            {
                in_the_way = Some((fault_of(&Error::Limit(reason)), true));
                continue;
            }
            wanted.push(name);
            let call = match proof {
                Some(proof) => {
                    let call = self.prove_call(proof).await;
                    if matches!(call, Err(Error::Files(_) | Error::Chain(_))) && proof.claims > 1 {
                        // With the next look it is decided without it.
                        guard(&self.broken).insert(proof.id);
                        self.shared.store.touch(&[material.id]).await?;
                    }
                    call.map(|call| match proof.claims {
                        1 => Call {
                            what: act.what(),
                            ..call
                        },
                        _ => call,
                    })
                }
                None => material.call(act),
            };
            let planned = match call {
                Ok(call) => match self.plan(subject, act, *by, call, tip).await {
                    Err(e @ Error::Limit(_)) => Err(e),
                    other => Ok(other?),
                },
                Err(e @ Error::Database(_)) => return Err(e),
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
        let reason = format!(
            "a final proof of {} is needed, and prover.command is not set: set it, or put final.json into the session",
            named(&layers)
        );
        Some(fault_of(&Error::Prover(reason)))
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
