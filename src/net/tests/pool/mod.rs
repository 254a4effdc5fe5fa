//! One batch's connections: which are used again, and which must not be.

mod apart;
mod bounds;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::super::HttpTransport;
use super::super::pool::PooledTransport;
use super::super::testing::{Ask, Real, head};
use super::{chunked, gzip, sized};
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, FailureKind, HttpResponse, Transport};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// A server of any number of connections, each on a thread of its own and counted from 1.
struct Host {
    port: u16,
    accepted: Arc<AtomicUsize>,
}

impl Host {
    fn new(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (serve, count) = (Arc::new(serve), Arc::clone(&accepted));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (serve, number) = (Arc::clone(&serve), count.fetch_add(1, Ordering::SeqCst) + 1);
                thread::spawn(move || serve(number, stream.expect("a client")));
            }
        });
        Self { port, accepted }
    }

    /// Answers every request with the same bytes.
    fn always(answer: &[u8]) -> Self {
        let answer = answer.to_owned();
        Self::new(move |_, stream| each(stream, &answer))
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    fn ask(&self) -> Ask<'static> {
        Ask::port(self.port)
    }
}

fn each(mut stream: impl Read + Write, answer: &[u8]) {
    while !head(&mut stream).is_empty() && stream.write_all(answer).and_then(|()| stream.flush()).is_ok() {}
}

fn pooled() -> PooledTransport {
    PooledTransport::new(HttpTransport::new())
}

fn go(ask: &Ask<'_>, way: &dyn Transport) -> Result<HttpResponse, Failure> {
    ask.send_or_repeat(way, &Limits::new(&Real, None).with_timeout(Duration::from_secs(30)))
}

fn failure(ask: &Ask<'_>, way: &dyn Transport) -> Failure {
    go(ask, way).map(|_| ()).expect_err("there should be no answer")
}

#[test]
fn a_connection_is_reused_after_a_response_read_to_its_end() {
    let packed = sized("Content-Encoding: gzip\r\n", &gzip(b"{}"));
    let refused = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    let empty = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec();
    let packed_chunks = {
        let text =
            String::from_utf8_lossy(&chunked(b"", 1)).replace("200 OK\r\n", "200 OK\r\nContent-Encoding: gzip\r\n");
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let body = gzip(b"{}");
        [format!("{head}\r\n\r\n{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat()
    };
    let chunks = chunked(&[b' '; 50_000], 700);
    for answer in [OK.to_vec(), chunks, packed, packed_chunks, refused, empty] {
        let (host, pooled) = (Host::always(&answer), pooled());
        for _ in 0..3 {
            go(&host.ask(), &pooled).expect("an answer");
        }
        assert_eq!((host.accepted(), pooled.pool.idle()), (1, 1), "{}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn keep_alive_is_requested() {
    let (sender, heads) = channel();
    let host = Host::new(move |_, mut stream| {
        sender.send(head(&mut stream)).expect("the test waits");
        let _ = stream.write_all(OK);
    });
    go(&host.ask(), &pooled()).expect("an answer");
    assert!(heads.recv().expect("a request").contains("\r\nconnection: keep-alive\r\n"));
}

#[test]
fn a_connection_in_an_uncertain_state_is_closed() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nconnection: x, Close\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n0\r\n\r\n",
    ] {
        let (host, pooled) = (Host::always(answer.as_bytes()), pooled());
        for count in 1..3 {
            assert_eq!(go(&host.ask(), &pooled).expect("an answer").body.as_slice(), b"{}");
            assert_eq!((host.accepted(), pooled.pool.idle()), (count, 0), "{answer}");
        }
    }
    for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n{}"]
    {
        let host = Host::new(move |_, mut stream| {
            head(&mut stream);
            let _ = stream.write_all(answer.as_bytes());
        });
        let pooled = pooled();
        failure(&host.ask(), &pooled);
        assert_eq!((host.accepted(), pooled.pool.idle()), (1, 0), "{answer}");
    }
}

/// It would be taken for the next answer.
#[test]
fn unsolicited_bytes_end_a_connection() {
    let (sender, sent) = channel();
    let host = Host::new(move |number, mut stream| {
        head(&mut stream);
        let _ = stream.write_all(OK);
        if number == 1 {
            thread::sleep(Duration::from_millis(50));
            let _ = stream.write_all(b"HTTP/1.1 408 Too late\r\nContent-Length: 0\r\n\r\n");
            sender.send(()).expect("the test waits");
        }
        let _ = stream.read(&mut [0]);
    });
    let pooled = pooled();
    assert_eq!(go(&host.ask(), &pooled).expect("an answer").status, 200);
    sent.recv().expect("more than was asked for");
    assert_eq!(go(&host.ask(), &pooled).expect("an answer").status, 200);
    assert_eq!(host.accepted(), 2);
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_replaced_once() {
    // Before the request is sent; when it has come; in the middle of it, which is a reset.
    for read in [0, 1_000, 20] {
        let host = Host::new(move |number, mut stream| {
            head(&mut stream);
            let _ = stream.write_all(OK);
            if number > 1 || read == 0 {
                return;
            }
            match read {
                20 => drop(stream.read_exact(&mut [0; 20])),
                _ => drop(head(&mut stream)),
            }
        });
        let pooled = pooled();
        go(&host.ask(), &pooled).expect("an answer");
        if read == 0 {
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(go(&host.ask(), &pooled).expect("an answer").body.as_slice(), b"{}", "{read}");
        assert_eq!(host.accepted(), 2, "{read}");
    }
}

#[test]
fn a_new_connection_that_closes_is_a_failure() {
    let host = Host::new(|number, mut stream| {
        head(&mut stream);
        if number == 1 {
            let _ = stream.write_all(OK);
            head(&mut stream);
        }
    });
    let pooled = pooled();
    go(&host.ask(), &pooled).expect("an answer");
    for count in [2, 3] {
        let failure = failure(&host.ask(), &pooled);
        assert_eq!((failure.kind, host.accepted()), (FailureKind::Network, count), "{}", failure.message);
    }
}

/// Where one was closed, so are the others, as a rule.
#[test]
fn a_repeated_request_uses_a_new_connection() {
    let together = Barrier::new(2);
    let host = Host::new(move |number, mut stream| {
        head(&mut stream);
        if number < 3 {
            together.wait();
        }
        let _ = stream.write_all(OK);
        head(&mut stream);
    });
    let pooled = pooled();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| go(&host.ask(), &pooled).expect("an answer"));
        }
    });
    assert_eq!(pooled.pool.idle(), 2);
    assert_eq!(go(&host.ask(), &pooled).expect("an answer").body.as_slice(), b"{}");
    assert_eq!(host.accepted(), 3);
}

#[test]
fn a_partial_response_is_a_failure_and_is_not_repeated() {
    for part in ["H", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let host = Host::new(move |_, mut stream| {
            head(&mut stream);
            let _ = stream.write_all(OK);
            head(&mut stream);
            let _ = stream.write_all(part.as_bytes());
        });
        let pooled = pooled();
        go(&host.ask(), &pooled).expect("an answer");
        let failure = failure(&host.ask(), &pooled);
        assert_eq!((failure.kind, host.accepted()), (FailureKind::Network, 1), "{part}: {}", failure.message);
    }
}

#[test]
fn a_connection_that_was_idle_too_long_is_closed() {
    let (host, pooled) = (Host::always(OK), pooled());
    for (age, accepted) in [(0, 1), (2_500, 1), (3_000, 2)] {
        pooled.pool.age(age);
        go(&host.ask(), &pooled).expect("an answer");
        assert_eq!((host.accepted(), pooled.pool.idle()), (accepted, 1));
    }
}

#[test]
fn concurrent_requests_have_a_connection_each_and_all_are_closed_in_the_end() {
    const MANY: usize = 4;
    let (together, (sender, closed)) = (Barrier::new(MANY), channel());
    let host = Host::new(move |_, mut stream| {
        while !head(&mut stream).is_empty() {
            together.wait();
            let _ = stream.write_all(OK);
        }
        sender.send(()).expect("the test waits");
    });
    let pooled = pooled();
    for _ in 0..3 {
        thread::scope(|scope| {
            for _ in 0..MANY {
                scope.spawn(|| go(&host.ask(), &pooled).expect("an answer"));
            }
        });
        assert_eq!((host.accepted(), pooled.pool.idle()), (MANY, MANY));
    }
    drop(pooled);
    for _ in 0..MANY {
        closed.recv_timeout(Duration::from_secs(10)).expect("it is closed");
    }
}
