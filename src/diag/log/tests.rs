use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};

use super::*;
use crate::model::timestamp::Timestamp;
use crate::ports::Clock;

/// A clock that the log function of a test turns.
#[derive(Default)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp { wall_ms: 0, boot_ms: self.0.load(Ordering::SeqCst) }
    }

    fn sleep(&self, _: Duration) {
        unreachable!("the log never sleeps");
    }
}

/// A log whose messages arrive at a channel.
fn channel() -> (Log, mpsc::Receiver<String>) {
    let (send, receive) = mpsc::channel();
    (Log::new(Box::new(move |_, message| send.send(message.to_owned()).expect("the test receives"))), receive)
}

/// Logs with no deadline.
fn log(log: &Log, level: Level, message: &str) {
    log.log(level, format_args!("{message}"), &Limits::new(&TestClock::default(), None));
}

/// Fills a log's queue as a thread does that finds another one delivering.
fn enqueue(log: &Log, level: Level, message: &str) {
    QUEUES.lock().0.get_mut(&log.0.id).expect("a queue").push(level, message.to_owned());
}

#[test]
fn messages_of_a_log_function_come_after_it_returned() {
    let (send, receive) = mpsc::channel();
    let again: Arc<Mutex<Option<Log>>> = Arc::default();
    let inner = Arc::clone(&again);
    let first = Log::new(Box::new(move |_, message| {
        send.send(message.to_owned()).expect("the test receives");
        if message == "first" {
            assert!(is_in_callback());
            let again = inner.lock().expect("no panic").clone().expect("it is set");
            log(&again, Level::Debug, "second");
            send.send("after".to_owned()).expect("the test receives");
        }
    }));
    *again.lock().expect("no panic") = Some(first.clone());
    log(&first, Level::Error, "first");
    again.lock().expect("no panic").take();
    assert_eq!(receive.try_iter().collect::<Vec<_>>(), ["first", "after", "second"]);
    assert!(!is_in_callback());
}

#[test]
fn a_message_is_one_printable_line() {
    let (sink, messages) = channel();
    log(&sink, Level::Debug, "the key comes from a\n\u{1b}[2Jb\u{202e}c");
    assert_eq!(messages.recv().expect("delivered"), "the key comes from a  [2Jb c");
}

#[test]
fn no_call_waits_for_the_log_function_of_another() {
    let (send, receive) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let sink = Log::new(Box::new(move |_, message| {
        send.send((message.to_owned(), std::thread::current().id())).expect("the test receives");
        if message == "slow" {
            gate.lock().expect("no panic").recv().expect("it opens");
        }
    }));
    let slow = sink.clone();
    let delivering = std::thread::spawn(move || log(&slow, Level::Info, "slow"));
    let (first, thread) = receive.recv().expect("delivered");
    assert_eq!(first, "slow");
    log(&sink, Level::Info, "quick");
    open.send(()).expect("it waits");
    delivering.join().expect("no panic");
    assert_eq!(receive.recv().expect("delivered"), ("quick".to_owned(), thread));
}

#[test]
fn a_call_delivers_for_others_a_bounded_time_and_within_its_limits() {
    let clock = Arc::new(TestClock::default());
    let (send, receive) = mpsc::channel();
    let turned = Arc::clone(&clock);
    let slow = Log::new(Box::new(move |_, message| {
        turned.0.fetch_add(20, Ordering::SeqCst);
        send.send(message.to_owned()).expect("the test receives");
    }));
    for number in 0..10 {
        enqueue(&slow, Level::Debug, &number.to_string());
    }
    slow.log(Level::Debug, format_args!("mine"), &Limits::new(&*clock, None));
    assert_eq!(receive.try_iter().count(), 3, "50 ms of 20 ms each");
    slow.log(Level::Debug, format_args!("mine too"), &Limits::new(&*clock, None).with_timeout(Duration::ZERO));
    assert_eq!(receive.try_iter().count(), 1, "no time is left, and one for one is delivered");
    let cancel = crate::Cancel::new();
    cancel.trigger();
    slow.log(Level::Debug, format_args!("mine too"), &Limits::new(&*clock, Some(&cancel)));
    assert_eq!(receive.try_iter().collect::<Vec<_>>(), ["4"], "in order, whichever thread delivers");
}

#[test]
fn a_full_queue_drops_the_least_important_and_says_so() {
    let before = dropped();
    let (sink, messages) = channel();
    enqueue(&sink, Level::Error, "error");
    for number in 0..MAX_QUEUED {
        enqueue(&sink, if number == 7 { Level::Info } else { Level::Debug }, &number.to_string());
    }
    log(&sink, Level::Warn, "last");
    let messages: Vec<_> = messages.try_iter().collect();
    assert_eq!(messages[0], "2 log messages were dropped: the log function is too slow");
    assert_eq!(messages[1..4], ["error", "2", "3"]);
    assert_eq!((messages.len(), messages[MAX_QUEUED].as_str()), (MAX_QUEUED + 1, "last"));
    for number in MAX_QUEUED..3 * MAX_QUEUED {
        enqueue(&sink, Level::Error, &number.to_string());
    }
    assert!(dropped() >= before + 2 + MAX_QUEUED as u64);
}

#[test]
fn a_log_function_that_panics_does_not_end_its_log() {
    let (send, receive) = mpsc::channel();
    let sink = Log::new(Box::new(move |_, message| {
        assert_ne!(message, "panic");
        send.send(message.to_owned()).expect("the test receives");
    }));
    catch_unwind(AssertUnwindSafe(|| log(&sink, Level::Info, "panic"))).expect_err("it unwinds");
    assert!(!is_in_callback());
    log(&sink, Level::Info, "next");
    assert_eq!(receive.recv().expect("delivered"), "next");
}
