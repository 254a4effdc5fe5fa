//! A client that hides nothing: it sends what it is told and shows every byte that comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub(crate) const ID: &str = "0014aa9865d6f0000000000b0";
pub(crate) const KEY: &str = "K0014pbwo1zxcIVMnqSNTfWHReU/O3s";

/// No answer takes this long unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
    TimedOut,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// As it came, chunks and all.
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let same = |(had, _): &&(String, String)| had.eq_ignore_ascii_case(name);
        self.headers.iter().find(same).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

pub(crate) fn connect(url: &str) -> TcpStream {
    let (_, host) = url.split_once("://").expect("a URL has a scheme");
    let stream = TcpStream::connect(host).expect("the sandbox listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
    stream
}

/// Everything until the end of the connection, and which end that was.
pub(crate) fn drain(stream: &mut impl Read) -> (Vec<u8>, End) {
    let mut all = Vec::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return (all, End::Closed),
            Ok(read) => all.extend_from_slice(&part[..read]),
            Err(error) => {
                let end = match error.kind() {
                    ErrorKind::ConnectionReset => End::Reset,
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => End::TimedOut,
                    kind => panic!("unexpected end: {kind}"),
                };
                return (all, end);
            }
        }
    }
}

pub(crate) fn parse(bytes: &[u8], end: End) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let head = text.split("\r\n\r\n").next().expect("split gives one part at least");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let headers = lines.filter_map(|line| line.split_once(": "));
    Answer {
        status: status.parse().expect("a status is a number"),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: bytes[(head.len() + 4).min(bytes.len())..].to_vec(),
        end,
    }
}

pub(crate) fn basic(id: &str, key: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{id}:{key}")))
}

/// The bytes of a request on a connection of its own.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: b2.test:80\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub(crate) fn send(url: &str, request: &[u8]) -> Answer {
    let mut stream = connect(url);
    stream.write_all(request).expect("the sandbox reads");
    let (bytes, end) = drain(&mut stream);
    parse(&bytes, end)
}

/// Authorizes the default master key.
pub(crate) fn authorize(url: &str) -> Answer {
    authorize_as(url, 4, ID, KEY)
}

pub(crate) fn authorize_as(url: &str, version: u8, id: &str, key: &str) -> Answer {
    send(url, &authorize_request(version, id, key))
}

pub(crate) fn authorize_request(version: u8, id: &str, key: &str) -> Vec<u8> {
    let path = format!("/b2api/v{version}/b2_authorize_account");
    request("GET", &path, &basic(id, key), "")
}

pub(crate) fn token(answer: &Answer) -> String {
    answer.json()["authorizationToken"].as_str().expect("a token").to_owned()
}
