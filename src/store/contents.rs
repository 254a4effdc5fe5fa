//! What is in a store, for its operator: no key is needed to see that, and no secret is shown.

use std::collections::BinaryHeap;

use super::record::{MAX_RECORD, OVERHEAD};

/// Names of one store that are looked at; of more, so many.
pub(crate) const MAX_ENTRIES: usize = 16 * 1024;

/// Everything of ours in a store.
pub(crate) struct Contents {
    /// The path, or host and port.
    pub(crate) place: String,
    /// In the order of their names.
    pub(crate) entries: Vec<Entry>,
    /// False if there is more than what was looked at.
    pub(crate) is_whole: bool,
}

/// One file or key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Without the prefix of a server's keys.
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    pub(crate) bytes: u64,
    /// Since it was written, where that is known.
    pub(crate) age_ms: Option<u64>,
    /// Until the store itself removes it, where it does.
    pub(crate) left_ms: Option<u64>,
    /// Nobody needs it any more.
    pub(crate) is_dead: bool,
    pub(crate) is_removed: bool,
}

impl Entry {
    pub(crate) fn is_record(&self) -> bool {
        self.kind == EntryKind::Record
    }
}

/// What a file or a key of a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Record,
    /// The right to ask, held or not.
    Lease,
    /// Written, and not yet renamed.
    #[cfg_attr(not(feature = "store-file"), allow(dead_code, reason = "for files"))]
    Temporary,
}

/// What to do with dead entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purge {
    No,
    Yes,
}

impl EntryKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Lease => "lease",
            Self::Temporary => "temporary",
        }
    }
}

/// True if that is what a record is called.
pub(crate) fn is_hash(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Names in order, each once, and not too many. By a heap, whose code is a tenth of a sort's.
pub(crate) fn in_order(names: Vec<String>) -> Vec<String> {
    let mut names = BinaryHeap::from(names).into_sorted_vec();
    names.dedup();
    names.truncate(MAX_ENTRIES);
    names
}

/// True if a record of that size may open for somebody.
pub(crate) fn is_size_of_a_record(bytes: u64) -> bool {
    (OVERHEAD as u64..=MAX_RECORD as u64).contains(&bytes)
}
