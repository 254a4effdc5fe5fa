//! How much a server can make of an answer, and of what is said about it.

use std::fmt::Write;
use std::time::Duration;

use b2_sandbox::{Body, Fault};

use crate::reply_shapes::{answered, uncached};
use crate::support::concurrent::timed;
use crate::support::fixture::Scene;

/// The most that an answer may have, decompressed.
const MOST: usize = 256 * 1024;
/// The most that one string of an error or of its log may have.
const LONGEST_SAID: usize = 700;

/// A grant with these lists in it, and nothing but what it must have.
fn grant(buckets: &str, capabilities: &str, prefix: &str) -> String {
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

/// As many as fit when each takes `length` besides its comma.
fn room(length: usize) -> usize {
    (MOST - grant("[]", "", "null").len()) / (length + 1)
}

fn is_too_large(scene: &Scene, body: &str) {
    for fault in [Fault::with_body(Body::Text(body.to_owned())), Fault::with_body(Body::Text(body.to_owned())).gzip()] {
        let (answer, took) = timed(|| answered(scene, fault));
        let failure = answer.expect_err("too large");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{failure}");
        assert!(failure.message.contains("over 256 KiB"), "{failure}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[test]
fn a_hundred_thousand_buckets_or_capabilities_are_more_than_an_answer_may_have() {
    let scene = uncached();
    is_too_large(&scene, &grant(&format!("[{}]", list(100_000, bucket)), "", "null"));
    is_too_large(&scene, &grant("null", &list(100_000, |number| format!("\"c{number}\"")), "null"));
    is_too_large(&scene, &grant("null", "", &format!("\"{}\"", "x".repeat(MOST))));
}

#[test]
fn as_many_as_fit_are_all_there() {
    let scene = uncached();
    let granted = |body: String| {
        assert!(body.len() <= MOST && body.len() > MOST - 256, "it fills the answer: {}", body.len());
        let (answer, took) = timed(|| answered(&scene, Fault::with_body(Body::Text(body))));
        assert!(took < Duration::from_secs(10), "{took:?}");
        answer.expect("granted")
    };
    let count = room(bucket(10_000).len());
    let mut buckets = list(count, |number| bucket(number + 10_000));
    let session = granted(grant(&format!("[{buckets}]"), "", "null"));
    assert!(count > 8_000, "{count}");
    assert_eq!(session.number(|f| f.b2_session_bucket_count), count);
    let last = session.nth(|f| f.b2_session_bucket_name, count - 1);
    assert_eq!(last, Some(format!("n{}", count + 9_999)));
    assert_eq!(session.nth(|f| f.b2_session_bucket_id, count), None);
    assert_eq!(session.json()["allowed"]["buckets"].as_array().map(Vec::len), Some(count));

    let count = room(8);
    let session = granted(grant("null", &list(count, |number| format!("\"{:06}\"", number)), "null"));
    assert_eq!(session.number(|f| f.b2_session_capability_count), count);
    assert!(session.can(&format!("{:06}", count - 1)) && !session.can("listBuckets"));

    let prefix = "ä".repeat(room(2) * 3 / 2 - 16);
    let session = granted(grant("null", "", &format!("\"{prefix}\"")));
    assert_eq!(session.text(|f| f.b2_session_name_prefix), Some(prefix));

    // Blanks count as well.
    buckets.push_str(&" ".repeat(1_000));
    is_too_large(&scene, &grant(&format!("[{buckets}]"), "", "null"));
}

#[test]
fn members_without_end_cost_no_time_without_end() {
    let scene = uncached();
    let count = room(10) - 1;
    let members = list(count, |number| format!("\"x{number:05}\":1"));
    let body = grant("null", "", "null").replacen('{', &format!("{{{members},"), 1);
    let (answer, took) = timed(|| answered(&scene, Fault::with_body(Body::Text(body))));
    answer.expect("what is not known is passed over");
    assert!(took < Duration::from_secs(10), "{count}: {took:?}");
    let headers = (0..200).fold(Fault::status(401), |fault, number| fault.header(&format!("X-{number}"), "1"));
    let failure = answered(&scene, headers).expect_err("refused");
    assert_eq!(failure.name, "B2_PROTOCOL_ERROR", "too many headers: {failure}");
}

#[test]
fn nothing_that_is_said_grows_with_the_answer() {
    let scene = Scene::with(&[("cache", "bypass"), ("max_attempts", "1")]);
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
        let told = format!("row {row}");
        let failure = answered(&scene, fault).expect_err(&told);
        assert_eq!(failure.code.as_deref(), code, "{told}");
        let shown = [Some(&failure.message), failure.hint.as_ref(), failure.request_id.as_ref()];
        for text in shown.into_iter().flatten() {
            assert!(text.len() < LONGEST_SAID, "{told}: {text}");
        }
        assert!(failure.json.to_string().len() < 3 * LONGEST_SAID, "{told}: {}", failure.json);
    }
}
