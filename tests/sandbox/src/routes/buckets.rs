//! `b2_list_buckets`.

use serde_json::{Value, json};

use super::json_body;
use crate::connection::Caller;
use crate::key::Key;
use crate::request::Request;
use crate::response::Response;

pub(super) fn list(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    let Some(body) = json_body(request) else {
        return Response::error(400, "bad_json", "the request body is not a JSON object");
    };
    let asked = |name: &str| -> Option<String> {
        let from_body = body.get(name).and_then(Value::as_str);
        from_body.or_else(|| request.parameter(name)).map(str::to_owned)
    };
    let Some(account_id) = asked("accountId") else {
        return Response::error(400, "bad_request", "required field accountId is missing");
    };
    let (id, name) = (asked("bucketId"), asked("bucketName"));
    let buckets = caller.world.objects.buckets_of(&key.account_id);
    let mut found = buckets.iter().filter(|bucket| {
        id.as_ref().is_none_or(|id| *id == bucket.id) && name.as_ref().is_none_or(|name| *name == bucket.name)
    });
    // A restricted key has to say which of its buckets it means. B2 tells nobody why not.
    let unasked = key.buckets.is_some() && id.is_none() && name.is_none();
    let foreign =
        key.buckets.is_some() && (found.clone().next().is_none() || !found.clone().all(|b| key.may_touch(&b.id)));
    if account_id != key.account_id || !key.may("listBuckets") || unasked || foreign {
        return Response::error(401, "unauthorized", "");
    }
    let found: Vec<Value> = found.by_ref().map(|bucket| bucket.json()).collect();
    Response::json(200, &json!({ "buckets": found }))
}
