//! Answers that come late, slowly, or not to their end.

use std::time::Duration;

use b2_sandbox::{Fault, How, Length};

use super::{NETWORK, PROTOCOL, TIMEOUT};
use crate::fault_matrix::case::Case;

pub fn cases() -> Vec<Case> {
    [ends(), farewells(), waits(), heads()].into_iter().flatten().collect()
}

fn ends() -> Vec<Case> {
    let cut = |how, at| Fault::default().cut(how, at);
    let body = |how, at| Fault::default().cut(how, at).of_body();
    let early = |name, fault| Case::retried(name, fault, NETWORK, "before its answer was complete", "VPN");
    let reset = |name, fault| Case::retried(name, fault, NETWORK, "reset", "VPN");
    vec![
        reset("a reset instead of an answer", cut(How::Reset, 0)),
        reset("a reset in the head", cut(How::Reset, 40)),
        reset("a reset before the body", body(How::Reset, 0)),
        reset("a reset in the body", body(How::Reset, 100)),
        early("a close instead of an answer", cut(How::Close, 0)),
        early("a close in the status line", cut(How::Close, 5)),
        early("a close in the head", cut(How::Close, 40)),
        early("a close before the body", body(How::Close, 0)),
        early("a close in the body", body(How::Close, 100)),
        early("a close in the chunks", body(How::Close, 100).chunked()),
        early("a close in the gzip", body(How::Close, 100).gzip()),
        early("a loss instead of an answer", cut(How::Drop, 0)),
        early("a loss in the head", cut(How::Drop, 40)),
        early("a loss before the body", body(How::Drop, 0)),
        early("a loss in the body", body(How::Drop, 100)),
        early("a loss in the chunks", body(How::Drop, 100).chunked()),
    ]
}

/// Whether an answer is whole is for its length to say, or its last chunk, or TLS; over http the last byte may be any.
fn farewells() -> Vec<Case> {
    let lost = Fault::default().cut(How::Drop, 1 << 20).of_body();
    let open = lost.clone().length(Length::Omit);
    let early = "before its answer was complete";
    vec![
        Case::passes("a whole answer without a farewell", lost.clone()),
        Case::passes("a whole answer in chunks without a farewell", lost.chunked()),
        Case::passes("an answer to the end without a farewell", open.clone()).over_http(),
        Case::retried("an answer to the end without TLS's farewell", open, NETWORK, early, "VPN").over_https(),
        Case::passes("an answer to the end and a farewell", Fault::default().length(Length::Omit)).over_https(),
    ]
}

fn waits() -> Vec<Case> {
    let late = |name, fault, says| Case::retried(name, fault, TIMEOUT, says, "attempt_timeout_ms").lasting();
    let body = |at| Fault::default().cut(How::Silence, at).of_body();
    let drip = Fault::default().body_drip(Duration::from_millis(20));
    let pause = Duration::from_millis(30);
    let (first, answer) = ("waiting for the first byte", "reading the answer");
    vec![
        late("silence", Fault::silent(), first),
        late("silence in the head", Fault::default().cut(How::Silence, 40), answer),
        late("silence before the body", body(0), answer),
        late("silence in the body", body(100), answer),
        late("silence in the chunks", body(100).chunked(), answer),
        late("an answer in a minute", Fault::delay(Duration::from_secs(60)), first),
        late("half of the head in a minute", Fault::default().head_pause(Duration::from_secs(60)), answer),
        late("a body of fifty bytes a second", drip, answer),
        Case::passes("a pause before the answer", Fault::delay(pause)),
        Case::passes("a pause in the head", Fault::default().head_pause(pause)),
        Case::passes("a body in drops", Fault::default().body_drip(Duration::from_micros(1))),
    ]
}

fn heads() -> Vec<Case> {
    let long = |length| Fault::none().header("X-Long", &"x".repeat(length));
    vec![
        Case::ends("a header of 20 KiB", long(20 << 10), PROTOCOL, "over 16 KiB", "realm"),
        Case::passes("a header of 15 KiB", long(15 << 10)),
    ]
}
