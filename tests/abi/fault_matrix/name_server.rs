//! A name server of one thread that answers as it is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What it answers to every question.
#[derive(Clone, Debug)]
pub enum Says {
    Addresses(Vec<IpAddr>),
    /// Nothing but this response code.
    Code(u8),
    /// It did not fit: ask by TCP.
    Truncated,
    /// Bytes that make no sense.
    Rubbish,
    /// The name is another name for itself.
    Itself,
    Nothing,
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
/// Response, recursion desired and available.
const RESPONSE: [u8; 2] = [0x81, 0x80];
const TRUNCATED: u8 = 0x02;
/// Where the question's name stands.
const THAT_NAME: [u8; 2] = [0xc0, 12];

/// It stops when this is dropped.
pub struct NameServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// On the port for it, so it must be a network without another one.
    pub fn start(says: Says) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("nobody else serves names here");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a time can be set");
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                reply(&socket, from, &buffer[..length], &says);
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn reply(socket: &UdpSocket, to: SocketAddr, query: &[u8], says: &Says) {
    let answer = match says {
        Says::Nothing => return,
        Says::Rubbish => vec![0xa5; 40],
        _ => answer(query, says),
    };
    let _ = socket.send_to(&answer, to);
}

/// A message with the query's id and question, and what is to be said.
fn answer(query: &[u8], says: &Says) -> Vec<u8> {
    let name_length = query[12..].iter().position(|byte| *byte == 0).expect("a name ends with a nought") + 1;
    let question = &query[12..12 + name_length + 4];
    let kind = u16::from_be_bytes([question[name_length], question[name_length + 1]]);
    let mut records: Vec<(u16, Vec<u8>)> = Vec::new();
    let mut flags = RESPONSE;
    match says {
        Says::Addresses(all) => records.extend(all.iter().filter_map(|address| match address {
            IpAddr::V4(address) if kind == A => Some((A, address.octets().to_vec())),
            IpAddr::V6(address) if kind == AAAA => Some((AAAA, address.octets().to_vec())),
            _ => None,
        })),
        Says::Itself => records.push((CNAME, THAT_NAME.to_vec())),
        Says::Code(code) => flags[1] |= code,
        Says::Truncated => flags[0] |= TRUNCATED,
        Says::Rubbish | Says::Nothing => {}
    }
    let count = u8::try_from(records.len()).expect("a few");
    let mut message = [&query[..2], &flags, &[0, 1, 0, count, 0, 0, 0, 0], question].concat();
    for (kind, data) in records {
        message.extend_from_slice(&THAT_NAME);
        message.extend_from_slice(&kind.to_be_bytes());
        // Of the internet, good for nought seconds.
        message.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
        message.extend_from_slice(&u16::try_from(data.len()).expect("an address").to_be_bytes());
        message.extend_from_slice(&data);
    }
    message
}
