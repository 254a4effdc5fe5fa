//! What goes wrong at the server, drawn by lot.

use std::time::Duration;

use b2_sandbox::{Body, DateFault, Fault, How, Length};

use crate::identities::STRANGER;
use crate::rng::Dice;

/// A few faults in a row, good answers among them.
pub fn series(dice: &mut Dice) -> Vec<Fault> {
    (0..dice.between(1, 6)).map(|_| one(dice)).collect()
}

/// Makes a fault of its kind.
type Kind = fn(&mut Dice) -> Fault;

fn one(dice: &mut Dice) -> Fault {
    let kinds: &[(u64, Kind)] = &[
        (25, |_| Fault::none()),
        (20, slow),
        (14, unavailable),
        (7, refused),
        (10, cut),
        (5, |dice| ended(How::Silence, dice)),
        (7, flawed),
        (2, |_| Fault::account(STRANGER)),
        (4, other_date),
        (4, |dice| if dice.chance(500) { Fault::none().gzip() } else { Fault::none().chunked() }),
        (2, |_| Fault::redirect(302, "https://elsewhere.test/")),
    ];
    let fault = dice.weighed(kinds)(dice);
    if dice.chance(200) { fault.delayed(Duration::from_millis(dice.between(1, 40))) } else { fault }
}

/// The answer ends early, in its head or in its body.
fn ended(how: How, dice: &mut Dice) -> Fault {
    let fault = Fault::none().cut(how, dice.below(400));
    if dice.chance(500) { fault.of_body() } else { fault }
}

fn slow(dice: &mut Dice) -> Fault {
    match dice.below(6) {
        0 => Fault::none().head_pause(Duration::from_millis(dice.between(1, 60))),
        1 => Fault::none().body_drip(Duration::from_millis(1)),
        _ => Fault::delay(Duration::from_millis(dice.between(1, 120))),
    }
}

fn unavailable(dice: &mut Dice) -> Fault {
    let fault = Fault::status(dice.pick(&[408, 429, 500, 501, 502, 503, 503, 504]));
    match dice.below(8) {
        0 => fault.retry_after("1"),
        1 => fault.retry_after_date(i64::try_from(dice.below(3)).expect("it is small")),
        2 => fault.retry_after(dice.pick(&["0", "-1", "soon", "99999999999999999999", ""])),
        3 if dice.chance(100) => fault.retry_after("3600"),
        _ => fault,
    }
}

fn refused(dice: &mut Dice) -> Fault {
    let (status, code) = dice.pick(&[
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

fn cut(dice: &mut Dice) -> Fault {
    let how = dice.pick(&[How::Reset, How::Close, How::Drop]);
    ended(how, dice)
}

fn flawed(dice: &mut Dice) -> Fault {
    match dice.below(10) {
        0 => Fault::with_body(Body::Empty),
        1 => Fault::with_body(Body::Html),
        2 => Fault::with_body(Body::Truncated),
        3 => Fault::with_body(Body::NotUtf8),
        4 => Fault::with_body(Body::Array),
        5 => Fault::none().remove("/authorizationToken"),
        6 => Fault::none().set("/apiInfo/storageApi/apiUrl", 7.into()),
        7 => Fault::none().length(Length::OffBy(dice.pick(&[-3, 5]))),
        8 if dice.chance(100) => Fault::with_body(Body::JsonBomb),
        _ => Fault::none().set("/accountId", "a\u{0}b".into()),
    }
}

fn other_date(dice: &mut Dice) -> Fault {
    match dice.below(3) {
        0 => Fault::none().date(DateFault::Omit),
        1 => Fault::none().date(DateFault::Raw("yesterday".into())),
        _ => Fault::none().date(DateFault::OffsetS(dice.pick(&[-90_000, -700, 700, 90_000]))),
    }
}
