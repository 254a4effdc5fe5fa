//! Every point at which a call can wait, set up so that it waits there and nowhere else.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use b2_sandbox::{Fault, How, TlsFault};

use super::api::Options;
use super::fixture::{Fixture, ID};

/// A fixture, and the options of a call that will wait in it.
pub struct WaitPoint {
    pub fixture: Fixture,
    pub options: Options,
    /// True once the call waits there.
    pub reached: fn(&WaitPoint) -> bool,
    /// The requests that B2 receives in all.
    pub requests: usize,
    _blackhole: Option<Blackhole>,
}

const LONG: [(&str, &str); 3] =
    [("total_timeout_ms", "3600000"), ("attempt_timeout_ms", "600000"), ("connect_timeout_ms", "600000")];

fn wait_point(settings: &[(&str, &str)], faults: impl IntoIterator<Item = Fault>, requests: usize) -> WaitPoint {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, faults);
    let options = fixture.options.with(&LONG).with(settings);
    WaitPoint { fixture, options, reached: |_| true, requests, _blackhole: None }
}

/// The first byte of the response does not come.
pub fn response_head() -> WaitPoint {
    let point = wait_point(&[], [Fault::hold("latch")], 1);
    WaitPoint { reached: |point| point.fixture.sandbox.held("latch") == 1, ..point }
}

/// The body of the response stops in the middle.
pub fn response_body() -> WaitPoint {
    let point = wait_point(&[], [Fault::default().cut(How::Silence, 50).of_body()], 1);
    WaitPoint { reached: |point| point.fixture.responses() == 1, ..point }
}

/// The body of the response comes so slowly that it never ends.
pub fn slow_response_body() -> WaitPoint {
    let point = wait_point(&[], [Fault::default().body_drip(Duration::from_millis(100))], 1);
    WaitPoint { reached: |point| point.fixture.responses() == 1, ..point }
}

/// The server does not respond to the ClientHello.
pub fn tls_handshake() -> WaitPoint {
    let mut point = wait_point(&[], [], 0);
    point.options = point.options.with(&[("realm", point.fixture.sandbox.tls_fault(TlsFault::NoHandshake))]);
    WaitPoint { reached: |point| point.fixture.sandbox.connection_count("no_handshake") == 1, ..point }
}

/// The connect gets no response.
pub fn connect() -> WaitPoint {
    let blackhole = Blackhole::listen(SocketAddr::from(([127, 0, 0, 1], 0)));
    let realm = format!("http://{}", blackhole.listener.local_addr().expect("an address"));
    let point = wait_point(&[("realm", &realm)], [], 0);
    WaitPoint { _blackhole: Some(blackhole), reached: |point| point.fixture.api.counter("requests") == 1, ..point }
}

/// A backoff of a minute or so.
pub fn backoff() -> WaitPoint {
    let settings = [("initial_backoff_ms", "60000"), ("max_backoff_ms", "60000")];
    // A short wait may be drawn first; the call is then held in its second attempt.
    let point = wait_point(&settings, [Fault::status(503), Fault::hold("latch")], 1);
    WaitPoint { reached: |point| point.fixture.responses() == 1, ..point }
}

/// B2 asked this call to retry after ten minutes.
pub fn retry_after() -> WaitPoint {
    let point = wait_point(&[], [Fault::status(503).retry_after("600")], 1);
    WaitPoint { reached: |point| point.fixture.responses() == 1, ..point }
}

/// B2 asked another call with this key to retry after ten minutes.
pub fn retry_after_block() -> WaitPoint {
    let point = wait_point(&[], [Fault::status(503).retry_after("600")], 1);
    let once = point.fixture.options.with(&[("max_attempts", "1")]);
    point.fixture.authorize_with(&once).expect_err("503");
    WaitPoint { reached: |point| point.fixture.api.counter("rate_waits") == 1, ..point }
}

/// The local rate limit is used up for this minute.
pub fn rate_limit() -> WaitPoint {
    let point = wait_point(&[("rate_limit_per_minute", "1")], [], 5);
    let bypass = point.fixture.options.with(&[("cache", "bypass")]);
    for _ in 0..5 {
        point.fixture.authorize_with(&bypass).expect("granted");
    }
    WaitPoint { reached: |point| point.fixture.api.counter("rate_waits") == 1, ..point }
}

/// A listener whose queue is full: connects to it get no response, and are not refused.
pub struct Blackhole {
    listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Blackhole {
    #[cfg(feature = "store-redis")]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    pub fn listen(at: SocketAddr) -> Self {
        let listener = TcpListener::bind(at).expect("a port");
        // SAFETY: the descriptor is the listener's; a second call changes the length of its queue.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
        let address = listener.local_addr().expect("an address");
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queue.push(stream);
            assert!(queue.len() < 64, "a queue of length 0 holds a few at most");
        }
        Self { listener, _queue: queue }
    }
}
