//! Batches and the JSON action.

use serde_json::{Value, json};

use crate::calls::{CallStart, lock};
use crate::counters::Event;
use crate::identities::{Identity, PERMANENT_IDS};
use crate::server_log_check::{CallRecord, Callers};
use crate::token_oracle::CallKind;
use crate::worker::Worker;

impl Worker<'_> {
    /// Identities on one route, each key ID once, so that the key ID of a request determines the identity.
    fn group(&mut self) -> Vec<Identity> {
        let route = self.rng.weighted(&[(6, 0), (2, 1), (2, 2)]);
        let mut group = Vec::new();
        for id in 0..PERMANENT_IDS {
            if self.rng.chance(600) {
                let key = if self.rng.chance(900) { 0 } else { self.rng.below(4) };
                group.push(self.run.identities.identity(id, key, route));
            }
        }
        for _ in 0..self.rng.below(4) {
            let other = self.run.identities.random(&mut self.rng);
            let same_route = u64::try_from(other.route).expect("there are few") == route;
            if same_route && group.iter().all(|known| known.id != other.id) {
                group.push(other);
            }
        }
        group
    }

    fn callers(group: &[Identity]) -> Callers {
        Callers::Many(group.iter().map(|identity| (identity.id.clone(), identity.number)).collect())
    }

    pub fn batch(&mut self) {
        let group = self.group();
        let Some(first) = group.first() else { return };
        let mode = self.rng.weighted(&[(8, "use"), (1, "refresh"), (1, "bypass")]);
        let setup = self.setup(first.route, mode, "batch", None);
        setup.options.set("concurrency", Some(self.rng.pick(&["1", "4", "16"]))).expect("it is in range");
        setup.options.set("batch_timeout_ms", Some(self.rng.pick(&["0", "500", "3000"]))).expect("it is in range");
        // Some entries are equal, and get the same session.
        let mut entries: Vec<usize> = (0..group.len()).collect();
        for _ in 0..self.rng.below(3) {
            entries.push(self.rng.index(group.len()));
        }
        let pairs: Vec<_> = entries.iter().map(|at| (Some(&*group[*at].id), Some(&*group[*at].key))).collect();
        *lock(&self.run.cancels[self.number]) = setup.cancel.clone();
        let before: Vec<_> = group.iter().map(|identity| CallStart::now(self.run, identity)).collect();
        let (_, answers) = self.run.api.authorize_many(&pairs, &setup.options);
        *lock(&self.run.cancels[self.number]) = None;
        self.run.counters.add(Event::Batches, 1);
        self.run.counters.add(Event::BatchEntries, answers.len() as u64);
        let requests = self.record(&setup, Self::callers(&group)).requests;
        let kind = CallKind { fresh: mode != "use", bypass: mode == "bypass", requested_at: None };
        let (mut counted, mut first_tokens) = (0, vec![None; group.len()]);
        for (at, answer) in entries.iter().zip(answers) {
            let (identity, before) = (&group[*at], &before[*at]);
            match answer {
                Ok(session) if first_tokens[*at].is_some() => {
                    if first_tokens[*at] != Some(session.token()) {
                        self.run.violation(2, "two equal entries of a batch got two tokens");
                    }
                }
                Ok(session) => {
                    first_tokens[*at] = Some(session.token());
                    let held = self.check_session(identity, session, before, kind, &setup);
                    self.keep(held);
                }
                Err(failure) => {
                    counted += failure.attempts;
                    if failure.status != 12 && failure.status != 11 && first_tokens[*at].is_some() {
                        self.run.violation(5, "of two equal entries of a batch one failed");
                    }
                    self.check_failure(identity, &failure, before, &setup);
                }
            }
        }
        if counted > requests {
            self.run.violation(4, format!("{counted} requests in the errors of a batch, {requests} in its log"));
        }
    }

    /// The JSON action. Its calls have no log, so it is used in some rounds only.
    pub fn json_action(&mut self) {
        if !self.run.some_unlogged.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        let mut group = self.group();
        let single = self.rng.chance(500);
        if single {
            group.truncate(1);
        }
        let Some(first) = group.first() else { return };
        let tag = self.tag("json");
        let route = &self.run.identities.routes[first.route];
        let all = if self.rng.chance(500) { "all" } else { "action" };
        let request = |identity: &Identity| {
            json!({ "keyId": identity.id, "key": identity.key, "realm": route.realm, "ca_file": route.ca, "proxy": "none",
                "user_agent": tag, "max_attempts": 2, "initial_backoff_ms": 5, "rate_limit_per_minute": 0,
                "attempt_timeout_ms": "400", "total_timeout_ms": 900, "negative_ttl_s": 0, "fields": all })
        };
        let text =
            if single { request(first).to_string() } else { group.iter().map(request).collect::<Value>().to_string() };
        let before: Vec<_> = group.iter().map(|identity| CallStart::now(self.run, identity)).collect();
        let answer = self.run.api.authorize_json(&text);
        self.run.counters.add(Event::Actions, 1);
        let record = CallRecord {
            callers: Self::callers(&group),
            max_requests: u32::try_from(2 * group.len()).expect("there are few"),
            ..CallRecord::without_log(tag)
        };
        lock(&self.run.records[self.number]).push(record);
        let answers = if single { vec![answer] } else { answer.as_array().cloned().unwrap_or_default() };
        if answers.len() != group.len() {
            self.run.violation(5, format!("{} answers to {} requests", answers.len(), group.len()));
        }
        for ((identity, before), answer) in group.iter().zip(&before).zip(&answers) {
            self.check_json(identity, before, answer);
        }
    }

    fn check_json(&self, identity: &Identity, before: &CallStart, answer: &Value) {
        let text = |name: &str| answer[name].as_str().unwrap_or_default();
        if let Some(error) = answer.get("error") {
            let status = error["status"].as_str().unwrap_or_default();
            let unexpected =
                ["B2_OK", "B2_INVALID_ARGUMENT", "B2_INTERNAL_ERROR", "B2_CANCELLED", "B2_STORE_ERROR", ""];
            if unexpected.contains(&status) || self.run.secrets.found_in(&answer.to_string()) {
                self.run.violation(5, format!("an unexpected answer of the JSON action: {status}"));
            }
            return;
        }
        let token = text("authorizationToken");
        self.check_owner(identity, token, text("accountId"));
        if text("apiUrl") != self.run.identities.routes[identity.route].realm {
            self.run.violation(2, format!("the JSON action returned {} of another server", text("apiUrl")));
        }
        if let Err((invariant, what)) =
            self.run.oracle.check_returned(identity, token, before.start, CallKind::default())
        {
            self.run.violation(invariant, what);
        }
    }
}
