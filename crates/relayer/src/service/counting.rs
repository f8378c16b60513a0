//! What is in the inbox, and what the metrics say.

use super::*;

/// For metrics only.
fn in_eth(wei: U256) -> f64 {
    f64::from(wei) / 1e18
}

impl Relayer {
    /// Counts claims and money.
    pub(super) async fn count(&mut self, tip: Tip) -> Result<(), Error> {
        let shared = &self.shared;
        let m = &shared.metrics;
        let (open, ended) = shared.store.count_claims().await?;
        let label = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        m.claims.with_label_values(&["open"]).set(label(open));
        m.claims.with_label_values(&["ended"]).set(label(ended));
        m.count_intents(&shared.store.count_intents().await?);
        let due = shared.store.earliest_due().await?.map(|(due, _)| due);
        let mut exposure = Exposure::default();
        let mut bonds = U256::ZERO;
        let mut faults = 0;
        let mut after = String::new();
        // A page at a time: memory does not grow with the number of claims.
        loop {
            let page = shared.store.open_claims_after(&after, 200).await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            for row in &page {
                faults += i64::from(row.error.is_some());
                let Some(f) = &row.facts else { continue };
                // Also of challenges that were answered: until the claim is over nobody has them.
                let own = f.bonds.iter().filter(|b| b.challenger == shared.account);
                let add = |sum: U256, b: &Bond| sum.saturating_add(f.bond_of(b.target));
                let at_risk = own.fold(U256::ZERO, add);
                bonds = bonds.saturating_add(at_risk);
                if f.asset.is_zero()
                    && (f.status == status::POSTED || f.job_status == status::JOB_LOCKED)
                {
                    exposure.price = exposure.price.saturating_add(f.price);
                    if row.role == Role::Provider {
                        exposure.stake = exposure.stake.saturating_add(f.stake);
                    }
                }
                if f.asset.is_zero() {
                    exposure.bonds = exposure.bonds.saturating_add(at_risk);
                }
            }
        }
        // Challenges on their way count as soon as they are planned.
        let mut on_their_way = U256::ZERO;
        for status in [Status::Planned, Status::Signed, Status::Included] {
            for intent in shared.store.intents(status, 4_096).await? {
                let Some(target) = Act::challenged(&intent.action) else {
                    continue;
                };
                let row = shared.store.claim(intent.claim).await?;
                // What was included is counted above, once it was seen.
                let unseen = |f: &Facts| intent.block.is_none_or(|b| b > f.block);
                if let Some(facts) = row.and_then(|r| r.facts).filter(unseen) {
                    on_their_way = on_their_way.saturating_add(facts.bond_of(target));
                }
            }
        }
        *guard(&self.bonds) = bonds.saturating_add(on_their_way);
        m.faults.set(faults);
        for (kind, amount) in [
            ("stake", exposure.stake),
            ("bonds", exposure.bonds),
            ("price", exposure.price),
        ] {
            m.exposure.with_label_values(&[kind]).set(in_eth(amount));
        }
        let balance = self
            .provider
            .get_balance(shared.account)
            .await
            .map_err(|e| Error::of_node(e, "the account's balance"))?;
        let reserved = shared.store.reserved().await?;
        let spent = shared
            .store
            .spent_since(tip.time.saturating_sub(DAY))
            .await?;
        m.balance.set(in_eth(balance));
        m.spent.set(in_eth(spent.saturating_add(reserved)));
        m.slow
            .set(i64::try_from(shared.rpc.slow().len()).unwrap_or(i64::MAX));
        for node in shared.rpc.health() {
            m.nodes
                .with_label_values(&[node.node.as_str()])
                .set(i64::from(node.score));
        }
        let (backlog, seconds) = shared.runner.backlog();
        m.backlog.set(i64::try_from(backlog).unwrap_or(i64::MAX));
        m.backlog_seconds.set(seconds);
        let mut live = shared.live();
        live.balance = balance;
        live.exposure = exposure;
        live.due = due;
        live.spent = (spent, reserved);
        Ok(())
    }

    /// Looks through the inbox for claims that are new.
    pub(super) async fn scan(&mut self, now: u64) -> Result<(), Error> {
        let inbox = &self.shared.config.inbox;
        let listing = std::fs::read_dir(inbox)
            .map_err(|e| Error::Files(format!("cannot read the inbox {}: {e}", inbox.display())))?;
        let mut wrong = BTreeMap::new();
        for path in listing.filter_map(|e| Some(e.ok()?.path())) {
            let hidden = path
                .file_name()
                .and_then(|n| n.to_str())
                .is_none_or(|n| n.starts_with('.') || n.ends_with(".new"));
            let stamp = stamp(&path);
            let known = self.known.get(&path).copied();
            if hidden || known.is_some_and(|(_, before)| before == stamp) {
                continue;
            }
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            match self.shared.home.entry(&path) {
                Ok(Some(entry)) => {
                    let directory = entry.directory.to_string_lossy().into_owned();
                    let new = self
                        .shared
                        .store
                        .add_claim(entry.id, entry.role, &directory, now)
                        .await?;
                    if new {
                        info!(
                            code = "NZK020", claim = %entry.id, role = entry.role.name(), session = name,
                            "a claim came in"
                        );
                    }
                    if known.is_some() {
                        // New files may be what it waits for.
                        self.shared.store.touch(&[entry.id]).await?;
                    }
                    self.known.insert(path, (entry.id, stamp));
                }
                Ok(None) => {}
                Err(e) => {
                    wrong.insert(name, e.to_string());
                }
            }
        }
        let mut live = self.shared.live();
        for (name, reason) in &wrong {
            if live.inbox.get(name) != Some(reason) {
                warn!(code = "NZK401", session = name, reason, "it cannot be used");
            }
        }
        live.inbox = wrong;
        Ok(())
    }
}
