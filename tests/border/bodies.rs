//! Answers with the status of a grant and the body of something else.

use std::time::Duration;

use b2_sandbox::{Body, Fault};
use serde_json::json;

use crate::aside::timed;
use crate::scene::{ID, Scene};

#[test]
fn what_is_no_grant_is_a_protocol_error_after_one_request() {
    let scene = Scene::with(&[("negative_ttl_s", "0")]);
    for (count, (fault, word)) in [
        (Fault::with_body(Body::Huge), "256 KiB"),
        (Fault::with_body(Body::Huge).chunked(), "256 KiB"),
        (Fault::with_body(Body::GzipBomb), "256 KiB"),
        (Fault::with_body(Body::JsonBomb), ""),
        (Fault::with_body(Body::Html), "HTML"),
        (Fault::with_body(Body::Empty), "empty"),
        (Fault::with_body(Body::Truncated), ""),
        (Fault::with_body(Body::NotUtf8), "UTF-8"),
        (Fault::with_body(Body::Array), "array"),
        (Fault::with_body(Body::Text("null".into())), "null"),
        (Fault::with_body(Body::Text("{}".into())), "accountId"),
        (Fault::with_body(Body::Text("{} {}".into())), ""),
        (Fault::with_body(Body::Text("not JSON".into())), ""),
        (Fault::none().header("Content-Encoding", "br"), "encoded"),
        (Fault::none().header("Content-Encoding", "gzip"), ""),
        (Fault::none().remove("/authorizationToken"), "authorizationToken"),
        (Fault::none().set("/accountId", json!(7)), "accountId"),
        (Fault::none().set("/accountId", json!("a\0b")), "accountId"),
        (Fault::none().set("/apiInfo/storageApi/apiUrl", json!("https://user:word@evil.example")), "apiUrl"),
        (Fault::none().header("X-Long", &"x".repeat(20 * 1024)), "16 KiB"),
    ]
    .into_iter()
    .enumerate()
    {
        let told = format!("{:?} {:?} {:.200?}", fault.body, fault.patch, fault.headers);
        scene.sandbox.script(ID, [fault]);
        let (answer, took) = timed(|| scene.authorize());
        let failure = answer.expect_err(&told);
        assert_eq!(failure.name, "B2_PROTOCOL_ERROR", "{told}: {failure}");
        assert!(!failure.retryable && failure.message.contains(word), "{told}: {failure}");
        assert_eq!((failure.attempts, scene.requests()), (1, count + 1), "{told}: {failure}");
        assert!(took < Duration::from_secs(10), "{told}: {took:?}");
    }
}

#[test]
fn a_mark_at_the_start_is_forgiven() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::with_body(Body::Bom)]);
    scene.authorize().expect("granted");
}

#[test]
fn the_size_limit_holds_for_refusals_too() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::status(401).body(Body::Huge)]);
    let failure = scene.authorize().expect_err("too much");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1));
}

#[test]
fn a_protocol_error_is_not_remembered() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::with_body(Body::Html)]);
    scene.authorize().expect_err("a portal");
    scene.authorize().expect("B2 is asked again");
}
