//! Connections that the requests of one batch reuse. They belong to the batch, and are closed with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::platform::{clock, sync};
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};

use super::HttpTransport;
use super::endpoint::Endpoint;
use super::stream::Stream;

/// B2 closes connections that were idle for about 4 s.
const MAX_IDLE_MS: u64 = 3_000;

/// A transport that reuses its connections until it is dropped.
pub(crate) struct PooledTransport {
    transport: HttpTransport,
    pub(super) pool: Arc<Pool>,
}

impl PooledTransport {
    pub(super) fn new(transport: HttpTransport) -> Self {
        Self { transport, pool: Arc::default() }
    }
}

impl Transport for PooledTransport {
    fn send(&self, request: &HttpRequest<'_>, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        let lease = Lease::new(&self.pool, request.may_reuse_connection);
        self.transport.send_with(request, limits, Some(&lease)).map_err(|failure| match failure.kind {
            // The server may close an idle connection while a request is on its way to it.
            FailureKind::Network if lease.is_unconfirmed() => Failure { kind: FailureKind::StaleConnection, ..failure },
            _ => failure,
        })
    }

    fn keep_alive(&self) -> Box<dyn Transport + '_> {
        self.transport.keep_alive()
    }
}

/// The idle connections.
#[derive(Default)]
pub(super) struct Pool(Mutex<PoolState>);

#[derive(Default)]
struct PoolState {
    /// The process that opened the connections.
    owner: u32,
    /// The most recently used comes last.
    idle: Vec<Idle>,
    in_use: usize,
    /// The most that were ever in use at once.
    max_in_use: usize,
}

struct Idle {
    stream: Stream,
    endpoint: Arc<Endpoint>,
    since_ms: u64,
}

impl Pool {
    /// The number of idle connections.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.lock().idle.len()
    }

    /// Makes idle connections `ms` older.
    #[cfg(test)]
    pub(super) fn age(&self, ms: u64) {
        self.lock().idle.iter_mut().for_each(|idle| idle.since_ms -= ms);
    }

    fn take(&self, endpoint: &Endpoint) -> Option<Stream> {
        loop {
            let mut found = {
                let mut state = self.lock();
                state.evict_expired();
                let index = state.idle.iter().rposition(|idle| idle.endpoint.can_share(endpoint))?;
                state.idle.remove(index)
            };
            if found.stream.is_quiet() {
                return Some(found.stream);
            }
        }
    }

    fn put(&self, stream: Stream, endpoint: Arc<Endpoint>) {
        let mut state = self.lock();
        state.evict_expired();
        if state.idle.len() >= state.max_in_use {
            state.idle.remove(0);
        }
        state.idle.push(Idle { stream, endpoint, since_ms: clock::now().1 });
    }

    /// A host may fork in its log function, and continue the batch in the child too. There the connections are the
    /// parent's: to close them here says nothing to the server.
    fn lock(&self) -> MutexGuard<'_, PoolState> {
        let (mut state, process) = (sync::lock(&self.0), std::process::id());
        if state.owner != process {
            state.owner = process;
            state.idle.clear();
        }
        state
    }
}

impl PoolState {
    fn evict_expired(&mut self) {
        let now_ms = clock::now().1;
        self.idle.retain(|idle| now_ms.saturating_sub(idle.since_ms) < MAX_IDLE_MS);
    }
}

/// One request's use of a pool.
pub(super) struct Lease {
    pool: Arc<Pool>,
    may_reuse: bool,
    unconfirmed: Arc<AtomicBool>,
}

impl Lease {
    fn new(pool: &Arc<Pool>, may_reuse: bool) -> Self {
        let mut state = pool.lock();
        state.in_use += 1;
        state.max_in_use = state.max_in_use.max(state.in_use);
        Self { pool: Arc::clone(pool), may_reuse, unconfirmed: Arc::default() }
    }

    /// An idle connection to this endpoint, unconfirmed until a byte comes back on it.
    pub(super) fn take(&self, endpoint: &Endpoint) -> Option<Stream> {
        if !self.may_reuse {
            return None;
        }
        let stream = self.pool.take(endpoint)?;
        self.unconfirmed.store(true, Ordering::Relaxed);
        Some(stream)
    }

    /// What to call when the server responds.
    pub(super) fn confirmation(&self) -> impl FnOnce() + Send + Sync + use<> {
        let unconfirmed = Arc::clone(&self.unconfirmed);
        move || unconfirmed.store(false, Ordering::Relaxed)
    }

    /// True while a reused connection has brought nothing back.
    fn is_unconfirmed(&self) -> bool {
        self.unconfirmed.load(Ordering::Relaxed)
    }

    /// Returns a connection on which nothing is under way.
    pub(super) fn put(&self, mut stream: Stream, endpoint: Arc<Endpoint>) {
        stream.set_watch(None);
        self.pool.put(stream, endpoint);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.lock().in_use -= 1;
    }
}
