//! The ways in which an authorize request can go wrong, as tests and the control endpoint say it.

mod build;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing to do to one authorize request. What is left out is as B2 would have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Fault {
    /// How many requests it applies to; 0 is for ever.
    pub times: u32,
    /// Wait until the latch of this name is released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// Wait this long before the first byte.
    pub delay_ms: u64,
    /// Answer with this status; other than 2xx comes with an error body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error body's code; a usual one for the status if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error body's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Answer in the shape of this API version, whichever was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<u8>,
    /// Changes to the JSON body, in order.
    pub patch: Vec<Edit>,
    /// Another body than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Further headers; one of a name that is there already takes its place.
    pub headers: Vec<(String, String)>,
    /// Headers to leave out.
    pub without_headers: Vec<String>,
    /// When to come again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// What to do to the `Date` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<DateFault>,
    /// What to do to the `Content-Length` header. The connection closes after the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<Length>,
    /// Send the body in chunks.
    pub chunked: bool,
    /// Compress the body.
    pub gzip: bool,
    /// Send this before the answer, as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The answer's first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_line: Option<String>,
    /// Send this behind the answer, as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Send something without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flood: Option<Flood>,
    /// Wait this long in the middle of the head.
    pub head_pause_ms: u64,
    /// Wait this long after each byte of the head.
    pub head_byte_ms: u64,
    /// Wait this long after each byte of the body.
    pub body_byte_ms: u64,
    /// End the answer before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// A change to the JSON body. Paths are JSON pointers, as `/apiInfo/storageApi/apiUrl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Edit {
    /// A JSON merge patch (RFC 7396).
    Merge(Value),
    /// Takes a member away.
    Remove(String),
    /// Puts a value in its place, or adds it.
    Set {
        /// Where.
        path: String,
        /// What.
        to: Value,
    },
}

/// A body other than the true one, or something done to the true one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Body {
    /// This text.
    Text(String),
    /// These bytes, in base64.
    Base64(String),
    /// Nothing at all.
    Empty,
    /// A proxy's idea of an error page, as `text/html`.
    Html,
    /// The first half of the true body, with a length that fits.
    Truncated,
    /// The true body with a byte in its first string that is no UTF-8.
    NotUtf8,
    /// The true body after a byte order mark.
    Bom,
    /// An array with the true body in it.
    Array,
    /// 100,000 arrays, one inside the other.
    JsonBomb,
    /// Valid JSON of 64 MiB.
    Huge,
    /// 256 MiB of JSON in about 256 KiB of gzip.
    GzipBomb,
}

/// A `Retry-After` header: seconds, a date, or whatever text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(i64),
    /// Any text.
    Raw(String),
    /// An HTTP date so many seconds after the answer's own `Date`.
    Date {
        /// How many.
        #[serde(rename = "dateInS")]
        date_in_s: i64,
    },
}

/// Something done to the `Date` header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum DateFault {
    /// No header.
    Omit,
    /// A clock that is so many seconds ahead, or behind if negative.
    OffsetS(i64),
    /// Any text.
    Raw(String),
}

/// Something done to the `Content-Length` header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Length {
    /// No header: the body ends with the connection.
    Omit,
    /// Wrong by so much.
    OffBy(i64),
    /// Any text.
    Raw(String),
}

/// What is sent again and again until the client leaves, for ten minutes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Flood {
    /// `100 Continue`, and no answer.
    Interim,
    /// One header that has no end.
    Line,
    /// Headers, one after the other.
    Headers,
    /// Chunks of spaces behind the body.
    Chunks,
    /// The extension of a chunk's size.
    Extension,
    /// Headers behind the last chunk.
    Trailers,
}

/// Where an answer ends early, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cut {
    /// What happens there.
    pub how: How,
    /// After so many bytes.
    #[serde(default)]
    pub at: u64,
    /// Counted from the start of the body, not of the head.
    #[serde(default)]
    pub of_body: bool,
}

/// How an answer ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// A TCP reset.
    Reset,
    /// An orderly end, with TLS's farewell on https.
    Close,
    /// An end of the TCP stream without TLS's farewell.
    Drop,
    /// Not another byte until the client leaves, ten minutes at most.
    Silence,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            times: 1,
            hold: None,
            delay_ms: 0,
            status: None,
            code: None,
            message: None,
            shape: None,
            patch: Vec::new(),
            body: None,
            headers: Vec::new(),
            without_headers: Vec::new(),
            retry_after: None,
            date: None,
            length: None,
            chunked: false,
            gzip: false,
            before: None,
            status_line: None,
            after: None,
            flood: None,
            head_pause_ms: 0,
            head_byte_ms: 0,
            body_byte_ms: 0,
            cut: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_what_the_builder_says() {
        let json = r#"{"status":503,"code":"service_unavailable","retryAfter":{"dateInS":2},
            "times":0,"cut":{"how":"reset","at":10,"ofBody":true},"body":"gzipBomb",
            "patch":[{"remove":"/accountId"},{"set":{"path":"/a","to":[1]}}],"date":{"offsetS":-9},"before":"a","statusLine":"b",
            "after":"c","flood":"trailers","headByteMs":5}"#;
        let read: Fault = serde_json::from_str(json).expect("every field is known");
        let built = Fault::status(503)
            .code("service_unavailable")
            .retry_after_date(2)
            .forever()
            .cut(How::Reset, 10)
            .of_body()
            .body(Body::GzipBomb)
            .remove("/accountId")
            .set("/a", serde_json::json!([1]))
            .date(DateFault::OffsetS(-9))
            .before("a")
            .status_line("b")
            .after("c")
            .flood(Flood::Trailers)
            .head_drip(std::time::Duration::from_millis(5));
        assert_eq!(read, built);
        let written = serde_json::to_string(&built).expect("a fault is plain data");
        assert_eq!(serde_json::from_str::<Fault>(&written).ok(), Some(built));
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        assert!(serde_json::from_str::<Fault>(r#"{"statsu":503}"#).is_err());
    }
}
