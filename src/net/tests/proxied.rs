//! Proxies of a few lines, which answer for the realm as well: its name exists nowhere else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::super::HttpTransport;
use super::super::testing::authority::{Authority, Server};
use super::super::testing::{Ask, Real, head, once};
use crate::model::proxy::Proxy;
use crate::ports::limits::Limits;
use crate::ports::transport::FailureKind;

const REALM: &str = "https://b2.nowhere.example";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn through<'a>(authority: &'a Authority, url: &str) -> Ask<'a> {
    let mut ask = Ask::to(REALM);
    ask.proxy = Proxy::parse(url).expect("a proxy");
    ask.ca_file = Some(&authority.file);
    ask
}

fn be_the_realm<S: Read + Write>(server: &Server, stream: S) {
    let mut stream = server.over(stream);
    assert!(head(&mut stream).contains("\r\nhost: b2.nowhere.example\r\n"));
    let _ = stream.write_all(OK).and_then(|()| stream.flush());
    let _ = stream.sock.read_to_end(&mut Vec::new());
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).expect("the client goes on");
    bytes
}

#[test]
fn an_http_proxy_is_asked_for_a_tunnel() {
    let authority = Authority::new();
    for (login, header) in [("", ""), ("us%65r:hush@", "Proxy-Authorization: Basic dXNlcjpodXNo\r\n")] {
        let realm = authority.server(&["b2.nowhere.example"], |_| {});
        let (port, request) = once(move |mut stream| {
            let request = head(&mut stream);
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").expect("a client");
            be_the_realm(&realm, stream);
            request
        });
        let ask = through(&authority, &format!("http://{login}localhost:{port}"));
        assert_eq!(ask.go().expect("an answer").body.as_slice(), b"{}");
        let golden = format!(
            "CONNECT b2.nowhere.example:443 HTTP/1.1\r\nHost: b2.nowhere.example:443\r\nUser-Agent: b2auth/test\r\n{header}\r\n"
        );
        assert_eq!(request.recv().expect("a request"), golden);
    }
}

#[test]
fn an_https_proxy_has_tls_of_its_own() {
    let authority = Authority::new();
    let proxy = authority.server(&["localhost"], |_| {});
    let realm = authority.server(&["b2.nowhere.example"], |_| {});
    let (port, request) = once(move |stream| {
        let mut stream = proxy.over(stream);
        let request = head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("a client");
        be_the_realm(&realm, stream);
        request
    });
    let ask = through(&authority, &format!("https://localhost:{port}"));
    assert_eq!(ask.go().expect("an answer").body.as_slice(), b"{}");
    assert!(request.recv().expect("a request").starts_with("CONNECT b2.nowhere.example:443 "));
}

#[test]
fn an_http_proxy_that_refuses_is_named() {
    let authority = Authority::new();
    for (answer, kind, part) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", FailureKind::ProxyDenied, "a user and a password"),
        ("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n", FailureKind::ProxyDenied, "by ntlm; only Basic"),
        ("HTTP/1.0 401 Unauthorized\r\n\r\n", FailureKind::ProxyDenied, "or did not accept those it was given (401)"),
        ("HTTP/1.0 403 Forbidden\r\nContent-Length: 1\r\n\r\nx", FailureKind::ProxyDenied, "it returned 403"),
        ("HTTP/1.0 429 Too Many Requests\r\n\r\n", FailureKind::Network, "it returned 429"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", FailureKind::Network, "b2.nowhere.example:443: it returned 502"),
        ("", FailureKind::Network, "closed the connection"),
        ("HTTP/1.1 200 OK\r\n", FailureKind::Network, "closed the connection"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", FailureKind::Protocol, "does not behave as a proxy"),
        ("HTTP/1.1 ", FailureKind::Network, "closed the connection"),
    ] {
        let (port, _) = once(move |mut stream| {
            head(&mut stream);
            stream.write_all(answer.as_bytes())
        });
        let failure = through(&authority, &format!("http://user:hush@127.0.0.1:{port}")).fails();
        assert_eq!(failure.kind, kind, "{}", failure.message);
        assert!(failure.message.contains(part), "{}", failure.message);
        assert!(failure.message.contains(&format!("127.0.0.1:{port}")), "{}", failure.message);
    }
}

#[test]
fn a_proxy_that_times_out_is_named() {
    let authority = Authority::new();
    for (scheme, part) in
        [("http", "that it runs"), ("socks5", "that it runs"), ("https", "begin the proxy's URL with http://")]
    {
        let (port, _) = once(|mut stream| stream.read_to_end(&mut Vec::new()));
        let mut ask = through(&authority, &format!("{scheme}://127.0.0.1:{port}"));
        ask.connect_timeout = Duration::from_millis(50);
        let failure = ask.fails();
        assert_eq!(failure.kind, FailureKind::Timeout, "{}", failure.message);
        let said = format!("no connection to b2.nowhere.example through the proxy 127.0.0.1:{port} within 50 ms");
        assert!(failure.message.starts_with(&said), "{}", failure.message);
        assert!(failure.hint.as_ref().is_some_and(|hint| hint.contains(part)), "{:?}", failure.hint);
    }
}

#[test]
fn https_to_a_plain_proxy_is_explained() {
    let authority = Authority::new();
    for (answer, kind, part) in [
        (
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            FailureKind::Tls,
            "does not speak TLS on this port, but plain HTTP: \"HTTP/1.1 400 Bad Request\"",
        ),
        ("", FailureKind::Network, "closed the connection in the TLS handshake"),
    ] {
        let (port, _) = once(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(answer.as_bytes())
        });
        let failure = through(&authority, &format!("https://127.0.0.1:{port}")).fails();
        assert_eq!((failure.kind, failure.message), (kind, format!("the proxy 127.0.0.1:{port} {part}")));
        assert!(failure.hint.is_some_and(|hint| hint.starts_with("begin the proxy's URL with http://")));
    }
}

#[test]
fn a_socks_proxy_looks_the_name_up() {
    let authority = Authority::new();
    for scheme in ["socks5", "socks5h"] {
        let realm = authority.server(&["b2.nowhere.example"], |_| {});
        let (port, done) = once(move |mut stream| {
            assert_eq!(read(&mut stream), [5, 1, 0]);
            stream.write_all(&[5, 0]).expect("a client");
            assert_eq!(read(&mut stream), [5, 1, 0, 3, 18]);
            assert_eq!(&read::<18>(&mut stream), b"b2.nowhere.example");
            assert_eq!(read(&mut stream), 443_u16.to_be_bytes());
            stream.write_all(&[5, 0, 0, 3, 2, b'm', b'e', 0, 80]).expect("a client");
            be_the_realm(&realm, stream);
        });
        let ask = through(&authority, &format!("{scheme}://127.0.0.1:{port}"));
        assert_eq!(ask.go().expect("an answer").body.as_slice(), b"{}");
        done.recv().expect("nothing was asserted in vain");
    }
}

#[test]
fn a_socks_proxy_is_given_user_and_password() {
    let authority = Authority::new();
    for status in [0, 1] {
        let realm = authority.server(&["b2.nowhere.example"], |_| {});
        let (port, done) = once(move |mut stream| {
            assert_eq!(read(&mut stream), [5, 2, 0, 2]);
            stream.write_all(&[5, 2]).expect("a client");
            assert_eq!(&read::<11>(&mut stream), b"\x01\x04user\x04hush");
            stream.write_all(&[1, status]).expect("a client");
            if status == 0 {
                read::<25>(&mut stream);
                stream.write_all(&[5, 0, 0, 1, 1, 2, 3, 4, 0, 80]).expect("a client");
                be_the_realm(&realm, stream);
            }
        });
        let ask = through(&authority, &format!("socks5://user:hush@127.0.0.1:{port}"));
        if status == 0 {
            assert_eq!(ask.go().expect("an answer").body.as_slice(), b"{}");
        } else {
            let failure = ask.fails();
            assert_eq!(failure.kind, FailureKind::ProxyDenied);
            assert!(failure.message.contains("does not accept this user"), "{}", failure.message);
        }
        done.recv().expect("nothing was asserted in vain");
    }
}

#[test]
fn a_socks_proxy_that_refuses_is_named() {
    let authority = Authority::new();
    for (answer, kind, part) in [
        ([5, 0xff].as_slice(), FailureKind::ProxyDenied, "does not accept this user"),
        (&[5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0], FailureKind::ProxyDenied, "its rules forbid it"),
        (&[5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0], FailureKind::Network, "connection refused"),
        (&[5, 0, 5, 4, 0, 0], FailureKind::Network, "host unreachable"),
        (&[5, 0, 5, 0, 0, 9], FailureKind::Protocol, "does not behave as a proxy"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", FailureKind::Protocol, "does not behave as a proxy"),
        (&[], FailureKind::Network, "closed the connection"),
        (&[5, 0, 5, 0], FailureKind::Network, "closed the connection"),
    ] {
        let (port, _) = once(move |mut stream| {
            read::<3>(&mut stream);
            let _ = stream.write_all(answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let failure = through(&authority, &format!("socks5://127.0.0.1:{port}")).fails();
        assert_eq!(failure.kind, kind, "{}", failure.message);
        assert!(failure.message.contains(part), "{}", failure.message);
        assert!(failure.message.contains(&format!("127.0.0.1:{port}")), "{}", failure.message);
    }
}

#[test]
fn a_loopback_realm_bypasses_the_proxy() {
    let port = super::canned(OK);
    let mut ask = Ask::port(port);
    ask.proxy = Proxy::parse("http://127.0.0.1:1").expect("a proxy");
    assert_eq!(ask.go().expect("an answer").status, 200);
}

#[test]
fn the_target_of_a_tunnel_is_an_address_in_brackets_or_a_name_that_is_not_looked_up_here() {
    fn resolve(name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        panic!("{name} was looked up")
    }
    for (realm, target) in [
        ("https://[2001:db8::1]", "[2001:db8::1]:443"),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        ("https://b2.nowhere.example", "b2.nowhere.example:443"),
    ] {
        let (port, request) = once(|mut stream| {
            let request = head(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 403 No\r\n\r\n");
            request
        });
        let mut ask = Ask::to(realm);
        ask.proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).expect("a proxy");
        let limits = Limits::new(&Real, None).with_timeout(Duration::from_secs(30));
        let failure = ask.send_by(&HttpTransport { resolve }, &limits).map(|_| ()).expect_err("it refuses");
        assert_eq!(failure.kind, FailureKind::ProxyDenied, "{}", failure.message);
        let request = request.recv().expect("a request");
        assert!(request.starts_with(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n")), "{request}");
    }
}
