//! Networks that lack a route, an address family or a reachable address.

use std::any::Any;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use b2_sandbox::{Config, Key, Sandbox};

use super::fault::{Conditions, FaultCase, TokenAge, Undo, fault};
use super::private_etc::{by_name, by_name_with_current_hosts, hosts, ip, ip_until_dropped};
use super::recorded::{Outcome, record};
use super::subprocess::{Group, print};
use super::{NETWORK, Row, TIMEOUT};
use crate::support::api::{self, Options};
use crate::support::fixture::{Fixture, ID, KEY};
use crate::support::wait_points::Blackhole;

pub const GROUP: Group = Group { name: "addresses", rows, private: true };

const FIREWALL: &str = "check this machine's network and firewall";
const DEAD: &str = "2001:db8::1: no answer; 127.0.0.2: connection refused; 2001:db8::2: no answer; and to 4 other";
/// An address outside this machine.
const REMOTE: &str = "203.0.113.7";
/// An address of this machine that is tried last.
pub const LAST: &str = "127.128.0.1";

fn rows() -> Vec<Row> {
    let cases = [address_families(), routes(), silent_addresses(), silent_ipv6()];
    let rows = cases.into_iter().flatten().flat_map(FaultCase::rows);
    if !has_silent_network() {
        return rows.collect();
    }
    let many = refused("3,000 addresses, all silent", "and to 5 other").attempts(1).requests(0);
    let many = many.row("", || {
        let fixture = Fixture::new();
        three_thousand_silent(&fixture)
    });
    rows.chain([many]).collect()
}

pub fn listening_on(address: &str) -> Fixture {
    let address: IpAddr = address.parse().expect("an address");
    let sandbox = Sandbox::start(Config { address, keys: vec![Key::master(ID, KEY)], ..Config::default() })
        .expect("the sandbox starts");
    let api = api::load();
    let settings = [("initial_backoff_ms", "1"), ("rate_limit_per_minute", "0"), ("max_attempts", "2")];
    let options = api.options(&settings).with(&[("realm", sandbox.http())]);
    Fixture { sandbox, api, options }
}

fn refused(name: &str, message: &'static str) -> FaultCase {
    fault(name).options(by_name).status(NETWORK).message(message).hint(FIREWALL).retried()
}

fn address_families() -> Vec<FaultCase> {
    let on = |name: &str, fixture: fn() -> Fixture, options: fn(&Fixture) -> Options| {
        fault(name).usual_conditions().fixture(fixture).options(options)
    };
    vec![
        on(
            "a server on IPv6 only",
            || listening_on("::1"),
            |fixture| {
                hosts(&["::1"]);
                by_name_with_current_hosts(fixture)
            },
        ),
        on(
            "a server on IPv6 only, whose name has a dead IPv4 address",
            || listening_on("::1"),
            |fixture| {
                hosts(&["127.0.0.1", "::1"]);
                by_name_with_current_hosts(fixture)
            },
        ),
        on(
            "a server on IPv4 only, whose name has a dead IPv6 address",
            || listening_on("127.0.0.1"),
            |fixture| {
                hosts(&["::2", "::1", "127.0.0.1"]);
                by_name_with_current_hosts(fixture)
            },
        ),
        fault("a machine without IPv6, and a name with both").options(by_name).conditions(|_, good| {
            hosts(&["2001:db8::7", "::1", "127.0.0.1"]);
            Conditions::new(good.with(&[]), without_ipv6())
        }),
        refused("a machine without IPv6, and a name with nothing else", "2001:db8::7").conditions(|_, good| {
            hosts(&["2001:db8::7"]);
            Conditions::new(good.with(&[]), without_ipv6())
        }),
    ]
}

fn without_ipv6() -> impl Drop {
    let set = |value: &str| {
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", value).expect("this network is private");
    };
    set("1");
    Undo(move || set("0"))
}

fn routes() -> Vec<FaultCase> {
    let route = |name: &str, message, change: fn() -> Box<dyn Any>| {
        refused(name, message).conditions(move |_, good| {
            hosts(&[REMOTE]);
            Conditions::new(good.with(&[]), change())
        })
    };
    vec![
        refused("no network", "network unreachable").conditions(|_, good| {
            ip("addr flush dev lo");
            Conditions::new(good.with(&[]), ip_until_dropped("link set lo down", "link set lo up"))
        }),
        route("no route", "network unreachable", || Box::new(())),
        route("an unreachable route", "host unreachable", || {
            Box::new(ip_until_dropped("route add unreachable 203.0.113.0/24", "route del unreachable 203.0.113.0/24"))
        }),
        route("a prohibited route", "permission denied", || {
            Box::new(ip_until_dropped("route add prohibit 203.0.113.0/24", "route del prohibit 203.0.113.0/24"))
        }),
        route("a blackhole route", "blackhole", || {
            Box::new(ip_until_dropped("route add blackhole 203.0.113.0/24", "route del blackhole 203.0.113.0/24"))
        }),
    ]
}

/// Connects to that address, at the port of the sandbox, get no response.
fn blackhole(address: &str, good: &Options, fixture: &Fixture) -> Conditions {
    let port = fixture.sandbox.https().rsplit(':').next().expect("it has a port").parse().expect("a number");
    let blackhole = Blackhole::listen(SocketAddr::new(address.parse().expect("an address"), port));
    Conditions::new(good.with(&[]), blackhole)
}

fn silent_addresses() -> Vec<FaultCase> {
    vec![
        refused("connects get no response", "within 3 s (connecting)")
            .status(TIMEOUT)
            .settings(&[("connect_timeout_ms", "3000")])
            .conditions(|fixture, good| {
                hosts(&["127.0.0.3"]);
                blackhole("127.0.0.3", good, fixture)
            }),
        // The resolver puts the nearest address first, which is this machine's own.
        fault("the first address is silent, the second works")
            .conditions(|fixture, good| {
                hosts(&["127.0.0.1", LAST]);
                blackhole("127.0.0.1", good, fixture)
            })
            .settings(&[("connect_timeout_ms", "5000")])
            .fixture(|| listening_on(LAST))
            .options(|fixture| {
                hosts(&[LAST]);
                by_name_with_current_hosts(fixture)
            }),
    ]
}

/// Addresses in a network without any response.
const SILENT: [&str; 6] = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5", "2001:db8::6"];

/// Many names' worth of addresses in that network: connects to them hang.
fn three_thousand_silent(fixture: &Fixture) -> Outcome {
    let options = by_name(fixture).with(&[("connect_timeout_ms", "3000"), ("max_attempts", "1")]);
    let addresses: Vec<_> = (1..=3_000).map(|number| format!("2001:db8::1:{number:x}")).collect();
    hosts(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
    let _network = silent_network();
    let before = sockets();
    let (over, most) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(sockets(), Ordering::Relaxed);
            }
        });
        let outcome = record(&options, |options| fixture.authorize_with(options));
        over.store(true, Ordering::Relaxed);
        outcome
    });
    let most = most.into_inner().saturating_sub(before);
    outcome.check(&format!("{most} sockets at once"), (1..=4).contains(&most));
    let named = outcome.result.message.matches("2001:db8::1:").count();
    outcome.check(&format!("{named} addresses in the message"), (1..=3).contains(&named));
    outcome.requests = fixture.requests();
    outcome
}

/// The sockets that this process has open.
fn sockets() -> usize {
    let entries = std::fs::read_dir("/proc/self/fd").expect("a process may list its descriptors");
    let is_socket = |path: &Path| path.to_str().is_some_and(|target| target.starts_with("socket:"));
    entries.flatten().filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| is_socket(&target))).count()
}

/// A name with those addresses first, and then that one.
fn silent_then(last: &str) -> impl Drop + use<> {
    hosts(&[&SILENT[..], &[last]].concat());
    silent_network()
}

fn silent_network() -> impl Drop + use<> {
    ip("tuntap add dev void0 mode tun");
    ip("link set void0 up");
    ip_until_dropped("-6 addr add 2001:db8::ff/64 dev void0 nodad", "link del void0")
}

fn has_silent_network() -> bool {
    File::options().read(true).write(true).open("/dev/net/tun").is_ok()
}

fn silent_ipv6() -> Vec<FaultCase> {
    if !has_silent_network() {
        print("SKIP fault_matrix: rows of a silent IPv6 network: no access to /dev/net/tun");
        return Vec::new();
    }
    vec![
        // An attempt at one address after the other would take minutes.
        fault("all of IPv6 is silent, IPv4 works")
            .options(by_name)
            .settings(&[("connect_timeout_ms", "600000"), ("attempt_timeout_ms", "600000"), ("total_timeout_ms", "0")])
            .conditions(|_, good| Conditions::new(good.with(&[]), silent_then("127.0.0.1")))
            .within(Duration::from_secs(20))
            .ages(&[TokenAge::None, TokenAge::Stale]),
        refused("3,000 addresses, all dead", "; and to 5 other addresses)").conditions(|_, good| {
            let addresses: Vec<_> = (0..3_000).map(|n| format!("127.77.{}.{}", n / 250, n % 250 + 1)).collect();
            hosts(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
            Conditions::new(good.with(&[]), ())
        }),
        refused("all of IPv6 is silent, IPv4 dead", DEAD)
            .settings(&[("connect_timeout_ms", "5000")])
            .conditions(|_, good| Conditions::new(good.with(&[]), silent_then("127.0.0.2")))
            .ages(&[TokenAge::None, TokenAge::Stale]),
    ]
}
