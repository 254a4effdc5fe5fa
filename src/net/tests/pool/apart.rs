//! Connections of one batch to different places, or with different trust; and what pooled one in TLS saves.

use std::io::Write;
use std::thread;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};

use super::super::super::endpoint::Endpoint;
use super::super::super::testing::authority::Authority;
use super::super::super::testing::{Ask, head};
use super::{Host, OK, each, go, pooled};
use crate::model::proxy::Proxy;

#[test]
fn a_connection_is_reused_for_an_equal_endpoint_only() {
    let route = |host: &str, port, ca_file: Option<&str>, proxy: &str| {
        let proxy = match Proxy::parse(proxy) {
            Ok(Proxy::Through(url)) => Some(url),
            _ => None,
        };
        let (host, ca_file, user_agent) = (host.to_owned(), ca_file.map(Into::into), String::new());
        Endpoint { host, port, is_https: false, ca_file, proxy, user_agent }
    };
    let plain = route("a", 1, None, "none");
    let by_proxy = route("a", 1, None, "http://u:p@h");
    assert!(plain.can_share(&route("a", 1, None, "none")) && by_proxy.can_share(&route("a", 1, None, "http://u:p@h")));
    for other in [route("b", 1, None, "none"), route("a", 2, None, "none"), route("a", 1, Some("f"), "none")] {
        assert!(!plain.can_share(&other) && !other.can_share(&plain));
    }
    for proxy in ["none", "http://u:q@h", "http://u:p@i", "http://u:p@h:81", "https://u:p@h", "http://h"] {
        assert!(!by_proxy.can_share(&route("a", 1, None, proxy)), "{proxy}");
    }

    let (host, pooled) = (Host::always(OK), pooled());
    for name in ["127.0.0.1", "localhost"] {
        go(&Ask::to(&format!("http://{name}:{}", host.port)), &pooled).expect("an answer");
    }
    // Never more of them idle than there were at once.
    assert_eq!((host.accepted(), pooled.pool.idle()), (2, 1));
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
        let pooled = pooled();
        for (file, accepted) in [(&authority.file, 1), (&authority.file, 1), (&copy, 2), (&copy, 2)] {
            ask.ca_file = Some(file);
            assert_eq!(go(&ask, &pooled).expect("an answer").body.as_slice(), b"{}");
            assert_eq!((host.accepted(), pooled.pool.idle()), (accepted, 1));
        }
    }
}

/// Reading them takes a thread and most of what a request of a batch costs.
#[test]
fn in_tls_a_kept_connection_needs_no_certificates() {
    let authority = Authority::new();
    let server = authority.server(&["127.0.0.1"], |_| {});
    let host = Host::new(move |_, stream| each(server.over(stream), OK));
    let mut ask = Ask::to(&format!("https://127.0.0.1:{}", host.port));
    ask.ca_file = Some(&authority.file);
    let pooled = pooled();
    go(&ask, &pooled).expect("an answer");
    std::fs::remove_file(&authority.file).expect("it is ours");
    go(&ask, &pooled).expect("an answer");
    assert_eq!((host.accepted(), pooled.pool.idle()), (1, 1));
}

#[test]
fn in_tls_a_connection_that_was_closed_meanwhile_is_replaced() {
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
        let pooled = pooled();
        for accepted in 1..3 {
            assert_eq!(go(&ask, &pooled).expect("an answer").body.as_slice(), b"{}");
            assert_eq!(host.accepted(), accepted);
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_tunnel_is_reused_with_its_connection() {
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
    let pooled = pooled();
    for _ in 0..3 {
        go(&ask, &pooled).expect("an answer");
    }
    assert_eq!((host.accepted(), pooled.pool.idle()), (1, 1));
}
