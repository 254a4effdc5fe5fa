//! What a call's own log says about its requests.
//!
//! A call logs "asking" right before a request, and its outcome right after it, both before another call may lead a request
//! for the same key. A request counts as in flight between the two lines.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::identities::SLOTS;
use crate::secrets::Secrets;
use crate::token_oracle::TokenOracle;

/// The number of requests in flight for each identity, by the logs of the calls that made them.
pub struct InFlight(Vec<AtomicU32>);

impl InFlight {
    pub fn new() -> Self {
        Self((0..SLOTS).map(|_| AtomicU32::new(0)).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| count.load(Ordering::SeqCst) == 0)
    }
}

/// The log of one call.
#[derive(Default)]
pub struct CallLog(Mutex<LogSummary>);

#[derive(Default)]
pub struct LogSummary {
    /// Requests begun.
    pub requests: u32,
    /// Requests whose outcome was logged.
    pub finished: u32,
    /// Stale tokens served after a failed refresh.
    pub stale_served: u32,
    /// Cached rejections returned.
    pub negative_hits: u32,
    /// When the request began that was granted the session, by the oracle's count.
    pub granted_at: Option<u64>,
    request_at: u64,
    /// The request IDs of B2's complete responses.
    pub answered: Vec<String>,
    /// The number of an invariant, and how the log violates it.
    pub violation: Option<(usize, String)>,
}

impl CallLog {
    pub fn take(&self) -> LogSummary {
        std::mem::take(&mut self.0.lock().expect("no thread panics here"))
    }
}

/// Reads the lines of one call's log.
pub struct LogObserver {
    pub log: Arc<CallLog>,
    pub secrets: Arc<Secrets>,
    pub oracle: Arc<TokenOracle>,
    /// Where its requests are counted; `None` if several calls share the log, or requests may overlap.
    pub in_flight: Option<(Arc<InFlight>, usize)>,
}

impl LogObserver {
    pub fn observe(&self, message: &str) {
        let mut log = self.log.0.lock().expect("no thread panics here");
        if self.secrets.found_in(message) {
            log.violation = Some((5, "a log line contains a secret".into()));
        }
        log.granted_at = None;
        let message =
            message.strip_prefix("key ").and_then(|rest| rest.split_once(": ")).map_or(message, |(_, rest)| rest);
        if message.starts_with("asking ") {
            log.requests += 1;
            log.request_at = self.oracle.tick();
            if let Some((in_flight, slot)) = &self.in_flight
                && in_flight.0[*slot].fetch_add(1, Ordering::SeqCst) != 0
            {
                log.violation = Some((1, "a request was made while another for the same key was in flight".into()));
            }
        } else if message.starts_with("the stale token is used") {
            log.stale_served += 1;
        } else if message.starts_with("negative cache hit") {
            log.negative_hits += 1;
        } else if let Some(rest) = request_outcome(message) {
            log.finished += 1;
            log.granted_at = message.contains(" granted a session after ").then_some(log.request_at);
            log.answered.extend(request_id(rest));
            if let Some((in_flight, slot)) = &self.in_flight {
                in_flight.0[*slot].fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

/// The text after the duration of a request, in a line about its outcome.
fn request_outcome(message: &str) -> Option<&str> {
    let after = match message.strip_prefix("failed after ").or_else(|| message.strip_prefix("cancelled after ")) {
        Some(after) => after,
        None => message.split_once(" granted a session after ")?.1,
    };
    after.split_once(" ms").map(|(_, rest)| rest)
}

fn request_id(rest: &str) -> Option<String> {
    let id = rest.strip_prefix(", request id ")?;
    Some(id.split(':').next().unwrap_or(id).to_owned())
}
