//! The calls that need a token, and the check of it.

use super::{buckets, cap_exceeded, files, forces_cap, listing};
use crate::connection::Caller;
use crate::key::Key;
use crate::request::Request;
use crate::response::Response;
use crate::token::Worth;

/// Whose call it was, and the answer to it.
pub(super) fn answer(caller: &Caller<'_>, request: &Request, call: &str) -> (Option<String>, Response) {
    let answer: fn(&Caller<'_>, &Request, &Key) -> Response = match call {
        "b2_list_buckets" => buckets::list,
        "b2_list_file_names" => listing::names,
        "b2_list_file_versions" => listing::versions,
        "b2_get_upload_url" => files::upload_url,
        "b2_upload_file" => files::upload,
        "b2_get_file_info" => files::info,
        "b2_hide_file" => files::hide,
        "b2_delete_file_version" => files::delete,
        "" if request.path.starts_with("/file/") => files::download,
        _ => {
            let message = format!("{} is not known here", request.path);
            return (None, Response::error(404, "not_found", &message));
        }
    };
    let key = match owner(caller, request) {
        Ok(key) => key,
        Err((key_id, refusal)) => return (key_id, refusal),
    };
    let response = if forces_cap(request) { cap_exceeded() } else { answer(caller, request, &key) };
    (Some(key.key_id), response)
}

/// The key behind the request's token.
fn owner(caller: &Caller<'_>, request: &Request) -> Result<Key, (Option<String>, Response)> {
    let refusal = |code, message| Response::error(401, code, message);
    let Some(token) = request.header("Authorization") else {
        return Err((None, refusal("missing_auth_token", "Authorization token is missing")));
    };
    let tokens = &caller.world.tokens;
    let key_id = match tokens.worth(token) {
        Worth::Good(key_id) => key_id,
        Worth::Expired(key_id) => {
            let expired = refusal("expired_auth_token", "Authorization token has expired");
            return Err((Some(key_id), expired));
        }
        Worth::Unknown => {
            return Err((None, refusal("bad_auth_token", "Invalid authorization token")));
        }
    };
    let Some(key) = caller.world.key(&key_id) else {
        return Err((Some(key_id), refusal("bad_auth_token", "Invalid authorization token")));
    };
    if key.has_expired() {
        let expired = refusal("expired_auth_token", "Authorization token has expired");
        return Err((Some(key_id), expired));
    }
    // B2 expires "some" tokens in this mode. Here it is each, after the call that asked for it, so
    // that a test can count on it and a client that authorizes again gets on.
    if request.header("X-Bz-Test-Mode") == Some("expire_some_account_authorization_tokens") {
        tokens.expire(token);
    }
    Ok(key)
}
