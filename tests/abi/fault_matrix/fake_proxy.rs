//! An http proxy that works, and proxies that play a script.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use super::fake_server::reset_on_close;

/// What a proxy does next with a connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads what the client sends.
    Read,
    Send(Vec<u8>),
    /// Sends a byte every 500 ms.
    SendSlowly(Vec<u8>),
    /// Sends the same again and again, until the client closes.
    Flood(Vec<u8>),
    /// Sends nothing until the client closes.
    Silence,
    /// Resets the connection.
    Reset,
}

/// Starts a proxy that takes these steps on each connection, and then closes it. Returns its port. It runs until the
/// process ends.
pub fn proxy(steps: Vec<Step>) -> u16 {
    serve(move |stream| play(stream, &steps))
}

/// An http proxy that connects to the requested port on this machine.
pub fn working() -> u16 {
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
            Step::Read => stream.read(&mut [0; 4096]).map(drop),
            Step::Send(bytes) => stream.write_all(bytes),
            Step::SendSlowly(bytes) => bytes.chunks(1).try_for_each(|byte| {
                std::thread::sleep(Duration::from_millis(500));
                stream.write_all(byte)
            }),
            Step::Flood(bytes) => loop {
                if let Err(e) = stream.write_all(bytes) {
                    break Err(e);
                }
            },
            Step::Silence => std::io::copy(&mut stream, &mut std::io::sink()).map(drop),
            Step::Reset => return reset_on_close(&stream),
        };
        if done.is_err() {
            return;
        }
    }
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
    let target = head.split_whitespace().nth(1).expect("it has a target");
    let port: u16 = target.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a target has a port");
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
    if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_ok() {
        relay(&client, &server);
    }
}

fn relay(client: &TcpStream, server: &TcpStream) {
    let one_way = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| one_way(client, server));
        one_way(server, client);
    });
}
