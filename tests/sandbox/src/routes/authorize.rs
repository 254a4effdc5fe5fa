//! `b2_authorize_account`, in truth and as scripted.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{cap_exceeded, forces_cap, json_body, note, own_url, shape};
use crate::apply::apply;
use crate::connection::Caller;
use crate::fault::{Cut, Fault};
use crate::key::Key;
use crate::peer;
use crate::request::Request;
use crate::response::Response;

pub(super) fn answer(caller: &Caller<'_>, request: &Request, version: u8) -> Option<(Response, Fault)> {
    let world = caller.world;
    let credentials = credentials(request);
    let key_id = credentials.as_ref().map(|(id, _)| id.clone());
    let fault = world.scripts.next(key_id.as_deref().unwrap_or_default()).unwrap_or_default();
    let number = note(caller, request, key_id);
    if !waits(caller, &fault) {
        world.log.left(number);
        return None;
    }
    let truth = || truth(caller, request, version, credentials, fault.shape);
    let mut response = apply(&fault, truth);
    if response.status == 401 && !response.has("WWW-Authenticate") {
        response.set("WWW-Authenticate", "BASIC realm=\"authorize_account\"");
    }
    response.name();
    if !is_never_seen(fault.cut.as_ref()) {
        world.log.answered(number, response.status, response.get("X-Bz-Request-Id"));
    }
    Some((response, fault))
}

fn waits(caller: &Caller<'_>, fault: &Fault) -> bool {
    let (socket, halt) = (caller.socket, &caller.world.halt);
    let passed = match &fault.hold {
        Some(latch) => caller.world.latches.pass(latch, socket, halt),
        None => true,
    };
    let delay = Duration::from_millis(fault.delay_ms);
    passed && (delay.is_zero() || peer::stays_for(socket, delay, halt))
}

/// A cut before the first byte leaves nothing that was answered.
fn is_never_seen(cut: Option<&Cut>) -> bool {
    cut.is_some_and(|cut| cut.at == 0 && !cut.of_body)
}

fn truth(
    caller: &Caller<'_>,
    request: &Request,
    version: u8,
    credentials: Option<(String, String)>,
    forced_shape: Option<u8>,
) -> Response {
    if !matches!(request.method.as_str(), "GET" | "POST" | "HEAD") {
        return Response::error(405, "method_not_allowed", "only GET and POST are supported");
    }
    if json_body(request).is_none() {
        return Response::error(400, "bad_json", "the request body is not a JSON object");
    }
    let key = match recognised(caller, credentials) {
        Ok(key) => key,
        Err(code) => return Response::error(401, code, ""),
    };
    if forces_cap(request) {
        return cap_exceeded();
    }
    if key.needs_v4() && version < 4 && forced_shape.is_none() {
        let message = format!("This request is not currently supported on API version number {version}");
        return Response::error(400, "bad_request", &message);
    }
    let token = caller.world.tokens.mint(&key.key_id, key.token_life_or_default());
    let body = shape::body(&key, &token, &own_url(caller, request), forced_shape.unwrap_or(version));
    Response::json(200, &body)
}

/// B2 has been seen to use both codes; here an unknown id gets one, a wrong key the other.
fn recognised(caller: &Caller<'_>, credentials: Option<(String, String)>) -> Result<Key, &'static str> {
    let (id, secret) = credentials.ok_or("unauthorized")?;
    let key = caller.world.key_meant_by(&id).ok_or("bad_auth_token")?;
    if key.key != secret || key.has_expired() {
        return Err("unauthorized");
    }
    Ok(key)
}

fn credentials(request: &Request) -> Option<(String, String)> {
    let (scheme, encoded) = request.header("Authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
