//! Responses that come late, slowly, or not to their end.

use std::time::Duration;

use b2_sandbox::{Fault, How, Length};

use super::{NETWORK, accepted, incomplete, late, protocol};
use crate::fault_matrix::fault::{FaultCase, fault};

pub fn cases() -> Vec<FaultCase> {
    [breaks(), without_close(), waits(), long_headers()].into_iter().flatten().collect()
}

fn breaks() -> Vec<FaultCase> {
    let cut = |how, at| Fault::default().cut(how, at);
    let body = |how, at| Fault::default().cut(how, at).of_body();
    let reset =
        |name: &str, response| fault(name).response(response).status(NETWORK).message("reset").hint("VPN").retried();
    vec![
        reset("reset before the response", cut(How::Reset, 0)),
        reset("reset in the head", cut(How::Reset, 40)),
        reset("reset before the body", body(How::Reset, 0)),
        reset("reset in the body", body(How::Reset, 100)),
        incomplete("close before the response", cut(How::Close, 0)),
        incomplete("close in the status line", cut(How::Close, 5)),
        incomplete("close in the head", cut(How::Close, 40)),
        incomplete("close before the body", body(How::Close, 0)),
        incomplete("close in the body", body(How::Close, 100)),
        incomplete("close in the chunks", body(How::Close, 100).chunked()),
        incomplete("close in the gzip", body(How::Close, 100).gzip()),
        incomplete("close without close_notify before the response", cut(How::Drop, 0)),
        incomplete("close without close_notify in the head", cut(How::Drop, 40)),
        incomplete("close without close_notify before the body", body(How::Drop, 0)),
        incomplete("close without close_notify in the body", body(How::Drop, 100)),
        incomplete("close without close_notify in the chunks", body(How::Drop, 100).chunked()),
    ]
}

/// A response is complete by its length, its last chunk, or the end of TLS. Over http any byte may be the last.
fn without_close() -> Vec<FaultCase> {
    let dropped = Fault::default().cut(How::Drop, 1 << 20).of_body();
    let open = dropped.clone().length(Length::Omit);
    vec![
        accepted("complete, without close_notify", dropped.clone()),
        accepted("complete in chunks, without close_notify", dropped.chunked()),
        accepted("until the connection closes, without close_notify, http", open.clone()).http_only(),
        incomplete("until the connection closes, without close_notify", open).https_only(),
        accepted("until the connection closes, with close_notify", Fault::default().length(Length::Omit)).https_only(),
    ]
}

fn waits() -> Vec<FaultCase> {
    let body = |at| Fault::default().cut(How::Silence, at).of_body();
    let slow = Fault::default().body_drip(Duration::from_millis(20));
    let minute = Duration::from_secs(60);
    let pause = Duration::from_millis(30);
    let (first, rest) = ("waiting for the first byte", "reading the response");
    vec![
        late("no response", Fault::silent(), first),
        late("silence in the head", Fault::default().cut(How::Silence, 40), rest),
        late("silence before the body", body(0), rest),
        late("silence in the body", body(100), rest),
        late("silence in the chunks", body(100).chunked(), rest),
        late("a response after a minute", Fault::delay(minute), first),
        late("half of the head after a minute", Fault::default().head_pause(minute), rest),
        late("a body of 50 bytes a second", slow, rest),
        accepted("a pause before the response", Fault::delay(pause)),
        accepted("a pause in the head", Fault::default().head_pause(pause)),
        accepted("a body byte by byte", Fault::default().body_drip(Duration::from_micros(1))),
    ]
}

fn long_headers() -> Vec<FaultCase> {
    let long = |length| Fault::none().header("X-Long", &"x".repeat(length));
    vec![
        protocol("a header of 20 KiB", long(20 << 10)).message("over 16 KiB"),
        accepted("a header of 15 KiB", long(15 << 10)),
    ]
}
