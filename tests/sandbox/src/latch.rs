//! Named gates that hold answers back until a test opens them.

use std::collections::{HashMap, HashSet};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::halt::Halt;
use crate::peer;
use crate::sync::lock;

/// How often a held request looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(crate) struct Latches {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: HashSet<String>,
    held: HashMap<String, usize>,
}

impl Latches {
    /// Opens a latch for good, so that it makes no difference who came first.
    pub(crate) fn release(&self, name: &str) {
        lock(&self.state).open.insert(name.to_owned());
        self.changed.notify_all();
    }

    pub(crate) fn held(&self, name: &str) -> usize {
        lock(&self.state).held.get(name).copied().unwrap_or(0)
    }

    /// True once `count` requests are held at the same time, false if that did not come about.
    pub(crate) fn wait_until_held(&self, name: &str, count: usize, patience: Duration) -> bool {
        let enough = |state: &mut State| state.held.get(name).copied().unwrap_or(0) < count;
        let guard = lock(&self.state);
        match self.changed.wait_timeout_while(guard, patience, enough) {
            Ok((_, timeout)) => !timeout.timed_out(),
            Err(poisoned) => !poisoned.into_inner().1.timed_out(),
        }
    }

    /// Waits at the latch; false if the client left or the sandbox stopped meanwhile.
    pub(crate) fn pass(&self, name: &str, socket: &TcpStream, halt: &Halt) -> bool {
        let end = Instant::now() + peer::LONGEST;
        let mut state = lock(&self.state);
        *state.held.entry(name.to_owned()).or_default() += 1;
        self.changed.notify_all();
        let passed = loop {
            if state.open.contains(name) {
                break true;
            }
            if halt.is_set() || peer::has_left(socket) || Instant::now() >= end {
                break false;
            }
            state = match self.changed.wait_timeout(state, LOOK) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        };
        if let Some(held) = state.held.get_mut(name) {
            *held -= 1;
        }
        self.changed.notify_all();
        passed
    }
}
