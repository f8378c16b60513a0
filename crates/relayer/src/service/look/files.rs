//! Files of a claim: whether they fit its job, its signatures, its final proofs.

use super::*;

impl Relayer {
    /// Writes down a final proof that somebody put into a session.
    pub(super) async fn take_final(&self, files: &SessionFiles, job: B256) -> Result<(), Error> {
        let path = files.final_path();
        let own = files.statement();
        let Some(seen) = seen(&path, own) else {
            return Ok(());
        };
        if guard(&self.readable).contains(&seen) {
            return Ok(());
        }
        let (id, file) = read_final(&path)?;
        let mut claims = Vec::new();
        for (at, claim) in file.claims.iter().enumerate() {
            let statement = B256::from(claim.statement.0);
            let of = match statement == own {
                true => Some(job),
                false => {
                    let postings = self.shared.store.posted_with(statement).await?;
                    postings.first().map(|p| p.posted.claim.job)
                }
            };
            let of = of.ok_or_else(|| {
                Error::Files(format!(
                    "{} is about a claim that is not known here, of the statement {statement}",
                    path.display()
                ))
            })?;
            claims.push((of, layers_of_final(&file, at)));
        }
        if !claims.iter().any(|(of, _)| *of == job) {
            return Err(Error::Files(format!(
                "{} is of another session: nanozk aggregate makes it again",
                path.display()
            )));
        }
        let name = path.to_string_lossy();
        self.shared.store.add_final(id, &name, &claims).await?;
        self.remember(seen);
        Ok(())
    }

    pub(super) fn remember(&self, seen: super::super::Readable) {
        let mut readable = guard(&self.readable);
        if readable.len() >= REMEMBERED {
            readable.clear();
        }
        readable.insert(seen);
    }

    /// Whether the job can be taken, and the claim posted, in the provider's name.
    pub(super) async fn signed(
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
    pub(super) async fn sign_output(
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

    /// A claim that no proof could be made for, or whose proofs another verifier would judge, is not posted.
    async fn check_session(
        &self,
        files: &SessionFiles,
        facts: &Facts,
        tip: Tip,
    ) -> Result<(), Error> {
        let (version, c) = (facts.version, &self.shared.home.contracts);
        let bindings = registry::bindingsCall { version };
        let bound = self.reader.read(c.registry, &bindings, tip).await?;
        // One that refuses everything would cost the stake.
        if bound.verifier != c.verifier {
            return Err(Error::Files(format!(
                "proofs for the version {version} are judged by {}, which is not this deployment's verifier, {}",
                bound.verifier, c.verifier
            )));
        }
        let id = files.claim.context.claim.0.into();
        let job = self
            .reader
            .read(c.market, &market::jobCall { id }, tip)
            .await?;
        Ok(Order::of_job(&job, bound.modelId).check(&files.claim)?)
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
        files.check_order(id, job.challengeWindow != 0)?;
        // Anybody may challenge the whole claim, in any mode that has challenges.
        let layers = files.manifest.layers();
        let window = job.answerWindow.into();
        if let Some(needed) = self
            .shared
            .runner
            .time_to_prove(layers)
            .filter(|n| *n > window)
        {
            return Err(Error::Files(format!(
                "a proof of all {layers} layers is expected to take {}, with what is kept to send it, and the job leaves {}: an \
                 honest claim could be defeated (prover.seconds_per_layer, prover.seconds_per_proof, prover.margin)",
                duration(needed),
                duration(window)
            )));
        }
        let mode = match job.mode {
            status::MODE_PROOFS => Mode::Proofs,
            status::MODE_AUDITED => Mode::Audited,
            _ => Mode::Optimistic,
        };
        let gas_price = self.provider.get_gas_price().await;
        let gas_price = gas_price.map_err(|e| Error::of_node(e, "the price of gas"))?;
        let price = (job.asset, U256::from(job.price));
        // Its files are there: somebody decided to answer it. What that costs may have changed since.
        let (gas, bytes) = (
            least_gas(mode, layers as u64),
            least_bytes(mode, layers as u64),
        );
        let besides = self.data_fees.of_bytes(&self.provider, bytes, gas).await;
        let besides =
            besides.map_err(|e| Error::of_node(e, "the fee for a transaction's bytes"))?;
        if let Some(warning) = too_cheap(gas, price, gas_price, besides) {
            warn!(code = "NZK432", claim = %id, "{warning}");
        }
        if mode != Mode::Audited {
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
}
