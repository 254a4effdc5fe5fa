//! Connections: kept, many at once, refused.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use b2_sandbox::{Config, Fault, Sandbox, raise_open_file_limit};

use crate::client::{ID, KEY, PATIENCE, authorize, authorize_request, basic, connect, drain};

fn sandbox() -> Sandbox {
    Sandbox::start(Config::default()).expect("loopback has free ports")
}

/// Reads one answer off a connection that stays open.
fn read_one(stream: &mut BufReader<TcpStream>) -> u16 {
    let mut status = 0;
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("a head");
        if line == "\r\n" {
            break;
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().expect("a status");
        }
        if let Some(rest) = line.strip_prefix("Content-Length: ") {
            length = rest.trim().parse().expect("a length");
        }
    }
    stream.read_exact(&mut vec![0; length]).expect("a body");
    status
}

#[test]
fn a_connection_serves_more_than_one_request() {
    let sandbox = sandbox();
    let mut stream = BufReader::new(connect(sandbox.http()));
    for _ in 0..3 {
        let head = "GET /b2api/v4/b2_authorize_account HTTP/1.1\r\nHost: x\r\n";
        let request = format!("{head}{}\r\n", basic(ID, KEY));
        stream.get_mut().write_all(request.as_bytes()).expect("the sandbox reads");
        assert_eq!(read_one(&mut stream), 200);
    }
    let log = sandbox.log();
    assert_eq!(log.len(), 3);
    assert!(log.iter().all(|entry| entry.connection == log[0].connection));
}

#[test]
fn a_thousand_clients_are_served_at_once() {
    raise_open_file_limit();
    let sandbox = sandbox();
    sandbox.script(ID, [Fault::hold("all").forever()]);
    let start = Instant::now();
    let mut streams: Vec<TcpStream> = (0..1_000).map(|_| connect(sandbox.http())).collect();
    for stream in &mut streams {
        stream.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
    }
    assert!(sandbox.wait_until_held("all", 1_000, PATIENCE));
    sandbox.release("all");
    for stream in &mut streams {
        assert!(drain(stream).0.starts_with(b"HTTP/1.1 200"));
    }
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn refusals_are_refusals() {
    let sandbox = sandbox();
    let refused = |url: &str| {
        let host = url.strip_prefix("http://").expect("an http URL");
        TcpStream::connect(host).map(drop).map_err(|error| error.kind())
    };
    assert_eq!(refused(&sandbox.refused_url()), Err(ErrorKind::ConnectionRefused));
    assert_eq!(authorize(sandbox.http()).status, 200);
    sandbox.close_http_port();
    assert_eq!(refused(sandbox.http()), Err(ErrorKind::ConnectionRefused));
}

#[test]
fn stopping_waits_for_nobody() {
    let sandbox = sandbox();
    sandbox.script(ID, [Fault::silent(), Fault::hold("for ever")]);
    let mut silent = connect(sandbox.http());
    let mut held = connect(sandbox.http());
    silent.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
    assert!(sandbox.wait_until_asked(ID, 1, PATIENCE));
    held.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
    assert!(sandbox.wait_until_held("for ever", 1, PATIENCE));
    let ca = sandbox.ca_file().to_owned();
    let start = Instant::now();
    drop(sandbox);
    assert!(start.elapsed().as_secs() < 3);
    assert!(!ca.exists());
}
