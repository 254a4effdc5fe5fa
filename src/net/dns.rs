//! From a host name to addresses, on a thread that the caller can leave.
//!
//! The C library's resolver cannot be interrupted. A look-up that hangs is left behind, and at most a few may be.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex};

use crate::platform::fork_mutex::{ForkMutex, ResetInChild};
use crate::platform::{file, sync, thread};
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{CHECK_NAME, FD_LIMIT, THREAD_LIMIT, reason, with_hint};
use super::request_watch::RequestWatch;

/// The most look-ups that may be pending in this process.
const MAX_PENDING: usize = 8;

/// The look-ups that are pending.
pub(crate) static LOOKUPS: ForkMutex<Lookups> = ForkMutex::new(Lookups(Vec::new()));

/// Pending look-ups, by host.
pub(crate) struct Lookups(Vec<(String, Arc<PendingLookup>)>);

impl ResetInChild for Lookups {
    /// Their threads do not exist in the child. What those may have left half done or locked is leaked, not dropped.
    fn reset_in_child(&mut self) {
        std::mem::forget(std::mem::take(&mut self.0));
    }
}

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
struct LookupError {
    reason: String,
    hint: &'static str,
}

/// One look-up, and all that wait for it.
#[derive(Default)]
struct PendingLookup {
    result: Mutex<Option<Result<Vec<IpAddr>, LookupError>>>,
    done: Condvar,
}

impl PendingLookup {
    fn finish(&self, result: Result<Vec<IpAddr>, LookupError>) {
        *sync::lock(&self.result) = Some(result);
        self.done.notify_all();
    }

    fn wait(&self, watch: &RequestWatch) -> io::Result<Result<Vec<IpAddr>, LookupError>> {
        let mut result = sync::lock(&self.result);
        loop {
            if let Some(result) = &*result {
                return Ok(result.clone());
            }
            result = sync::wait(&self.done, result, watch.check()?);
        }
    }
}

/// The addresses of `host`, in the order to try them.
pub(super) fn addresses(
    watch: &RequestWatch,
    lookups: &'static ForkMutex<Lookups>,
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
    let error = match share_or_start(watch, lookups, resolve, host)?.wait(watch)? {
        Ok(addresses) if !addresses.is_empty() => return Ok(addresses),
        Ok(_) => LookupError { reason: "it has no address".to_owned(), hint: CHECK_NAME },
        Err(error) => error,
    };
    Err(watch.fail(error.about(host)))
}

/// The pending look-up of `host`, or a new one.
fn share_or_start(
    watch: &RequestWatch,
    lookups: &'static ForkMutex<Lookups>,
    resolve: Resolve,
    host: &str,
) -> io::Result<Arc<PendingLookup>> {
    let lookup = {
        let mut pending = lookups.lock();
        if let Some((_, lookup)) = pending.0.iter().find(|(name, _)| name == host) {
            return Ok(Arc::clone(lookup));
        }
        if pending.0.len() >= MAX_PENDING {
            drop(pending);
            return Err(watch.fail(with_hint(
                FailureKind::Network,
                format!("the name {host} cannot be resolved: {MAX_PENDING} look-ups are pending already"),
                "this machine's name servers do not answer: check its network and DNS",
            )));
        }
        let lookup = Arc::<PendingLookup>::default();
        pending.0.push((host.to_owned(), Arc::clone(&lookup)));
        lookup
    };
    let (mine, name) = (Arc::clone(&lookup), host.to_owned());
    let started = thread::spawn_signals_blocked("b2auth look-up", move || {
        let result = resolve(&name).map_err(|e| LookupError::of(&e));
        remove(lookups, &mine);
        mine.finish(result);
    });
    if let Err(e) = started {
        // For threads as for sockets, the system's words are that it would have to wait.
        let why = if e.kind() == io::ErrorKind::WouldBlock { "there are too many".to_owned() } else { reason(&e) };
        let error = LookupError { reason: format!("no thread could be started for it: {why}"), hint: THREAD_LIMIT };
        remove(lookups, &lookup);
        lookup.finish(Err(error.clone()));
        return Err(watch.fail(error.about(host)));
    }
    Ok(lookup)
}

fn remove(lookups: &ForkMutex<Lookups>, lookup: &Arc<PendingLookup>) {
    lookups.lock().0.retain(|(_, other)| !Arc::ptr_eq(other, lookup));
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
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::super::testing::Real;
    use super::*;
    use crate::ports::cancel::Cancel;
    use crate::ports::limits::Limits;

    /// Keeps look-ups waiting until a test opens it.
    struct Gate(Mutex<bool>, Condvar);

    impl Gate {
        const fn shut() -> Self {
            Self(Mutex::new(false), Condvar::new())
        }

        fn pass(&self) {
            let open = self.0.lock().expect("no test panics here");
            drop(self.1.wait_while(open, |open| !*open).expect("no test panics here"));
        }

        fn open(&self) {
            *self.0.lock().expect("no test panics here") = true;
            self.1.notify_all();
        }
    }

    fn lookups() -> &'static ForkMutex<Lookups> {
        Box::leak(Box::new(ForkMutex::new(Lookups(Vec::new()))))
    }

    fn until(mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(20), "it never comes");
            thread::yield_now();
        }
    }

    fn find(
        shared: &'static ForkMutex<Lookups>,
        resolve: Resolve,
        host: &str,
        span: Duration,
    ) -> Result<Vec<IpAddr>, Failure> {
        find_within(&Limits::new(&Real, None).with_timeout(span), shared, resolve, host)
    }

    fn find_within(
        bounds: &Limits<'_>,
        shared: &'static ForkMutex<Lookups>,
        resolve: Resolve,
        host: &str,
    ) -> Result<Vec<IpAddr>, Failure> {
        RequestWatch::scope(host, bounds, Duration::from_secs(30), |watch| {
            addresses(watch, shared, resolve, host).map_err(|_| watch.take_failure().expect("a reason"))
        })
    }

    #[test]
    fn a_child_starts_without_what_threads_had_begun() {
        let lookups = lookups();
        lookups.lock().0.push(("host".into(), Arc::default()));
        lookups.lock().reset_in_child();
        assert!(lookups.lock().0.is_empty());
    }

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn what_is_plain_is_not_looked_up() {
        let never: Resolve = |_| panic!("nobody asks");
        let found = |host| find(lookups(), never, host, LONG).expect("an address");
        assert_eq!(found("127.0.0.1"), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        assert_eq!(found("[::1]"), [IpAddr::from(Ipv6Addr::LOCALHOST)]);
        assert_eq!(found("localhost"), [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]);
    }

    #[test]
    fn a_name_without_an_address_is_a_network_failure() {
        let unknown: Resolve = |_| Err(io::Error::other("failed to lookup address information: Name not known"));
        let failure = find(lookups(), unknown, "nowhere.example", LONG).expect_err("there is none");
        assert_eq!(failure.kind, FailureKind::Network);
        assert_eq!(failure.message, "the name nowhere.example cannot be resolved: Name not known");
        let empty: Resolve = |_| Ok(Vec::new());
        let failure = find(lookups(), empty, "nowhere.example", LONG).expect_err("there is none");
        assert!(failure.message.ends_with("it has no address"));
    }

    #[test]
    fn concurrent_look_ups_of_a_name_are_shared() {
        static GATE: Gate = Gate::shut();
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let resolve: Resolve = |_| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            GATE.pass();
            Ok(vec![Ipv4Addr::new(192, 0, 2, 1).into()])
        };
        let shared = lookups();
        let asking: Vec<_> =
            (0..5).map(|_| thread::spawn(move || find(shared, resolve, "one.example", LONG))).collect();
        // The table, the look-up's thread, and those who wait.
        until(|| shared.lock().0.first().is_some_and(|(_, it)| Arc::strong_count(it) == 7));
        GATE.open();
        for thread in asking {
            let found = thread.join().expect("no panic").expect("an address");
            assert_eq!(found, [IpAddr::from(Ipv4Addr::new(192, 0, 2, 1))]);
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
        assert!(shared.lock().0.is_empty());
    }

    #[test]
    fn the_number_of_pending_look_ups_is_limited() {
        static GATE: Gate = Gate::shut();
        let resolve: Resolve = |_| {
            GATE.pass();
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        };
        let shared = lookups();
        for number in 0..MAX_PENDING {
            let failure = find(shared, resolve, &format!("{number}.example"), SHORT).expect_err("it hangs");
            assert_eq!(failure.kind, FailureKind::Timeout);
            assert!(failure.message.contains("looking up the name"), "{}", failure.message);
        }
        // One that hangs may be joined; another is refused without a wait.
        assert!(find(shared, resolve, "0.example", SHORT).is_err_and(|failure| failure.kind == FailureKind::Timeout));
        let failure = find(shared, resolve, "more.example", LONG).expect_err("too many");
        assert_eq!(failure.kind, FailureKind::Network);
        assert!(failure.message.contains("8 look-ups are pending already"), "{}", failure.message);
        GATE.open();
        until(|| shared.lock().0.is_empty());
        assert!(find(shared, resolve, "more.example", LONG).is_ok());
    }

    #[test]
    fn a_cancel_leaves_a_look_up_behind() {
        static GATE: Gate = Gate::shut();
        let resolve: Resolve = |_| {
            GATE.pass();
            Ok(Vec::new())
        };
        let (shared, cancel) = (lookups(), Cancel::new());
        let trigger = cancel.clone();
        let asking = thread::spawn(move || {
            let bounds = Limits::new(&Real, Some(&cancel));
            let result = find_within(&bounds, shared, resolve, "slow.example");
            (result, Instant::now())
        });
        until(|| !shared.lock().0.is_empty());
        let start = Instant::now();
        trigger.trigger();
        let (result, end) = asking.join().expect("no panic");
        assert_eq!(result.expect_err("cancelled").kind, FailureKind::Cancelled);
        assert!(end - start < Duration::from_millis(250), "{:?}", end - start);
        GATE.open();
    }
}
