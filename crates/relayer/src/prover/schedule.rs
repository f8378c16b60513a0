//! Which proof is made next.

use super::*;

impl Runner {
    /// Starts what is most urgent, if nothing runs and the time has come; `now` is the chain's time.
    pub fn schedule(&self, now: u64) {
        if self.command.is_empty() {
            return;
        }
        let mut state = self.state();
        if state.running.is_some() {
            self.make_room(&mut state, now);
            return;
        }
        let Some(next) = self.next(&mut state, now) else {
            return;
        };
        if let Some(path) = next.output.as_ref().filter(|path| path.is_file()) {
            // Of a run before, which ended before it was written down.
            state.finished(path, &next.claims);
            drop(state);
            self.ended.notify_one();
            return;
        }
        let seconds = next.tasks.iter().map(|task| state.seconds(task)).sum();
        state.running = Some(Running {
            claims: next.claims.clone(),
            tasks: next.tasks.clone(),
            begun: Instant::now(),
            seconds,
            yields: false,
        });
        drop(state);
        let limit = self.timeout.max(Duration::from_secs_f64(10.0 * seconds));
        let runner = self.clone();
        tokio::spawn(async move { runner.run(next, limit).await });
    }

    /// Seconds that are left for a deadline.
    pub(super) fn left(&self, by: u64, now: u64) -> f64 {
        by as f64 - now as f64 - self.margin as f64
    }

    /// What is wanted, the earliest deadline first.
    pub(super) fn order(state: &State) -> Vec<(B256, Wanted)> {
        let mut order: Vec<(B256, Wanted)> = state
            .wanted
            .iter()
            .map(|(id, w)| (*id, w.clone()))
            .collect();
        order.sort_by_key(|(id, w)| (w.task.by(), *id));
        order
    }

    /// Stops what runs if something with an earlier deadline would be late after it, and neither is otherwise.
    pub(super) fn make_room(&self, state: &mut State, now: u64) {
        let Some(running) = &state.running else {
            return;
        };
        let by = running.tasks.iter().map(Task::by).min().unwrap_or(0);
        let rest = (running.seconds - running.begun.elapsed().as_secs_f64()).max(0.0);
        let anew = self.left(by, now) - running.seconds;
        let mut ahead = 0.0;
        let mut yields = false;
        for (id, wanted) in Self::order(state) {
            if wanted.task.by() >= by || running.claims.contains(&id) || state.is_paused(id) {
                continue;
            }
            ahead += state.seconds(&wanted.task);
            let left = self.left(wanted.task.by(), now);
            yields |= (ahead..ahead + rest).contains(&left) && ahead <= anew;
        }
        if let Some(running) = state.running.as_mut() {
            running.yields |= yields;
        }
    }

    /// What to run.
    pub(super) fn next(&self, state: &mut State, now: u64) -> Option<Next> {
        let order = Self::order(state);
        let mut ahead = 0.0;
        let (mut first, mut chosen) = (None, None);
        for (at, (id, wanted)) in order.iter().enumerate() {
            ahead += state.seconds(&wanted.task);
            let left = self.left(wanted.task.by(), now);
            let prove = matches!(wanted.task, Task::Prove(_));
            if prove && left < ahead && state.told.insert(*id) {
                let (takes, left) = (duration(ahead as u64), duration(left.max(0.0) as u64));
                warn!(
                    code = "NZK410", claim = %id,
                    "the proof may not be made in time: it is expected to take {takes}, {left} are left"
                );
            }
            // Twice what is expected: machines are shared.
            let due = self.start == Start::Early || !prove || left < 2.0 * ahead;
            if !state.is_paused(*id) {
                first = first.or(Some(at));
                // What is before it comes first.
                chosen = chosen.or(first.filter(|_| due));
            }
        }
        let (id, lead) = order.get(chosen?)?;
        if let Task::Reexecute { model, .. } = &lead.task {
            let words = [
                Path::new("reexecute"),
                &lead.directory,
                Path::new("--model"),
                model,
            ];
            return Some(Next {
                claims: vec![*id],
                tasks: vec![lead.task.clone()],
                arguments: words.map(|w| w.to_string_lossy().into_owned()).to_vec(),
                output: None,
            });
        }
        let with = self.together(state, &order[chosen?..], now);
        let mut arguments = vec!["aggregate".to_owned()];
        let text = |path: &Path| path.to_string_lossy().into_owned();
        arguments.extend(with.iter().map(|(_, w)| text(&w.directory)));
        let mut name = Vec::new();
        for (id, wanted) in &with {
            let layers = list(wanted.task.layers(), ",");
            name.extend_from_slice(id.as_slice());
            name.extend_from_slice(layers.as_bytes());
            arguments.extend(["--layers".to_owned(), layers]);
        }
        let name = hex::encode(&keccak256(&name)[..16]);
        let output = self.folder.join(format!("{name}.json"));
        arguments.extend(["-o".to_owned(), text(&output)]);
        let (claims, tasks) = with.into_iter().map(|(id, w)| (id, w.task)).unzip();
        Some(Next {
            claims,
            tasks,
            arguments,
            output: Some(output),
        })
    }

    /// Claims that a proof of the first one is made together with, itself among them: none is late because of another, be
    /// it one of these or one that waits.
    pub(super) fn together(
        &self,
        state: &State,
        order: &[(B256, Wanted)],
        now: u64,
    ) -> Vec<(B256, Wanted)> {
        let is_prove = |w: &Wanted| matches!(&w.task, Task::Prove(need) if !need.apart);
        let joins = |id: &B256, w: &Wanted| is_prove(w) && !state.alone.contains(id);
        let Some(((id, lead), others)) = order.split_first() else {
            return Vec::new();
        };
        let mut with = vec![(*id, lead.clone())];
        if !joins(id, lead) {
            return with;
        }
        let mut total = state.seconds(&lead.task);
        // Of what waits: seconds left, and what it and all before it take.
        let mut waiting: Vec<(f64, f64)> = vec![(self.left(lead.task.by(), now), 0.0)];
        let mut waited = 0.0;
        for (id, wanted) in others {
            let seconds = state.seconds(&wanted.task);
            let left = self.left(wanted.task.by(), now);
            // The rest is for later, or is not to be made yet.
            let due = self.start == Start::Early || left < 2.0 * (total + waited + seconds);
            let fits = |(left, after): &(f64, f64)| total + seconds + after <= *left;
            let joins = joins(id, wanted) && due && !state.is_paused(*id);
            if joins && with.len() < self.batch && waiting.iter().all(fits) {
                total += seconds;
                with.push((*id, wanted.clone()));
            } else {
                waited += seconds;
                waiting.push((left, waited));
            }
        }
        with
    }

    /// Whether other claims want the prover.
    pub(super) fn others_wait(&self, claims: &[B256]) -> bool {
        self.state().wanted.keys().any(|id| !claims.contains(id))
    }

    /// Whether something else is more urgent than what runs.
    pub(super) fn yields(&self) -> bool {
        self.state().running.as_ref().is_some_and(|r| r.yields)
    }

    /// Claims that wait, and seconds they are expected to take.
    pub fn backlog(&self) -> (usize, f64) {
        let state = self.state();
        let seconds = state.wanted.values().map(|w| state.seconds(&w.task)).sum();
        (state.wanted.len(), seconds)
    }
}
