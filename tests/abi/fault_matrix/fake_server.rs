//! Servers that send what no HTTP library would send, and a relay, behind which one server can replace another.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Handles a connection.
pub type Serve = Arc<dyn Fn(&mut TcpStream) + Send + Sync>;

/// A port that leads to one server first, and then to another.
pub struct Relay {
    port: u16,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    serve: Mutex<Serve>,
    accepted: AtomicUsize,
    stopped: AtomicBool,
}

impl Relay {
    pub fn to(serve: Serve) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let serve = Mutex::new(serve);
        let state = Arc::new(State { serve, accepted: AtomicUsize::new(0), stopped: AtomicBool::new(false) });
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.expect("a connection");
                shared.accepted.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&shared.serve.lock().expect("no panic"));
                thread::spawn(move || serve(&mut stream));
            }
        });
        Self { port, state, thread: Some(thread) }
    }

    /// From now on connections go to this server.
    pub fn turn_to(&self, serve: Serve) {
        *self.state.serve.lock().expect("no panic") = serve;
        self.state.accepted.store(0, Ordering::SeqCst);
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The connections since the last [`Self::turn_to`].
    pub fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Relays to the server of this URL.
pub fn onward(url: &str) -> Serve {
    let port: u16 = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL with a port");
    Arc::new(move |near: &mut TcpStream| {
        let far = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let (near_in, far_in) = (near.try_clone().expect("a descriptor"), far.try_clone().expect("a descriptor"));
        thread::scope(|scope| {
            scope.spawn(move || copy(near_in, far_in));
            copy(far, near.try_clone().expect("a descriptor"));
        });
    })
}

/// Copies until the end, and then ends the other side in the same way.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16 * 1024];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) if to.write_all(&bytes[..count]).is_ok() => {}
            Ok(_) => break,
            Err(_) => {
                reset_on_close(&to);
                let _ = to.shutdown(Shutdown::Read);
                return;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// A linger time of 0 turns the close into a reset.
pub fn reset_on_close(stream: &TcpStream) {
    use std::os::fd::AsRawFd;
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = libc::socklen_t::try_from(size_of::<libc::linger>()).expect("a few bytes");
    // SAFETY: `linger` is valid for `size` bytes, and `stream` keeps its descriptor open.
    unsafe {
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), size);
    }
}

/// Closes gracefully: what the client still sends is read, since unread bytes would turn the close into a reset.
pub fn finish(stream: &mut TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let mut rest = [0; 1024];
    while stream.read(&mut rest).is_ok_and(|count| count > 0) {}
}

/// Reads a ClientHello, and no more.
pub fn read_hello(stream: &mut TcpStream) {
    let mut head = [0; 5];
    if stream.read_exact(&mut head).is_ok() {
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        let _ = stream.read_exact(&mut vec![0; length]);
    }
}

/// Reads a request up to its blank line.
pub fn read_request(stream: &mut TcpStream) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
}
