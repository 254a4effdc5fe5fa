//! `b2_list_file_names` and `b2_list_file_versions`.

use serde_json::{Value, json};

use super::files::{check, field, settle};
use super::json_body;
use crate::connection::Caller;
use crate::key::Key;
use crate::objects::File;
use crate::request::Request;
use crate::response::Response;

const DEFAULT_COUNT: u64 = 100;

pub(super) fn names(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    list(caller, request, key, false)
}

pub(super) fn versions(caller: &Caller<'_>, request: &Request, key: &Key) -> Response {
    list(caller, request, key, true)
}

fn list(caller: &Caller<'_>, request: &Request, key: &Key, every_version: bool) -> Response {
    settle((|| {
        let bucket = field(request, "bucketId")?;
        let given = |name: &str| field(request, name).unwrap_or_default();
        let (prefix, delimiter) = (given("prefix"), given("delimiter"));
        check(key, "listFiles", &bucket, &prefix)?;
        let mut files = caller.world.objects.versions(&bucket);
        if !every_version {
            // The newest of each name comes first; a hidden one hides what is behind it too.
            files.dedup_by(|later, first| later.name == first.name);
            files.retain(|file| file.action == "upload");
        }
        files.retain(|file| file.name.starts_with(&prefix));
        let mut entries = folded(&files, &prefix, &delimiter);
        let start = (given("startFileName"), given("startFileId"));
        let from = entries.iter().position(|entry| is_start(entry, &start));
        entries.drain(..from.unwrap_or(entries.len()));
        let body = json_body(request).unwrap_or_default();
        let count = body.get("maxFileCount").and_then(Value::as_u64).unwrap_or(DEFAULT_COUNT);
        let count = usize::try_from(count).unwrap_or(usize::MAX).clamp(1, 10_000);
        let rest = entries.split_off(entries.len().min(count));
        let next = rest.first();
        let mut body = json!({
            "files": entries,
            "nextFileName": next.map(|entry| entry["fileName"].clone()),
        });
        if every_version {
            body["nextFileId"] = next.map_or(Value::Null, |entry| entry["fileId"].clone());
        }
        Ok(Response::json(200, &body))
    })())
}

/// What lies behind a delimiter is shown as one folder.
fn folded(files: &[File], prefix: &str, delimiter: &str) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    for file in files {
        let behind = &file.name[prefix.len()..];
        let end = (!delimiter.is_empty()).then(|| behind.find(delimiter)).flatten();
        let Some(end) = end else {
            entries.push(file.json());
            continue;
        };
        let folder = &file.name[..prefix.len() + end + delimiter.len()];
        if entries.last().is_none_or(|last| last["fileName"] != folder) {
            entries.push(json!({
                "accountId": file.account_id,
                "action": "folder",
                "bucketId": file.bucket_id,
                "contentLength": 0,
                "contentSha1": null,
                "contentType": null,
                "fileId": null,
                "fileInfo": {},
                "fileName": folder,
                "size": 0,
                "uploadTimestamp": 0,
            }));
        }
    }
    entries
}

/// True for the first entry that a listing from this name, and from this id of it, begins with.
fn is_start(entry: &Value, (name, id): &(String, String)) -> bool {
    let entry_name = entry["fileName"].as_str().unwrap_or_default();
    if id.is_empty() || entry_name != name {
        return entry_name >= name.as_str();
    }
    entry["fileId"] == id.as_str()
}
