//! The body of a response: its framing, its compression, and its bounds.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::response::Parts;
use http::{StatusCode, Version};
use zeroize::{Zeroize, Zeroizing};

use crate::ports::transport::{Failure, FailureKind};

use super::exchange::Connection;
use super::failure::{WRONG_SERVER, closed_early, endless, not_http, with_hint};
use super::request_watch::RequestWatch;
use super::stream::{self, Stream};

/// The largest body, decompressed.
const MAX_BODY: usize = 256 * 1024;
/// The largest response on the wire. A body of the allowed size in chunks of one byte each is six times as long; trailers
/// come on top.
const MAX_RESPONSE: usize = 2 * 1024 * 1024;
/// The longest line of a chunked body.
const MAX_LINE: usize = 16 * 1024;
const BUFFER: usize = 8 * 1024;

/// A body that was read, and its connection if another request can use that.
#[derive(Default)]
pub(super) struct Received {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) reusable: Option<Stream>,
}

/// Reads the whole body.
pub(super) fn read(watch: &RequestWatch, head: &Parts, connection: Connection) -> Result<Received, Failure> {
    let host = watch.host();
    let is_compressed = match head.headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii()) {
        None => false,
        Some(encoding) if encoding.eq_ignore_ascii_case(b"identity") || encoding.is_empty() => false,
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => true,
        Some(_) => {
            let message = format!("the response of {host} has an encoding that was not asked for");
            return Err(with_hint(FailureKind::Protocol, message, WRONG_SERVER));
        }
    };
    let framing = Framing::of(head).map_err(|problem| not_http(host, problem))?;
    let mut raw = RawBody::new(watch, connection, framing);
    let expected = match framing {
        Framing::Length(length) if !is_compressed => usize::try_from(length).unwrap_or(MAX_BODY),
        _ => BUFFER,
    };
    let result = if is_compressed {
        read_all(&mut MultiGzDecoder::new(&mut raw), expected)
    } else {
        read_all(&mut raw, expected)
    };
    let explain = |error: &io::Error| match watch.take_failure() {
        Some(failure) => failure,
        None if error.kind() == io::ErrorKind::FileTooLarge => {
            with_hint(FailureKind::Protocol, format!("the response of {host} is over 256 KiB"), WRONG_SERVER)
        }
        None if is_compressed => {
            with_hint(FailureKind::Protocol, format!("the response of {host} cannot be decompressed"), WRONG_SERVER)
        }
        None => closed_early(host),
    };
    let bytes = result.map_err(|error| explain(&error))?;
    let reusable = if keeps_alive(head) { raw.into_idle() } else { None };
    Ok(Received { bytes, reusable })
}

/// Reads to the end. The body contains a token: each buffer that it outgrows is wiped.
fn read_all(reader: &mut impl Read, expected: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // One more than expected, so that the end is seen without growing.
    let mut buffer = Zeroizing::new(vec![0; expected.min(MAX_BODY) + 1]);
    let mut filled = 0;
    loop {
        if filled > MAX_BODY {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if filled == buffer.len() {
            let mut larger = Zeroizing::new(vec![0; filled * 2]);
            larger[..filled].copy_from_slice(&buffer);
            buffer = larger;
        }
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    /// By RFC 9112, section 6.3.
    fn of(head: &Parts) -> Result<Self, &'static str> {
        let has_none = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if has_none || head.status.is_informational() {
            return Ok(Self::Length(0));
        }
        if head.headers.contains_key(TRANSFER_ENCODING) {
            let is_chunked = last_word(&head.headers, &TRANSFER_ENCODING).is_some_and(|word| word == "chunked");
            return Ok(if is_chunked { Self::Chunked } else { Self::UntilClose });
        }
        let mut lengths = words(&head.headers, &CONTENT_LENGTH);
        let Some(first) = lengths.next() else { return Ok(Self::UntilClose) };
        let is_digits = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        let length = first.parse().ok().filter(|_| is_digits).ok_or("its Content-Length is not a number")?;
        if lengths.any(|other| other != first) {
            return Err("it has two lengths");
        }
        Ok(Self::Length(length))
    }
}

/// True if the server means to serve another request on the connection.
fn keeps_alive(head: &Parts) -> bool {
    head.version >= Version::HTTP_11 && !words(&head.headers, &CONNECTION).any(|word| word == "close")
}

/// The values of a header that is a list, in lower case.
fn words<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> + use<'h> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|word| word.trim_ascii().to_ascii_lowercase())
}

fn last_word(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    words(headers, name).last()
}

/// The bytes between head and end, with the framing removed.
struct RawBody<'a> {
    watch: &'a RequestWatch,
    connection: Connection,
    framing: Framing,
    /// The bytes left of the body, or of the current chunk.
    left: u64,
    state: ChunkState,
    /// How much of `connection.unread` was used.
    used: usize,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ChunkState {
    Size,
    Data,
    EndOfData,
    Trailers,
    End,
}

impl<'a> RawBody<'a> {
    fn new(watch: &'a RequestWatch, connection: Connection, framing: Framing) -> Self {
        let (left, state) = match framing {
            Framing::Length(0) => (0, ChunkState::End),
            Framing::Length(length) => (length, ChunkState::Data),
            Framing::Chunked => (0, ChunkState::Size),
            Framing::UntilClose => (u64::MAX, ChunkState::Data),
        };
        Self { watch, connection, framing, left, state, used: 0 }
    }

    /// The connection, if the body was read to its very end and nothing was left over.
    fn into_idle(self) -> Option<Stream> {
        let is_clean = self.state == ChunkState::End && self.used == self.connection.unread.len();
        (is_clean && self.framing != Framing::UntilClose).then_some(self.connection.stream)
    }

    /// The bytes that have come and are not used yet, at least one; none at the end of the connection.
    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.used == self.connection.unread.len() {
            if self.connection.received > MAX_RESPONSE {
                return Err(self.watch.fail(endless(self.watch.host())));
            }
            self.connection.unread.zeroize();
            self.used = 0;
            let mut buffer = Zeroizing::new(vec![0; BUFFER]);
            let read = self.connection.stream.read(&mut buffer).map_err(|e| stream::broken(self.watch, &e))?;
            buffer.truncate(read);
            self.connection.received += read;
            self.connection.unread = buffer;
        }
        Ok(&self.connection.unread[self.used..])
    }

    /// A line without its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let available = self.fill()?;
            if available.is_empty() {
                return Err(self.watch.fail(closed_early(self.watch.host())));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |at| at + 1);
            line.extend_from_slice(&available[..taken]);
            self.used += taken;
            if end.is_some() {
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if line.len() > MAX_LINE {
                return Err(self.watch.fail(endless(self.watch.host())));
            }
        }
    }

    fn invalid(&self, problem: &str) -> io::Error {
        self.watch.fail(not_http(self.watch.host(), problem))
    }

    /// Reads the framing up to the next data, or to the end.
    fn advance(&mut self) -> io::Result<()> {
        loop {
            match self.state {
                ChunkState::Data | ChunkState::End => return Ok(()),
                ChunkState::Size => {
                    let mut line = self.line()?;
                    line.extend_from_slice(b"\r\n");
                    match httparse::parse_chunk_size(&line) {
                        Ok(httparse::Status::Complete((_, 0))) => self.state = ChunkState::Trailers,
                        Ok(httparse::Status::Complete((_, size))) => {
                            self.left = size;
                            self.state = ChunkState::Data;
                        }
                        _ => return Err(self.invalid("the size of a chunk is not a number")),
                    }
                }
                ChunkState::EndOfData => {
                    if !self.line()?.is_empty() {
                        return Err(self.invalid("a chunk is longer than its size"));
                    }
                    self.state = ChunkState::Size;
                }
                ChunkState::Trailers => {
                    if self.line()?.is_empty() {
                        self.state = ChunkState::End;
                    }
                }
            }
        }
    }
}

impl Read for RawBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.advance()?;
        if self.state == ChunkState::End || buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let available = self.fill()?;
        if available.is_empty() {
            if self.framing == Framing::UntilClose {
                self.state = ChunkState::End;
                return Ok(0);
            }
            return Err(self.watch.fail(closed_early(self.watch.host())));
        }
        let read = most.min(available.len());
        buffer[..read].copy_from_slice(&available[..read]);
        self.used += read;
        if self.framing != Framing::UntilClose {
            self.left -= read as u64;
            if self.left == 0 {
                self.state = if self.framing == Framing::Chunked { ChunkState::EndOfData } else { ChunkState::End };
            }
        }
        Ok(read)
    }
}
