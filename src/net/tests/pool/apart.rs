//! Connections of one batch to different places, or with different trust; and what keeping one in TLS saves.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use rustls::version::{TLS12, TLS13};

use super::super::super::Wire;
use super::super::super::dns;
use super::super::super::endpoint::Route;
use super::super::super::testing::authority::Authority;
use super::super::super::testing::{Ask, head};
use super::{Host, OK, each, go, keeping};
use crate::model::proxy::Proxy;
use crate::ports::transport::Transport;

#[test]
fn a_connection_is_for_one_way_only() {
    let route = |host: &str, port, ca_file: Option<&str>, proxy: &str| {
        let proxy = match Proxy::parse(proxy) {
            Ok(Proxy::Through(url)) => Some(url),
            _ => None,
        };
        let (host, ca_file, user_agent) = (host.to_owned(), ca_file.map(Into::into), String::new());
        Route { host, port, trust: None, ca_file, proxy, user_agent, resolve: dns::system }
    };
    let plain = route("a", 1, None, "none");
    let by_proxy = route("a", 1, None, "http://u:p@h");
    assert!(plain.leads_as(&route("a", 1, None, "none")) && by_proxy.leads_as(&route("a", 1, None, "http://u:p@h")));
    for other in [route("b", 1, None, "none"), route("a", 2, None, "none"), route("a", 1, Some("f"), "none")] {
        assert!(!plain.leads_as(&other) && !other.leads_as(&plain));
    }
    for proxy in ["none", "http://u:q@h", "http://u:p@i", "http://u:p@h:81", "https://u:p@h", "http://h"] {
        assert!(!by_proxy.leads_as(&route("a", 1, None, proxy)), "{proxy}");
    }

    let (host, keeping) = (Host::always(OK), keeping());
    for name in ["127.0.0.1", "localhost"] {
        go(&Ask::to(&format!("http://{name}:{}", host.port)), &keeping).expect("an answer");
    }
    // Never more of them idle than there were at once.
    assert_eq!((host.accepted(), keeping.pool.idle()), (2, 1));
}

/// Also one that trusts the same by another name.
#[test]
fn in_tls_only_the_same_trust_shares_a_connection() {
    for version in [&TLS12, &TLS13] {
        let authority = Authority::new();
        let mut server = authority.server(&["127.0.0.1"], |_| {});
        server.versions = vec![version];
        let host = Host::new(move |_, stream| each(server.over(stream), OK));
        let copy = authority.file.with_extension("copy");
        std::fs::copy(&authority.file, &copy).expect("a writable folder");
        let mut ask = Ask::to(&format!("https://127.0.0.1:{}", host.port));
        let keeping = keeping();
        for (file, accepted) in [(&authority.file, 1), (&authority.file, 1), (&copy, 2), (&copy, 2)] {
            ask.ca_file = Some(file);
            assert_eq!(go(&ask, &keeping).expect("an answer").body.as_slice(), b"{}");
            assert_eq!((host.accepted(), keeping.pool.idle()), (accepted, 1));
        }
    }
}

#[test]
fn in_tls_a_connection_that_was_closed_meanwhile_is_made_anew() {
    for (late, farewell) in [(false, true), (false, false), (true, true), (true, false)] {
        let authority = Authority::new();
        let server = authority.server(&["127.0.0.1"], |_| {});
        let host = Host::new(move |_, stream| {
            let mut stream = server.over(stream);
            head(&mut stream);
            let _ = stream.write_all(OK).and_then(|()| stream.flush());
            if late {
                head(&mut stream);
            }
            if farewell {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        let mut ask = Ask::to(&format!("https://127.0.0.1:{}", host.port));
        ask.ca_file = Some(&authority.file);
        let keeping = keeping();
        for accepted in 1..3 {
            assert_eq!(go(&ask, &keeping).expect("an answer").body.as_slice(), b"{}");
            assert_eq!(host.accepted(), accepted);
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_tunnel_is_kept_with_what_runs_through_it() {
    let authority = Authority::new();
    let (proxy, realm) = (authority.server(&["localhost"], |_| {}), authority.server(&["b2.nowhere.example"], |_| {}));
    let host = Host::new(move |_, stream| {
        let mut stream = proxy.over(stream);
        head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 Yes\r\n\r\n").expect("a client");
        each(realm.over(stream), OK);
    });
    let mut ask = Ask::to("https://b2.nowhere.example");
    ask.proxy = Proxy::parse(&format!("https://localhost:{}", host.port)).expect("a proxy");
    ask.ca_file = Some(&authority.file);
    let keeping = keeping();
    for _ in 0..3 {
        go(&ask, &keeping).expect("an answer");
    }
    assert_eq!((host.accepted(), keeping.pool.idle()), (1, 1));
}

#[test]
fn a_kept_connection_saves_the_handshake() {
    const MANY: u32 = 50;
    let authority = Authority::new();
    let server = authority.server(&["127.0.0.1"], |_| {});
    let host = Host::new(move |_, stream| each(server.over(stream), OK));
    let mut ask = Ask::to(&format!("https://127.0.0.1:{}", host.port));
    ask.ca_file = Some(&authority.file);
    let each_takes = |way: &dyn Transport| {
        go(&ask, way).expect("an answer");
        let start = Instant::now();
        for _ in 0..MANY {
            go(&ask, way).expect("an answer");
        }
        start.elapsed() / MANY
    };
    let (new, kept) = (each_takes(&Wire::new()), each_takes(&*Wire::new().keeping()));
    println!("{new:?} on a new connection, {kept:?} on a kept one");
    assert_eq!(host.accepted(), 1 + MANY as usize + 1);
}
