//! Name servers, and the files that configure the resolver.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::addresses::{LAST, listening_on};
use super::fault::{Conditions, FaultCase, TokenAge, fault};
use super::name_server::{Answer, NameServer};
use super::private_etc::{
    by_name, by_name_with_current_hosts, can_drop_privileges, etc, etc_directory, hosts, unprivileged,
};
use super::subprocess::{Group, print};
use super::{NETWORK, Row, TIMEOUT};

pub const GROUP: Group = Group { name: "dns", rows, private: true };

/// Response codes.
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;

fn rows() -> Vec<Row> {
    let mut cases: Vec<_> = [files(), servers(), dead_first_server(), addresses(), proxies(), unknown_realm()].concat();
    if can_drop_privileges() {
        cases.push(unresolved("resolv.conf is not readable").conditions(|_, good| {
            remove_from_hosts();
            fs::set_permissions("/etc/resolv.conf", fs::Permissions::from_mode(0o600)).expect("it is ours");
            let server = NameServer::start(Answer::Code(REFUSED));
            Conditions::new(good.with(&[]), (unprivileged(), server))
        }));
    } else {
        print("SKIP fault_matrix: unreadable files: only root can drop its privileges");
    }
    cases.into_iter().flat_map(FaultCase::rows).collect()
}

fn unresolved(name: &str) -> FaultCase {
    let case = fault(name).options(by_name).status(NETWORK).message("the name api.b2.test cannot be resolved");
    case.hint("DNS").retried()
}

/// So that the name server is used.
fn remove_from_hosts() {
    etc("hosts", Some(b"127.0.0.1 localhost\n"));
}

fn files() -> Vec<FaultCase> {
    let resolv_conf = |name: &str, content: Option<&'static [u8]>| {
        unresolved(&format!("resolv.conf {name}")).conditions(move |_, good| {
            remove_from_hosts();
            etc("resolv.conf", content);
            Conditions::new(good.with(&[]), ())
        })
    };
    vec![
        resolv_conf("is missing", None),
        resolv_conf("is empty", Some(b"")),
        resolv_conf("is garbage", Some(b"\xff\xfe\0nameserver nowhere\nnameserver 300.1.2.3\n\x1b[0m")),
        resolv_conf("names a server that is down", Some(b"nameserver 127.0.0.1\n")),
        resolv_conf("names an unreachable server", Some(b"nameserver 203.0.113.53\n")),
        unresolved("resolv.conf is a directory").conditions(|_, good| {
            remove_from_hosts();
            etc_directory("resolv.conf");
            Conditions::new(good.with(&[]), ())
        }),
        unresolved("hosts and nsswitch.conf are missing").conditions(|_, good| {
            etc("hosts", None);
            etc("nsswitch.conf", None);
            Conditions::new(good.with(&[]), ())
        }),
        unresolved("nsswitch.conf excludes DNS").conditions(|_, good| {
            remove_from_hosts();
            etc("nsswitch.conf", Some(b"hosts: files\n"));
            Conditions::new(good.with(&[]), ())
        }),
    ]
}

/// Gives the resolver more time than an attempt of the library's.
fn slow_resolver() {
    etc("resolv.conf", Some(b"nameserver 127.0.0.1\noptions timeout:2 attempts:1\n"));
}

/// A name server that gets questions and does not answer them, before one that does; and the resolver's own defaults.
fn dead_first_server() -> Vec<FaultCase> {
    let case = fault("the first of two name servers is dead, all defaults").options(|fixture| {
        let options = by_name(fixture);
        options.set("max_attempts", None).expect("the default");
        options
    });
    let case = case.conditions(|_, good| {
        remove_from_hosts();
        etc("resolv.conf", Some(b"nameserver 127.0.0.2\nnameserver 127.0.0.1\n"));
        let dead = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 53)).expect("no other name server is here");
        let alive = NameServer::start(Answer::Addresses(vec![Ipv4Addr::LOCALHOST.into()]));
        Conditions::new(good.with(&[]), (dead, alive))
    });
    // The first look-up outlasts one attempt, and its answer serves the next.
    vec![case.ages(&[TokenAge::None]).requests(1).attempts(2).within(Duration::from_secs(30))]
}

/// A name server with this answer.
fn server(case: FaultCase, answer: Answer) -> FaultCase {
    case.conditions(move |_, good| {
        remove_from_hosts();
        slow_resolver();
        Conditions::new(good.with(&[]), NameServer::start(answer.clone()))
    })
}

fn servers() -> Vec<FaultCase> {
    let fails = |name: &str, answer| server(unresolved(&format!("the name server: {name}")), answer);
    let late = |name: &str| {
        let case = unresolved(&format!("the name server: {name}")).settings(&[("connect_timeout_ms", "400")]);
        case.status(TIMEOUT).message("within 400 ms (looking up the name)")
    };
    vec![
        fails("NXDOMAIN", Answer::Code(NXDOMAIN)),
        fails("SERVFAIL", Answer::Code(SERVFAIL)),
        fails("REFUSED", Answer::Code(REFUSED)),
        fails("no address", Answer::Addresses(Vec::new())),
        fails("truncated, and no TCP", Answer::Truncated),
        fails("the name is its own alias", Answer::OwnAlias),
        server(late("silence"), Answer::Nothing),
        server(late("garbage"), Answer::Garbage),
        late("a port that is not read").message("looking up the name").conditions(|_, good| {
            remove_from_hosts();
            slow_resolver();
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("no other name server is here");
            Conditions::new(good.with(&[]), socket)
        }),
    ]
}

fn addresses() -> Vec<FaultCase> {
    // Of more than eight addresses only the first eight are tried.
    let dead = |count| (1..=count).map(|number| IpAddr::from(Ipv4Addr::new(127, 0, 1, number)));
    let alive: IpAddr = LAST.parse().expect("an address");
    let all_dead = unresolved("20 addresses, all dead").message("; and to 5 other addresses)").hint("firewall");
    let works = |name: &str, addresses| server(fault(name).options(by_name), Answer::Addresses(addresses));
    vec![
        server(all_dead, Answer::Addresses(dead(20).collect())),
        // The resolver puts the nearest address first.
        works("7 dead addresses before one that works", dead(7).chain([alive]).collect())
            .fixture(|| listening_on(LAST))
            .options(|fixture| {
                hosts(&[LAST]);
                by_name_with_current_hosts(fixture)
            }),
        works(
            "20 dead addresses after one that works",
            [Ipv4Addr::LOCALHOST.into()].into_iter().chain(dead(20)).collect(),
        ),
        works("a name server with IPv6 addresses only", vec![Ipv6Addr::LOCALHOST.into()]),
        works("a name server instead of the hosts file", vec![Ipv4Addr::LOCALHOST.into()]),
    ]
}

/// A proxy whose name does not exist. The realm's name is resolved by the proxy.
fn proxies() -> Vec<FaultCase> {
    let unknown = |scheme: &'static str| {
        let case = unresolved(&format!("{scheme} to a proxy whose name does not exist"));
        let case = case.message("the name proxy.b2.test cannot be resolved").secrets(&super::proxies::SECRETS);
        case.conditions(move |_, good| {
            let url = format!("{scheme}://{}@proxy.b2.test:3128", super::proxies::LOGIN);
            Conditions::new(good.with(&[("proxy", &url)]), NameServer::start(Answer::Code(NXDOMAIN)))
        })
    };
    ["http", "https", "socks5"].map(unknown).into()
}

fn unknown_realm() -> Vec<FaultCase> {
    let case = unresolved("a realm whose name does not exist").conditions(|_, good| {
        let options = good.with(&[("realm", "https://nonexistent.invalid")]);
        Conditions::new(options, NameServer::start(Answer::Code(NXDOMAIN)))
    });
    // No token is cached for this realm.
    vec![case.message("nonexistent.invalid").ages(&[TokenAge::None])]
}
