//! Calls in a process of their own, where limits, the environment and memory are theirs alone: this program again, which
//! runs the one test here that does nothing unless it is told what.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Outcome, watch};
use crate::support::api::{self, Operation};
use crate::support::fixture::KEY;

const TASK: &str = "B2AUTH_TEST_NIGHT";

/// What such a process is to do.
#[derive(Clone, Debug)]
pub struct Task {
    pub key_id: String,
    /// Of the options that every call here has.
    pub options: Vec<(String, String)>,
    /// Calls before the one that counts. They are made past the cache, and whatever comes of them is well.
    pub warm: usize,
}

/// Makes the task's call with the marked key, in a process that `prepare` may change. Its requests are for the row to
/// count. The other value is by how many KiB its memory grew at most.
pub fn apart(task: &Task, prepare: impl FnOnce(&mut Command)) -> (Outcome, u64) {
    let exe = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(exe);
    command.args(["--exact", "fault_matrix::isolated::child", "--ignored", "--nocapture"]).stderr(Stdio::inherit());
    let Task { key_id, options, warm } = task;
    command.env(TASK, json!({"keyId": key_id, "options": options, "warm": warm}).to_string());
    prepare(&mut command);
    let output = command.output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let line = said.lines().find_map(|line| line.strip_prefix("OUTCOME "));
    let told: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("no outcome: {said}"))).expect("JSON");
    let lines = told["said"].as_array().expect("a list").iter();
    let outcome = Outcome {
        answer: Answer::from_json(&told["answer"]),
        requests: 0,
        took: Duration::from_millis(told["tookMs"].as_u64().expect("a number")),
        said: lines.map(|line| line.as_str().expect("text").to_owned()).collect(),
        key_id: key_id.clone(),
        tokens: Vec::new(),
        wrong: Vec::new(),
    };
    (outcome, told["grownKib"].as_u64().expect("a number"))
}

/// The other side.
#[test]
#[ignore = "run by the others, in a process of its own"]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Value = serde_json::from_str(&task).expect("the parent writes JSON");
    let key_id = task["keyId"].as_str().expect("text");
    let api = api::load();
    let options = api.options(&[]);
    for pair in task["options"].as_array().expect("a list") {
        let name = pair[0].as_str().expect("a name");
        options.set(name, pair[1].as_str()).expect(name);
    }
    let past = options.with(&[("cache", "bypass")]);
    for _ in 0..task["warm"].as_u64().expect("a number") {
        drop(watch(&past, |options| api.call(Some(key_id), Some(KEY), Operation::Authorize, Some(options))));
    }
    let before = peak_from_now_on();
    let outcome = watch(&options, |options| api.call(Some(key_id), Some(KEY), Operation::Authorize, Some(options)));
    let grown = peak().saturating_sub(before);
    let took = u64::try_from(outcome.took.as_millis()).expect("a short time");
    let told = json!({"answer": outcome.answer.to_json(), "said": outcome.said, "tookMs": took, "grownKib": grown});
    println!("\nOUTCOME {told}");
}

/// Forgets the largest size of this process so far, and gives the one that it has now, in KiB.
fn peak_from_now_on() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux lets a process forget its own peak");
    peak()
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process may read of itself");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells the peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
