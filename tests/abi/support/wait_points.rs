//! The places where a call can wait, set up so that it waits there and nowhere else.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use b2_sandbox::{Fault, How, TlsFault};

use crate::support::api::Options;
use crate::support::fixture::{ID, Scene};

/// A scene, and the options of a call that will wait in it.
pub struct Stage {
    pub scene: Scene,
    pub options: Options,
    /// True once the call has come to the place.
    pub reached: fn(&Stage) -> bool,
    /// The requests that B2 sees of it all.
    pub requests: usize,
    _blackhole: Option<Blackhole>,
}

const LONG: [(&str, &str); 3] =
    [("total_timeout_ms", "3600000"), ("attempt_timeout_ms", "600000"), ("connect_timeout_ms", "600000")];

fn stage(settings: &[(&str, &str)], faults: impl IntoIterator<Item = Fault>, requests: usize) -> Stage {
    let scene = Scene::new();
    scene.sandbox.script(ID, faults);
    let options = scene.options.with(&LONG).with(settings);
    Stage { scene, options, reached: |_| true, requests, _blackhole: None }
}

/// The answer's first byte does not come.
pub fn head() -> Stage {
    Stage { reached: |stage| stage.scene.sandbox.held("for ever") == 1, ..stage(&[], [Fault::hold("for ever")], 1) }
}

/// The answer's body stops in the middle.
pub fn body() -> Stage {
    let stage = stage(&[], [Fault::default().cut(How::Silence, 50).of_body()], 1);
    Stage { reached: |stage| stage.scene.answered() == 1, ..stage }
}

/// The answer's body comes in so slowly that it never ends.
pub fn drip() -> Stage {
    let stage = stage(&[], [Fault::default().body_drip(Duration::from_millis(100))], 1);
    Stage { reached: |stage| stage.scene.answered() == 1, ..stage }
}

/// Nobody answers the client's hello.
pub fn handshake() -> Stage {
    let mut stage = stage(&[], [], 0);
    stage.options = stage.options.with(&[("realm", stage.scene.sandbox.tls_fault(TlsFault::NoHandshake))]);
    Stage { reached: |stage| stage.scene.sandbox.connection_count("no_handshake") == 1, ..stage }
}

/// Nobody answers the connect.
pub fn connect() -> Stage {
    let blackhole = Blackhole::dig(SocketAddr::from(([127, 0, 0, 1], 0)));
    let realm = format!("http://{}", blackhole.listener.local_addr().expect("an address"));
    let stage = stage(&[("realm", &realm)], [], 0);
    Stage { _blackhole: Some(blackhole), reached: |stage| stage.scene.api.counter("requests") == 1, ..stage }
}

/// B2 is to be asked again, in a minute or so.
pub fn backoff() -> Stage {
    let settings = [("initial_backoff_ms", "60000"), ("max_backoff_ms", "60000")];
    // A short wait may be drawn first; the call is then held in its second attempt.
    let stage = stage(&settings, [Fault::status(503), Fault::hold("for ever")], 1);
    Stage { reached: |stage| stage.scene.answered() == 1, ..stage }
}

/// B2 asked to be left alone for ten minutes.
pub fn asked_to_wait() -> Stage {
    let stage = stage(&[], [Fault::status(503).retry_after("600")], 1);
    Stage { reached: |stage| stage.scene.answered() == 1, ..stage }
}

/// B2 asked another caller of this key to leave it alone.
pub fn gate() -> Stage {
    let stage = stage(&[], [Fault::status(503).retry_after("600")], 1);
    let once = stage.scene.options.with(&[("max_attempts", "1")]);
    stage.scene.authorize_with(&once).expect_err("put off");
    Stage { reached: |stage| stage.scene.api.counter("rate_waits") == 1, ..stage }
}

/// The share of requests for this minute is used up.
pub fn budget() -> Stage {
    let stage = stage(&[("rate_limit_per_minute", "1")], [], 5);
    let bypass = stage.scene.options.with(&[("cache", "bypass")]);
    for _ in 0..5 {
        stage.scene.authorize_with(&bypass).expect("granted");
    }
    Stage { reached: |stage| stage.scene.api.counter("rate_waits") == 1, ..stage }
}

/// A listener whose queue is full: connects to it come to nothing, and are not refused.
pub struct Blackhole {
    listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Blackhole {
    pub fn dig(at: SocketAddr) -> Self {
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
