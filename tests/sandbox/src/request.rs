//! HTTP requests, read with bounds.

use std::io::{self, BufRead, Read, Write};

/// More than any client sends.
const LONGEST_HEAD: u64 = 64 << 10;
const LARGEST_BODY: u64 = 256 << 20;

#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without scheme, host and query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    old: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let same = |(had, _): &&(String, String)| had.eq_ignore_ascii_case(name);
        self.headers.iter().find(same).map(|(_, value)| value.as_str())
    }

    pub(crate) fn keep_alive(&self) -> bool {
        match self.header("Connection") {
            Some(value) if value.eq_ignore_ascii_case("close") => false,
            Some(value) if value.eq_ignore_ascii_case("keep-alive") => true,
            _ => !self.old,
        }
    }

    /// A parameter of the query, taken as it stands.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The next request's line and headers; `None` at the end of the connection.
    pub(crate) fn read_head(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut stream = stream.take(LONGEST_HEAD);
        let Some(first) = line(&mut stream)? else {
            return Ok(None);
        };
        let mut parts = first.split(' ');
        let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("a request line has three parts"));
        };
        let (path, query) =
            without_authority(target).split_once('?').unwrap_or_else(|| (without_authority(target), ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            old: version == "HTTP/1.0",
            ..Self::default()
        };
        loop {
            let line = line(&mut stream)?.ok_or_else(|| bad("the head has no end"))?;
            if line.is_empty() {
                return Ok(Some(request));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad("a header has a colon"))?;
            request.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// Reads the body, after the word that a careful client waits for.
    pub(crate) fn read_body<S: BufRead + AnswerNow>(&mut self, stream: &mut S) -> io::Result<()> {
        if self.header("Expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            stream.writer().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            stream.writer().flush()?;
        }
        let chunked = self.header("Transfer-Encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        if chunked {
            return self.read_chunks(stream);
        }
        let length: u64 = match self.header("Content-Length") {
            None => 0,
            Some(text) => text.parse().map_err(|_| bad("a length is a number"))?,
        };
        read_exactly(stream, length, &mut self.body)
    }

    fn read_chunks(&mut self, stream: &mut impl BufRead) -> io::Result<()> {
        loop {
            let line = line(stream)?.ok_or_else(|| bad("a chunk is missing"))?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).map_err(|_| bad("a chunk has a size"))?;
            if size == 0 {
                // Trailers, if any, and the blank line.
                while self::line(stream)?.is_some_and(|trailer| !trailer.is_empty()) {}
                return Ok(());
            }
            read_exactly(stream, size, &mut self.body)?;
            self::line(stream)?;
        }
    }
}

/// A stream that can be written to while it is being read.
pub(crate) trait AnswerNow {
    fn writer(&mut self) -> &mut dyn Write;
}

/// A client that takes us for its proxy names the host too.
fn without_authority(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://") else {
        return target;
    };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

fn read_exactly(stream: &mut impl Read, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if length > LARGEST_BODY - body.len() as u64 {
        return Err(bad("the body is too large"));
    }
    let read = stream.take(length).read_to_end(body)?;
    if (read as u64) < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// One line without its end; `None` if there is nothing more.
fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    stream.take(LONGEST_HEAD).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(bad("a line has an end"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_s_request_is_read_like_any_other() {
        let mut text: &[u8] = b"GET http://b2.test/a/b?c=d&e=f HTTP/1.1\r\nHost: b2.test\r\n\r\n";
        let request = Request::read_head(&mut text).expect("well formed").expect("there is one");
        assert_eq!((request.path.as_str(), request.parameter("e")), ("/a/b", Some("f")));
        assert!(request.keep_alive());
        assert!(Request::read_head(&mut text).expect("an end is no error").is_none());
    }

    #[test]
    fn an_endless_head_is_refused() {
        let long = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'x'; 100_000]].concat();
        assert!(Request::read_head(&mut long.as_slice()).is_err());
    }
}
