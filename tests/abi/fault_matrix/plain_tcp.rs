//! Servers over plain TCP that behave as no HTTP server would: they read slowly, send too early, or send TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::fake_server::{Serve, finish, read_request};
use super::fault::{FaultCase, fault};
use super::{NETWORK, PROTOCOL, Row, TIMEOUT};

pub fn rows() -> Vec<Row> {
    cases().into_iter().flat_map(FaultCase::rows).collect()
}

fn cases() -> Vec<FaultCase> {
    let late = |name: &str, serve, message| {
        let case = fault(name).http_server(serve).status(TIMEOUT).message(message).hint("total_timeout_ms");
        case.settings(&[("total_timeout_ms", "4000")])
    };
    let not_http = |name: &str, serve| {
        fault(name).http_server(serve).status(PROTOCOL).message("does not speak HTTP").hint("realm")
    };
    let incomplete = |name: &str, bytes| {
        let case = fault(name).http_server(send_after_request(bytes)).status(NETWORK).hint("VPN");
        case.message("before its response was complete").retried()
    };
    let first = "waiting for the first byte";
    let rejection = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let alert = [0x15, 3, 3, 0, 2, 2, 10];
    vec![
        late("the request is read at one byte a second", Arc::new(read_slowly), first),
        late("the request is not read", Arc::new(|_| thread::sleep(Duration::from_secs(60))), first),
        late("the response is sent at one byte a second", Arc::new(write_slowly), "reading the response"),
        not_http("a 401 before the request", send_at_once(rejection))
            .status("B2_BAD_CREDENTIALS")
            .message("not by B2 (HTTP 401)")
            .not_from_b2(),
        not_http("a greeting before the request", send_at_once(b"220 mail.example\r\n")),
        not_http("TLS on the port for http", send_after_request(&alert)).message("speaks TLS").hint("https://"),
        not_http("zeros", send_after_request(&[0; 100])),
        incomplete("nothing at all", b""),
        incomplete("one byte", b"H"),
        incomplete("only a 100", b"HTTP/1.1 100 Go\r\n\r\n").message("complete"),
    ]
}

fn send_at_once(bytes: &'static [u8]) -> Serve {
    Arc::new(move |stream| {
        let _ = stream.write_all(bytes);
        read_request(stream);
        finish(stream);
    })
}

fn send_after_request(bytes: &[u8]) -> Serve {
    let bytes = bytes.to_vec();
    Arc::new(move |stream| {
        read_request(stream);
        let _ = stream.write_all(&bytes);
        finish(stream);
    })
}

fn read_slowly(stream: &mut TcpStream) {
    while stream.read(&mut [0]).is_ok_and(|count| count > 0) {
        thread::sleep(Duration::from_secs(1));
    }
}

fn write_slowly(stream: &mut TcpStream) {
    read_request(stream);
    for byte in b"HTTP/1.1 200 OK\r\n" {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
}
