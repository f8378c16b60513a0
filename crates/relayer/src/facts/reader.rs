//! Asks contracts and nodes, at one block.

use super::*;

/// Reads contracts as of one block.
///
/// A block is named by its hash (EIP-1898): a node that is behind, or on another branch, has none of that name. A node
/// that takes no hashes is asked by number, and for the block of that number before and after: if both times it is the
/// one that was meant, the state in between was that block's.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) provider: RootProvider,
    pub(super) contracts: Contracts,
    numbered: Arc<Mutex<Numbered>>,
    /// Blocks that nodes look through for events at a time.
    span: Arc<AtomicU64>,
}

impl Reader {
    /// Reads through a provider.
    pub fn new(provider: RootProvider, contracts: Contracts) -> Self {
        Reader {
            provider,
            contracts,
            numbered: Arc::default(),
            span: Arc::new(AtomicU64::new(u64::MAX)),
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

    /// Events of a filter in blocks, the newest first, as many at a time as nodes allow; `from` is where it ends. Asks
    /// once, and gives the block below which nothing was looked through yet.
    pub async fn events(
        &self,
        filter: &Filter,
        from: u64,
        to: u64,
    ) -> Result<(Vec<Log>, Option<u64>), Error> {
        let span = self.span.load(Ordering::Relaxed);
        let first = to.saturating_sub(span - 1).max(from);
        let asked = filter.clone().from_block(first).to_block(to);
        match self.provider.get_logs(&asked).await {
            Ok(logs) => {
                self.span.store(span.saturating_mul(2), Ordering::Relaxed);
                Ok((logs, (first > from).then(|| first - 1)))
            }
            Err(e) => match Error::of_node(e, "events") {
                // So many blocks, or so many events: nodes say so in their own words.
                Error::Refused(_) | Error::Slow(_) if first < to && span > LEAST_SPAN => {
                    let less = ((to - first) / 2).clamp(LEAST_SPAN, SPAN);
                    self.span.store(less, Ordering::Relaxed);
                    Ok((Vec::new(), Some(to)))
                }
                e => Err(e),
            },
        }
    }

    /// All about a job, and its claim if that is one of those that were posted for it; none if there is no such job.
    pub async fn facts(
        &self,
        job: B256,
        postings: &[Posting],
        at: Tip,
    ) -> Result<Option<(Facts, Option<Posted>)>, Error> {
        let c = &self.contracts;
        let j = match self.read(c.market, &market::jobCall { id: job }, at).await {
            Ok(j) => j,
            Err(Error::Reverted { revert, .. }) if revert.name == "UnknownJob" => return Ok(None),
            Err(e) => return Err(e),
        };
        let version = j.version;
        let usable = self
            .read(c.registry, &registry::usableCall { version }, at)
            .await?;
        let mut facts = Facts {
            block: at.number,
            time: at.time,
            job_status: j.status,
            mode: j.mode,
            requester: j.requester,
            provider: j.provider,
            version,
            asset: j.asset,
            price: U256::from(j.price),
            stake: U256::from(j.stake),
            challenge_bond: U256::from(j.challengeBond),
            lock_by: j.lockBy,
            claim_by: j.claimBy,
            usable,
            input_digest: j.inputDigest,
            ..Facts::default()
        };
        if status::may_have_claim(j.status) {
            for posting in postings {
                // After a reorganization it may be none any more.
                if let Some(described) = self.described(&posting.posted, at).await? {
                    self.of_claim(posting, described, at, &mut facts).await?;
                    return Ok(Some((facts, Some(posting.posted.clone()))));
                }
            }
        }
        let explain = lens::explainJobCall { job };
        facts.text = self.read(c.lens, &explain, at).await?;
        Ok(Some((facts, None)))
    }

    /// What the chain says of a claim; none if there is no such claim.
    async fn described(
        &self,
        posted: &Posted,
        at: Tip,
    ) -> Result<Option<lens::Description>, Error> {
        let call = lens::describeClaimCall {
            claim: posted.for_lens(),
        };
        match self.read(self.contracts.lens, &call, at).await {
            Ok(d) => Ok((d.state.status != 0).then_some(d)),
            Err(Error::Reverted { revert, .. }) if revert.name == "UnknownClaim" => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn of_claim(
        &self,
        posting: &Posting,
        described: lens::Description,
        at: Tip,
        facts: &mut Facts,
    ) -> Result<(), Error> {
        let lens::Description {
            terms,
            state,
            status: text,
            ..
        } = described;
        let posted = &posting.posted;
        let claim = &posted.claim;
        let version = facts.version;
        let model = registry::modelIdCall { version };
        facts.text = text;
        facts.claim = posted.id;
        facts.status = state.status;
        facts.recipient = claim.recipient;
        facts.model_id = self.read(self.contracts.registry, &model, at).await?;
        facts.statement = claim.statement;
        facts.output_digest = claim.outputDigest;
        let ordered = posted.terms();
        (facts.prompt_tokens, facts.new_tokens) = (ordered.promptTokens, ordered.newTokens);
        facts.activations = [
            U256::from_be_bytes(claim.activations.0),
            claim.point,
            claim.fingerprint,
        ];
        facts.seed_digest = claim.seedDigest;
        facts.layers = terms.layers.into();
        let all = all_layers(facts.layers);
        facts.proven = if state.allProven {
            all
        } else {
            state.proven & all
        };
        facts.challenge_by = terms.challengeBy;
        facts.proven_by = terms.provenBy;
        facts.draw_block = terms.drawBlock;
        (facts.revealed, facts.drawn) = (state.revealed, state.drawn);
        let wanted = match facts.mode {
            status::MODE_PROOFS => all,
            status::MODE_AUDITED if facts.revealed => facts.drawn,
            status::MODE_AUDITED => all,
            _ => U256::ZERO,
        };
        facts.missing = wanted & !facts.proven;
        let is_posted = facts.status == status::POSTED;
        self.challenges(posting, state.challenged, at, facts)
            .await?;
        if is_posted {
            let by = state.outputBy;
            match state.output {
                status::CHALLENGE_OPEN => facts.challenges.push(Challenge {
                    target: OUTPUT,
                    challenger: facts.requester,
                    answer_by: by,
                }),
                status::CHALLENGE_REVEALED => {
                    facts.dispute_by = by;
                    facts.output_closed = facts.time > by;
                }
                0 => {}
                _ => facts.output_closed = true,
            }
        }
        Ok(())
    }

    /// Challenges of layers and of the whole claim that are open, and bonds that are held.
    pub(super) async fn challenges(
        &self,
        posting: &Posting,
        challenged: U256,
        at: Tip,
        facts: &mut Facts,
    ) -> Result<(), Error> {
        let posted = &posting.posted;
        let is_posted = facts.status == status::POSTED;
        let mut targets = layers_of(challenged);
        if !is_posted {
            // Of a defeated claim the requester may have a part of the stake to take.
            targets.push(OUTPUT);
        }
        let mut held = BTreeMap::new();
        for target in targets {
            let call = book::challengeOfCall {
                claim: posted.id,
                target: U256::from(target),
            };
            let c = self.read(self.contracts.book, &call, at).await?;
            // Decisions from a mixture of two blocks would be final.
            if (target != OUTPUT && c.status == 0)
                || (!is_posted && c.status == status::CHALLENGE_OPEN)
            {
                return Err(Error::Nodes(format!(
                    "a node answers for another block than {}: the claim is {} there, and the challenge of target {target} \
                     is {}",
                    at.number,
                    claim_status(facts.status),
                    challenge_status(c.status)
                )));
            }
            if c.challengers != 0 {
                held.insert(target, c);
            }
        }
        if held.is_empty() {
            return Ok(());
        }
        let challengers = self.challengers(posting, at).await?;
        for (target, c) in held {
            let named: Vec<Address> = match target {
                OUTPUT => vec![facts.requester],
                _ => challengers.get(&target).cloned().unwrap_or_default(),
            };
            // Events are asked for by numbers of blocks: a node that is behind has too few, one on another branch others.
            if named.len() as u64 != c.challengers {
                return Err(Error::Nodes(format!(
                    "a node has {} challengers of target {target} of the claim {} where the contract has {}",
                    named.len(),
                    posted.id,
                    c.challengers
                )));
            }
            if is_posted && c.status == status::CHALLENGE_OPEN {
                facts.challenges.push(Challenge {
                    target,
                    challenger: named.first().copied().unwrap_or_default(),
                    answer_by: c.answerBy,
                });
            }
            let proven = facts.is_proven(target);
            for challenger in named {
                let winner = match facts.status {
                    status::POSTED => Address::ZERO,
                    status::VOIDED => challenger,
                    _ if proven => facts.recipient,
                    _ => challenger,
                };
                facts.bonds.push(Bond {
                    target,
                    challenger,
                    winner,
                });
            }
        }
        Ok(())
    }

    /// Challengers whose bonds are held, by target, in the order in which they came.
    async fn challengers(
        &self,
        posting: &Posting,
        at: Tip,
    ) -> Result<BTreeMap<usize, Vec<Address>>, Error> {
        let signatures = vec![
            book::Challenged::SIGNATURE_HASH,
            book::ChallengeResolved::SIGNATURE_HASH,
        ];
        let filter = Filter::new()
            .address(self.contracts.book)
            .event_signature(signatures)
            .topic1(posting.posted.id);
        let mut logs = Vec::new();
        let mut to = Some(at.number);
        while let Some(upper) = to.filter(|to| *to >= posting.block) {
            let (found, rest) = self.events(&filter, posting.block, upper).await?;
            // Later blocks first.
            logs.splice(0..0, found);
            to = rest;
        }
        let mut challengers: BTreeMap<usize, Vec<Address>> = BTreeMap::new();
        for log in &logs {
            if let Ok(event) = book::Challenged::decode_log(&log.inner) {
                let target = event.target.saturating_to();
                challengers
                    .entry(target)
                    .or_default()
                    .push(event.challenger);
            } else if let Ok(event) = book::ChallengeResolved::decode_log(&log.inner) {
                let of = challengers.entry(event.target.saturating_to()).or_default();
                of.retain(|challenger| *challenger != event.challenger);
            }
        }
        Ok(challengers)
    }
}

/// Blocks that are looked through at a time once a node refused more.
const SPAN: u64 = 100_000;

/// Where it is given up.
const LEAST_SPAN: u64 = 16;

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
