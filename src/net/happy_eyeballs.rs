//! Connecting to the first address of a host that answers, in the manner of RFC 8305 ("Happy Eyeballs"): if an address does
//! not answer at once, the next is tried beside it, so that a network with broken IPv6 costs a moment and not the call.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::platform::file;
use crate::platform::socket::{self, Interest};
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{CHECK_PROXY, CHECK_ROUTE, FD_LIMIT, reason, with_hint};
use super::request_watch::RequestWatch;

/// How long an address is waited for before the next is tried beside it; RFC 8305's own term and value.
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The most connections that are tried at the same time: a host with many dead addresses must not take all descriptors.
const MAX_AT_ONCE: usize = 4;
/// As many addresses are named in a message.
const MAX_NAMED: usize = 3;

/// A connection to whichever of the addresses of `display_name` answers first.
pub(super) fn connect(
    watch: &RequestWatch,
    display_name: &str,
    port: u16,
    addresses: &[IpAddr],
) -> io::Result<TcpStream> {
    let mut attempts = HappyEyeballs {
        watch,
        port,
        addresses,
        tried: 0,
        waiting: Vec::new(),
        errors: Vec::new(),
        is_fd_limit: false,
        next_at: Duration::MAX,
    };
    match attempts.run()? {
        Some(stream) => Ok(stream),
        None => Err(watch.fail(attempts.failure(display_name))),
    }
}

struct HappyEyeballs<'a> {
    watch: &'a RequestWatch,
    port: u16,
    addresses: &'a [IpAddr],
    /// How many of them have been tried.
    tried: usize,
    /// Those that have not answered yet, by their index.
    waiting: Vec<(usize, TcpStream)>,
    /// Why the others failed.
    errors: Vec<(usize, String)>,
    is_fd_limit: bool,
    /// How much time will be left when the next is tried; more than there is, if at once.
    next_at: Duration,
}

impl HappyEyeballs<'_> {
    /// `None` once no address is left.
    fn run(&mut self) -> io::Result<Option<TcpStream>> {
        loop {
            let interval = match self.watch.check() {
                Ok(interval) => interval,
                Err(e) => return self.stop(e).map(|()| None),
            };
            let left = self.watch.connect_time_left();
            let is_due = self.waiting.is_empty() || left <= self.next_at;
            if is_due && self.tried < self.addresses.len() {
                self.start_next(left);
            } else if self.waiting.is_empty() {
                return Ok(None);
            } else if let Some(stream) = self.wait(left, interval)? {
                return Ok(Some(stream));
            }
        }
    }

    fn start_next(&mut self, left: Duration) {
        let index = self.tried;
        self.tried += 1;
        if self.waiting.len() == MAX_AT_ONCE {
            let (silent, _) = self.waiting.remove(0);
            self.errors.push((silent, "no answer".to_owned()));
        }
        // The time must be enough for all that are still to come.
        let attempt_delay = match self.addresses.len() - self.tried {
            0 => left,
            others => CONNECTION_ATTEMPT_DELAY.min(left / u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1)),
        };
        self.next_at = left - attempt_delay;
        match socket::start_connect(SocketAddr::new(self.addresses[index], self.port)) {
            Ok(stream) => self.waiting.push((index, stream)),
            Err(e) => self.failed(index, &e),
        }
    }

    /// Waits until one answers, the next is due, or the limits must be checked.
    fn wait(&mut self, left: Duration, interval: Option<Duration>) -> io::Result<Option<TcpStream>> {
        let until_next = if self.tried == self.addresses.len() { left } else { left.saturating_sub(self.next_at) };
        let timeout = interval.map_or(until_next, |interval| interval.min(until_next));
        let streams: Vec<_> = self.waiting.iter().map(|(_, stream)| stream).collect();
        let Some(ready) = socket::wait_for_any(&streams, Interest::Writable, Some(timeout))? else { return Ok(None) };
        let (index, stream) = self.waiting.remove(ready);
        match stream.take_error()? {
            None => Ok(Some(stream)),
            Some(e) => {
                self.failed(index, &e);
                Ok(None)
            }
        }
    }

    fn failed(&mut self, index: usize, error: &io::Error) {
        self.is_fd_limit |= file::is_fd_limit(error);
        let why = match error.kind() {
            // The kernel has no other word for it.
            io::ErrorKind::InvalidInput => "blocked on this machine (a blackhole route does that)".to_owned(),
            _ => reason(error),
        };
        self.errors.push((index, why));
        self.next_at = Duration::MAX;
    }

    /// The time is up, or the call was cancelled. Why some addresses failed is worth more than that the time is up.
    fn stop(&mut self, error: io::Error) -> io::Result<()> {
        if self.errors.is_empty() {
            return Err(error);
        }
        match self.watch.take_failure() {
            Some(failure) if failure.kind == FailureKind::Timeout => {
                self.errors.extend(self.waiting.drain(..).map(|(index, _)| (index, "no answer".to_owned())));
                Ok(())
            }
            Some(failure) => Err(self.watch.fail(failure)),
            None => Err(error),
        }
    }

    fn failure(mut self, display_name: &str) -> Failure {
        self.errors.sort_unstable();
        let message = match self.errors.as_slice() {
            [(index, error)] => format!("cannot connect to {display_name} ({}): {error}", self.addresses[*index]),
            several => {
                let each = several.iter().map(|(index, error)| format!("{}: {error}", self.addresses[*index]));
                let named = each.take(MAX_NAMED).collect::<Vec<_>>().join("; ");
                match several.len().saturating_sub(MAX_NAMED) {
                    0 => format!("cannot connect to {display_name} ({named})"),
                    more => format!("cannot connect to {display_name} ({named}; and to {more} other addresses)"),
                }
            }
        };
        let hint = match display_name.starts_with("the proxy") {
            _ if self.is_fd_limit => FD_LIMIT,
            true => CHECK_PROXY,
            false => CHECK_ROUTE,
        };
        with_hint(FailureKind::Network, message, hint)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::super::testing::{Real, deaf};
    use super::*;
    use crate::ports::limits::Limits;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_silent_address_leaves_time_for_the_next() {
        let (silent, _queue) = deaf("127.0.0.3:0");
        let port = silent.local_addr().expect("an address").port();
        let good = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("free on another address");
        let addresses = [Ipv4Addr::new(127, 0, 0, 3).into(), Ipv4Addr::LOCALHOST.into()];
        let bounds = Limits::new(&Real, None);
        RequestWatch::scope("host", &bounds, Duration::from_millis(600), |watch| {
            let stream = connect(watch, "host", port, &addresses).expect("the second answers");
            assert_eq!(stream.peer_addr().ok(), good.local_addr().ok());
        });
        drop(good);
        let fails = |addresses: &[IpAddr]| {
            RequestWatch::scope("host", &bounds, Duration::from_millis(200), |watch| {
                connect(watch, "host", port, addresses).expect_err("nobody answers");
                watch.take_failure().expect("a reason")
            })
        };
        let mixed = fails(&addresses);
        assert_eq!(mixed.kind, FailureKind::Network);
        assert_eq!(mixed.message, "cannot connect to host (127.0.0.3: no answer; 127.0.0.1: connection refused)");
        assert_eq!(fails(&addresses[..1]).kind, FailureKind::Timeout);
    }
}
