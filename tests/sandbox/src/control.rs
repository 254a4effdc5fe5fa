//! What tests in other languages, and curious people, tell the sandbox over http.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::key::Key;
use crate::request::Request;
use crate::response::Response;
use crate::script::Script;
use crate::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfKey {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfLatch {
    latch: String,
}

/// One key, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Keys {
    Several(Vec<Key>),
    // Boxed as it is so much larger.
    One(Box<Key>),
}

pub(crate) fn answer(world: &World, request: &Request, what: &str) -> Response {
    let done = match (request.method.as_str(), what) {
        ("GET", "log") => Ok(json!(world.log.entries())),
        ("DELETE", "log") => {
            world.log.clear();
            Ok(json!({}))
        }
        ("GET", "count") => {
            let key_id = request.parameter("keyId").unwrap_or("*");
            Ok(json!({ "count": world.log.authorize_count(key_id) }))
        }
        ("GET", "connections") => {
            let listener = request.parameter("listener").unwrap_or("http");
            Ok(json!({ "count": world.log.connection_count(listener) }))
        }
        ("GET", "held") => Ok(held(world, request)),
        ("GET", "keys") => Ok(json!(world.keys())),
        ("POST", "script") => read(request).map(|script: Script| {
            world.scripts.set(&script.key_id, script.faults);
            json!({})
        }),
        ("POST", "keys") => read(request).map(|keys| {
            match keys {
                Keys::One(key) => world.add_key(*key),
                Keys::Several(keys) => keys.into_iter().for_each(|key| world.add_key(key)),
            }
            json!({})
        }),
        ("POST", "remove") => read(request).map(|of: OfKey| {
            world.remove_key(&of.key_id);
            json!({})
        }),
        ("POST", "expire") => read(request).map(|of: OfKey| {
            world.tokens.expire_all_of(&of.key_id);
            json!({})
        }),
        ("POST", "release") => read(request).map(|of: OfLatch| {
            world.latches.release(&of.latch);
            json!({})
        }),
        (method, _) => {
            let message = format!("there is no {method} /sandbox/{what}");
            return Response::error(404, "not_found", &message);
        }
    };
    match done {
        Ok(body) => Response::json(200, &body),
        Err(error) => Response::error(400, "bad_request", &error.to_string()),
    }
}

/// Tells at once, or waits for `atLeast` requests to be held for `timeoutMs` at most.
fn held(world: &World, request: &Request) -> Value {
    let latch = request.parameter("latch").unwrap_or_default();
    let number = |name: &str| request.parameter(name).and_then(|text| text.parse::<u64>().ok());
    if let Some(least) = number("atLeast") {
        let patience = Duration::from_millis(number("timeoutMs").unwrap_or(10_000));
        let least = usize::try_from(least).unwrap_or(usize::MAX);
        world.latches.wait_until_held(latch, least, patience);
    }
    json!({ "held": world.latches.held(latch) })
}

fn read<T: DeserializeOwned>(request: &Request) -> serde_json::Result<T> {
    serde_json::from_slice(&request.body)
}
