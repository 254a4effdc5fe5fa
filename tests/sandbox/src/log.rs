//! Which requests came, with their secrets masked.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::key::now_ms;
use crate::sync::lock;

/// Older entries make room, so that a long load test does not fill the memory.
const LONGEST: usize = 100_000;

/// One request to B2's side of the sandbox. Control requests are not logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Counts up from 1 and never starts again.
    pub number: u64,
    /// When it came, in milliseconds since 1970.
    pub time_ms: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// The API version in the path.
    pub version: Option<u8>,
    /// The call, as `b2_authorize_account`.
    pub call: String,
    /// The path without its query.
    pub path: String,
    /// Whose it was: from the Basic header, or by the token.
    pub key_id: Option<String>,
    /// As they came, but for the secrets.
    pub headers: Vec<(String, String)>,
    /// What was answered; `None` while it is not, or if it never was.
    pub status: Option<u16>,
    /// The `X-Bz-Request-Id` of the answer to an authorize request.
    pub request_id: Option<String>,
    /// The number of the newest request when this one's answer was about to go out: whatever came before that was in
    /// the air together with this.
    pub answered_after: Option<u64>,
    /// True if the client was gone before there was an answer.
    pub client_left: bool,
    /// `http`, `https`, or a TLS fault's name.
    pub listener: String,
    /// Which connection, counted from 1.
    pub connection: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    entries: VecDeque<LogEntry>,
    authorized: HashMap<String, usize>,
    connections: HashMap<&'static str, usize>,
}

impl Log {
    /// Takes a request down, and gives the number that its outcome goes by.
    pub(crate) fn arrived(&self, mut entry: LogEntry) -> u64 {
        let mut state = lock(&self.state);
        state.last += 1;
        entry.number = state.last;
        entry.time_ms = now_ms();
        if entry.call == "b2_authorize_account" {
            let key_id = entry.key_id.clone().unwrap_or_default();
            *state.authorized.entry(key_id).or_default() += 1;
        }
        if state.entries.len() == LONGEST {
            state.entries.pop_front();
        }
        state.entries.push_back(entry);
        self.changed.notify_all();
        state.last
    }

    pub(crate) fn answered(&self, number: u64, status: u16, request_id: Option<&str>) {
        self.amend(number, |entry, newest| {
            entry.status = Some(status);
            entry.request_id = request_id.map(str::to_owned);
            entry.answered_after = Some(newest);
        });
    }

    pub(crate) fn left(&self, number: u64) {
        self.amend(number, |entry, _| entry.client_left = true);
    }

    fn amend(&self, number: u64, change: impl FnOnce(&mut LogEntry, u64)) {
        let mut state = lock(&self.state);
        let newest = state.last;
        // The newest are the likeliest; a cleared log has none of that number.
        if let Some(entry) = state.entries.iter_mut().rev().find(|entry| entry.number == number) {
            change(entry, newest);
        }
        self.changed.notify_all();
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        lock(&self.state).entries.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut state = lock(&self.state);
        state.entries.clear();
        state.authorized.clear();
        state.connections.clear();
    }

    /// Counts a connection, whether or not a request comes of it.
    pub(crate) fn connected(&self, listener: &'static str) {
        *lock(&self.state).connections.entry(listener).or_default() += 1;
    }

    pub(crate) fn connection_count(&self, listener: &str) -> usize {
        lock(&self.state).connections.get(listener).copied().unwrap_or(0)
    }

    /// How many authorize requests came for this key id, or with `*` at all.
    pub(crate) fn authorize_count(&self, key_id: &str) -> usize {
        lock(&self.state).count(key_id)
    }

    /// True once that many have come, false if they did not in time.
    pub(crate) fn wait_for(&self, key_id: &str, count: usize, patience: Duration) -> bool {
        let guard = lock(&self.state);
        let missing = |state: &mut State| state.count(key_id) < count;
        match self.changed.wait_timeout_while(guard, patience, missing) {
            Ok((_, timeout)) => !timeout.timed_out(),
            Err(poisoned) => !poisoned.into_inner().1.timed_out(),
        }
    }
}

impl State {
    fn count(&self, key_id: &str) -> usize {
        if key_id == "*" {
            return self.authorized.values().sum();
        }
        self.authorized.get(key_id).copied().unwrap_or(0)
    }
}

/// Headers fit to be shown. A token keeps a short hash, so that two can be told apart.
pub(crate) fn masked(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mask = |(name, value): &(String, String)| {
        let secret =
            ["authorization", "proxy-authorization", "cookie"].iter().any(|secret| name.eq_ignore_ascii_case(secret));
        let shown = match value.split_once(' ') {
            _ if !secret => value.clone(),
            Some((scheme, _)) => format!("{scheme} ***"),
            None => {
                let mut hasher = DefaultHasher::new();
                value.hash(&mut hasher);
                format!("*** {:08x}", hasher.finish() >> 32)
            }
        };
        (name.clone(), shown)
    };
    headers.iter().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let shown = masked(&[
            header("authorization", "Basic c2VjcmV0"),
            header("Authorization", "4_token_one"),
            header("Authorization", "4_token_two"),
            header("Accept", "a b"),
        ]);
        assert_eq!(shown[0].1, "Basic ***");
        assert!(shown[1].1.starts_with("*** ") && !shown[1].1.contains("token"));
        assert_ne!(shown[1].1, shown[2].1);
        assert_eq!(shown[3].1, "a b");
    }
}
