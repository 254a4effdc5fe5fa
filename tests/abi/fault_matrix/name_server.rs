//! A name server with one thread and one answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Its answer to every question.
#[derive(Clone, Debug)]
pub enum Answer {
    Addresses(Vec<IpAddr>),
    /// No record, and this response code.
    Code(u8),
    /// Too long: the client should use TCP.
    Truncated,
    /// Bytes that are no DNS message.
    Garbage,
    /// A CNAME that points to itself.
    OwnAlias,
    Nothing,
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
/// Response, recursion desired and available.
const RESPONSE: [u8; 2] = [0x81, 0x80];
const TRUNCATED: u8 = 0x02;
/// A pointer to the name in the question.
const NAME_POINTER: [u8; 2] = [0xc0, 12];

/// It stops when this is dropped.
pub struct NameServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// On port 53, so the network must be private.
    pub fn start(answer: Answer) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("no other name server is here");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a time can be set");
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                reply(&socket, from, &buffer[..length], &answer);
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

fn reply(socket: &UdpSocket, to: SocketAddr, query: &[u8], answer: &Answer) {
    let message = match answer {
        Answer::Nothing => return,
        Answer::Garbage => vec![0xa5; 40],
        _ => message(query, answer),
    };
    let _ = socket.send_to(&message, to);
}

/// A message with the query's ID and question, and the answer.
fn message(query: &[u8], answer: &Answer) -> Vec<u8> {
    let name_length = query[12..].iter().position(|byte| *byte == 0).expect("a name ends with 0") + 1;
    let question = &query[12..12 + name_length + 4];
    let kind = u16::from_be_bytes([question[name_length], question[name_length + 1]]);
    let mut records: Vec<(u16, Vec<u8>)> = Vec::new();
    let mut flags = RESPONSE;
    match answer {
        Answer::Addresses(all) => records.extend(all.iter().filter_map(|address| match address {
            IpAddr::V4(address) if kind == A => Some((A, address.octets().to_vec())),
            IpAddr::V6(address) if kind == AAAA => Some((AAAA, address.octets().to_vec())),
            _ => None,
        })),
        Answer::OwnAlias => records.push((CNAME, NAME_POINTER.to_vec())),
        Answer::Code(code) => flags[1] |= code,
        Answer::Truncated => flags[0] |= TRUNCATED,
        Answer::Garbage | Answer::Nothing => {}
    }
    let count = u8::try_from(records.len()).expect("a few");
    let mut message = [&query[..2], &flags, &[0, 1, 0, count, 0, 0, 0, 0], question].concat();
    for (kind, data) in records {
        message.extend_from_slice(&NAME_POINTER);
        message.extend_from_slice(&kind.to_be_bytes());
        // Class IN, a TTL of 0.
        message.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
        message.extend_from_slice(&u16::try_from(data.len()).expect("an address").to_be_bytes());
        message.extend_from_slice(&data);
    }
    message
}
