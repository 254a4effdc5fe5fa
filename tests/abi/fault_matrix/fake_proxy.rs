//! Proxies of a few lines: one that does its work, and some that do anything but.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::time::Duration;

/// What a proxy does next with a connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Takes what the client says.
    Hear,
    Say(Vec<u8>),
    /// A byte at a time, 50 ms between.
    Drip(Vec<u8>),
    /// The same over and over again, until nobody listens.
    Flood(Vec<u8>),
    /// Nothing, until the client has gone.
    Stay,
    /// Hangs up in the midst of it.
    Reset,
}

/// Has a proxy do these things with each connection, and close it then. Gives its port. It is never stopped: its
/// process will be.
pub fn proxy(steps: Vec<Step>) -> u16 {
    serve(move |stream| play(stream, &steps))
}

/// An http proxy that lets everybody through, to the port asked for on this machine.
pub fn honest() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| serve(tunnel))
}

fn serve(each: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            std::thread::spawn(move || each(stream));
        }
    });
    port
}

fn play(mut stream: TcpStream, steps: &[Step]) {
    for step in steps {
        let done = match step {
            Step::Hear => stream.read(&mut [0; 4096]).map(drop),
            Step::Say(bytes) => stream.write_all(bytes),
            Step::Drip(bytes) => bytes.chunks(1).try_for_each(|byte| {
                std::thread::sleep(Duration::from_millis(50));
                stream.write_all(byte)
            }),
            Step::Flood(bytes) => loop {
                if let Err(e) = stream.write_all(bytes) {
                    break Err(e);
                }
            },
            Step::Stay => std::io::copy(&mut stream, &mut std::io::sink()).map(drop),
            Step::Reset => return reset(&stream),
        };
        if done.is_err() {
            return;
        }
    }
}

/// Closes it so that the other side learns of it by a reset.
fn reset(stream: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let length = size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: setsockopt reads `length` bytes of `linger`.
    let status = unsafe {
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), length)
    };
    assert_eq!(status, 0);
}

fn tunnel(mut client: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("a head is text");
    let target = head.split_whitespace().nth(1).expect("it is asked for a target");
    let port: u16 = target.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a target has a port");
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
    if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_ok() {
        pass(&client, &server);
    }
}

fn pass(client: &TcpStream, server: &TcpStream) {
    let one_way = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| one_way(client, server));
        one_way(server, client);
    });
}
