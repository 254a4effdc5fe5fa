//! Connections that one batch's requests leave for each other. They are the batch's own, and end with it.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::platform;
use crate::platform::sync;
use crate::ports::cancel::Bounds;
use crate::ports::transport::{Answer, Failure, FailureKind, Request, Transport};

use super::Wire;
use super::endpoint::Route;
use super::stream::Stream;

/// B2 closes what has been idle for about 4 s.
const IDLE_MS: u64 = 3_000;

/// The way to B2, keeping its connections until it is dropped.
pub(crate) struct Keeping {
    wire: Wire,
    pub(super) pool: Arc<Pool>,
}

impl Keeping {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, pool: Arc::default() }
    }
}

impl Transport for Keeping {
    /// The other side may close a kept connection while the request is on its way to it. That says nothing of the
    /// request, which changes nothing and so may be made anew: once, and on a new connection.
    fn send(&self, request: &Request<'_>, bounds: &Bounds<'_>) -> Result<Answer, Failure> {
        let stay = Stay::new(&self.pool, true);
        match self.wire.send_within(request, bounds, Some(&stay)) {
            Err(failure) if failure.kind == FailureKind::Network && stay.is_in_doubt() => {
                drop(stay);
                self.wire.send_within(request, bounds, Some(&Stay::new(&self.pool, false)))
            }
            done => done,
        }
    }

    fn keeping(&self) -> Box<dyn Transport + '_> {
        self.wire.keeping()
    }
}

/// What is idle.
#[derive(Default)]
pub(super) struct Pool(Mutex<State>);

#[derive(Default)]
struct State {
    /// The one used last comes last.
    idle: Vec<Idle>,
    busy: usize,
    /// The most requests that there ever were at once.
    most: usize,
}

struct Idle {
    stream: Stream,
    route: Arc<Route>,
    since_ms: u64,
    /// The child of a fork must not speak on its parent's connections.
    process: u32,
}

impl Pool {
    /// The number of connections that are open and idle.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.lock().idle.len()
    }

    /// Makes what is idle `ms` older.
    #[cfg(test)]
    pub(super) fn age(&self, ms: u64) {
        self.lock().idle.iter_mut().for_each(|idle| idle.since_ms -= ms);
    }

    fn take(&self, route: &Route) -> Option<Stream> {
        loop {
            let mut found = {
                let mut state = self.lock();
                state.forget_the_old();
                let place = state.idle.iter().rposition(|idle| idle.route.leads_as(route))?;
                state.idle.remove(place)
            };
            if found.stream.is_quiet() {
                return Some(found.stream);
            }
        }
    }

    fn put(&self, stream: Stream, route: Arc<Route>) {
        let mut state = self.lock();
        state.forget_the_old();
        if state.idle.len() >= state.most {
            state.idle.remove(0);
        }
        state.idle.push(Idle { stream, route, since_ms: platform::clocks().boot_ms, process: process::id() });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.0)
    }
}

impl State {
    fn forget_the_old(&mut self) {
        let (now_ms, process) = (platform::clocks().boot_ms, process::id());
        self.idle.retain(|idle| now_ms.saturating_sub(idle.since_ms) < IDLE_MS && idle.process == process);
    }
}

/// One request's dealings with a pool.
pub(super) struct Stay {
    pool: Arc<Pool>,
    may_reuse: bool,
    in_doubt: AtomicBool,
}

impl Stay {
    fn new(pool: &Arc<Pool>, may_reuse: bool) -> Arc<Self> {
        let mut state = pool.lock();
        state.busy += 1;
        state.most = state.most.max(state.busy);
        Arc::new(Self { pool: Arc::clone(pool), may_reuse, in_doubt: AtomicBool::new(false) })
    }

    /// An idle connection for this route, in doubt until a byte comes back on it.
    pub(super) fn take(&self, route: &Route) -> Option<Stream> {
        if !self.may_reuse {
            return None;
        }
        let stream = self.pool.take(route)?;
        self.in_doubt.store(true, Ordering::Relaxed);
        Some(stream)
    }

    /// The other side has answered.
    pub(super) fn settle(&self) {
        self.in_doubt.store(false, Ordering::Relaxed);
    }

    /// True while a connection that was idle has brought nothing back.
    fn is_in_doubt(&self) -> bool {
        self.in_doubt.load(Ordering::Relaxed)
    }

    /// Leaves a connection on which nothing is under way.
    pub(super) fn put(&self, mut stream: Stream, route: Arc<Route>) {
        stream.lend(None);
        self.pool.put(stream, route);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.pool.lock().busy -= 1;
    }
}
