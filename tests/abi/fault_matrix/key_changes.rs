//! Keys that are not what they were.

use std::time::Duration;

use b2_sandbox::{Key, Sandbox};

use super::case::{TIMES, When};
use super::{Expect, Outcome, Row, watch};
use crate::support::fixture::{Fixture, ID, KEY};

/// What becomes of a key, and the code that B2 then has for it.
type Change = (&'static str, fn(&Sandbox), &'static str);

const CHANGES: [Change; 4] = [
    ("the key is deleted", |sandbox| sandbox.remove_key(ID), "HTTP 401 bad_auth_token"),
    ("the key has expired", |sandbox| sandbox.add_key(expired()), "HTTP 401 unauthorized"),
    ("the key was made anew", |sandbox| sandbox.add_key(Key::master(ID, "K001another/of+a+test")), "HTTP 401 unauth"),
    ("no key is left", |sandbox| sandbox.keys().iter().for_each(|key| sandbox.remove_key(&key.key_id)), "HTTP 401 bad"),
];

fn expired() -> Key {
    let mut key = Key::master(ID, KEY);
    key.expiration_timestamp = Some(1_000);
    key
}

pub fn rows() -> Vec<Row> {
    let row = |(what, change, says): Change, when: When| Row {
        what: format!("{what} · {}", when.name()),
        expect: Expect {
            status: "B2_BAD_CREDENTIALS",
            hint: Some("deleted or expired"),
            says,
            requests: 1,
            within: Duration::from_secs(10),
        },
        run: Box::new(move || run(change, when)),
    };
    CHANGES.into_iter().flat_map(|change| TIMES.map(|when| row(change, when))).collect()
}

fn run(change: fn(&Sandbox), when: When) -> Outcome {
    let fixture = Fixture::new();
    let old = when.prepare(&fixture);
    change(&fixture.sandbox);
    let before = fixture.requests();
    let call = || watch(&fixture.options, |options| fixture.authorize_with(options));
    let mut outcome = call();
    outcome = outcome.after(fixture.requests() - before);
    let next = call();
    outcome.must("the very next call is refused as well", next.answer.status == outcome.answer.status);
    outcome.must("and asks nobody", fixture.requests() - before == outcome.requests);
    outcome.tokens.extend(old);
    outcome
}
