//! Random faults of the server.

use std::time::Duration;

use b2_sandbox::{Body, DateFault, Fault, How, Length};

use crate::identities::FOREIGN_ACCOUNT;
use crate::rng::Rng;

/// A few responses in a row, some of them without a fault.
pub fn sequence(rng: &mut Rng) -> Vec<Fault> {
    (0..rng.between(1, 6)).map(|_| one(rng)).collect()
}

/// Makes a fault of one kind.
type Kind = fn(&mut Rng) -> Fault;

fn one(rng: &mut Rng) -> Fault {
    let kinds: &[(u64, Kind)] = &[
        (25, |_| Fault::none()),
        (20, slow),
        (14, unavailable),
        (7, rejected),
        (10, cut),
        (5, |rng| cut_early(How::Silence, rng)),
        (7, malformed),
        (2, |_| Fault::account(FOREIGN_ACCOUNT)),
        (4, other_date),
        (4, |rng| if rng.chance(500) { Fault::none().gzip() } else { Fault::none().chunked() }),
        (2, |_| Fault::redirect(302, "https://elsewhere.test/")),
    ];
    let fault = rng.weighted(kinds)(rng);
    if rng.chance(200) { fault.delayed(Duration::from_millis(rng.between(1, 40))) } else { fault }
}

/// The response ends early, in its head or in its body.
fn cut_early(how: How, rng: &mut Rng) -> Fault {
    let fault = Fault::none().cut(how, rng.below(400));
    if rng.chance(500) { fault.of_body() } else { fault }
}

fn slow(rng: &mut Rng) -> Fault {
    match rng.below(6) {
        0 => Fault::none().head_pause(Duration::from_millis(rng.between(1, 60))),
        1 => Fault::none().body_drip(Duration::from_millis(1)),
        _ => Fault::delay(Duration::from_millis(rng.between(1, 120))),
    }
}

fn unavailable(rng: &mut Rng) -> Fault {
    let fault = Fault::status(rng.pick(&[408, 429, 500, 501, 502, 503, 503, 504]));
    match rng.below(8) {
        0 => fault.retry_after("1"),
        1 => fault.retry_after_date(i64::try_from(rng.below(3)).expect("it is small")),
        2 => fault.retry_after(rng.pick(&["0", "-1", "soon", "99999999999999999999", ""])),
        3 if rng.chance(100) => fault.retry_after("3600"),
        _ => fault,
    }
}

fn rejected(rng: &mut Rng) -> Fault {
    let (status, code) = rng.pick(&[
        (401, "bad_auth_token"),
        (401, "unauthorized"),
        (401, "unsupported"),
        (403, "access_denied"),
        (403, "transaction_cap_exceeded"),
        (400, "storage_cap_exceeded"),
        (404, "not_found"),
    ]);
    Fault::status(status).code(code)
}

fn cut(rng: &mut Rng) -> Fault {
    let how = rng.pick(&[How::Reset, How::Close, How::Drop]);
    cut_early(how, rng)
}

fn malformed(rng: &mut Rng) -> Fault {
    match rng.below(10) {
        0 => Fault::with_body(Body::Empty),
        1 => Fault::with_body(Body::Html),
        2 => Fault::with_body(Body::Truncated),
        3 => Fault::with_body(Body::NotUtf8),
        4 => Fault::with_body(Body::Array),
        5 => Fault::none().remove("/authorizationToken"),
        6 => Fault::none().set("/apiInfo/storageApi/apiUrl", 7.into()),
        7 => Fault::none().length(Length::OffBy(rng.pick(&[-3, 5]))),
        8 if rng.chance(100) => Fault::with_body(Body::JsonBomb),
        _ => Fault::none().set("/accountId", "a\u{0}b".into()),
    }
}

fn other_date(rng: &mut Rng) -> Fault {
    match rng.below(3) {
        0 => Fault::none().date(DateFault::Omit),
        1 => Fault::none().date(DateFault::Raw("yesterday".into())),
        _ => Fault::none().date(DateFault::OffsetS(rng.pick(&[-90_000, -700, 700, 90_000]))),
    }
}
