//! The first address of a host that answers. Beside one that stays silent the next is tried before long, so that a
//! network that swallows what goes to some of them, often those of IPv6, costs a moment and not the call.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::platform::file;
use crate::platform::socket::{self, Awaited};
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{NO_DESCRIPTOR, NO_WAY, hinted, reason};
use super::request_watch::{CHECK_PROXY, Line};

/// The longest that an address is waited for alone.
const HEAD_START: Duration = Duration::from_millis(250);

/// A connection to whichever of the addresses of `called` answers first.
pub(super) fn first(line: &Line, called: &str, port: u16, addresses: &[IpAddr]) -> io::Result<TcpStream> {
    let mut race = Race {
        line,
        port,
        addresses,
        tried: 0,
        waiting: Vec::new(),
        problems: Vec::new(),
        no_descriptor: false,
        next_at: Duration::MAX,
    };
    match race.run()? {
        Some(stream) => Ok(stream),
        None => Err(line.fail(race.failure(called))),
    }
}

struct Race<'a> {
    line: &'a Line,
    port: u16,
    addresses: &'a [IpAddr],
    /// How many of them have been tried.
    tried: usize,
    /// Those that have not answered yet, by their places among all.
    waiting: Vec<(usize, TcpStream)>,
    /// What came of the others.
    problems: Vec<(usize, String)>,
    no_descriptor: bool,
    /// The time that will be left when the next is tried. More than there is: it need not wait.
    next_at: Duration,
}

impl Race<'_> {
    /// `None` once no address is left.
    fn run(&mut self) -> io::Result<Option<TcpStream>> {
        loop {
            let span = match self.line.look() {
                Ok(span) => span,
                Err(e) => return self.stop(e).map(|()| None),
            };
            let left = self.line.left_to_open();
            let is_due = self.waiting.is_empty() || left <= self.next_at;
            if is_due && self.tried < self.addresses.len() {
                self.start_next(left);
            } else if self.waiting.is_empty() {
                return Ok(None);
            } else if let Some(stream) = self.wait(left, span)? {
                return Ok(Some(stream));
            }
        }
    }

    fn start_next(&mut self, left: Duration) {
        let place = self.tried;
        self.tried += 1;
        // The time is to be enough for all that are still to come.
        let alone = match self.addresses.len() - self.tried {
            0 => left,
            others => HEAD_START.min(left / u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1)),
        };
        self.next_at = left - alone;
        match socket::start_connect(SocketAddr::new(self.addresses[place], self.port), alone) {
            Ok(stream) => self.waiting.push((place, stream)),
            Err(e) => self.lose(place, &e),
        }
    }

    /// Waits until one answers, the next is due, or the clock is to be looked at.
    fn wait(&mut self, left: Duration, span: Option<Duration>) -> io::Result<Option<TcpStream>> {
        let until_next = if self.tried == self.addresses.len() { left } else { left.saturating_sub(self.next_at) };
        let patience = span.map_or(until_next, |span| span.min(until_next));
        let streams: Vec<_> = self.waiting.iter().map(|(_, stream)| stream).collect();
        let Some(ready) = socket::wait_for_any(&streams, Awaited::Room, Some(patience))? else { return Ok(None) };
        let (place, stream) = self.waiting.swap_remove(ready);
        match stream.take_error()? {
            None => Ok(Some(stream)),
            Some(e) => {
                self.lose(place, &e);
                Ok(None)
            }
        }
    }

    fn lose(&mut self, place: usize, error: &io::Error) {
        self.no_descriptor |= file::is_out_of_descriptors(error);
        let why = match error.kind() {
            // Nothing is wrong with the address.
            io::ErrorKind::InvalidInput => "this machine refuses to (a blackhole route does that)".to_owned(),
            _ => reason(error),
        };
        self.problems.push((place, why));
        self.next_at = Duration::MAX;
    }

    /// The time is up, or the call was cancelled. What some addresses had to say is worth more than that the time is up.
    fn stop(&mut self, error: io::Error) -> io::Result<()> {
        if self.problems.is_empty() {
            return Err(error);
        }
        match self.line.take_failure() {
            Some(failure) if failure.kind == FailureKind::Timeout => {
                self.problems.extend(self.waiting.drain(..).map(|(place, _)| (place, "no answer".to_owned())));
                Ok(())
            }
            Some(failure) => Err(self.line.fail(failure)),
            None => Err(error),
        }
    }

    fn failure(mut self, called: &str) -> Failure {
        self.problems.sort_unstable();
        let message = match self.problems.as_slice() {
            [(place, problem)] => format!("cannot connect to {called} ({}): {problem}", self.addresses[*place]),
            several => {
                let each = several.iter().map(|(place, problem)| format!("{}: {problem}", self.addresses[*place]));
                format!("cannot connect to {called} ({})", each.collect::<Vec<_>>().join("; "))
            }
        };
        let hint = match called.starts_with("the proxy") {
            _ if self.no_descriptor => NO_DESCRIPTOR,
            true => CHECK_PROXY,
            false => NO_WAY,
        };
        hinted(FailureKind::Network, message, hint)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::super::testing::{Real, deaf};
    use super::*;
    use crate::ports::cancel::Bounds;

    #[cfg(target_os = "linux")]
    #[test]
    fn one_address_that_is_silent_leaves_time_for_the_next() {
        let (silent, _queue) = deaf("127.0.0.3:0");
        let port = silent.local_addr().expect("an address").port();
        let good = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("free on another address");
        let addresses = [Ipv4Addr::new(127, 0, 0, 3).into(), Ipv4Addr::LOCALHOST.into()];
        let bounds = Bounds::new(&Real, None);
        Line::lend("host", &bounds, Duration::from_millis(600), |line| {
            let stream = first(line, "host", port, &addresses).expect("the second answers");
            assert_eq!(stream.peer_addr().ok(), good.local_addr().ok());
        });
        drop(good);
        let fails = |addresses: &[IpAddr]| {
            Line::lend("host", &bounds, Duration::from_millis(200), |line| {
                first(line, "host", port, addresses).expect_err("nobody answers");
                line.take_failure().expect("a reason")
            })
        };
        let mixed = fails(&addresses);
        assert_eq!(mixed.kind, FailureKind::Network);
        assert_eq!(mixed.message, "cannot connect to host (127.0.0.3: no answer; 127.0.0.1: connection refused)");
        assert_eq!(fails(&addresses[..1]).kind, FailureKind::Timeout);
    }
}
