//! Puts an answer on the wire, in good manner or as a fault says.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use crate::body;
use crate::channel::Channel;
use crate::fault::{Cut, DateFault, Fault, How, Length, RetryAfter};
use crate::flood;
use crate::halt::Halt;
use crate::peer;
use crate::response::{Response, reason};

/// A body that is not copied to be sent together with its head.
const LARGE: usize = 1 << 20;

/// What becomes of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It can serve another request.
    Open,
    /// It is to be closed in good order.
    Close,
    /// It has come to its end already; touch it no more.
    Ended,
}

/// What about the request bears on how it is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) keep_alive: bool,
    pub(crate) head_only: bool,
}

pub(crate) fn deliver(
    channel: &mut Channel,
    mut response: Response,
    fault: &Fault,
    wish: Wish,
    halt: &Halt,
) -> io::Result<After> {
    let bodiless = matches!(response.status, 204 | 304) || wish.head_only;
    if matches!(response.status, 204 | 304) {
        response.body.clear();
    }
    let keep = wish.keep_alive && fault.length.is_none();
    let chunked = fault.chunked || fault.flood.is_some_and(flood::is_of_chunks);
    set_headers(&mut response, fault, chunked, keep);
    let head = head(&response, fault);
    let mut body = match (bodiless, chunked) {
        (true, _) => Vec::new(),
        (false, true) => body::chunk(&response.body),
        (false, false) => response.body,
    };
    body.extend_from_slice(fault.after.as_deref().unwrap_or_default().as_bytes());
    let cut = fault
        .cut
        .as_ref()
        .map(|cut| Cut { at: cut.at + if cut.of_body { head.len() as u64 } else { 0 }, ..cut.clone() });
    let mut wire = Wire { channel, halt, cut, sent: 0, ended: false };
    let pause = Duration::from_millis(fault.head_pause_ms);
    let drips = [fault.head_byte_ms, fault.body_byte_ms].map(Duration::from_millis);
    if let Some(kind) = fault.flood {
        let (start, again) = flood::of(kind, head.as_bytes(), &body);
        wire.send(&start)?;
        return wire.flood(&again).map(|()| After::Ended);
    }
    if pause.is_zero() && drips.iter().all(Duration::is_zero) && body.len() < LARGE {
        // One write, so that an ordinary answer is one packet and one TLS record.
        wire.send(&[head.as_bytes(), &body].concat())?;
    } else {
        let (first, second) = head.as_bytes().split_at(head.len() / 2);
        wire.drip(first, drips[0])?;
        wire.pause(pause);
        wire.drip(second, drips[0])?;
        wire.drip(&body, drips[1])?;
    }
    // A cut behind the last byte, as a reset of a whole answer, is still to come.
    wire.cut_here();
    let ended = wire.ended;
    Ok(match (ended, keep) {
        (true, _) => After::Ended,
        (false, true) => After::Open,
        (false, false) => After::Close,
    })
}

fn set_headers(response: &mut Response, fault: &Fault, chunked: bool, keep: bool) {
    let offset = match fault.date {
        Some(DateFault::OffsetS(seconds)) => seconds,
        _ => 0,
    };
    let date = shifted(SystemTime::now(), offset);
    match &fault.date {
        Some(DateFault::Omit) => {}
        Some(DateFault::Raw(text)) => response.set("Date", text),
        // A header that the fault has given goes before ours.
        _ if response.has("Date") => {}
        _ => response.set("Date", &httpdate::fmt_http_date(date)),
    }
    match &fault.retry_after {
        None => {}
        Some(RetryAfter::Seconds(seconds)) => response.set("Retry-After", &seconds.to_string()),
        Some(RetryAfter::Raw(text)) => response.set("Retry-After", text),
        Some(RetryAfter::Date { date_in_s }) => {
            let when = httpdate::fmt_http_date(shifted(date, *date_in_s));
            response.set("Retry-After", &when);
        }
    }
    response.name();
    let length = response.body.len();
    match &fault.length {
        _ if chunked => response.set("Transfer-Encoding", "chunked"),
        _ if response.has("Content-Length") || response.status == 204 => {}
        None => response.set("Content-Length", &length.to_string()),
        Some(Length::Omit) => {}
        Some(Length::Raw(text)) => response.set("Content-Length", text),
        Some(Length::OffBy(by)) => {
            let wrong = length.saturating_add_signed(isize::try_from(*by).unwrap_or(0));
            response.set("Content-Length", &wrong.to_string());
        }
    }
    if !keep {
        response.set("Connection", "close");
    }
    for name in &fault.without_headers {
        response.remove(name);
    }
}

fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    // HTTP's dates end with the year 9999, and so does this formatter, by a panic.
    let shifted = if seconds < 0 { time.checked_sub(by) } else { time.checked_add(by) };
    let year_9000 = SystemTime::UNIX_EPOCH + Duration::from_secs(221_845_392_000);
    shifted.unwrap_or(time).clamp(SystemTime::UNIX_EPOCH, year_9000)
}

fn head(response: &Response, fault: &Fault) -> String {
    let usual = || format!("HTTP/1.1 {} {}", response.status, reason(response.status));
    let line = fault.status_line.clone().unwrap_or_else(usual);
    let mut head = format!("{}{line}\r\n", fault.before.as_deref().unwrap_or_default());
    for (name, value) in &response.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head
}

/// Counts the bytes that go out, and ends where the cut is.
struct Wire<'a> {
    channel: &'a mut Channel,
    halt: &'a Halt,
    cut: Option<Cut>,
    sent: u64,
    ended: bool,
}

impl Wire<'_> {
    fn drip(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        if pause.is_zero() {
            return self.send(bytes);
        }
        for byte in bytes {
            self.send(std::slice::from_ref(byte))?;
            self.pause(pause);
        }
        Ok(())
    }

    /// Ends when the client has left, which a write tells.
    fn flood(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = Instant::now() + peer::LONGEST;
        while !self.ended && Instant::now() < end {
            self.send(bytes)?;
        }
        Ok(())
    }

    fn pause(&mut self, time: Duration) {
        if !time.is_zero() && !self.ended && !peer::stays_for(self.channel.socket(), time, self.halt) {
            self.ended = true;
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let room = self.cut.as_ref().map_or(u64::MAX, |cut| cut.at.saturating_sub(self.sent));
        let part = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.channel.write_all(&bytes[..part])?;
        self.channel.flush()?;
        self.sent += part as u64;
        if part < bytes.len() {
            self.cut_here();
        }
        Ok(())
    }

    fn cut_here(&mut self) {
        let Some(cut) = self.cut.take().filter(|_| !self.ended) else {
            return;
        };
        self.ended = true;
        match cut.how {
            How::Reset => self.channel.reset(),
            How::Close => self.channel.close(),
            How::Drop => self.channel.drop_tcp(),
            How::Silence => {
                peer::stays_for(self.channel.socket(), peer::LONGEST, self.halt);
            }
        }
    }
}
