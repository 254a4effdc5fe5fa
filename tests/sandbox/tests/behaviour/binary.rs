//! The binary: its ready line, its options, its end.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{ID, KEY, PATIENCE, authorize_as, connect};

fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_b2-sandbox"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary has been built");
    let mut line = String::new();
    let out = child.stdout.take().expect("it is piped");
    BufReader::new(out).read_line(&mut line).expect("a ready line");
    (child, serde_json::from_str(&line).expect("one line of JSON"))
}

fn ends(mut child: Child) -> Option<i32> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status.code();
        }
        if Instant::now() > end {
            child.kill().expect("it is our child");
            panic!("it did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn terminate(child: &Child) {
    signal(child.id(), libc::SIGTERM);
}

fn signal(pid: u32, signal: libc::c_int) {
    // SAFETY: takes plain numbers, and each caller's process is one that it knows to run.
    unsafe { libc::kill(pid.cast_signed(), signal) };
}

/// A folder of its own for what a test's sandbox leaves behind, which is to be nothing.
fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the target folder can be written to");
    folder
}

fn entries(folder: &Path) -> Vec<OsString> {
    std::fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it can be read").file_name()).collect()
}

fn text<'a>(ready: &'a Value, name: &str) -> &'a str {
    ready[name].as_str().expect("the ready line has it")
}

#[test]
fn it_is_useful_without_arguments() {
    let (child, ready) = start(&[]);
    assert_eq!(ready["pid"], child.id());
    assert_eq!(ready["keys"][0], json!({"keyId": ID, "key": KEY, "label": "master"}));
    for key in ready["keys"].as_array().expect("a list") {
        let answer = authorize_as(text(&ready, "http"), 4, text(key, "keyId"), text(key, "key"));
        assert_eq!(answer.status, 200, "{key}");
    }
    for fault in
        ["unknown_ca", "expired", "not_yet_valid", "wrong_name", "client_certificate", "half_handshake", "reset"]
    {
        connect(text(&ready["tls"], fault));
    }
    let ca = text(&ready, "ca").to_owned();
    assert!(Path::new(&ca).exists());
    terminate(&child);
    assert_eq!(ends(child), Some(0));
    assert!(!Path::new(&ca).exists());
}

#[test]
fn keys_and_scripts_come_from_files() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let keys = folder.join("keys.json");
    let script = folder.join("script.json");
    std::fs::write(&keys, r#"[{"keyId":"a","key":"b","accountId":"abcdefabcdef"}]"#)
        .expect("the target folder can be written to");
    std::fs::write(&script, r#"[{"keyId":"*","faults":[{"status":503}]}]"#)
        .expect("the target folder can be written to");
    let keys = format!("--keys={}", keys.display());
    let script = script.to_str().expect("an ordinary path");
    let (child, ready) = start(&[&keys, "--script", script, "--key", "c:d:e"]);
    assert_eq!(ready["keys"].as_array().map(Vec::len), Some(2));
    let url = text(&ready, "http");
    assert_eq!(authorize_as(url, 4, "a", "b").status, 503);
    assert_eq!(authorize_as(url, 4, "a", "b").json()["accountId"], "abcdefabcdef");
    assert_eq!(authorize_as(url, 4, "c", "d:e").status, 200);
    terminate(&child);
    assert_eq!(ends(child), Some(0));
}

#[test]
fn it_ends_with_its_input_only_if_told_so() {
    let (mut child, _) = start(&["--until-eof"]);
    drop(child.stdin.take());
    assert_eq!(ends(child), Some(0));

    let (mut child, ready) = start(&[]);
    drop(child.stdin.take());
    assert_eq!(authorize_as(text(&ready, "http"), 4, ID, KEY).status, 200);
    terminate(&child);
    assert_eq!(ends(child), Some(0));
}

#[test]
fn it_ends_with_its_parent() {
    let script = format!("'{}' & read -r line", env!("CARGO_BIN_EXE_b2-sandbox"));
    let mut shell = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let mut lines = BufReader::new(shell.stdout.take().expect("it is piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a ready line");
    let mut input = shell.stdin.take().expect("it is piped");
    input.write_all(b"\n").expect("the shell reads");
    assert_eq!(ends(shell), Some(0));
    // The pipe ends when the last who holds it is gone.
    assert_eq!(lines.read_line(&mut line).ok(), Some(0));
}

#[test]
fn with_stay_it_stays_when_its_parent_has_ended() {
    let folder = empty_folder("stay");
    let ready = folder.join("ready.json");
    // Its standard output is closed, so that the shell's pipe ends with the shell.
    let script =
        format!("'{}' --stay --ready-file '{}' >/dev/null &", env!("CARGO_BIN_EXE_b2-sandbox"), ready.display());
    let status = Command::new("sh").args(["-c", &script]).status().expect("there is a shell");
    assert!(status.success());
    let end = Instant::now() + PATIENCE;
    let ready: Value = loop {
        // Whole or not there at all.
        if let Ok(text) = std::fs::read(&ready) {
            break serde_json::from_slice(&text).expect("one line of JSON");
        }
        assert!(Instant::now() < end, "there is no ready file");
        std::thread::sleep(Duration::from_millis(10));
    };
    // Long after it would have noticed.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(authorize_as(text(&ready, "http"), 4, ID, KEY).status, 200);
    signal(u32::try_from(ready["pid"].as_u64().expect("a number")).expect("a process ID"), libc::SIGTERM);
    while !entries(&folder).is_empty() {
        assert!(Instant::now() < end, "the ready file is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn no_signal_leaves_a_file_behind() {
    let folder = empty_folder("signals");
    let signals =
        [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGALRM, libc::SIGUSR1, libc::SIGXCPU];
    let path = |name: &str| folder.join(name).to_str().expect("an ordinary path").to_owned();
    for (number, own_file) in signals.into_iter().zip([true, false].into_iter().cycle()) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_b2-sandbox"));
        command.env("TMPDIR", &folder).args(["--ready-file", &path("ready.json")]).stdout(Stdio::piped());
        if own_file {
            command.args(["--ca-file", &path("ca.pem")]);
        }
        let mut child = command.spawn().expect("the binary has been built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a ready line");
        assert_eq!(std::fs::read_to_string(path("ready.json")).ok().as_ref(), Some(&line));
        let ready: Value = serde_json::from_str(&line).expect("one line of JSON");
        assert_eq!(text(&ready, "ca") == path("ca.pem"), own_file, "{ready}");
        let ca = std::fs::read_to_string(text(&ready, "ca")).expect("the certificate to trust");
        assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"), "{ca}");
        signal(child.id(), number);
        assert_eq!(ends(child), Some(0), "signal {number}");
        assert_eq!(entries(&folder), Vec::<OsString>::new(), "signal {number}");
    }
}

/// What it says on standard error, and its exit status.
fn refuses(arguments: &[&str]) -> (String, Option<i32>) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_b2-sandbox")).args(arguments).output().expect("the binary has been built");
    (String::from_utf8(output.stderr).expect("UTF-8"), output.status.code())
}

#[test]
fn what_is_wrong_is_one_line() {
    let (child, ready) = start(&[]);
    let port = text(&ready, "http").rsplit(':').next().expect("it has a port");
    let in_use = format!("can't listen on 127.0.0.1:{port}: Address already in use");
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--prot=1"], 2, "--prot is not an option; see b2-sandbox --help"),
        (&["--http-port", "http"], 2, "--http-port can't be 'http'"),
        (&["--keys"], 2, "--keys needs a value"),
        (&["--keys", "/dev/null/keys"], 2, "/dev/null/keys: "),
        (&["--ca-file", "/dev/null/ca.pem"], 1, "can't write /dev/null/ca.pem: "),
        (&["--http-port", port], 1, &in_use),
    ];
    for (arguments, status, said) in cases {
        let (error, ended) = refuses(arguments);
        assert!(error.starts_with("b2-sandbox: ") && error.contains(said), "{arguments:?}: {error}");
        assert_eq!((error.lines().count(), ended), (1, Some(status)), "{arguments:?}: {error}");
    }
    terminate(&child);
    assert_eq!(ends(child), Some(0));
}
