//! From a host name to addresses, on a thread that the caller can walk away from.
//!
//! The C library's resolver can't be interrupted. A look-up that hangs is left behind, and few may be.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex};

use crate::platform::sync;
use crate::platform::{self, file};
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{NO_DESCRIPTOR, NO_NAME, hinted, reason};
use super::request_watch::Line;
use super::shared::Shared;

/// The most look-ups that may be under way in this process.
const MOST: usize = 8;

/// How a name becomes addresses.
pub(super) type Resolve = fn(&str) -> io::Result<Vec<IpAddr>>;

/// Asks the system.
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
struct Problem {
    reason: String,
    hint: &'static str,
}

const NO_THREAD: &str = "this process, its user or its container has as many threads as it may, or no memory for more: \
                         see what starts so many, or raise the limit (ulimit -u)";

/// One look-up, and all who wait for it.
#[derive(Default)]
pub(super) struct LookUp {
    found: Mutex<Option<Result<Vec<IpAddr>, Problem>>>,
    done: Condvar,
}

impl LookUp {
    fn finish(&self, found: Result<Vec<IpAddr>, Problem>) {
        *sync::lock(&self.found) = Some(found);
        self.done.notify_all();
    }

    fn wait(&self, line: &Line) -> io::Result<Result<Vec<IpAddr>, Problem>> {
        let mut found = sync::lock(&self.found);
        loop {
            if let Some(found) = &*found {
                return Ok(found.clone());
            }
            found = sync::wait(&self.done, found, line.look()?);
        }
    }
}

/// The addresses of `host`, in the order to try them.
pub(super) fn addresses(line: &Line, shared: &'static Shared, resolve: Resolve, host: &str) -> io::Result<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    // A name server has no say in where this is.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let problem = match join(line, shared, resolve, host)?.wait(line)? {
        Ok(found) if !found.is_empty() => return Ok(found),
        Ok(_) => Problem { reason: "it has no address".to_owned(), hint: NO_NAME },
        Err(problem) => problem,
    };
    Err(line.fail(problem.about(host)))
}

/// The look-up of `host` that is under way, or a new one.
fn join(line: &Line, shared: &'static Shared, resolve: Resolve, host: &str) -> io::Result<Arc<LookUp>> {
    enum Place {
        Joined(Arc<LookUp>),
        Leading(Arc<LookUp>),
        Full,
    }
    let place = shared.with(|table| {
        if let Some((_, look_up)) = table.look_ups.iter().find(|(name, _)| name == host) {
            return Place::Joined(Arc::clone(look_up));
        }
        if table.look_ups.len() >= MOST {
            return Place::Full;
        }
        let look_up = Arc::<LookUp>::default();
        table.look_ups.push((host.to_owned(), Arc::clone(&look_up)));
        Place::Leading(look_up)
    });
    let look_up = match place {
        Place::Joined(look_up) => return Ok(look_up),
        Place::Leading(look_up) => look_up,
        Place::Full => {
            return Err(line.fail(hinted(
                FailureKind::Network,
                format!("the name {host} cannot be resolved: {MOST} look-ups are stuck already"),
                "this machine's name servers do not answer: check its network and DNS",
            )));
        }
    };
    let (mine, name) = (Arc::clone(&look_up), host.to_owned());
    let started = platform::spawn_deaf("b2auth look-up", move || {
        let found = resolve(&name).map_err(|e| Problem::of(&e));
        leave(shared, &mine);
        mine.finish(found);
    });
    if let Err(e) = started {
        // As for a socket, the system's words are that it would have to wait.
        let why = if e.kind() == io::ErrorKind::WouldBlock { "there are too many".to_owned() } else { reason(&e) };
        let problem = Problem { reason: format!("no thread could be started for it: {why}"), hint: NO_THREAD };
        leave(shared, &look_up);
        look_up.finish(Err(problem.clone()));
        return Err(line.fail(problem.about(host)));
    }
    Ok(look_up)
}

fn leave(shared: &Shared, look_up: &Arc<LookUp>) {
    shared.with(|table| table.look_ups.retain(|(_, other)| !Arc::ptr_eq(other, look_up)));
}

impl Problem {
    /// The resolver has many words for files that it could not open.
    fn of(error: &io::Error) -> Self {
        if file::is_out_of_descriptors(error) || file::are_descriptors_out() {
            return Self { reason: "too many open files".to_owned(), hint: NO_DESCRIPTOR };
        }
        Self { reason: plain(error), hint: NO_NAME }
    }

    fn about(&self, host: &str) -> Failure {
        hinted(FailureKind::Network, format!("the name {host} cannot be resolved: {}", self.reason), self.hint)
    }
}

/// The standard library prefixes the C library's reason with what the caller says anyway.
fn plain(error: &io::Error) -> String {
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
    use crate::ports::cancel::{Bounds, Cancel};

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

    fn a_table() -> &'static Shared {
        Box::leak(Box::new(Shared::new()))
    }

    fn until(mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(20), "it never comes");
            thread::yield_now();
        }
    }

    fn find(shared: &'static Shared, resolve: Resolve, host: &str, span: Duration) -> Result<Vec<IpAddr>, Failure> {
        find_within(&Bounds::new(&Real, None).within(span), shared, resolve, host)
    }

    fn find_within(
        bounds: &Bounds<'_>,
        shared: &'static Shared,
        resolve: Resolve,
        host: &str,
    ) -> Result<Vec<IpAddr>, Failure> {
        Line::lend(host, bounds, Duration::from_secs(30), |line| {
            addresses(line, shared, resolve, host).map_err(|_| line.take_failure().expect("a reason"))
        })
    }

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn what_is_plain_is_not_looked_up() {
        let never: Resolve = |_| panic!("nobody asks");
        let found = |host| find(a_table(), never, host, LONG).expect("an address");
        assert_eq!(found("127.0.0.1"), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        assert_eq!(found("[::1]"), [IpAddr::from(Ipv6Addr::LOCALHOST)]);
        assert_eq!(found("localhost"), [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]);
    }

    #[test]
    fn a_name_without_an_address_is_a_network_failure() {
        let unknown: Resolve = |_| Err(io::Error::other("failed to lookup address information: Name not known"));
        let failure = find(a_table(), unknown, "nowhere.example", LONG).expect_err("there is none");
        assert_eq!(failure.kind, FailureKind::Network);
        assert_eq!(failure.message, "the name nowhere.example cannot be resolved: Name not known");
        let empty: Resolve = |_| Ok(Vec::new());
        let failure = find(a_table(), empty, "nowhere.example", LONG).expect_err("there is none");
        assert!(failure.message.ends_with("it has no address"));
    }

    #[test]
    fn all_who_ask_for_a_name_share_one_look_up() {
        static GATE: Gate = Gate::shut();
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let resolve: Resolve = |_| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            GATE.pass();
            Ok(vec![Ipv4Addr::new(192, 0, 2, 1).into()])
        };
        let shared = a_table();
        let asking: Vec<_> =
            (0..5).map(|_| thread::spawn(move || find(shared, resolve, "one.example", LONG))).collect();
        // The table, the look-up's thread, and those who wait.
        until(|| shared.with(|table| table.look_ups.first().is_some_and(|(_, it)| Arc::strong_count(it) == 7)));
        GATE.open();
        for thread in asking {
            let found = thread.join().expect("no panic").expect("an address");
            assert_eq!(found, [IpAddr::from(Ipv4Addr::new(192, 0, 2, 1))]);
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
        assert!(shared.with(|table| table.look_ups.is_empty()));
    }

    #[test]
    fn few_look_ups_may_hang() {
        static GATE: Gate = Gate::shut();
        let resolve: Resolve = |_| {
            GATE.pass();
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        };
        let shared = a_table();
        for number in 0..MOST {
            let failure = find(shared, resolve, &format!("{number}.example"), SHORT).expect_err("it hangs");
            assert_eq!(failure.kind, FailureKind::Timeout);
            assert!(failure.message.contains("looking up the name"), "{}", failure.message);
        }
        // One that hangs may be joined; another is refused without a wait.
        assert!(find(shared, resolve, "0.example", SHORT).is_err_and(|failure| failure.kind == FailureKind::Timeout));
        let failure = find(shared, resolve, "more.example", LONG).expect_err("too many");
        assert_eq!(failure.kind, FailureKind::Network);
        assert!(failure.message.contains("8 look-ups are stuck already"), "{}", failure.message);
        GATE.open();
        until(|| shared.with(|table| table.look_ups.is_empty()));
        assert!(find(shared, resolve, "more.example", LONG).is_ok());
    }

    #[test]
    fn a_cancel_leaves_a_look_up_behind() {
        static GATE: Gate = Gate::shut();
        let resolve: Resolve = |_| {
            GATE.pass();
            Ok(Vec::new())
        };
        let (shared, cancel) = (a_table(), Cancel::new());
        let trigger = cancel.clone();
        let asking = thread::spawn(move || {
            let bounds = Bounds::new(&Real, Some(&cancel));
            let result = find_within(&bounds, shared, resolve, "slow.example");
            (result, Instant::now())
        });
        until(|| shared.with(|table| !table.look_ups.is_empty()));
        let start = Instant::now();
        trigger.trigger();
        let (result, end) = asking.join().expect("no panic");
        assert_eq!(result.expect_err("cancelled").kind, FailureKind::Cancelled);
        assert!(end - start < Duration::from_millis(250), "{:?}", end - start);
        GATE.open();
    }
}
