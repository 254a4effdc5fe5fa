//! Rows that need a process of their own, or a network and an `/etc` of their own: this program, run once more for all
//! rows of one place, one after the other.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::recorded::{Answer, Outcome};
use super::{Row, words_of};
use crate::support::fixture::TEST_TIMEOUT;

const PLACE: &str = "B2AUTH_TEST_PLACE";
/// Stands in an `/etc` that is a place's own.
pub const OURS: &str = "/etc/ours-to-change";

/// Where some rows run.
pub struct Place {
    pub name: &'static str,
    /// Makes the rows, here for what they expect and over there to be run.
    pub rows: fn() -> Vec<Row>,
    /// With nothing but loopback for a network, and an empty `/etc`.
    pub walled: bool,
}

/// What the other process has told so far.
struct Told {
    pid: libc::pid_t,
    heard: Mutex<Heard>,
    news: Condvar,
}

#[derive(Default)]
struct Heard {
    rows: HashMap<String, Value>,
    /// How it ended, once it has.
    end: Option<String>,
}

/// The rows of these places, which have begun to run when this returns.
pub fn rows(places: &[&'static Place]) -> Vec<Row> {
    let walls = walls();
    let mut all = Vec::new();
    for place in places {
        let rows = (place.rows)();
        if place.walled && walls.is_none() {
            say(&format!("SKIP night: {} rows of {}: no private namespaces here", rows.len(), place.name));
            continue;
        }
        let told = ask(place, walls);
        all.extend(rows.into_iter().map(|Row { what, expect, .. }| {
            let (told, name) = (Arc::clone(&told), what.clone());
            Row { what, expect, run: Box::new(move || told.of(&name)) }
        }));
    }
    all
}

/// Past libtest, which keeps to itself what a test prints that does not fail.
pub fn say(line: &str) {
    let _ = std::io::stdout().write_all(format!("\n{line}\n").as_bytes());
}

/// The flags with which `unshare` makes a network and mounts of their own, if there is a way.
fn walls() -> Option<&'static str> {
    let may = |flags: &&str| {
        let script = "PATH=$PATH:/usr/sbin:/sbin; mount -t tmpfs tmpfs /etc && ip link set lo up";
        let mut command = Command::new("unshare");
        let command = command.args([*flags, "sh", "-c", script]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ["-mn", "-rmn"].into_iter().find(may)
}

fn ask(place: &'static Place, walls: Option<&str>) -> Arc<Told> {
    let exe = std::env::current_exe().expect("this program has a path");
    let mut command = match walls.filter(|_| place.walled) {
        None => Command::new(exe),
        Some(flags) => {
            let script = "PATH=$PATH:/usr/sbin:/sbin; export PATH
                mount -t tmpfs tmpfs /etc && : >\"$0\" && ip link set lo up && exec \"$@\"";
            let mut command = Command::new("unshare");
            command.args([flags, "sh", "-c", script, OURS]).arg(exe);
            command
        }
    };
    command.args(["--exact", "fault_matrix::subprocess::child", "--ignored", "--nocapture"]).env(PLACE, place.name);
    clean(&mut command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it runs");
    let pid = child.id().try_into().expect("a number of a process");
    let told = Arc::new(Told { pid, heard: Mutex::default(), news: Condvar::new() });
    let (heard, output) = (Arc::clone(&told), child.stdout.take().expect("it was asked for"));
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(json) = line.strip_prefix("TOLD ") {
                heard.hear(serde_json::from_str(json).expect("the child writes JSON"));
            }
        }
        let end = child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        heard.close(end);
    });
    told
}

/// Has it find nothing in its environment.
pub fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let known = name.to_string_lossy().to_ascii_uppercase();
        if known.starts_with("B2_") || known.starts_with("SSL_CERT_") || known.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    // Nobody's own database is looked into.
    command.env("HOME", "/nonexistent").env_remove("XDG_CONFIG_HOME");
}

impl Told {
    fn hear(&self, row: Value) {
        let what = row["what"].as_str().expect("a name").to_owned();
        self.heard.lock().expect("nobody panics here").rows.insert(what, row);
        self.news.notify_all();
    }

    fn close(&self, end: String) {
        self.heard.lock().expect("nobody panics here").end.get_or_insert(end);
        self.news.notify_all();
    }

    /// Waits for what came of that row, for as long as the process goes on telling.
    fn of(&self, what: &str) -> Outcome {
        let mut heard = self.heard.lock().expect("nobody panics here");
        let row = loop {
            match (heard.rows.remove(what), &heard.end) {
                (Some(row), _) => break Ok(row),
                (None, Some(end)) => break Err(end.clone()),
                (None, None) => {}
            }
            let told = heard.rows.len();
            let (now, late) = self.news.wait_timeout(heard, 2 * TEST_TIMEOUT).expect("nobody panics here");
            heard = now;
            if late.timed_out() && heard.rows.len() == told {
                // SAFETY: the process has not ended, so the number is still its own.
                unsafe { libc::kill(self.pid, libc::SIGKILL) };
                heard.end.get_or_insert_with(|| "it hung".to_owned());
            }
        };
        // Not with the lock held, which a panic would spoil for the other rows.
        drop(heard);
        row.map_or_else(|end| panic!("its process told nothing of it: {end}"), |row| outcome(&row))
    }
}

/// The other side: all rows of the place that it is told.
#[test]
#[ignore = "run by the others, in a process of its own"]
fn child() {
    let Ok(name) = std::env::var(PLACE) else { return };
    let place = super::PLACES.iter().find(|place| place.name == name).expect("a place");
    for Row { what, run, .. } in (place.rows)() {
        let told = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(outcome) => json(&what, &outcome),
            Err(panic) => json!({"what": what, "panic": words_of(panic.as_ref())}),
        };
        println!("\nTOLD {told}");
    }
}

/// For another process to read.
pub fn json(what: &str, outcome: &Outcome) -> Value {
    let Outcome { answer, requests, took, said, key_id, tokens, wrong } = outcome;
    let took = u64::try_from(took.as_micros()).expect("not that long");
    json!({
        "what": what, "answer": answer.to_json(), "requests": requests, "took": took, "said": said, "keyId": key_id,
        "tokens": tokens, "wrong": wrong,
    })
}

/// What another process has told.
pub fn outcome(row: &Value) -> Outcome {
    if let Some(words) = row["panic"].as_str() {
        panic!("{words}");
    }
    let texts = |name: &str| -> Vec<String> {
        let all = row[name].as_array().expect("a list").iter();
        all.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let number = |name: &str| row[name].as_u64().expect("a number");
    Outcome {
        answer: Answer::from_json(&row["answer"]),
        requests: usize::try_from(number("requests")).expect("not that many"),
        took: Duration::from_micros(number("took")),
        said: texts("said"),
        key_id: row["keyId"].as_str().expect("a text").to_owned(),
        tokens: texts("tokens"),
        wrong: texts("wrong"),
    }
}
