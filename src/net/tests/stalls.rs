//! Whatever a server does not do, a cancel and a deadline end the wait for it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::super::testing::{Ask, Real, deaf, head, once};
use crate::model::proxy::Proxy;
use crate::ports::cancel::Cancel;
use crate::ports::limits::Limits;
use crate::ports::transport::FailureKind;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// Runs `ask` on a thread, cancels it once `stalled` says that the time has come, and returns how long that took.
fn cancelled(ask: Ask<'static>, stalled: impl FnOnce()) -> (Duration, String) {
    let cancel = Cancel::new();
    let trigger = cancel.clone();
    let (sender, receiver) = channel();
    let asking = thread::spawn(move || {
        let limits = Limits::new(&Real, Some(&cancel)).with_timeout(Duration::from_secs(60));
        let result = ask.send(&limits).map(|_| ());
        sender.send(Instant::now()).expect("the test waits");
        result
    });
    stalled();
    assert_eq!(receiver.recv_timeout(Duration::from_millis(30)), Err(RecvTimeoutError::Timeout));
    let start = Instant::now();
    trigger.trigger();
    let end = receiver.recv_timeout(Duration::from_secs(10)).expect("the cancel ends it");
    let failure = asking.join().expect("no panic").expect_err("no answer");
    assert_eq!(failure.kind, FailureKind::Cancelled, "{}", failure.message);
    (end - start, failure.message)
}

#[test]
fn a_cancel_ends_every_stall() {
    let (listener, queue) = deaf("127.0.0.1:0");
    let port = listener.local_addr().expect("an address").port();
    let mut report = vec![cancelled(Ask::port(port), || {})];
    drop(queue);

    for sent in ["", "HTTP/1.1 200 OK\r\nDate: now", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        let (ready, stalled) = channel();
        let (port, _) = once(move |mut stream| {
            head(&mut stream);
            let _ = stream.write_all(sent.as_bytes());
            ready.send(()).expect("the test waits");
            // Until the client goes away.
            let _ = stream.read(&mut [0]);
        });
        report.push(cancelled(Ask::port(port), || stalled.recv().expect("a request")));
    }

    for (url, by_proxy) in [("https://127.0.0.1", false), ("https://b2.nowhere.example", true)] {
        let (ready, stalled) = channel();
        let (port, _) = once(move |mut stream| {
            let _ = stream.read(&mut [0]);
            ready.send(()).expect("the test waits");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let mut ask = Ask::to(url);
        if by_proxy {
            ask.proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).expect("a proxy");
        } else {
            ask = Ask::to(&format!("{url}:{port}"));
        }
        report.push(cancelled(ask, || stalled.recv().expect("somebody calls")));
    }

    for ((took, message), phase) in
        report.iter().zip(["connecting", "first byte", "response", "response", "handshake", "proxy"])
    {
        println!("{took:?} {message}");
        assert!(*took < Duration::from_millis(250), "{took:?}: {message}");
        assert!(message.contains(phase), "{message}");
    }
}

#[test]
fn a_cancel_before_the_request_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket can be");
    let cancel = Cancel::new();
    cancel.trigger();
    let ask = Ask::port(listener.local_addr().expect("an address").port());
    let failure = ask.send(&Limits::new(&Real, Some(&cancel))).map(|_| ()).expect_err("cancelled");
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert!(listener.accept().is_err());
}

#[test]
fn a_deadline_ends_a_stall_and_a_trickle() {
    let span = Duration::from_millis(300);
    let drip = |mut stream: TcpStream| {
        head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    };
    let (silent, _) = once(|mut stream| {
        head(&mut stream);
        let _ = stream.read(&mut [0]);
    });
    for (port, phase) in [(once(drip).0, "reading the response"), (silent, "waiting for the first byte")] {
        let start = Instant::now();
        let limits = Limits::new(&Real, None).with_timeout(span);
        let failure = Ask::port(port).send(&limits).map(|_| ()).expect_err("it never ends");
        let took = start.elapsed();
        println!("{:?} late: {}", took.saturating_sub(span), failure.message);
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert!(failure.message.contains(phase) && failure.message.contains("300 ms"), "{}", failure.message);
        assert!(took < span + Duration::from_millis(250), "{took:?}");
    }
}

#[test]
fn the_connect_timeout_covers_connect_and_handshake_but_not_the_response() {
    let (listener, queue) = deaf("127.0.0.1:0");
    let mut ask = Ask::port(listener.local_addr().expect("an address").port());
    ask.connect_timeout = Duration::from_millis(200);
    let failure = ask.fails();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("200 ms (connecting)"), "{}", failure.message);
    drop(queue);

    let (port, _) = once(|mut stream| stream.read_to_end(&mut Vec::new()));
    let mut ask = Ask::to(&format!("https://127.0.0.1:{port}"));
    ask.connect_timeout = Duration::from_millis(200);
    let failure = ask.fails();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("TLS handshake"), "{}", failure.message);

    let (port, _) = once(|mut stream| {
        head(&mut stream);
        thread::sleep(Duration::from_millis(400));
        stream.write_all(OK)
    });
    let mut ask = Ask::port(port);
    ask.connect_timeout = Duration::from_millis(200);
    assert!(ask.go().is_ok());
}

#[cfg(unix)]
#[test]
fn a_signal_interrupts_nothing_and_may_cancel_at_once() {
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::OnceLock;

    static CANCEL: OnceLock<Cancel> = OnceLock::new();
    extern "C" fn nothing(_: libc::c_int) {}
    extern "C" fn trigger(_: libc::c_int) {
        CANCEL.get().expect("set below").trigger();
    }
    fn handle(handler: extern "C" fn(libc::c_int)) {
        // SAFETY: both handlers only load and store atomics, and no other test uses this signal.
        unsafe { libc::signal(libc::SIGUSR2, handler as *const () as libc::sighandler_t) };
    }
    let ask = |port, cancel: &Cancel| {
        let cancel = cancel.clone();
        thread::spawn(move || {
            let limits = Limits::new(&Real, Some(&cancel)).with_timeout(Duration::from_secs(30));
            let result = Ask::port(port).send(&limits).map(|answer| answer.status).map_err(|failure| failure.kind);
            (result, Instant::now())
        })
    };
    let cancel = CANCEL.get_or_init(Cancel::new);

    handle(nothing);
    let (ready, asked) = channel();
    let (release, go) = channel::<()>();
    let (port, _) = once(move |mut stream| {
        head(&mut stream);
        ready.send(()).expect("the test waits");
        go.recv().expect("the test goes on");
        stream.write_all(OK)
    });
    let asking = ask(port, cancel);
    asked.recv().expect("a request");
    for _ in 0..100 {
        // SAFETY: the thread was not joined, so its handle is good.
        unsafe { libc::pthread_kill(asking.as_pthread_t(), libc::SIGUSR2) };
        thread::yield_now();
    }
    release.send(()).expect("the server waits");
    assert_eq!(asking.join().expect("no panic").0, Ok(200));

    handle(trigger);
    let (ready, asked) = channel();
    let (port, _) = once(move |mut stream| {
        head(&mut stream);
        ready.send(()).expect("the test waits");
        stream.read(&mut [0])
    });
    let asking = ask(port, cancel);
    asked.recv().expect("a request");
    let start = Instant::now();
    // SAFETY: the thread was not joined, so its handle is good.
    unsafe { libc::pthread_kill(asking.as_pthread_t(), libc::SIGUSR2) };
    let (result, end) = asking.join().expect("no panic");
    println!("{:?} after the signal", end - start);
    assert_eq!(result, Err(FailureKind::Cancelled));
    assert!(end - start < Duration::from_millis(250));
}
