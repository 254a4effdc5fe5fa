use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::*;

type Tasks = BlockingTasks<&'static str, u32>;

fn tasks(keep_late_result: Duration) -> &'static Tasks {
    Box::leak(Box::new(Tasks::new("test", 2, keep_late_result)))
}

/// Keeps work waiting until a test opens it.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn shut() -> &'static Self {
        Box::leak(Box::default())
    }

    fn pass(&self) {
        let open = self.0.lock().expect("no test panics here");
        drop(self.1.wait_while(open, |open| !*open).expect("no test panics here"));
    }

    fn open(&self) {
        *self.0.lock().expect("no test panics here") = true;
        self.1.notify_all();
    }
}

fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never comes");
        std::thread::yield_now();
    }
}

fn forever() -> Result<Option<Duration>, ()> {
    Ok(None)
}

fn never() -> Result<Option<Duration>, &'static str> {
    Err("stopped")
}

fn waiting(tasks: &Tasks) -> usize {
    tasks.tasks.pending.lock().0.iter().map(|(_, task)| sync::lock(&task.state).waiting).sum()
}

#[test]
fn callers_for_one_key_share_one_thread_which_is_gone_when_they_return() {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let (tasks, gate) = (tasks(Duration::ZERO), Gate::shut());
    let call = move || {
        tasks.run("key", forever, move || {
            gate.pass();
            STARTED.fetch_add(1, Ordering::SeqCst) + 7
        })
    };
    let callers: Vec<_> = (0..5).map(|_| std::thread::spawn(move || call().ok())).collect();
    until(|| waiting(tasks) == 5);
    gate.open();
    assert!(callers.into_iter().all(|caller| caller.join().expect("no panic") == Some(7)));
    assert!(tasks.tasks.pending.lock().0.is_empty());
    assert!(matches!(call(), Ok(8)), "the next call starts anew");
}

#[test]
fn a_caller_leaves_a_task_that_hangs_and_few_may_hang() {
    let (tasks, gate) = (tasks(Duration::ZERO), Gate::shut());
    let hang = move || {
        gate.pass();
        1
    };
    for key in ["a", "b", "b"] {
        assert!(matches!(tasks.run(key, never, hang), Err(BlockingError::Stopped("stopped"))));
    }
    assert!(matches!(tasks.run("c", never, hang), Err(BlockingError::Stopped("stopped"))), "it would wait for room");
    for (_, task) in &tasks.tasks.pending.lock().0 {
        sync::lock(&task.state).started_ms -= HANGS_MS;
    }
    assert!(matches!(tasks.run("c", forever, hang), Err(BlockingError::TooMany(2))));
    gate.open();
    until(|| tasks.tasks.pending.lock().0.is_empty());
    assert!(matches!(tasks.run("c", forever, || 3), Ok(3)));
}

#[test]
fn a_caller_waits_for_room_while_tasks_make_progress() {
    let (tasks, gate) = (tasks(Duration::ZERO), Gate::shut());
    let callers: Vec<_> = ["a", "b", "c"]
        .map(|key| {
            std::thread::spawn(move || {
                let work = move || {
                    gate.pass();
                    1
                };
                tasks.run(key, forever, work).is_ok()
            })
        })
        .into();
    until(|| waiting(tasks) == 2);
    gate.open();
    assert!(callers.into_iter().all(|caller| caller.join().expect("no panic")));
}

#[test]
fn a_result_that_came_too_late_serves_the_next_caller_once() {
    let (tasks, gate) = (tasks(Duration::from_secs(600)), Gate::shut());
    let late = tasks.run("key", never, move || {
        gate.pass();
        1
    });
    assert!(late.is_err());
    gate.open();
    until(|| tasks.tasks.pending.lock().0.iter().any(|(_, task)| sync::lock(&task.state).result.is_some()));
    assert!(matches!(tasks.run("key", forever, || 2), Ok(1)));
    assert!(matches!(tasks.run("key", forever, || 2), Ok(2)));
}

#[test]
fn a_panic_of_the_work_is_one_of_each_caller_and_of_no_later_one() {
    let (tasks, gate) = (tasks(Duration::ZERO), Gate::shut());
    let call = move || {
        tasks.run("key", forever, move || {
            gate.pass();
            panic!("planted")
        })
    };
    let callers: Vec<_> = (0..3).map(|_| std::thread::spawn(move || call().is_ok())).collect();
    until(|| waiting(tasks) == 3);
    gate.open();
    assert!(callers.into_iter().all(|caller| caller.join().is_err()));
    assert!(matches!(tasks.run("key", forever, || 2), Ok(2)));
}

#[test]
fn a_child_starts_without_what_threads_had_begun() {
    let (tasks, gate) = (tasks(Duration::ZERO), Gate::shut());
    let hang = move || {
        gate.pass();
        1
    };
    assert!(tasks.run("key", never, hang).is_err());
    tasks.tasks.pending.lock().reset_in_child();
    assert!(matches!(tasks.run("key", forever, || 2), Ok(2)));
    gate.open();
}
