//! Each request's limits are its own, also on a connection that served another.

use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::super::super::testing::{Real, head};
use super::{Host, OK, go, pooled};
use crate::ports::cancel::Cancel;
use crate::ports::limits::Limits;
use crate::ports::transport::FailureKind;

#[test]
fn a_cancel_and_a_deadline_end_the_wait_on_a_reused_connection() {
    let (sender, asked) = channel();
    let host = Host::new(move |_, mut stream| {
        head(&mut stream);
        let _ = stream.write_all(OK);
        head(&mut stream);
        let _ = sender.send(());
        let _ = stream.read(&mut [0]);
    });
    let pooled = pooled();
    let cancel = Cancel::new();
    // The first request's limits are its own: long over when the second is sent.
    host.ask()
        .send_by(&pooled, &Limits::new(&Real, Some(&Cancel::new())).with_timeout(Duration::from_secs(9)))
        .expect("one");
    let (failure, took) = thread::scope(|scope| {
        let asking = scope.spawn(|| host.ask().send_by(&pooled, &Limits::new(&Real, Some(&cancel))).map(|_| ()));
        asked.recv().expect("a request");
        thread::sleep(Duration::from_millis(60));
        let start = Instant::now();
        cancel.trigger();
        (asking.join().expect("no panic").expect_err("no answer"), start.elapsed())
    });
    println!("{took:?} {}", failure.message);
    assert_eq!((failure.kind, host.accepted(), pooled.pool.idle()), (FailureKind::Cancelled, 1, 0));
    assert!(took < Duration::from_millis(250) && failure.message.contains("first byte"), "{took:?}");

    go(&host.ask(), &pooled).expect("an answer");
    let start = Instant::now();
    let limits = Limits::new(&Real, None).with_timeout(Duration::from_millis(300));
    let failure = host.ask().send_by(&pooled, &limits).map(|_| ()).expect_err("no answer");
    assert_eq!((failure.kind, host.accepted()), (FailureKind::Timeout, 2));
    assert!(start.elapsed() < Duration::from_millis(550), "{:?}", start.elapsed());
}
