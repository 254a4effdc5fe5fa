//! Faults said in Rust: one that starts, then what else is to happen.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Body, Cut, DateFault, Edit, Fault, Flood, How, Length, RetryAfter};

impl Fault {
    /// Nothing wrong: lets one request through between two faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Answers with this status.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Answers with another body.
    pub fn with_body(body: Body) -> Self {
        Self::default().body(body)
    }

    /// Holds the request until the latch is released.
    pub fn hold(latch: &str) -> Self {
        Self { hold: Some(latch.to_owned()), ..Self::default() }
    }

    /// Waits before the first byte.
    pub fn delay(time: Duration) -> Self {
        Self { delay_ms: millis(time), ..Self::default() }
    }

    /// Never answers.
    pub fn silent() -> Self {
        Self::default().cut(How::Silence, 0)
    }

    /// Resets the connection after so many bytes of the answer.
    pub fn reset_after(bytes: u64) -> Self {
        Self::default().cut(How::Reset, bytes)
    }

    /// Closes the connection in good order after so many bytes of the answer.
    pub fn close_after(bytes: u64) -> Self {
        Self::default().cut(How::Close, bytes)
    }

    /// Drops the connection, without TLS's farewell, after so many bytes of the answer.
    pub fn drop_after(bytes: u64) -> Self {
        Self::default().cut(How::Drop, bytes)
    }

    /// Sends the client elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("Location", location)
    }

    /// Answers in the shape of this API version, whichever was asked.
    pub fn shape(version: u8) -> Self {
        Self { shape: Some(version), ..Self::default() }
    }

    /// Answers with another account id than the key's.
    pub fn account(account_id: &str) -> Self {
        Self::default().set("/accountId", account_id.into())
    }

    /// The error body's code.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// The error body's message.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        self.message = Some(message.to_owned());
        self
    }

    /// A `Retry-After` header with this text.
    #[must_use]
    pub fn retry_after(mut self, text: &str) -> Self {
        self.retry_after = Some(RetryAfter::Raw(text.to_owned()));
        self
    }

    /// A `Retry-After` header with a date so many seconds after the answer's own.
    #[must_use]
    pub fn retry_after_date(mut self, seconds: i64) -> Self {
        self.retry_after = Some(RetryAfter::Date { date_in_s: seconds });
        self
    }

    /// Applies to so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Applies to every request from now on.
    #[must_use]
    pub fn forever(self) -> Self {
        self.times(0)
    }

    /// Also holds the request until the latch is released.
    #[must_use]
    pub fn held_at(mut self, latch: &str) -> Self {
        self.hold = Some(latch.to_owned());
        self
    }

    /// Also waits before the first byte.
    #[must_use]
    pub fn delayed(mut self, time: Duration) -> Self {
        self.delay_ms = millis(time);
        self
    }

    /// Waits in the middle of the head.
    #[must_use]
    pub fn head_pause(mut self, time: Duration) -> Self {
        self.head_pause_ms = millis(time);
        self
    }

    /// Waits after each byte of the head.
    #[must_use]
    pub fn head_drip(mut self, time: Duration) -> Self {
        self.head_byte_ms = millis(time);
        self
    }

    /// Sends this before the answer, as it stands.
    #[must_use]
    pub fn before(mut self, text: &str) -> Self {
        self.before = Some(text.to_owned());
        self
    }

    /// Begins the answer with this line.
    #[must_use]
    pub fn status_line(mut self, text: &str) -> Self {
        self.status_line = Some(text.to_owned());
        self
    }

    /// Sends this behind the answer, as it stands.
    #[must_use]
    pub fn after(mut self, text: &str) -> Self {
        self.after = Some(text.to_owned());
        self
    }

    /// Sends something without end.
    #[must_use]
    pub fn flood(mut self, flood: Flood) -> Self {
        self.flood = Some(flood);
        self
    }

    /// Waits after each byte of the body.
    #[must_use]
    pub fn body_drip(mut self, time: Duration) -> Self {
        self.body_byte_ms = millis(time);
        self
    }

    /// Ends the answer early.
    #[must_use]
    pub fn cut(mut self, how: How, at: u64) -> Self {
        self.cut = Some(Cut { how, at, of_body: false });
        self
    }

    /// Counts the cut from the start of the body.
    #[must_use]
    pub fn of_body(mut self) -> Self {
        if let Some(cut) = &mut self.cut {
            cut.of_body = true;
        }
        self
    }

    /// Another body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// Another body, of just these bytes.
    #[must_use]
    pub fn raw_body(self, bytes: &[u8]) -> Self {
        self.body(Body::Base64(STANDARD.encode(bytes)))
    }

    /// A further header, or another value for one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a header out.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.without_headers.push(name.to_owned());
        self
    }

    /// Does something to the `Date` header.
    #[must_use]
    pub fn date(mut self, date: DateFault) -> Self {
        self.date = Some(date);
        self
    }

    /// Does something to the `Content-Length` header.
    #[must_use]
    pub fn length(mut self, length: Length) -> Self {
        self.length = Some(length);
        self
    }

    /// Sends the body in chunks.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Compresses the body.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// Changes the JSON body by a merge patch.
    #[must_use]
    pub fn merge(mut self, patch: Value) -> Self {
        self.patch.push(Edit::Merge(patch));
        self
    }

    /// Takes a member out of the JSON body.
    #[must_use]
    pub fn remove(mut self, path: &str) -> Self {
        self.patch.push(Edit::Remove(path.to_owned()));
        self
    }

    /// Sets a member of the JSON body.
    #[must_use]
    pub fn set(mut self, path: &str, to: Value) -> Self {
        self.patch.push(Edit::Set { path: path.to_owned(), to });
        self
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
