//! The binary: its ready line, its options, its end.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
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
    let pid = child.id().cast_signed();
    // SAFETY: takes plain numbers, and the child has not been waited for yet.
    unsafe { libc::kill(pid, libc::SIGTERM) };
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
fn a_wrong_option_is_told() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_b2-sandbox")).arg("--prot=1").output().expect("the binary has been built");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--prot is not an option"));
}
