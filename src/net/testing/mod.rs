//! What the tests of the network share: a real clock, a server of one thread, a request to it.

pub(super) mod authority;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::model::proxy::Proxy;
use crate::model::realm::Realm;
use crate::model::timestamp::Timestamp;
use crate::platform::clock;
use crate::ports::Clock;
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};

use super::HttpTransport;

/// The machine's clock.
pub(super) struct Real;

impl Clock for Real {
    fn now(&self) -> Timestamp {
        let (wall_ms, boot_ms) = clock::now();
        Timestamp { wall_ms, boot_ms }
    }

    fn sleep(&self, span: Duration) {
        thread::sleep(span);
    }
}

/// A request that a test may change.
pub(super) struct Ask<'a> {
    pub(super) realm: Realm,
    pub(super) proxy: Proxy,
    pub(super) ca_file: Option<&'a Path>,
    pub(super) connect_timeout: Duration,
    pub(super) user_agent: String,
}

impl Ask<'_> {
    pub(super) fn to(realm: &str) -> Self {
        Self {
            realm: Realm::parse(realm).expect("a realm"),
            proxy: Proxy::None,
            ca_file: None,
            connect_timeout: Duration::from_secs(20),
            user_agent: "b2auth/test".into(),
        }
    }

    pub(super) fn port(port: u16) -> Self {
        Self::to(&format!("http://127.0.0.1:{port}"))
    }

    pub(super) fn send(&self, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        self.send_by(&HttpTransport::new(), limits)
    }

    pub(super) fn send_by(&self, wire: &dyn Transport, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        self.send_once(wire, limits, true)
    }

    /// Repeats a request on a new connection where that is allowed at once.
    pub(super) fn send_or_repeat(&self, wire: &dyn Transport, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        match self.send_once(wire, limits, true) {
            Err(failure) if failure.kind == FailureKind::StaleConnection => self.send_once(wire, limits, false),
            done => done,
        }
    }

    fn send_once(
        &self,
        wire: &dyn Transport,
        limits: &Limits<'_>,
        may_reuse_connection: bool,
    ) -> Result<HttpResponse, Failure> {
        let request = HttpRequest {
            realm: &self.realm,
            authorization: "Basic c2VjcmV0",
            user_agent: &self.user_agent,
            proxy: &self.proxy,
            ca_file: self.ca_file,
            connect_timeout: self.connect_timeout,
            may_reuse_connection,
        };
        wire.send(&request, limits)
    }

    /// Sends with limits that no test should reach.
    pub(super) fn go(&self) -> Result<HttpResponse, Failure> {
        self.send(&Limits::new(&Real, None).with_timeout(Duration::from_secs(30)))
    }

    pub(super) fn fails(&self) -> Failure {
        let Err(failure) = self.go() else { panic!("there should be no answer") };
        let shown = format!("{} {:?}", failure.message, failure.hint);
        assert!(!shown.contains("c2VjcmV0") && !shown.contains("hush"), "{shown}");
        failure
    }
}

/// Serves one connection on a thread; its port, and what `serve` returned.
pub(super) fn once<T: Send + 'static>(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> (u16, Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        // The test may be over before this is.
        let _ = sender.send(serve(stream));
    });
    (port, receiver)
}

/// Serves one request with these bytes, and closes.
pub(super) fn canned(answer: impl Into<Vec<u8>>) -> u16 {
    let answer = answer.into();
    once(move |mut stream| {
        head(&mut stream);
        let _ = stream.write_all(&answer);
    })
    .0
}

/// Reads a request up to its blank line.
pub(super) fn head(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        text.push(byte[0]);
    }
    String::from_utf8(text).expect("a request is ASCII")
}

/// A listener whose queue is full does not answer: the kernel drops what comes.
pub(super) fn deaf(address: &str) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(address).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
        assert!(queue.len() < 10_000, "this system never lets a queue fill up");
    }
    (listener, queue)
}
