//! From a host name to addresses, on a thread that the caller can leave.
//!
//! The C library's resolver cannot be interrupted. A look-up that hangs is left behind, and at most a few may be.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::time::Duration;

use crate::platform::blocking::{BlockingError, BlockingTasks};
use crate::platform::file;
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{CHECK_NAME, FD_LIMIT, THREAD_LIMIT, reason, with_hint};
use super::request_watch::RequestWatch;

/// Look-ups that are pending, at most a few. A name server that does not answer costs the C library's resolver 5 s, as long
/// as an attempt has to connect: what it returns after that serves the next attempt.
pub(super) static LOOKUPS: Lookups = Lookups::new("b2auth look-up", 8, Duration::from_secs(10));

/// Look-ups by host.
pub(super) type Lookups = BlockingTasks<String, Result<Vec<IpAddr>, LookupError>>;

/// The most addresses of a host that are tried.
const MAX_ADDRESSES: usize = 8;

/// How a name becomes addresses.
pub(super) type Resolve = fn(&str) -> io::Result<Vec<IpAddr>>;

/// The system's resolver.
pub(super) fn system(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        if !found.contains(&address.ip()) {
            found.push(address.ip());
        }
    }
    Ok(found)
}

/// Why there is no address, and what to do about that.
#[derive(Clone)]
pub(super) struct LookupError {
    reason: String,
    hint: &'static str,
}

/// The addresses of `host`, in the order to try them.
pub(super) fn addresses(
    watch: &RequestWatch,
    lookups: &'static Lookups,
    resolve: Resolve,
    host: &str,
) -> io::Result<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    // No name server decides where this is.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let name = host.to_owned();
    let work = move || resolve(&name).map_err(|e| LookupError::of(&e));
    let error = match lookups.run(host.to_owned(), || watch.check(), work) {
        Ok(Ok(addresses)) if !addresses.is_empty() => return Ok(interleaved(addresses)),
        Ok(Ok(_)) => LookupError { reason: "it has no address".to_owned(), hint: CHECK_NAME },
        Ok(Err(error)) => error,
        Err(BlockingError::Stopped(error)) => return Err(error),
        Err(BlockingError::TooMany(count)) => LookupError {
            reason: format!("{count} look-ups are pending already"),
            hint: "this machine's name servers do not answer: check its network and DNS",
        },
        Err(BlockingError::NoThread(e)) => {
            // For threads as for sockets, the system's words are that it would have to wait.
            let why = if e.kind() == io::ErrorKind::WouldBlock { "there are too many".to_owned() } else { reason(&e) };
            LookupError { reason: format!("no thread could be started for it: {why}"), hint: THREAD_LIMIT }
        }
    };
    Err(watch.fail(error.about(host)))
}

/// The families in turn, the resolver's first choice first (RFC 8305, section 4), and no more of them than can be tried.
fn interleaved(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first_family = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|one| one.is_ipv6() == first_family);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::with_capacity(MAX_ADDRESSES);
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] || mixed.len() >= MAX_ADDRESSES {
            mixed.truncate(MAX_ADDRESSES);
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

impl LookupError {
    /// The resolver has many words for files that it could not open.
    fn of(error: &io::Error) -> Self {
        if file::is_fd_limit(error) || file::is_fd_limit_reached() {
            return Self { reason: "too many open files".to_owned(), hint: FD_LIMIT };
        }
        Self { reason: without_prefix(error), hint: CHECK_NAME }
    }

    fn about(&self, host: &str) -> Failure {
        with_hint(FailureKind::Network, format!("the name {host} cannot be resolved: {}", self.reason), self.hint)
    }
}

/// The standard library prefixes the C library's reason with what the message says anyway.
fn without_prefix(error: &io::Error) -> String {
    let text = reason(error);
    text.strip_prefix("failed to lookup address information: ").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::super::testing::Real;
    use super::*;
    use crate::ports::cancel::Cancel;
    use crate::ports::limits::Limits;

    fn lookups() -> &'static Lookups {
        Box::leak(Box::new(Lookups::new("test", 8, Duration::from_secs(600))))
    }

    fn find(
        limits: &Limits<'_>,
        lookups: &'static Lookups,
        resolve: Resolve,
        host: &str,
    ) -> Result<Vec<IpAddr>, Failure> {
        RequestWatch::scope(host, limits, Duration::from_secs(30), |watch| {
            addresses(watch, lookups, resolve, host).map_err(|_| watch.take_failure().expect("a reason"))
        })
    }

    fn soon() -> Limits<'static> {
        Limits::new(&Real, None).with_timeout(Duration::from_secs(20))
    }

    #[test]
    fn an_address_and_localhost_need_no_look_up() {
        let never: Resolve = |name| panic!("{name} was looked up");
        for (host, first) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("LOCALHOST", "127.0.0.1")] {
            let found = find(&soon(), lookups(), never, host).expect("no look-up");
            assert_eq!(found[0].to_string(), first);
        }
    }

    #[test]
    fn a_name_without_an_address_is_reported() {
        let unknown: Resolve = |_| Err(io::Error::other("failed to lookup address information: Name not known"));
        let failure = find(&soon(), lookups(), unknown, "nowhere.example").expect_err("it is unknown");
        assert_eq!(failure.kind, FailureKind::Network);
        assert_eq!(failure.message, "the name nowhere.example cannot be resolved: Name not known");
        let empty: Resolve = |_| Ok(Vec::new());
        let failure = find(&soon(), lookups(), empty, "nowhere.example").expect_err("there is none");
        assert!(failure.message.ends_with("it has no address"));
    }

    #[test]
    fn a_look_up_that_hangs_is_left_by_deadline_and_cancel_and_few_may_hang() {
        let hang: Resolve = |_| {
            loop {
                thread::park();
            }
        };
        let lookups = lookups();
        let short = || Limits::new(&Real, None).with_timeout(Duration::from_millis(20));
        for number in 0..8 {
            let failure = find(&short(), lookups, hang, &format!("{number}.example")).expect_err("it hangs");
            assert_eq!(failure.kind, FailureKind::Timeout);
            assert!(failure.message.contains("looking up the name"), "{}", failure.message);
        }
        let failure = find(&soon(), lookups, hang, "more.example").expect_err("too many");
        assert_eq!(failure.kind, FailureKind::Network);
        assert!(failure.message.contains("8 look-ups are pending already"), "{}", failure.message);
        let (cancel, start) = (Cancel::new(), Instant::now());
        cancel.trigger();
        let failure = find(&Limits::new(&Real, Some(&cancel)), lookups, hang, "0.example").expect_err("cancelled");
        assert_eq!(failure.kind, FailureKind::Cancelled);
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn few_addresses_are_tried_and_of_both_families() {
        let four = |last| IpAddr::from([192, 0, 2, last]);
        let six = |last| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
        assert_eq!(interleaved(vec![six(1), six(2), four(1)]), [six(1), four(1), six(2)]);
        assert_eq!(interleaved(vec![four(1), four(2), six(1)]), [four(1), six(1), four(2)]);
        let many: Vec<_> = (0..3_000).map(six).chain([four(1), four(2)]).collect();
        assert_eq!(interleaved(many), [six(0), four(1), six(1), four(2), six(2), six(3), six(4), six(5)]);
        assert!(interleaved(Vec::new()).is_empty());
    }
}
