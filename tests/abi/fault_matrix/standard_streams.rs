//! Whoever has closed the standard streams finds no connection in their place: what some code prints would go there.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{FromRawFd, RawFd};
use std::process::{Command, Stdio};
use std::time::Duration;

use b2_sandbox::Fault;
use serde_json::{Value, json};

use super::{Expect, Outcome, Row, subprocess, watch};
use crate::support::api::{self, Operation};
use crate::support::concurrent::wait_until;
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

const TASK: &str = "B2AUTH_TEST_STREAMS";
const STREAMS: [RawFd; 3] = [0, 1, 2];

pub fn rows() -> Vec<Row> {
    let row = |https: bool| Row {
        what: format!("the standard streams are closed · {}", if https { "https" } else { "http" }),
        expect: Expect { status: "B2_OK", hint: None, says: "", requests: 1, within: Duration::from_secs(10) },
        run: Box::new(move || run(https)),
    };
    [false, true].map(row).into()
}

/// The sandbox is here and not over there, where it would take their place first.
fn run(https: bool) -> Outcome {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("until it is seen")]);
    let realm = if https { fixture.sandbox.https() } else { fixture.sandbox.http() };
    let task = json!({"realm": realm, "ca_file": fixture.sandbox.ca_file()});
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command
        .args(["--exact", "fault_matrix::standard_streams::child", "--ignored", "--nocapture"])
        .env(TASK, task.to_string());
    subprocess::clean(&mut command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut outcome = None;
    for line in BufReader::new(child.stdout.take().expect("it was asked for")).lines().map_while(Result::ok) {
        if line == "SEEN" {
            assert!(fixture.sandbox.wait_until_held("until it is seen", 1, TEST_TIMEOUT));
            fixture.sandbox.release("until it is seen");
        } else if let Some(json) = line.strip_prefix("TOLD ") {
            outcome = Some(subprocess::outcome(&serde_json::from_str(json).expect("the child writes JSON")));
        }
    }
    assert!(child.wait().expect("it ends").success());
    outcome.expect("it tells something").after(fixture.requests())
}

/// The other side: a call without standard streams, while another thread looks where its connection is.
#[test]
#[ignore = "run by the others, in a process of its own"]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Value = serde_json::from_str(&task).expect("the parent writes JSON");
    let text = |name: &str| task[name].as_str().expect("a text");
    let port = text("realm").rsplit(':').next().and_then(|port| port.parse().ok()).expect("it has a port");
    let api = api::load();
    let options = api.options(&[("realm", text("realm")), ("ca_file", text("ca_file"))]);
    let copies = STREAMS.map(take_away);
    // SAFETY: the copy of the standard output is open, and is closed by nobody else.
    let mut parent = unsafe { File::from_raw_fd(copies[1]) };
    let mut places = Vec::new();
    let mut outcome = watch(&options, |options| {
        std::thread::scope(|scope| {
            let call = scope.spawn(|| api.call(Some(ID), Some(KEY), Operation::Authorize, Some(options)));
            wait_until("a connection", || (0..64).any(|fd| peer_port(fd) == Some(port)));
            places = (0..64).filter(|fd| peer_port(*fd) == Some(port)).collect();
            parent.write_all(b"\nSEEN\n").expect("the parent reads");
            call.join().expect("no panic")
        })
    });
    outcome.must(&format!("the connection is at {places:?}"), places.iter().all(|fd| !STREAMS.contains(fd)));
    parent.write_all(format!("\nTOLD {}\n", subprocess::json("", &outcome)).as_bytes()).expect("the parent reads");
    for (stream, copy) in STREAMS.into_iter().zip(copies) {
        // SAFETY: the copy is open, and nothing has come in the stream's place.
        assert_eq!(unsafe { libc::dup2(copy, stream) }, stream);
    }
}

/// Closes a stream, and keeps a copy far away.
fn take_away(stream: RawFd) -> RawFd {
    // SAFETY: fcntl and close take numbers; nobody prints until the stream is put back.
    unsafe {
        let copy = libc::fcntl(stream, libc::F_DUPFD_CLOEXEC, 100);
        assert!(copy >= 100);
        libc::close(stream);
        copy
    }
}

/// The port at the other end of a socket that is connected over IPv4.
fn peer_port(fd: RawFd) -> Option<u16> {
    // SAFETY: a sockaddr_in is plain numbers, for which zero is a value; getpeername writes `length` bytes at most.
    unsafe {
        let mut address = std::mem::zeroed::<libc::sockaddr_in>();
        let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        let status = libc::getpeername(fd, (&raw mut address).cast(), &raw mut length);
        (status == 0).then(|| u16::from_be(address.sin_port))
    }
}
