//! `b2_list_buckets`.

use serde_json::{Value, json};

use super::json_body;
use crate::connection::Caller;
use crate::key::Key;
use crate::objects::Bucket;
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
    let found = buckets.iter().filter(|bucket| {
        id.as_ref().is_none_or(|id| *id == bucket.id) && name.as_ref().is_none_or(|name| *name == bucket.name)
    });
    let found: Vec<_> = found.collect();
    // A restricted key has to say which of its buckets it means. B2 tells nobody why not.
    let within_bounds = match (&key.buckets, &id, &name) {
        (None, _, _) => true,
        (Some(_), Some(id), _) => key.may_touch(id),
        (Some(_), None, Some(_)) => found.first().is_some_and(|bucket| key.may_touch(&bucket.id)),
        (Some(_), None, None) => false,
    };
    if account_id != key.account_id || !key.may("listBuckets") || !within_bounds {
        return Response::error(401, "unauthorized", "");
    }
    let found: Vec<Value> = found.into_iter().map(Bucket::json).collect();
    Response::json(200, &json!({ "buckets": found }))
}
