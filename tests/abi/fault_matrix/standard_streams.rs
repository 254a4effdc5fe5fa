//! A process without standard streams: no connection takes their descriptors, since some code would print into it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{FromRawFd, RawFd};
use std::process::Stdio;

use b2_sandbox::Fault;
use serde_json::json;

use super::Row;
use super::fault::fault;
use super::recorded::{Outcome, record};
use crate::support::api::{self, Operation};
use crate::support::concurrent::wait_until;
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};
use crate::support::subprocess;

const STREAMS: [RawFd; 3] = [0, 1, 2];
const CONNECTED: &str = "connected";

pub fn rows() -> Vec<Row> {
    let case = fault("the standard streams are closed");
    [(false, " · http"), (true, " · https")].map(|(https, suffix)| case.row(suffix, move || run(https))).into()
}

/// The sandbox runs here, since its sockets would take the free descriptors there.
fn run(https: bool) -> Outcome {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let realm = if https { fixture.sandbox.https() } else { fixture.sandbox.http() };
    let task = json!({"realm": realm, "ca_file": fixture.sandbox.ca_file()});
    let mut command = subprocess::command("fault_matrix::standard_streams::child", &task);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut outcome = None;
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok) {
        match subprocess::parse_report(&line) {
            Some(report) if report == CONNECTED => {
                assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
                fixture.sandbox.release("latch");
            }
            Some(report) => outcome = Some(serde_json::from_value(report).expect("the child writes an outcome")),
            None => {}
        }
    }
    assert!(child.wait().expect("it ends").success());
    let mut outcome: Outcome = outcome.expect("it reports an outcome");
    outcome.requests = fixture.requests();
    outcome
}

/// In the subprocess: makes a call without standard streams, while another thread looks for its connection.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(task) = subprocess::task() else { return };
    let text = |name: &str| task[name].as_str().expect("a text");
    let port = text("realm").rsplit(':').next().and_then(|port| port.parse().ok()).expect("it has a port");
    let api = api::load();
    let options = api.options(&[("realm", text("realm")), ("ca_file", text("ca_file"))]);
    let copies = STREAMS.map(move_away);
    // SAFETY: the copy of the standard output is open, and is closed by nothing else.
    let mut parent = unsafe { File::from_raw_fd(copies[1]) };
    let mut send = |report: &_| {
        parent.write_all(subprocess::report(report).as_bytes()).expect("the parent reads");
    };
    let mut connections = Vec::new();
    let mut outcome = record(&options, |options| {
        std::thread::scope(|scope| {
            let call = scope.spawn(|| api.call(Some(ID), Some(KEY), Operation::Authorize, Some(options)));
            let connected = || (0..64).filter(|fd| peer_port(*fd) == Some(port)).collect::<Vec<_>>();
            wait_until("the connection", || !connected().is_empty());
            connections = connected();
            send(&CONNECTED.into());
            call.join().expect("no panic")
        })
    });
    let elsewhere = connections.iter().all(|fd| !STREAMS.contains(fd));
    outcome.check(&format!("the connection has descriptor {connections:?}"), elsewhere);
    send(&json!(outcome));
    for (stream, copy) in STREAMS.into_iter().zip(copies) {
        // SAFETY: the copy is open, and nothing has taken the stream's descriptor.
        assert_eq!(unsafe { libc::dup2(copy, stream) }, stream);
    }
}

/// Closes a stream, and keeps a copy at a high descriptor.
fn move_away(stream: RawFd) -> RawFd {
    // SAFETY: fcntl and close take numbers; nothing is printed until the stream is restored.
    unsafe {
        let copy = libc::fcntl(stream, libc::F_DUPFD_CLOEXEC, 100);
        assert!(copy >= 100);
        libc::close(stream);
        copy
    }
}

/// The port of the other end of a socket that is connected over IPv4.
fn peer_port(fd: RawFd) -> Option<u16> {
    // SAFETY: a sockaddr_in is plain numbers, for which zero is a value; getpeername writes `length` bytes at most.
    unsafe {
        let mut address = std::mem::zeroed::<libc::sockaddr_in>();
        let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        let status = libc::getpeername(fd, (&raw mut address).cast(), &raw mut length);
        (status == 0).then(|| u16::from_be(address.sin_port))
    }
}
