//! Compares the server's log with the logs of the calls and with the library's counters.

use std::collections::HashMap;

use serde::Deserialize;

use crate::calls::lock;
use crate::counters::Event;
use crate::run::Run;
use crate::server_process::Control;

/// The requests of one call, as far as they are known.
pub struct CallRecord {
    pub tag: String,
    pub callers: Callers,
    /// Its requests may overlap with others for the same key.
    pub bypass: bool,
    /// The maximum number of its requests.
    pub max_requests: u32,
    /// The requests in its log.
    pub requests: u32,
    pub stale_served: u32,
    pub negative_hits: u32,
    /// The request IDs of complete responses.
    pub answered: Vec<String>,
}

impl CallRecord {
    /// Of a call without a log.
    pub fn without_log(tag: String) -> Self {
        let callers = Callers::Many(Vec::new());
        Self {
            tag,
            callers,
            bypass: false,
            max_requests: 0,
            requests: 0,
            stale_served: 0,
            negative_hits: 0,
            answered: Vec::new(),
        }
    }
}

/// The identities of a call.
pub enum Callers {
    One {
        number: u64,
        id: String,
    },
    /// By key ID.
    Many(Vec<(String, u64)>),
}

impl Callers {
    fn identity(&self, key_id: &str) -> Option<u64> {
        match self {
            Self::One { number, id } => (id == key_id).then_some(*number),
            Self::Many(many) => many.iter().find(|(id, _)| id == key_id).map(|(_, identity)| *identity),
        }
    }
}

/// A request in the server's log.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogEntry {
    number: u64,
    call: String,
    key_id: Option<String>,
    headers: Vec<(String, String)>,
    request_id: Option<String>,
    answered_after: Option<u64>,
}

/// The check of one round after another.
#[derive(Default)]
pub struct ServerLogCheck {
    /// The calls of the round before: the server may receive an abandoned request late.
    previous: HashMap<String, SeenCall>,
    counters: LibraryCounters,
}

struct SeenCall {
    record: CallRecord,
    seen: u32,
}

#[derive(Clone, Copy, Default)]
struct LibraryCounters {
    requests: u64,
    retries: u64,
    coalesced: u64,
    misses: u64,
    stale_served: u64,
    negative_hits: u64,
}

impl LibraryCounters {
    fn read(run: &Run) -> Self {
        let counter = |name| run.api.counter(name);
        Self {
            requests: counter("requests"),
            retries: counter("retries"),
            coalesced: counter("coalesced"),
            misses: counter("cache_misses"),
            stale_served: counter("stale_served"),
            negative_hits: counter("negative_hits"),
        }
    }
}

impl ServerLogCheck {
    pub fn new(run: &Run) -> Self {
        Self { previous: HashMap::new(), counters: LibraryCounters::read(run) }
    }

    /// Checks a round, when no call is running.
    pub fn check_round(&mut self, run: &Run, control: &mut Control, all_logged: bool) {
        let records: Vec<CallRecord> =
            run.records.iter().flat_map(|records| std::mem::take(&mut *lock(records))).collect();
        self.check_counters(run, &records, all_logged);
        let entries: Vec<LogEntry> = control.get("log");
        control.delete("log");
        let new = records.into_iter().map(|record| (record.tag.clone(), SeenCall { record, seen: 0 }));
        let mut known: HashMap<String, SeenCall> = new.collect();
        let mut in_flight: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
        for entry in entries.iter().filter(|entry| entry.call == "b2_authorize_account") {
            run.counters.add(Event::Requests, 1);
            let agent = entry.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
            let tag = agent.and_then(|(_, agent)| agent.split(' ').next()).unwrap_or_default();
            let Some(known) = known.get_mut(tag).or_else(|| self.previous.get_mut(tag)) else {
                run.violation(4, format!("the server received a request of {tag}, which no log has"));
                continue;
            };
            known.seen += 1;
            let key_id = entry.key_id.as_deref().unwrap_or_default();
            let Some(identity) = known.record.callers.identity(key_id) else {
                run.violation(2, format!("{tag} made a request for {key_id}, which it has no identity for"));
                continue;
            };
            let Some(index) = known.record.answered.iter().position(|id| entry.request_id.as_ref() == Some(id)) else {
                continue;
            };
            known.record.answered.swap_remove(index);
            run.counters.add(Event::Matched, 1);
            if let Some(after) = entry.answered_after.filter(|_| !known.record.bypass) {
                in_flight.entry(identity).or_default().push((entry.number, after));
            }
        }
        for known in known.values() {
            let SeenCall { record, seen } = known;
            // A batch repeats a request if a reused connection gave no response.
            let max = if record.tag.starts_with("batch") { record.max_requests * 2 } else { record.max_requests };
            if *seen > max {
                run.violation(4, format!("{seen} requests of {} at the server, at most {max} in its log", record.tag));
            }
            if !record.answered.is_empty() {
                run.violation(4, format!("{} logged responses that the server did not send", record.tag));
            }
        }
        for requests in in_flight.values_mut() {
            requests.sort_unstable();
            if requests.windows(2).any(|pair| pair[0].1 >= pair[1].0) {
                run.violation(1, "the server had two requests for one key in flight, and answered both");
            }
        }
        self.previous = known;
    }

    fn check_counters(&mut self, run: &Run, records: &[CallRecord], all_logged: bool) {
        let sum = |of: fn(&CallRecord) -> u32| records.iter().map(|record| u64::from(of(record))).sum::<u64>();
        let now = LibraryCounters::read(run);
        let then = std::mem::replace(&mut self.counters, now);
        let counted = [
            ("requests", now.requests - then.requests, sum(|record| record.requests)),
            ("stale_served", now.stale_served - then.stale_served, sum(|record| record.stale_served)),
            ("negative_hits", now.negative_hits - then.negative_hits, sum(|record| record.negative_hits)),
        ];
        for (name, counter, logged) in counted {
            // Calls without a log are counted too, so there may be more.
            if counter != logged && (all_logged || counter < logged) {
                run.violation(4, format!("{name}: counted {counter}, logged {logged}"));
            }
        }
        let (misses, coalesced) = (now.misses - then.misses, now.coalesced - then.coalesced);
        if coalesced > misses || now.retries - then.retries > now.requests - then.requests {
            run.violation(4, format!("{misses} misses, {coalesced} of them coalesced"));
        }
    }
}
