//! The state of a model: the store, and how far each process has got.

mod steps;

use std::time::Duration;

use crate::model::timestamp::Timestamp;
use crate::store::flow::Flow;
use crate::store::record::{Reading, Record, Tag};

const NOW: Timestamp = Timestamp { wall_ms: 0, boot_ms: 0 };
const DAY: u64 = 86_400_000;
/// Enough for two askers at once, and for one that overtakes them.
const SLOTS: usize = 3;

/// What may happen in a model.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) processes: usize,
    /// The store notices the death of a process at once, or after the lease.
    pub(super) notices_death: bool,
    pub(super) deaths: u8,
    /// Requests that fail, and keys that are refused.
    pub(super) failures: u8,
    pub(super) refusals: u8,
    /// Tokens that B2 refuses after they were granted.
    pub(super) revocations: u8,
    /// Processes that stop for ever, with all that they hold.
    pub(super) stops: u8,
    /// How long each wait of a process takes.
    pub(super) wait: Duration,
}

/// The state of everything.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    record: Option<Content>,
    slots: [Holder; SLOTS],
    processes: Vec<Process>,
    pub(super) requests: u8,
    tokens: u8,
    /// Tokens that B2 refuses, and whether they were taken out of the store.
    refused: Vec<(u8, bool)>,
    budget: Budget,
}

/// What may still go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Budget {
    deaths: u8,
    failures: u8,
    refusals: u8,
    revocations: u8,
    stops: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Free,
    Process(u8),
    /// Until its lease ends.
    Dead,
}

/// A record, without its times.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Content {
    /// 0 for none.
    token: u8,
    http: u16,
    generation: u64,
    fails: u32,
    paused: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Process {
    /// Tokens that it knows to be refused, and those that were out of the store before it began.
    knows: Vec<u8>,
    must_not_get: Vec<u8>,
    place: Place,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    NotStarted,
    Walking(Flow, Seen),
    Asking {
        flow: Flow,
        seen: Seen,
        slot: Option<u8>,
    },
    /// The process has the token, and the store does not yet.
    Granted {
        token: u8,
        seen: Seen,
        slot: Option<u8>,
    },
    Refused {
        seen: Seen,
        slot: Option<u8>,
    },
    Has(u8),
    /// B2 refused its token: about to take it out of the store, and to ask anew.
    Revoking(u8),
    Failed,
    Dead,
    Stopped,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Seen {
    generation: u64,
    fails: u32,
}

impl Content {
    fn reading(self) -> Reading {
        let mut record = Record::blank(NOW, [1; 16]);
        record.tag = tag(self.token);
        record.generation = self.generation;
        record.fails = self.fails;
        record.http = self.http;
        record.pause_ms = if self.paused { 1_000 } else { 0 };
        if self.http == 200 {
            (record.life_ms, record.left_ms) = (DAY, DAY);
        }
        Reading::new(record, NOW, None, || [1; 16])
    }

    fn of(record: &Record) -> Self {
        Self {
            token: record.tag[0],
            http: record.http,
            generation: record.generation,
            fails: record.fails,
            paused: record.pause_ms > 0,
        }
    }
}

fn tag(token: u8) -> Tag {
    let mut tag = Tag::default();
    tag[0] = token;
    tag
}
