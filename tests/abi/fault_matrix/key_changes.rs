//! Keys that are deleted, expired or replaced.

use b2_sandbox::{Key, Sandbox};

use super::Row;
use super::fault::{Conditions, FaultCase, fault};
use crate::support::fixture::{ID, KEY};

pub fn rows() -> Vec<Row> {
    let change = |name: &str, message, change: fn(&Sandbox)| {
        let case = fault(name).conditions(move |fixture, good| {
            change(&fixture.sandbox);
            Conditions::new(good.with(&[]), ())
        });
        case.status("B2_BAD_CREDENTIALS").message(message).hint("deleted or expired").requests(1)
    };
    let cases = [
        change("the key was deleted", "HTTP 401 bad_auth_token", |sandbox| sandbox.remove_key(ID)),
        change("the key has expired", "HTTP 401 unauthorized", |sandbox| {
            let mut key = Key::master(ID, KEY);
            key.expiration_timestamp = Some(1_000);
            sandbox.add_key(key);
        }),
        change("the key was replaced", "HTTP 401 unauth", |sandbox| {
            sandbox.add_key(Key::master(ID, "K001another/of+a+test"));
        }),
        change("all keys were deleted", "HTTP 401 bad", |sandbox| {
            sandbox.keys().iter().for_each(|key| sandbox.remove_key(&key.key_id));
        }),
    ];
    cases.into_iter().flat_map(FaultCase::rows).collect()
}
