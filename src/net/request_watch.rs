//! What a request shares with the stream under it: its bounds, how far it has come, and why it failed.
//!
//! ureq's errors go through many hands, some of which take a few of them for the end of a body. So the reason is kept
//! here, and what travels through ureq only says that there is one.

use std::fmt;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::platform::sync;
use crate::ports::cancel::{Bounds, Stop};
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{NO_HANDSHAKE, NO_NAME, NO_WAY, failure};

pub(super) const CHECK_PROXY: &str = "check the proxy's address, that it runs, and that what its URL begins with (http, https, socks5) is what it speaks";
/// People write https where they mean what goes through the proxy, not what the proxy itself speaks.
pub(super) const PLAIN_PROXY: &str =
    "begin the proxy's URL with http:// unless the proxy itself speaks TLS; most do not, and pass https all the same";

/// What a request is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    LookUp,
    Connect,
    ProxyHandshake,
    Proxy,
    Handshake,
    Send,
    /// Not a byte of the answer has come.
    Head,
    /// The answer's head is coming, or what may come before it.
    Reading,
    /// The head is complete.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LookUp => "looking up the name",
            Self::Connect => "connecting",
            Self::ProxyHandshake => "waiting for the TLS handshake of the proxy",
            Self::Proxy => "waiting for the proxy",
            Self::Handshake => "waiting for the TLS handshake",
            Self::Send => "sending the request",
            Self::Head => "waiting for the first byte",
            Self::Reading | Self::Body => "reading the answer",
        })
    }
}

impl Phase {
    /// What to do about time that runs out here, directly or with a proxy in between.
    fn hint(self, proxied: bool) -> &'static str {
        match self {
            Self::LookUp | Self::Connect | Self::Proxy if proxied => CHECK_PROXY,
            Self::LookUp => NO_NAME,
            Self::Connect | Self::Proxy => NO_WAY,
            Self::ProxyHandshake => PLAIN_PROXY,
            Self::Handshake => NO_HANDSHAKE,
            Self::Send | Self::Head | Self::Reading | Self::Body => {
                "call again later, allow more time (attempt_timeout_ms, total_timeout_ms), or see what is slow on the way"
            }
        }
    }
}

/// One request's line to the other side.
pub(super) struct Line {
    host: String,
    state: Mutex<State>,
}

struct State {
    /// The proxy in between, as host and port.
    proxy: Option<String>,
    /// `None` once the request is over.
    bounds: Option<Lent>,
    phase: Phase,
    ended: bool,
    failure: Option<Failure>,
}

/// Bounds that live longer by their type than in truth; see [`Line::lend`].
struct Lent {
    whole: Bounds<'static>,
    /// The time there was for the whole, for the message when it has run out.
    span: Option<Duration>,
    /// Ends look-up, connect and handshakes, and is gone after them.
    opening: Option<(Bounds<'static>, Duration)>,
}

impl Line {
    /// Does `work` with a line on which `bounds` are watched, the first `opening` of them for connecting.
    pub(super) fn lend<T>(host: &str, bounds: &Bounds<'_>, opening: Duration, work: impl FnOnce(&Arc<Self>) -> T) -> T {
        // SAFETY: ureq wants all that it is handed to be 'static, so the borrow is hidden from it. It does not outlive
        // `bounds` for all that: it never leaves the line's mutex, is used only under that lock, and `Return` takes it
        // out again before this function is left in whatever way.
        let whole = unsafe { mem::transmute::<Bounds<'_>, Bounds<'static>>(*bounds) };
        let lent = Lent { whole, span: whole.left(), opening: Some((whole.within(opening), opening)) };
        let state = State { proxy: None, bounds: Some(lent), phase: Phase::LookUp, ended: false, failure: None };
        let line = Arc::new(Self { host: host.to_owned(), state: Mutex::new(state) });
        let _return = Return(&line);
        work(&line)
    }

    /// The host that the request is for, whatever lies in between.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Says that a proxy stands in between, for the messages.
    pub(super) fn go_through(&self, proxy: &str) {
        self.lock().proxy = Some(proxy.to_owned());
    }

    /// Says what comes now.
    pub(super) fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// The way is open: from here on only the whole is bounded.
    pub(super) fn opened(&self) {
        let mut state = self.lock();
        state.phase = Phase::Send;
        if let Some(lent) = &mut state.bounds {
            lent.opening = None;
        }
    }

    /// Fails if the request must stop; otherwise the longest one may block before looking again.
    pub(super) fn look(&self) -> io::Result<Option<Duration>> {
        let mut state = self.lock();
        let phase = state.phase;
        let Some(lent) = &state.bounds else { return Err(state.fail(self.over())) };
        let to = || match &state.proxy {
            Some(proxy) => format!("{} through the proxy {proxy}", self.host),
            None => self.host.clone(),
        };
        let stopped = match (lent.whole.stop(), &lent.opening) {
            (Some(Stop::Cancelled), _) => failure(
                FailureKind::Cancelled,
                format!("the call was cancelled while it was {phase} (host {})", self.host),
            ),
            (Some(Stop::Deadline), _) => {
                let span = lent.span.map_or_else(String::new, |span| format!(" within {}", Span(span)));
                failure(FailureKind::Timeout, format!("no answer from {}{span} ({phase})", to()))
            }
            (None, Some((opening, span))) if opening.left() == Some(Duration::ZERO) => {
                let message = format!("no connection to {} within {} ({phase})", to(), Span(*span));
                failure(FailureKind::Timeout, message)
            }
            (None, opening) => {
                let opening = opening.as_ref().and_then(|(bounds, _)| bounds.slice());
                return Ok(match (lent.whole.slice(), opening) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                });
            }
        };
        // Whoever cancelled needs no advice.
        let hint = (stopped.kind == FailureKind::Timeout).then(|| phase.hint(state.proxy.is_some()).to_owned());
        Err(state.fail(Failure { hint, ..stopped }))
    }

    /// The time left for connecting, which the addresses of a host share.
    pub(super) fn left_to_open(&self) -> Duration {
        let state = self.lock();
        let opening = state.bounds.as_ref().and_then(|lent| lent.opening.as_ref());
        opening.and_then(|(bounds, _)| bounds.left()).unwrap_or(Duration::ZERO)
    }

    /// Keeps the reason, if it is the first, and returns an error that nobody takes for anything else.
    pub(super) fn fail(&self, failure: Failure) -> io::Error {
        self.lock().fail(failure)
    }

    /// True if [`Line::fail`] has the reason already.
    pub(super) fn has_failed(&self) -> bool {
        self.lock().failure.is_some()
    }

    /// The reason, if there is one.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.lock().failure.take()
    }

    /// Remembers that the other side has closed its end.
    pub(super) fn end(&self) {
        self.lock().ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    fn over(&self) -> Failure {
        failure(FailureKind::Network, format!("the request to {} is over", self.host))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.state)
    }
}

impl State {
    fn fail(&mut self, failure: Failure) -> io::Error {
        self.failure.get_or_insert(failure);
        io::Error::other("the line has the reason")
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Takes the bounds back.
struct Return<'a>(&'a Line);

impl Drop for Return<'_> {
    fn drop(&mut self) {
        self.0.lock().bounds = None;
    }
}

/// A span as a person says it: 200 ms, 2.5 s, 15 s.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let tenths = (ms + 50) / 100;
        match (ms, tenths % 10) {
            (..950, _) => write!(f, "{ms} ms"),
            (950..10_000, 1..) => write!(f, "{}.{} s", tenths / 10, tenths % 10),
            _ => write!(f, "{} s", (ms + 500) / 1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Real;
    use super::*;
    use crate::ports::cancel::Cancel;

    #[test]
    fn spans_read_well() {
        let text = |ms| Span(Duration::from_millis(ms)).to_string();
        assert_eq!([text(7), text(949), text(996), text(2_500)], ["7 ms", "949 ms", "1 s", "2.5 s"]);
        assert_eq!([text(4_996), text(14_996), text(60_000)], ["5 s", "15 s", "60 s"]);
    }

    #[test]
    fn the_bounds_go_back_when_the_work_is_done() {
        let cancel = Cancel::new();
        let bounds = Bounds::new(&Real, Some(&cancel));
        let line = Line::lend("host", &bounds, Duration::from_secs(5), |line| {
            assert!(line.look().expect("nothing stops it").is_some());
            Arc::clone(line)
        });
        assert!(line.look().is_err());
    }

    #[test]
    fn the_first_reason_stays() {
        let cancel = Cancel::new();
        let bounds = Bounds::new(&Real, Some(&cancel)).within(Duration::ZERO);
        cancel.trigger();
        Line::lend("host", &bounds, Duration::ZERO, |line| {
            assert!(line.look().is_err());
            drop(line.fail(failure(FailureKind::Network, "later")));
            assert_eq!(line.take_failure().map(|f| f.kind), Some(FailureKind::Cancelled));
        });
    }
}
