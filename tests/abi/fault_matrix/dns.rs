//! Name servers, and the files that say which to ask.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use super::addresses::{FAR, listening_on};
use super::cause::{Broken, Cause};
use super::name_server::{NameServer, Says};
use super::private_etc::{by_name, etc, hosts, is_stranger_possible, named, stranger};
use super::subprocess::{Place, say};
use super::{NETWORK, Row, TIMEOUT};
use crate::support::api::Options;
use crate::support::fixture::Fixture;

pub const PLACE: Place = Place { name: "names", rows, walled: true };

const DNS: &str = "DNS";
/// Response codes.
const FAILED: u8 = 2;
const NO_SUCH_NAME: u8 = 3;
const REFUSED: u8 = 5;
const CANNOT: &str = "the name api.b2.test cannot be resolved";
/// Far less than a resolver takes to give up.
const SHORT: [(&str, &str); 1] = [("connect_timeout_ms", "300")];

fn rows() -> Vec<Row> {
    let mut causes: Vec<_> = [files(), servers(), addresses(), proxies()].into_iter().flatten().collect();
    if is_stranger_possible() {
        causes.push(out_of_reach());
    } else {
        say("SKIP night: files out of reach: only root can make a stranger of itself");
    }
    causes.into_iter().flat_map(Cause::rows).collect()
}

/// The name stands in no file any more.
fn ask_the_server() {
    etc("hosts", Some(b"127.0.0.1 localhost\n"));
}

fn out_of_reach() -> Cause {
    Cause::retried("resolv.conf is out of reach", NETWORK, CANNOT, DNS, |_, good| {
        ask_the_server();
        fs::set_permissions("/etc/resolv.conf", fs::Permissions::from_mode(0o600)).expect("it is ours");
        let server = NameServer::start(Says::Code(REFUSED));
        Broken::new(good.with(&[]), (stranger(), server))
    })
    .good(by_name)
}

/// A proxy that nobody knows. The realm's own name is the proxy's to look up.
fn proxies() -> Vec<Cause> {
    let unknown = |scheme: &'static str| {
        let says = "the name proxy.b2.test cannot be resolved";
        Cause::retried(format!("{scheme} to a proxy whose name nobody knows"), NETWORK, says, DNS, move |_, good| {
            let url = format!("{scheme}://corp%2Duser:hidden%40password@proxy.b2.test:3128");
            Broken::new(good.with(&[("proxy", &url)]), NameServer::start(Says::Code(NO_SUCH_NAME)))
        })
        .good(by_name)
        .keeping(&["corp-user", "corp%2Duser", "hidden@password", "hidden%40password"])
    };
    ["http", "https", "socks5"].map(unknown).into()
}

fn files() -> Vec<Cause> {
    let without = |name: &str, resolv_conf: Option<&'static [u8]>| {
        Cause::retried(format!("resolv.conf {name}"), NETWORK, CANNOT, DNS, move |_, good| {
            ask_the_server();
            etc("resolv.conf", resolv_conf);
            Broken::new(good.with(&[]), ())
        })
        .good(by_name)
    };
    let mut causes = vec![
        without("is missing", None),
        without("is empty", Some(b"")),
        without("is rubbish", Some(b"\xff\xfe\0nameserver nowhere\nnameserver 300.1.2.3\n\x1b[0m")),
        without("names a server that is down", Some(b"nameserver 127.0.0.1\n")),
        without("names a server without a way to it", Some(b"nameserver 203.0.113.53\n")),
    ];
    causes.push(
        Cause::retried("resolv.conf is a folder", NETWORK, CANNOT, DNS, |_, good| {
            ask_the_server();
            etc("resolv.conf", None);
            fs::create_dir("/etc/resolv.conf").expect("a folder can be made");
            Broken::new(good.with(&[]), ())
        })
        .good(by_name),
    );
    causes.push(
        Cause::retried("hosts and nsswitch.conf are missing", NETWORK, CANNOT, DNS, |_, good| {
            etc("hosts", None);
            etc("nsswitch.conf", None);
            Broken::new(good.with(&[]), ())
        })
        .good(by_name),
    );
    causes.push(
        Cause::retried("nsswitch.conf leaves DNS out", NETWORK, CANNOT, DNS, |_, good| {
            ask_the_server();
            etc("nsswitch.conf", Some(b"hosts: files\n"));
            Broken::new(good.with(&[]), ())
        })
        .good(by_name),
    );
    causes
}

/// A name server that says this and nothing else.
fn server(says: Says) -> impl Fn(&Fixture, &Options) -> Broken + Send + Sync {
    move |_, good| {
        ask_the_server();
        Broken::new(good.with(&SHORT), NameServer::start(says.clone()))
    }
}

fn servers() -> Vec<Cause> {
    let fails = |name: &str, says| Cause::retried(name, NETWORK, CANNOT, DNS, server(says)).good(by_name);
    let hangs = |name: &str, says| {
        Cause::retried(name, TIMEOUT, "within 300 ms (looking up the name)", DNS, server(says)).good(by_name)
    };
    vec![
        fails("the name server: no such name", Says::Code(NO_SUCH_NAME)),
        fails("the name server: it has failed", Says::Code(FAILED)),
        fails("the name server: refused", Says::Code(REFUSED)),
        fails("the name server: no address", Says::Addresses(Vec::new())),
        fails("the name server: truncated, and no TCP", Says::Truncated),
        fails("the name server: the name is its own alias", Says::Itself),
        hangs("the name server: silence", Says::Nothing),
        hangs("the name server: rubbish", Says::Rubbish),
        Cause::retried("the name server: a port that nobody reads", TIMEOUT, "looking up the name", DNS, |_, good| {
            ask_the_server();
            let deaf = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("nobody else serves names here");
            Broken::new(good.with(&SHORT), deaf)
        })
        .good(by_name),
    ]
}

fn addresses() -> Vec<Cause> {
    let dead = || (1..=20).map(|number| IpAddr::from(Ipv4Addr::new(127, 0, 1, number)));
    let alive: IpAddr = FAR.parse().expect("an address");
    let with = |addresses: Vec<IpAddr>| {
        move |_: &Fixture, good: &Options| {
            ask_the_server();
            Broken::new(good.with(&[]), NameServer::start(Says::Addresses(addresses.clone())))
        }
    };
    let passes = |name: &str, addresses| Cause::passes(name, with(addresses)).good(by_name);
    vec![
        Cause::retried("20 addresses, all dead", NETWORK, "127.0.1.20: connection refused", "firewall", {
            with(dead().collect())
        })
        .good(by_name),
        // The system's list has the nearest first.
        passes("20 dead addresses and one that lives", dead().chain([alive]).collect())
            .fixture(|| listening_on(FAR))
            .good(|fixture| {
                hosts(&[FAR]);
                named(fixture)
            }),
        passes(
            "one address that lives and 20 dead ones",
            [Ipv4Addr::LOCALHOST.into()].into_iter().chain(dead()).collect(),
        ),
        passes("a server for IPv6 addresses only", vec![Ipv6Addr::LOCALHOST.into()]),
        passes("a server in place of the hosts file", vec![Ipv4Addr::LOCALHOST.into()]),
    ]
}
