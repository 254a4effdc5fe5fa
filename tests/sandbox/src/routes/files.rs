//! Files: as much of them as other people's clients need to go about their business.
//!
//! Digests are kept, not checked: what is being tried here is who may do something, not what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{json_body, own_url};
use crate::connection::Caller;
use crate::key::Key;
use crate::objects::File;
use crate::percent::{decoded, encoded};
use crate::request::Request;
use crate::response::Response;

/// What a call that is not allowed, or not well made, is answered with.
pub(super) type Refusal = Response;

pub(super) fn unauthorized() -> Refusal {
    Response::error(401, "unauthorized", "")
}

fn missing(what: &str) -> Refusal {
    Response::error(400, "bad_request", &format!("required field {what} is missing"))
}

fn not_found() -> Refusal {
    Response::error(404, "not_found", "File with such name does not exist.")
}

/// A text in the body of the request, or in its query.
pub(super) fn field(request: &Request, name: &str) -> Result<String, Refusal> {
    let body = json_body(request).unwrap_or_default();
    let given = body.get(name).and_then(Value::as_str).or_else(|| request.parameter(name));
    given.map(str::to_owned).ok_or_else(|| missing(name))
}

pub(super) fn check(key: &Key, capability: &str, bucket: &str, name: &str) -> Result<(), Refusal> {
    let prefix = key.name_prefix.as_deref().unwrap_or_default();
    if key.may(capability) && key.may_touch(bucket) && name.starts_with(prefix) {
        return Ok(());
    }
    Err(unauthorized())
}

/// Either way it is an answer.
pub(super) fn settle(result: Result<Response, Refusal>) -> Response {
    result.unwrap_or_else(|refusal| refusal)
}

pub(super) fn upload_url(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    settle((|| {
        let bucket = field(request, "bucketId")?;
        let prefix = key.name_prefix.as_deref().unwrap_or_default();
        check(key, "writeFiles", &bucket, prefix)?;
        let url = format!("{}/b2api/v4/b2_upload_file/{bucket}", own_url(caller, request));
        let token = caller.world.tokens.mint(&key.key_id, key.token_life_or_default());
        let body = json!({ "authorizationToken": token, "bucketId": bucket, "uploadUrl": url });
        Ok(Response::json(200, &body))
    })())
}

pub(super) fn upload(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    settle((|| {
        let bucket = request.path.rsplit('/').next().unwrap_or_default();
        let name = request.header("X-Bz-File-Name").ok_or_else(|| missing("X-Bz-File-Name"))?;
        let name = decoded(name);
        check(key, "writeFiles", bucket, &name)?;
        let mut content = request.body.clone();
        let mut sha1 = request.header("X-Bz-Content-Sha1").unwrap_or("none").to_owned();
        if sha1 == "hex_digits_at_end" {
            let digits = content.split_off(content.len().saturating_sub(40));
            sha1 = String::from_utf8_lossy(&digits).into_owned();
        }
        let info = request.headers.iter().filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            Some((name.strip_prefix("x-bz-info-")?.to_owned(), decoded(value)))
        });
        let kind = match request.header("Content-Type") {
            None | Some("b2/x-auto") => "application/octet-stream",
            Some(kind) => kind,
        };
        let file = File {
            content_type: kind.to_owned(),
            sha1,
            info: info.collect(),
            content: content.into(),
            ..blank(key, bucket, &name, "upload")
        };
        Ok(Response::json(200, &caller.world.objects.keep(file).json()))
    })())
}

pub(super) fn hide(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    settle((|| {
        let (bucket, name) = (field(request, "bucketId")?, field(request, "fileName")?);
        check(key, "writeFiles", &bucket, &name)?;
        let marker = caller.world.objects.keep(blank(key, &bucket, &name, "hide"));
        Ok(Response::json(200, &marker.json()))
    })())
}

pub(super) fn info(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    settle((|| {
        let id = field(request, "fileId")?;
        let file = caller.world.objects.version(&id).ok_or_else(not_found)?;
        check(key, "readFiles", &file.bucket_id, &file.name)?;
        Ok(Response::json(200, &file.json()))
    })())
}

pub(super) fn delete(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    settle((|| {
        let id = field(request, "fileId")?;
        let file = caller.world.objects.version(&id).ok_or_else(not_found)?;
        check(key, "deleteFiles", &file.bucket_id, &file.name)?;
        caller.world.objects.remove(&id);
        Ok(Response::json(200, &json!({ "fileId": id, "fileName": file.name })))
    })())
}

/// `/file/<bucket name>/<file name>`.
pub(super) fn download(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    settle((|| {
        let rest = request.path.strip_prefix("/file/").unwrap_or_default();
        let (bucket, name) = rest.split_once('/').ok_or_else(not_found)?;
        let name = decoded(name);
        let buckets = caller.world.objects.buckets_of(&key.account_id);
        let bucket = buckets.iter().find(|known| known.name == bucket).ok_or_else(not_found)?;
        check(key, "readFiles", &bucket.id, &name)?;
        let versions = caller.world.objects.versions(&bucket.id);
        let newest = versions.into_iter().find(|file| file.name == name);
        let file = newest.filter(|file| file.action == "upload").ok_or_else(not_found)?;
        sent(&file, request.header("Range"))
    })())
}

fn sent(file: &File, range: Option<&str>) -> Result<Response, Refusal> {
    let mut response = Response { status: 200, headers: Vec::new(), body: Vec::new() };
    let length = file.content.len();
    match range.and_then(|range| part(range, length)) {
        None => response.body = file.content.to_vec(),
        Some((from, until)) if from < until => {
            response.status = 206;
            response.body = file.content[from..until].to_vec();
            let shown = format!("bytes {from}-{}/{length}", until - 1);
            response.set("Content-Range", &shown);
        }
        Some(_) => return Err(Response::error(416, "range_not_satisfiable", "")),
    }
    response.set("Content-Type", &file.content_type);
    response.set("Accept-Ranges", "bytes");
    response.set("X-Bz-File-Id", &file.id);
    response.set("X-Bz-File-Name", &encoded(&file.name));
    response.set("X-Bz-Content-Sha1", &file.sha1);
    response.set("X-Bz-Upload-Timestamp", &file.time_ms.to_string());
    for (name, value) in &file.info {
        response.set(&format!("X-Bz-Info-{name}"), &encoded(value));
    }
    Ok(response)
}

/// `bytes=5-9`, `bytes=5-` or `bytes=-5`, as a half-open span.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    if from.is_empty() {
        return Some((length.saturating_sub(last.parse().ok()?), length));
    }
    let until = last.parse::<usize>().map_or(length, |last| length.min(last.saturating_add(1)));
    Some((from.parse().ok()?, until))
}

fn blank(key: &Key, bucket_id: &str, name: &str, action: &'static str) -> File {
    File {
        account_id: key.account_id.clone(),
        bucket_id: bucket_id.to_owned(),
        name: name.to_owned(),
        id: String::new(),
        action,
        content_type: "application/x-bz-hide-marker".to_owned(),
        sha1: "none".to_owned(),
        info: BTreeMap::new(),
        content: Vec::new().into(),
        time_ms: 0,
    }
}
