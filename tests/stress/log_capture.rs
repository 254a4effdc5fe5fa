//! What a call's own log told of its requests.
//!
//! A call tells its log "asking" right before a request, and right after it what became of it, both before anybody else
//! may lead a request for the same key. A request counts as in the air between the two.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::identities::SLOTS;
use crate::secrets::Secrets;
use crate::token_oracle::Ledger;

/// How many requests are in the air for each identity, by the logs of the calls that made them.
pub struct Air(Vec<AtomicU32>);

impl Air {
    pub fn new() -> Self {
        Self((0..SLOTS).map(|_| AtomicU32::new(0)).collect())
    }

    pub fn is_clear(&self) -> bool {
        self.0.iter().all(|count| count.load(Ordering::SeqCst) == 0)
    }
}

/// What was heard of one call.
#[derive(Default)]
pub struct Heard(Mutex<Told>);

#[derive(Default)]
pub struct Told {
    /// Requests begun.
    pub asked: u32,
    /// Requests of which it was told what became.
    pub told: u32,
    /// Old tokens handed out since their refresh failed.
    pub old: u32,
    /// Refusals that were remembered.
    pub remembered: u32,
    /// When the request was begun that ended the call with a session, by the ledger's count.
    pub granted: Option<u64>,
    asked_at: u64,
    /// What B2 named those that it answered in full.
    pub answered: Vec<String>,
    /// What was wrong.
    pub wrong: Option<(usize, String)>,
}

impl Heard {
    pub fn take(&self) -> Told {
        std::mem::take(&mut self.0.lock().expect("no thread panics here"))
    }
}

/// What a log needs to know of its call.
pub struct Ear {
    pub heard: Arc<Heard>,
    pub secrets: Arc<Secrets>,
    pub ledger: Arc<Ledger>,
    /// Where its requests count; `None` for one that is not alone with its log, or that others may ask beside.
    pub air: Option<(Arc<Air>, usize)>,
}

impl Ear {
    pub fn hear(&self, message: &str) {
        let mut told = self.heard.0.lock().expect("no thread panics here");
        if self.secrets.stand_in(message) {
            told.wrong = Some((5, "a secret stands in a log".into()));
        }
        told.granted = None;
        if message.starts_with("asking ") {
            told.asked += 1;
            told.asked_at = self.ledger.tick();
            if let Some((air, slot)) = &self.air
                && air.0[*slot].fetch_add(1, Ordering::SeqCst) != 0
            {
                told.wrong = Some((1, "a request was made while another for the same key was in the air".into()));
            }
        } else if message.starts_with("the old token is handed out") {
            told.old += 1;
        } else if message.starts_with("B2 refused this key a while ago") {
            told.remembered += 1;
        } else if let Some(after) = outcome(message) {
            told.told += 1;
            told.granted = message.contains(" granted a session after ").then_some(told.asked_at);
            told.answered.extend(request_id(after));
            if let Some((air, slot)) = &self.air {
                air.0[*slot].fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

/// What a message says after the milliseconds that a request took.
fn outcome(message: &str) -> Option<&str> {
    let after = match message.strip_prefix("failed after ").or_else(|| message.strip_prefix("cancelled after ")) {
        Some(after) => after,
        None => message.split_once(" granted a session after ")?.1,
    };
    after.split_once(" ms").map(|(_, rest)| rest)
}

fn request_id(after: &str) -> Option<String> {
    let id = after.strip_prefix(", request id ")?;
    Some(id.split(':').next().unwrap_or(id).to_owned())
}
