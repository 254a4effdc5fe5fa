//! The limits on the size of a response, and of what an error repeats of it.

use std::fmt::Write;

use b2_sandbox::{Body, Fault};

use crate::reply_shapes::{respond, uncached};
use crate::support::concurrent::timed;
use crate::support::fixture::{Fixture, TEST_TIMEOUT};

/// The largest response body, decompressed.
const MAX_BODY: usize = 256 * 1024;
/// The longest string in an error or in its run log.
const MAX_TEXT: usize = 700;

/// A success with these lists, and nothing else but what it must have.
fn reply(buckets: &str, capabilities: &str, prefix: &str) -> String {
    let storage = format!(
        r#""apiUrl":"https://a.example","downloadUrl":"https://f.example","recommendedPartSize":9,
        "absoluteMinimumPartSize":3,"allowed":{{"buckets":{buckets},"capabilities":[{capabilities}],
        "namePrefix":{prefix}}}"#
    );
    format!(r#"{{"accountId":"a0","authorizationToken":"t0","apiInfo":{{"storageApi":{{{storage}}}}}}}"#)
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    let mut list = String::new();
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        write!(list, "{comma}{}", item(number)).expect("a string takes it");
    }
    list
}

fn bucket(number: usize) -> String {
    format!(r#"{{"id":"b{number}","name":"n{number}"}}"#)
}

/// How many items fit, of that length and a comma each.
fn capacity(length: usize) -> usize {
    (MAX_BODY - reply("[]", "", "null").len()) / (length + 1)
}

fn assert_too_large(fixture: &Fixture, body: &str) {
    for fault in [Fault::with_body(Body::Text(body.to_owned())), Fault::with_body(Body::Text(body.to_owned())).gzip()] {
        let (result, took) = timed(|| respond(fixture, fault));
        let failure = result.expect_err("too large");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{failure}");
        assert!(failure.message.contains("over 256 KiB"), "{failure}");
        assert!(took < TEST_TIMEOUT, "{took:?}");
    }
}

#[test]
fn a_hundred_thousand_buckets_or_capabilities_are_too_large() {
    let fixture = uncached();
    assert_too_large(&fixture, &reply(&format!("[{}]", list(100_000, bucket)), "", "null"));
    assert_too_large(&fixture, &reply("null", &list(100_000, |number| format!("\"c{number}\"")), "null"));
    assert_too_large(&fixture, &reply("null", "", &format!("\"{}\"", "x".repeat(MAX_BODY))));
}

#[test]
fn a_response_of_the_maximum_size_is_read_completely() {
    let fixture = uncached();
    let granted = |body: String| {
        assert!(body.len() <= MAX_BODY && body.len() > MAX_BODY - 256, "it fills the response: {}", body.len());
        let (result, took) = timed(|| respond(&fixture, Fault::with_body(Body::Text(body))));
        assert!(took < TEST_TIMEOUT, "{took:?}");
        result.expect("granted")
    };
    let count = capacity(bucket(10_000).len());
    let mut buckets = list(count, |number| bucket(number + 10_000));
    let session = granted(reply(&format!("[{buckets}]"), "", "null"));
    assert!(count > 8_000, "{count}");
    assert_eq!(session.number(|f| f.b2_session_bucket_count), count);
    let last = session.text_at(|f| f.b2_session_bucket_name, count - 1);
    assert_eq!(last, Some(format!("n{}", count + 9_999)));
    assert_eq!(session.text_at(|f| f.b2_session_bucket_id, count), None);
    assert_eq!(session.json()["allowed"]["buckets"].as_array().map(Vec::len), Some(count));

    let count = capacity(8);
    let session = granted(reply("null", &list(count, |number| format!("\"{:06}\"", number)), "null"));
    assert_eq!(session.number(|f| f.b2_session_capability_count), count);
    assert!(session.has_capability(&format!("{:06}", count - 1)) && !session.has_capability("listBuckets"));

    let prefix = "ä".repeat(capacity(2) * 3 / 2 - 16);
    let session = granted(reply("null", "", &format!("\"{prefix}\"")));
    assert_eq!(session.text(|f| f.b2_session_name_prefix), Some(prefix));

    // White space counts as well.
    buckets.push_str(&" ".repeat(1_000));
    assert_too_large(&fixture, &reply(&format!("[{buckets}]"), "", "null"));
}

#[test]
fn many_members_and_headers_take_little_time() {
    let fixture = uncached();
    let count = capacity(10) - 1;
    let members = list(count, |number| format!("\"x{number:05}\":1"));
    let body = reply("null", "", "null").replacen('{', &format!("{{{members},"), 1);
    let (result, took) = timed(|| respond(&fixture, Fault::with_body(Body::Text(body))));
    result.expect("unknown members are ignored");
    assert!(took < TEST_TIMEOUT, "{count}: {took:?}");
    let headers = (0..200).fold(Fault::status(401), |fault, number| fault.header(&format!("X-{number}"), "1"));
    let failure = respond(&fixture, headers).expect_err("refused");
    assert_eq!(failure.name, "B2_PROTOCOL_ERROR", "too many headers: {failure}");
}

#[test]
fn no_text_of_an_error_grows_with_the_response() {
    let fixture = Fixture::with_options(&[("cache", "bypass"), ("max_attempts", "1")]);
    let long = "y".repeat(10_000);
    for (row, (fault, code)) in [
        (Fault::status(403).message(&long), Some("access_denied")),
        (Fault::status(403).message(&"ä ".repeat(80_000)), Some("access_denied")),
        (Fault::status(403).code(&"c".repeat(64)), Some(&"c".repeat(64)[..])),
        (Fault::status(403).code(&"c".repeat(65)), None),
        (Fault::status(403).header("X-Bz-Request-Id", &long), Some("access_denied")),
        (Fault::redirect(302, &format!("https://{long}.example/")), Some("bad_request")),
        (Fault::redirect(302, &format!("https://b2.example/{long}")), Some("bad_request")),
        (Fault::status(503).retry_after(&"9".repeat(10_000)), Some("service_unavailable")),
        (Fault::status(403).header("Content-Encoding", &long), None),
        (Fault::none().set("/accountId", "a ".repeat(50_000).into()), None),
        (Fault::with_body(Body::Text("[".repeat(200_000))), None),
    ]
    .into_iter()
    .enumerate()
    {
        let context = format!("row {row}");
        let failure = respond(&fixture, fault).expect_err(&context);
        assert_eq!(failure.code.as_deref(), code, "{context}");
        let shown = [Some(&failure.message), failure.hint.as_ref(), failure.request_id.as_ref()];
        for text in shown.into_iter().flatten() {
            assert!(text.len() < MAX_TEXT, "{context}: {text}");
        }
        assert!(failure.json.to_string().len() < 3 * MAX_TEXT, "{context}: {}", failure.json);
    }
}
