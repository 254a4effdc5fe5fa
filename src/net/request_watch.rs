//! What a request shares with the stream under it: its limits, its phase, and why it failed.
//!
//! Errors pass through rustls and ureq, which keep little of them. So the reason is kept here, and what passes through
//! those only says that there is one.

use std::fmt;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::model::human_duration::HumanDuration;
use crate::platform::sync;
use crate::ports::limits::{Limits, Stop};
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{CHECK_NAME, CHECK_PROXY, CHECK_ROUTE, HANDSHAKE_BLOCKED, PLAIN_PROXY, SLOW, failure};
use super::trace::{SharedTrace, Trace};

/// What a request is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestPhase {
    LookUp,
    Connect,
    ProxyHandshake,
    Proxy,
    Handshake,
    Send,
    /// No byte of the response has come.
    FirstByte,
    /// The response's head is coming.
    Head,
    /// The head is complete.
    Body,
}

impl fmt::Display for RequestPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LookUp => "looking up the name",
            Self::Connect => "connecting",
            Self::ProxyHandshake => "waiting for the TLS handshake of the proxy",
            Self::Proxy => "waiting for the proxy",
            Self::Handshake => "waiting for the TLS handshake",
            Self::Send => "sending the request",
            Self::FirstByte => "waiting for the first byte",
            Self::Head | Self::Body => "reading the response",
        })
    }
}

impl RequestPhase {
    /// What to do about a time-out in this phase, directly or through a proxy.
    fn hint(self, proxied: bool) -> &'static str {
        match self {
            Self::LookUp | Self::Connect | Self::Proxy if proxied => CHECK_PROXY,
            Self::LookUp => CHECK_NAME,
            Self::Connect | Self::Proxy => CHECK_ROUTE,
            Self::ProxyHandshake => PLAIN_PROXY,
            Self::Handshake => HANDSHAKE_BLOCKED,
            Self::Send | Self::FirstByte | Self::Head | Self::Body => SLOW,
        }
    }
}

/// The watch on one request.
pub(super) struct RequestWatch {
    host: String,
    trace: Option<SharedTrace>,
    state: Mutex<WatchState>,
}

struct WatchState {
    /// The proxy, as host and port.
    proxy: Option<String>,
    /// `None` once the request is over.
    limits: Option<BorrowedLimits>,
    phase: RequestPhase,
    failure: Option<Failure>,
}

/// Limits that live shorter than their type says; see [`RequestWatch::scope`].
struct BorrowedLimits {
    whole: Limits<'static>,
    /// The time that the whole had, for the message when it has run out.
    span: Option<Duration>,
    /// Ends look-up, connect and handshakes, and is gone after them.
    connect: Option<(Limits<'static>, Duration)>,
}

impl RequestWatch {
    /// Runs `work` with a watch over `limits`, the first `connect_timeout` of them for connecting.
    pub(super) fn scope<T>(
        host: &str,
        limits: &Limits<'_>,
        connect_timeout: Duration,
        work: impl FnOnce(&Arc<Self>) -> T,
    ) -> T {
        Self::scope_with_trace(host, limits, connect_timeout, None, work)
    }

    /// The same, with a record of what happens.
    pub(super) fn scope_with_trace<T>(
        host: &str,
        limits: &Limits<'_>,
        connect_timeout: Duration,
        trace: Option<SharedTrace>,
        work: impl FnOnce(&Arc<Self>) -> T,
    ) -> T {
        // SAFETY: ureq demands 'static of all that it is given, so the borrow is hidden from it. It does not outlive
        // `limits`: it never leaves the watch's mutex, is used only under that lock, and `EndOfScope` takes it out again
        // before this function returns in whatever way.
        let whole = unsafe { mem::transmute::<Limits<'_>, Limits<'static>>(*limits) };
        let connect = Some((whole.with_timeout(connect_timeout), connect_timeout));
        let limits = Some(BorrowedLimits { whole, span: whole.remaining(), connect });
        let state = WatchState { proxy: None, limits, phase: RequestPhase::LookUp, failure: None };
        let watch = Arc::new(Self { host: host.to_owned(), trace, state: Mutex::new(state) });
        let _end = EndOfScope(&watch);
        work(&watch)
    }

    /// The host that the request is for, whatever is in between.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Says that the request goes through a proxy, for the messages.
    pub(super) fn set_proxy(&self, proxy: &str) {
        self.lock().proxy = Some(proxy.to_owned());
    }

    /// Writes into the record, if one is kept.
    pub(super) fn trace(&self, write: impl FnOnce(&mut Trace)) {
        if let Some(trace) = &self.trace {
            write(&mut sync::lock(trace));
        }
    }

    pub(super) fn set_phase(&self, phase: RequestPhase) {
        self.trace(|trace| trace.enter(phase.into()));
        self.lock().phase = phase;
    }

    pub(super) fn phase(&self) -> RequestPhase {
        self.lock().phase
    }

    /// The connection is made: from here on only the whole is limited.
    pub(super) fn connected(&self) {
        self.trace(|trace| trace.enter(RequestPhase::Send.into()));
        let mut state = self.lock();
        state.phase = RequestPhase::Send;
        if let Some(limits) = &mut state.limits {
            limits.connect = None;
        }
    }

    /// True once the request is being sent.
    pub(super) fn is_connected(&self) -> bool {
        self.lock().limits.as_ref().is_some_and(|limits| limits.connect.is_none())
    }

    /// Fails if the request must stop; otherwise returns the longest that one may block before checking again.
    pub(super) fn check(&self) -> io::Result<Option<Duration>> {
        let mut state = self.lock();
        let phase = state.phase;
        let Some(limits) = &state.limits else { return Err(state.fail(self.over())) };
        let to = || match &state.proxy {
            Some(proxy) => format!("{} through the proxy {proxy}", self.host),
            None => self.host.clone(),
        };
        let stopped = match (limits.whole.stop(), &limits.connect) {
            (Some(Stop::Cancelled), _) => {
                let message = format!("the call was cancelled while it was {phase} (host {})", self.host);
                failure(FailureKind::Cancelled, message)
            }
            (Some(Stop::Deadline), _) => {
                let span = limits.span.map_or_else(String::new, |span| format!(" within {}", HumanDuration(span)));
                failure(FailureKind::Timeout, format!("no response from {}{span} ({phase})", to()))
            }
            (None, Some((connect, span))) if connect.remaining() == Some(Duration::ZERO) => {
                let message = format!("no connection to {} within {} ({phase})", to(), HumanDuration(*span));
                failure(FailureKind::Timeout, message)
            }
            (None, connect) => {
                let connect = connect.as_ref().and_then(|(limits, _)| limits.poll_interval());
                return Ok(match (limits.whole.poll_interval(), connect) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                });
            }
        };
        // A caller that cancelled needs no advice.
        let hint = (stopped.kind == FailureKind::Timeout).then(|| phase.hint(state.proxy.is_some()).to_owned());
        Err(state.fail(Failure { hint, ..stopped }))
    }

    /// The time left for connecting, which the addresses of a host share.
    pub(super) fn connect_time_left(&self) -> Duration {
        let state = self.lock();
        let connect = state.limits.as_ref().and_then(|limits| limits.connect.as_ref());
        connect.and_then(|(limits, _)| limits.remaining()).unwrap_or(Duration::ZERO)
    }

    /// Keeps the reason, if it is the first, and returns an error that nothing mistakes for another.
    pub(super) fn fail(&self, failure: Failure) -> io::Error {
        self.lock().fail(failure)
    }

    /// True if [`RequestWatch::fail`] has a reason already.
    pub(super) fn has_failed(&self) -> bool {
        self.lock().failure.is_some()
    }

    /// The reason, if there is one.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.lock().failure.take()
    }

    fn over(&self) -> Failure {
        failure(FailureKind::Network, format!("the request to {} is over", self.host))
    }

    fn lock(&self) -> MutexGuard<'_, WatchState> {
        sync::lock(&self.state)
    }
}

impl WatchState {
    fn fail(&mut self, failure: Failure) -> io::Error {
        self.failure.get_or_insert(failure);
        io::Error::other("the watch has the reason")
    }
}

impl fmt::Debug for RequestWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestWatch").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Takes the borrowed limits back.
struct EndOfScope<'a>(&'a RequestWatch);

impl Drop for EndOfScope<'_> {
    fn drop(&mut self) {
        self.0.lock().limits = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Real;
    use super::*;
    use crate::ports::cancel::Cancel;

    #[test]
    fn the_limits_are_taken_back_at_the_end_of_the_scope() {
        let cancel = Cancel::new();
        let limits = Limits::new(&Real, Some(&cancel));
        let watch = RequestWatch::scope("host", &limits, Duration::from_secs(5), |watch| {
            assert!(watch.check().expect("nothing stops it").is_some());
            Arc::clone(watch)
        });
        assert!(watch.check().is_err());
    }

    #[test]
    fn the_first_reason_stays() {
        let cancel = Cancel::new();
        let limits = Limits::new(&Real, Some(&cancel)).with_timeout(Duration::ZERO);
        cancel.trigger();
        RequestWatch::scope("host", &limits, Duration::ZERO, |watch| {
            assert!(watch.check().is_err());
            drop(watch.fail(failure(FailureKind::Network, "later")));
            assert_eq!(watch.take_failure().map(|f| f.kind), Some(FailureKind::Cancelled));
        });
    }
}
