//! Many processes with one store in files: they start together, are killed, stopped and forked.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use b2_sandbox::Fault;
use serde_json::{Value, json};

use crate::support::concurrent::wait_until;
use crate::support::fixture::{Fixture, ID, TEST_TIMEOUT};
#[cfg(feature = "store-redis")]
use crate::support::redis::RedisServer;
use crate::support::store::{Machine, StoreDir, in_each_store};
use crate::support::subprocess;

const PROCESSES: usize = 64;
const WAITING: &str = "another process is asking";

/// A process that authorizes once. It makes a file in the folder `waiting` when it begins to wait for others.
#[test]
#[ignore = "run by another test"]
fn authorize() {
    let Some(task) = subprocess::task() else { return };
    let machine = Machine::in_subprocess(&task);
    let waiting = Path::new(task["waiting"].as_str().expect("a path")).join(std::process::id().to_string());
    machine.options.set_log(Some(Box::new(move |_, line| {
        if line.contains(WAITING) {
            fs::write(&waiting, "").expect("it can be made");
        }
    })));
    let session = machine.authorize().expect("granted");
    let counters = ["requests", "store_hits", "store_errors"].map(|name| machine.api.counter(name));
    print!("{}", subprocess::report(&json!({"token": session.token(), "counters": counters})));
}

/// Processes that were started, and are killed at the end if they are still there.
struct Processes<'a> {
    fixture: &'a Fixture,
    task: Value,
    waiting: StoreDir,
    children: Vec<Child>,
}

impl<'a> Processes<'a> {
    fn new(fixture: &'a Fixture, store: &str) -> Self {
        let waiting = StoreDir::new();
        fs::create_dir(&waiting.path).expect("a folder");
        let task = json!({"realm": fixture.sandbox.http(), "store": store, "waiting": waiting.path});
        Self { fixture, task, waiting, children: Vec::new() }
    }

    fn start(&mut self, count: usize) {
        for _ in 0..count {
            let mut command = subprocess::command("store_processes::authorize", &self.task);
            let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
            self.children.push(child);
        }
    }

    /// Starts one, whose request the sandbox holds, and others that wait for it.
    fn start_behind_a_leader(&mut self, others: usize) {
        self.fixture.sandbox.script(ID, [Fault::hold("latch")]);
        self.start(1);
        assert!(self.fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        self.start(others);
        wait_until("all others wait", || self.waiting.names().len() == others);
    }

    /// The first that was started.
    fn leader(&mut self) -> Child {
        self.children.remove(0)
    }

    /// What they report: their tokens, and the sum of each counter.
    fn results(&mut self) -> (Vec<String>, [u64; 3]) {
        let mut counters = [0; 3];
        let mut tokens = Vec::new();
        for mut child in self.children.drain(..) {
            let mut output = String::new();
            child.stdout.take().expect("piped").read_to_string(&mut output).expect("UTF-8");
            assert!(child.wait().expect("it ends").success(), "{output}");
            let report = output.lines().find_map(subprocess::parse_report).expect("a report");
            tokens.push(report["token"].as_str().expect("a token").to_owned());
            for (sum, one) in counters.iter_mut().zip(report["counters"].as_array().expect("three")) {
                *sum += one.as_u64().expect("a number");
            }
        }
        tokens.sort();
        tokens.dedup();
        (tokens, counters)
    }
}

impl Drop for Processes<'_> {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn send(child: &Child, signal: i32) {
    let pid = i32::try_from(child.id()).expect("a process ID");
    // SAFETY: the process is a child of this one that was not waited for.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

/// How often what chance may spoil is tried: `B2AUTH_STORE_RUNS`, or once.
fn runs() -> u32 {
    std::env::var("B2AUTH_STORE_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn many_processes_make_one_request_and_then_none() {
    for _ in 0..runs() {
        in_each_store(|store| {
            let fixture = Fixture::new();
            let mut processes = Processes::new(&fixture, &store.url());
            let start = Instant::now();
            processes.start_behind_a_leader(PROCESSES - 1);
            let took = start.elapsed();
            fixture.sandbox.release("latch");
            let (tokens, counters) = processes.results();
            // Where starting them all takes more than 3 s, one of them asks as well.
            let most = 1 + took.as_secs() / 3;
            assert!(tokens.len() == 1 && (1..=most).contains(&counters[0]), "{took:?} {tokens:?} {counters:?}");
            assert_eq!(counters[2], 0);
            let requests = fixture.requests();
            processes.start(PROCESSES);
            let (again, counters) = processes.results();
            assert_eq!((again, counters), (tokens, [0, PROCESSES as u64, 0]));
            assert_eq!(fixture.requests(), requests);
        });
    }
}

/// From the end of the leader, of whatever kind, to the next request. `None` if starting the others took so long that one of
/// them had asked by then, or asked twice.
fn time_to_the_next_request(store: &str, signal: i32, waiting: usize) -> Option<Duration> {
    let fixture = Fixture::new();
    let mut processes = Processes::new(&fixture, store);
    processes.start_behind_a_leader(waiting);
    let mut leader = processes.leader();
    let is_first = fixture.requests() == 1;
    let start = Instant::now();
    send(&leader, signal);
    assert!(fixture.sandbox.wait_until_asked(ID, 2, TEST_TIMEOUT));
    let took = start.elapsed();
    let (tokens, [requests, hits, errors]) = processes.results();
    assert_eq!((requests + hits, errors, fixture.requests()), (waiting as u64, 0, 1 + requests as usize));
    leader.kill().expect("it is stopped, or was killed");
    leader.wait().expect("it was killed");
    assert!(tokens.len() <= requests as usize, "{tokens:?}");
    (is_first && requests == 1).then_some(took)
}

/// A machine that does other work may be late, but not each time, and not for fewer processes.
fn assert_next_request_within(bound: Duration, store: &str, signal: i32) {
    let mut took = Vec::new();
    for waiting in [PROCESSES, PROCESSES, PROCESSES / 2, PROCESSES / 4, PROCESSES / 8] {
        // Each fixture has a realm of its own, and so a record.
        took.push(time_to_the_next_request(store, signal, waiting));
        if took.iter().flatten().any(|took| *took <= bound) {
            println!("the next of {waiting} asks after {:?}", took[took.len() - 1]);
            return;
        }
    }
    panic!("{took:?}, none within {bound:?}");
}

#[test]
fn a_killed_leader_costs_a_moment() {
    assert_next_request_within(Duration::from_secs(1), &StoreDir::new().url(), libc::SIGKILL);
}

#[test]
fn a_stopped_leader_is_overtaken() {
    in_each_store(|store| assert_next_request_within(Duration::from_secs(4), &store.url(), libc::SIGSTOP));
}

/// Redis does not hear of it.
#[cfg(feature = "store-redis")]
#[test]
fn a_leader_that_is_killed_is_overtaken_in_redis() {
    let Some(server) = RedisServer::start(&[]) else { return };
    assert_next_request_within(Duration::from_secs(4), &server.url(), libc::SIGKILL);
}

/// A process that makes children by fork, which authorize again and again, and kills each at a random moment.
#[test]
#[ignore = "run by another test"]
fn kill_children() {
    let Some(task) = subprocess::task() else { return };
    let machine = Machine::in_subprocess(&task);
    machine.options.set_log(None);
    let refreshing = machine.options.with(&[("cache", "refresh")]);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..task["kills"].as_u64().expect("a number") {
        // SAFETY: the library allows calls in a child of a fork; the child does nothing else, and does not return.
        match unsafe { libc::fork() } {
            0 => loop {
                let is_ok = machine.authorize_with(&refreshing).is_ok();
                machine.api.clear_cache();
                if !(is_ok && machine.authorize().is_ok()) {
                    // SAFETY: ends the child at once.
                    unsafe { libc::_exit(1) };
                }
            },
            child => {
                assert!(child > 0, "a fork");
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                std::thread::sleep(Duration::from_micros(random % 12_000));
                let mut status = 0;
                // SAFETY: the child is this process's own, and `status` lives.
                unsafe {
                    assert_eq!(libc::kill(child, libc::SIGKILL), 0);
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                }
                assert!(libc::WIFSIGNALED(status), "a call failed before the child was killed");
            }
        }
    }
    print!("{}", subprocess::report(&json!(true)));
}

/// In Redis a killed leader holds its slots until they end, so that few of the processes get as far as a request.
#[cfg(feature = "store-redis")]
#[test]
fn a_server_survives_processes_that_are_killed_at_any_moment() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let fixture = Fixture::new();
    let task = json!({"realm": fixture.sandbox.http(), "store": server.socket_url(), "kills": 500});
    subprocess::run(&mut subprocess::command("store_processes::kill_children", &task));
    let before = fixture.requests();
    let machine = Machine::new(&fixture, &server.socket_url());
    machine.authorize().expect("granted");
    let slots: Vec<_> = server.keys().into_iter().filter(|key| !key.ends_with(":r")).collect();
    // What is left over ends by itself: 17 s after it was taken.
    for slot in &slots {
        let left: i64 = server.command(&["PTTL", slot]).parse().expect("a number");
        assert!((-2..=17_000).contains(&left) && left != -1, "{slot}: {left}");
    }
    server.command(&[&["DEL", "none"], slots.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
    machine.authorize_with(&machine.options.with(&[("cache", "refresh")])).expect("granted");
    assert!(fixture.requests() - before <= 2, "no more than usual");
    assert_eq!((machine.warnings().len(), server.keys().len()), (0, 1));
}

#[test]
fn a_store_survives_processes_that_are_killed_at_any_moment() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    let task = json!({"realm": fixture.sandbox.http(), "store": dir.url(), "kills": 500});
    subprocess::run(&mut subprocess::command("store_processes::kill_children", &task));
    let before = fixture.requests();
    assert!(before > 50, "only {before} requests: the children were killed too soon");
    let machine = Machine::new(&fixture, &dir.url());
    machine.authorize().expect("granted");
    machine.authorize_with(&machine.options.with(&[("cache", "refresh")])).expect("granted");
    assert!(fixture.requests() - before <= 2, "no more than usual");
    assert_eq!(machine.warnings(), [""; 0]);
    // What is left over is old some day: then it is purged.
    let record = dir.record();
    let record = record.file_name().expect("a name").to_str().expect("ASCII");
    let is_known = |name: &String| {
        name == record
            || name.strip_prefix(record).is_some_and(|rest| rest.starts_with(".lock"))
            || name.starts_with('.')
    };
    assert!(dir.names().iter().all(is_known), "{:?}", dir.names());
    for name in dir.names() {
        let file = fs::File::open(dir.path.join(&name)).expect("it is there");
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(26 * 3_600)).expect("it is ours");
    }
    machine.authorize_with(&machine.options.with(&[("cache", "refresh")])).expect("granted");
    assert!(dir.names().iter().all(|name| !name.starts_with('.')), "{:?}", dir.names());
}

/// A process that forks while it holds a slot. Its child says so in a file, waits until the parent is gone, and asks.
#[test]
#[ignore = "run by another test"]
fn fork_with_a_slot() {
    let Some(task) = subprocess::task() else { return };
    let machine = Machine::in_subprocess(&task);
    let child_file = Path::new(task["waiting"].as_str().expect("a path")).join("child");
    std::thread::scope(|scope| {
        scope.spawn(|| machine.authorize());
        wait_until("the request is sent", || machine.api.counter("requests") == 1);
        let parent = std::process::id();
        // SAFETY: as above.
        if unsafe { libc::fork() } == 0 {
            fs::write(&child_file, "").expect("it can be made");
            while std::os::unix::process::parent_id() == parent {
                std::thread::sleep(Duration::from_millis(5));
            }
            let token = machine.authorize().map(|session| session.token()).unwrap_or_default();
            let mut file = fs::File::create(child_file.with_extension("token")).expect("it can be made");
            file.write_all(token.as_bytes()).expect("it can be written");
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(0) };
        }
    });
}

#[test]
fn the_end_of_a_process_frees_its_slot_though_a_child_of_it_lives() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    let mut processes = Processes::new(&fixture, &dir.url());
    fixture.sandbox.script(ID, [Fault::hold("latch"), Fault::hold("child")]);
    let mut command = subprocess::command("store_processes::fork_with_a_slot", &processes.task);
    let mut parent = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
    let child = processes.waiting.path.join("child");
    wait_until("the child runs", || child.exists());
    assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
    parent.kill().expect("it runs");
    parent.wait().expect("it was killed");
    // The child, or this process, whichever is first: the slot is free at once, or the child would wait for 3 s.
    let start = Instant::now();
    assert!(fixture.sandbox.wait_until_held("child", 1, TEST_TIMEOUT));
    assert!(start.elapsed() < Duration::from_millis(2_500), "{:?}", start.elapsed());
    fixture.sandbox.release("child");
    let token = Machine::new(&fixture, &dir.url()).authorize().expect("shared").token();
    wait_until("the child ends", || {
        fs::read_to_string(child.with_extension("token")).is_ok_and(|found| found == token)
    });
    processes.start(1);
    assert_eq!((processes.results().0, fixture.requests()), (vec![token], 2));
}
