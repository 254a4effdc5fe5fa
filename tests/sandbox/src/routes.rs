//! Which part of the sandbox a request is for.

mod authorize;
mod buckets;
mod data;
mod files;
mod listing;
mod shape;

use serde_json::Value;

use crate::connection::Caller;
use crate::control;
use crate::fault::Fault;
use crate::log::{self, LogEntry};
use crate::request::Request;
use crate::response::Response;

/// The answer, and the fault it is to be given with; `None` if the client is gone.
pub(crate) fn answer(caller: &Caller<'_>, request: &Request) -> Option<(Response, Fault)> {
    if let Some(rest) = request.path.strip_prefix("/sandbox/").filter(|_| !caller.https) {
        return Some((control::answer(caller.world, request, rest), Fault::none()));
    }
    let (version, call) = api_call(&request.path);
    if call == "b2_authorize_account" {
        return authorize::answer(caller, request, version.unwrap_or(0));
    }
    let (key_id, response) = data::answer(caller, request, call);
    let number = note(caller, request, key_id);
    caller.world.log.answered(number, response.status, None);
    Some((response, Fault::none()))
}

/// `/b2api/v4/b2_list_buckets` is version 4's `b2_list_buckets`.
fn api_call(path: &str) -> (Option<u8>, &str) {
    let Some((version, call)) = path.strip_prefix("/b2api/v").and_then(|rest| rest.split_once('/')) else {
        return (None, "");
    };
    match version.parse() {
        Ok(version @ 1..=4) => (Some(version), call.split('/').next().unwrap_or(call)),
        _ => (None, ""),
    }
}

/// Takes the request down in the log.
fn note(caller: &Caller<'_>, request: &Request, key_id: Option<String>) -> u64 {
    let (version, call) = api_call(&request.path);
    caller.world.log.arrived(LogEntry {
        number: 0,
        time_ms: 0,
        method: request.method.clone(),
        version,
        call: call.to_owned(),
        path: request.path.clone(),
        key_id,
        headers: log::masked(&request.headers),
        status: None,
        request_id: None,
        answered_after: None,
        client_left: false,
        listener: caller.listener.to_owned(),
        connection: caller.connection,
    })
}

/// The sandbox's own address, as this client reached it.
fn own_url(caller: &Caller<'_>, request: &Request) -> String {
    let scheme = if caller.https { "https" } else { "http" };
    let host = request
        .header("Host")
        .map(str::to_owned)
        .or_else(|| caller.socket.local_addr().ok().map(|address| address.to_string()));
    format!("{scheme}://{}", host.as_deref().unwrap_or("localhost"))
}

fn json_body(request: &Request) -> Option<Value> {
    if request.body.is_empty() {
        return Some(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(&request.body).ok().filter(Value::is_object)
}

/// B2's own way to try out a spent cap.
fn forces_cap(request: &Request) -> bool {
    request.header("X-Bz-Test-Mode") == Some("force_cap_exceeded")
}

fn cap_exceeded() -> Response {
    let message = "Transaction cap exceeded. To increase your cap, sign in to your B2 Cloud \
        Storage account online. Then select the Caps & Alerts link in the B2 Cloud Storage section \
        of the sidebar.";
    Response::error(403, "transaction_cap_exceeded", message)
}
