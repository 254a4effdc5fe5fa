//! What the server saw, held against what the library's logs told and its counters count.

use std::collections::HashMap;

use serde::Deserialize;

use crate::calls::lock;
use crate::counters::What;
use crate::run::Storm;
use crate::server_process::Control;

/// What one call asked of the server, as far as it is known.
pub struct Record {
    pub tag: String,
    pub asker: Asker,
    /// Its requests may go out beside others for the same key.
    pub bypass: bool,
    /// The most requests that it can have made.
    pub most: u32,
    /// Those that its log told.
    pub asked: u32,
    pub old: u32,
    pub remembered: u32,
    /// What the server named those that were answered in full.
    pub answered: Vec<String>,
}

impl Record {
    /// Of a call without a log.
    pub fn unheard(tag: String) -> Self {
        let asker = Asker::Many(Vec::new());
        Self { tag, asker, bypass: false, most: 0, asked: 0, old: 0, remembered: 0, answered: Vec::new() }
    }
}

/// For whom a call asked.
pub enum Asker {
    One {
        identity: u64,
        id: String,
    },
    /// By key id.
    Many(Vec<(String, u64)>),
}

impl Asker {
    fn identity(&self, key_id: &str) -> Option<u64> {
        match self {
            Self::One { identity, id } => (id == key_id).then_some(*identity),
            Self::Many(many) => many.iter().find(|(id, _)| id == key_id).map(|(_, identity)| *identity),
        }
    }
}

/// A request as the server logs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    number: u64,
    call: String,
    key_id: Option<String>,
    headers: Vec<(String, String)>,
    request_id: Option<String>,
    answered_after: Option<u64>,
}

/// The books of one round after another.
#[derive(Default)]
pub struct Books {
    /// A request that its caller gave up may be seen by the server in the round after.
    last: HashMap<String, Known>,
    counters: Counters,
}

struct Known {
    record: Record,
    seen: u32,
}

#[derive(Clone, Copy, Default)]
struct Counters {
    requests: u64,
    retries: u64,
    coalesced: u64,
    misses: u64,
    old: u64,
    remembered: u64,
}

impl Counters {
    fn read(storm: &Storm) -> Self {
        let counter = |name| storm.api.counter(name);
        Self {
            requests: counter("requests"),
            retries: counter("retries"),
            coalesced: counter("coalesced"),
            misses: counter("cache_misses"),
            old: counter("stale_served"),
            remembered: counter("negative_hits"),
        }
    }
}

impl Books {
    pub fn open(storm: &Storm) -> Self {
        Self { last: HashMap::new(), counters: Counters::read(storm) }
    }

    /// Closes a round, when nothing is under way any more.
    pub fn close(&mut self, storm: &Storm, control: &mut Control, all_heard: bool) {
        let records: Vec<Record> =
            storm.records.iter().flat_map(|records| std::mem::take(&mut *lock(records))).collect();
        self.count(storm, &records, all_heard);
        let entries: Vec<Entry> = control.get("log");
        control.delete("log");
        let new = records.into_iter().map(|record| (record.tag.clone(), Known { record, seen: 0 }));
        let mut known: HashMap<String, Known> = new.collect();
        let mut aloft: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
        for entry in entries.iter().filter(|entry| entry.call == "b2_authorize_account") {
            storm.tally.add(What::Requests, 1);
            let agent = entry.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
            let tag = agent.and_then(|(_, agent)| agent.split(' ').next()).unwrap_or_default();
            let Some(known) = known.get_mut(tag).or_else(|| self.last.get_mut(tag)) else {
                storm.trouble(4, format!("the server was asked by {tag}, of which no log told"));
                continue;
            };
            known.seen += 1;
            let key_id = entry.key_id.as_deref().unwrap_or_default();
            let Some(identity) = known.record.asker.identity(key_id) else {
                storm.trouble(2, format!("{tag} asked for {key_id}, which is not whom it was for"));
                continue;
            };
            let Some(place) = known.record.answered.iter().position(|id| entry.request_id.as_ref() == Some(id)) else {
                continue;
            };
            known.record.answered.swap_remove(place);
            storm.tally.add(What::Matched, 1);
            if let Some(after) = entry.answered_after.filter(|_| !known.record.bypass) {
                aloft.entry(identity).or_default().push((entry.number, after));
            }
        }
        for known in known.values() {
            let Known { record, seen } = known;
            // A batch asks once more where a kept connection brought nothing back.
            let most = if record.tag.starts_with("batch") { record.most * 2 } else { record.most };
            if *seen > most {
                storm.trouble(4, format!("{seen} requests of {} at the server, {most} at most in its log", record.tag));
            }
            if !record.answered.is_empty() {
                storm.trouble(4, format!("{} heard of answers that the server did not give", record.tag));
            }
        }
        for requests in aloft.values_mut() {
            requests.sort_unstable();
            if requests.windows(2).any(|pair| pair[0].1 >= pair[1].0) {
                storm.trouble(1, "the server had two requests for one key in the air, and both were answered");
            }
        }
        self.last = known;
    }

    fn count(&mut self, storm: &Storm, records: &[Record], all_heard: bool) {
        let sum = |of: fn(&Record) -> u32| records.iter().map(|record| u64::from(of(record))).sum::<u64>();
        let now = Counters::read(storm);
        let then = std::mem::replace(&mut self.counters, now);
        let counted = [
            ("requests", now.requests - then.requests, sum(|record| record.asked)),
            ("stale_served", now.old - then.old, sum(|record| record.old)),
            ("negative_hits", now.remembered - then.remembered, sum(|record| record.remembered)),
        ];
        for (name, counter, told) in counted {
            // Without a log nothing is told, so then there may be more.
            if counter != told && (all_heard || counter < told) {
                storm.trouble(4, format!("{name}: counted {counter}, told {told}"));
            }
        }
        let (misses, coalesced) = (now.misses - then.misses, now.coalesced - then.coalesced);
        if coalesced > misses || now.retries - then.retries > now.requests - then.requests {
            storm.trouble(4, format!("{misses} misses, {coalesced} of them joined a request in the air"));
        }
    }
}
