//! Networks that lack what a host's addresses need.

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use b2_sandbox::{Config, Key, Sandbox};

use super::cause::{Broken, Cause, Time, Undo};
use super::private_etc::{by_name, hosts, ip, ip_for_now, named};
use super::subprocess::{Place, say};
use super::{NETWORK, Row, TIMEOUT};
use crate::support::api::{self, Options};
use crate::support::fixture::{Fixture, ID, KEY};
use crate::support::wait_points::Blackhole;

pub const PLACE: Place = Place { name: "hosts", rows, walled: true };

const FIREWALL: &str = "check this machine's network and firewall";
const DEAD: &str = "2001:db8::6: no answer; 127.0.0.2: connection refused";
const NOWHERE: &str = "203.0.113.7";
/// An address of this machine that is the last of all to be tried.
pub const FAR: &str = "127.128.0.1";

fn rows() -> Vec<Row> {
    [one_family(), routes(), silence(), swallowed()].into_iter().flatten().flat_map(Cause::rows).collect()
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

fn nothing(_: &Fixture, good: &Options) -> Broken {
    Broken::new(good.with(&[]), ())
}

fn one_family() -> Vec<Cause> {
    vec![
        Cause::passes("a server on IPv6 only, with no other address", nothing).fixture(|| listening_on("::1")).good(
            |fixture| {
                hosts(&["::1"]);
                named(fixture)
            },
        ),
        Cause::passes("a server on IPv6 only, whose IPv4 address is dead", nothing)
            .fixture(|| listening_on("::1"))
            .good(|fixture| {
                hosts(&["127.0.0.1", "::1"]);
                named(fixture)
            }),
        Cause::passes("a server on IPv4 only, whose IPv6 address is dead", nothing)
            .fixture(|| listening_on("127.0.0.1"))
            .good(|fixture| {
                hosts(&["::2", "::1", "127.0.0.1"]);
                named(fixture)
            }),
        Cause::passes("a machine without IPv6, and a name with both", |_, good| {
            hosts(&["2001:db8::7", "::1", "127.0.0.1"]);
            Broken::new(good.with(&[]), without_ipv6())
        })
        .good(by_name),
        Cause::retried("a machine without IPv6, and a name with nothing else", NETWORK, "2001:db8::7", FIREWALL, {
            |_, good| {
                hosts(&["2001:db8::7"]);
                Broken::new(good.with(&[]), without_ipv6())
            }
        })
        .good(by_name),
    ]
}

fn without_ipv6() -> impl Drop {
    let set = |value: &str| {
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", value).expect("this network is ours");
    };
    set("1");
    Undo(move || set("0"))
}

fn routes() -> Vec<Cause> {
    let lost = |name: &str, says, breaks: fn() -> Box<dyn std::any::Any>| {
        Cause::retried(name, NETWORK, says, FIREWALL, move |_, good| {
            hosts(&[NOWHERE]);
            Broken::new(good.with(&[]), breaks())
        })
        .good(by_name)
    };
    vec![
        Cause::retried("no network at all", NETWORK, "network unreachable", FIREWALL, |_, good| {
            ip("addr flush dev lo");
            Broken::new(good.with(&[]), ip_for_now("link set lo down", "link set lo up"))
        })
        .good(by_name),
        lost("no route", "network unreachable", || Box::new(())),
        lost("a route that says unreachable", "host unreachable", || {
            Box::new(ip_for_now("route add unreachable 203.0.113.0/24", "route del unreachable 203.0.113.0/24"))
        }),
        lost("a route that says prohibited", "permission denied", || {
            Box::new(ip_for_now("route add prohibit 203.0.113.0/24", "route del prohibit 203.0.113.0/24"))
        }),
        lost("a route into a black hole", "blackhole", || {
            Box::new(ip_for_now("route add blackhole 203.0.113.0/24", "route del blackhole 203.0.113.0/24"))
        }),
    ]
}

/// Nobody answers on that address, at the port of the sandbox.
fn black_hole(address: &str, good: &Options, fixture: &Fixture) -> Broken {
    let port = fixture.sandbox.https().rsplit(':').next().expect("it has a port").parse().expect("a number");
    let hole = Blackhole::listen(SocketAddr::new(address.parse().expect("an address"), port));
    Broken::new(good.with(&[("connect_timeout_ms", "600")]), hole)
}

/// A network that swallows whatever goes to these addresses.
const SWALLOWED: [&str; 6] = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5", "2001:db8::6"];

/// A name with those addresses, which come first, and then that one.
fn swallowing(then: &str) -> impl Drop + use<> {
    hosts(&[&SWALLOWED[..], &[then]].concat());
    ip("tuntap add dev void0 mode tun");
    ip("link set void0 up");
    ip_for_now("-6 addr add 2001:db8::ff/64 dev void0 nodad", "link del void0")
}

fn silence() -> Vec<Cause> {
    vec![
        Cause::retried(
            "packets go, and none comes back",
            TIMEOUT,
            "within 600 ms (connecting)",
            FIREWALL,
            |fixture, good| {
                hosts(&["127.0.0.3"]);
                black_hole("127.0.0.3", good, fixture)
            },
        )
        .good(by_name),
        // The system's list has the nearest first, which is this machine's own.
        Cause::passes("the first address is silent, the second lives", |fixture, good| {
            hosts(&["127.0.0.1", FAR]);
            black_hole("127.0.0.1", good, fixture)
        })
        .fixture(|| listening_on(FAR))
        .good(|fixture| {
            hosts(&[FAR]);
            named(fixture)
        }),
    ]
}

fn swallowed() -> Vec<Cause> {
    if File::options().read(true).write(true).open("/dev/net/tun").is_err() {
        say("SKIP night: rows of a network that swallows IPv6: /dev/net/tun is not there, or not for us");
        return Vec::new();
    }
    vec![
        Cause::passes("all of IPv6 is silent, and IPv4 lives", |_, good| {
            Broken::new(good.with(&[]), swallowing("127.0.0.1"))
        })
        .good(by_name)
        .within(Duration::from_secs(4))
        .at(&[Time::First, Time::Live]),
        Cause::retried("all of IPv6 is silent, and IPv4 dead", NETWORK, DEAD, FIREWALL, |_, good| {
            Broken::new(good.with(&[("connect_timeout_ms", "900")]), swallowing("127.0.0.2"))
        })
        .good(by_name)
        .at(&[Time::First, Time::Live]),
    ]
}
