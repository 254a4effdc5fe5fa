//! The buckets of each account, and the files in them, in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::key::now_ms;
use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct Objects(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    buckets: Vec<Bucket>,
    /// By bucket and name, and of one name the newest first.
    files: BTreeMap<(String, String, Reverse<u64>), File>,
    last: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    account_id: String,
    pub(crate) id: String,
    pub(crate) name: String,
}

/// One version of a file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) account_id: String,
    pub(crate) bucket_id: String,
    pub(crate) name: String,
    pub(crate) id: String,
    /// `upload`, or `hide` for a marker without content.
    pub(crate) action: &'static str,
    pub(crate) content_type: String,
    pub(crate) sha1: String,
    pub(crate) info: BTreeMap<String, String>,
    pub(crate) content: Arc<[u8]>,
    pub(crate) time_ms: u64,
}

impl Objects {
    pub(crate) fn add_bucket(&self, account_id: &str, id: &str, name: &str) {
        let buckets = &mut lock(&self.0).buckets;
        let known = |bucket: &Bucket| bucket.account_id == account_id && bucket.id == id;
        if !buckets.iter().any(known) {
            buckets.push(Bucket { account_id: account_id.to_owned(), id: id.to_owned(), name: name.to_owned() });
        }
    }

    pub(crate) fn buckets_of(&self, account_id: &str) -> Vec<Bucket> {
        let state = lock(&self.0);
        state.buckets.iter().filter(|bucket| bucket.account_id == account_id).cloned().collect()
    }

    /// Keeps a new version, and gives it its id and time.
    pub(crate) fn keep(&self, mut file: File) -> File {
        let mut state = lock(&self.0);
        state.last += 1;
        file.id = format!("4_z{}_f{:016x}", file.bucket_id, state.last);
        file.time_ms = now_ms();
        let place = (file.bucket_id.clone(), file.name.clone(), Reverse(state.last));
        state.files.insert(place, file.clone());
        file
    }

    /// All versions in a bucket, by name and then from the newest.
    pub(crate) fn versions(&self, bucket_id: &str) -> Vec<File> {
        let state = lock(&self.0);
        state.files.values().filter(|file| file.bucket_id == bucket_id).cloned().collect()
    }

    pub(crate) fn version(&self, id: &str) -> Option<File> {
        lock(&self.0).files.values().find(|file| file.id == id).cloned()
    }

    pub(crate) fn remove(&self, id: &str) {
        lock(&self.0).files.retain(|_, file| file.id != id);
    }
}

impl File {
    /// As B2's calls tell of it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "accountId": self.account_id,
            "action": self.action,
            "bucketId": self.bucket_id,
            "contentLength": self.content.len(),
            "contentMd5": null,
            "contentSha1": self.sha1,
            "contentType": self.content_type,
            "fileId": self.id,
            "fileInfo": self.info,
            "fileName": self.name,
            "fileRetention": {
                "isClientAuthorizedToRead": true,
                "value": { "mode": null, "retainUntilTimestamp": null },
            },
            "legalHold": { "isClientAuthorizedToRead": true, "value": null },
            "replicationStatus": null,
            "serverSideEncryption": { "algorithm": null, "mode": null },
            "size": self.content.len(),
            "uploadTimestamp": self.time_ms,
        })
    }
}

impl Bucket {
    /// As `b2_list_buckets` tells of it.
    pub(crate) fn json(&self) -> Value {
        let unreadable = json!({ "isClientAuthorizedToRead": false, "value": null });
        json!({
            "accountId": self.account_id,
            "bucketId": self.id,
            "bucketInfo": {},
            "bucketName": self.name,
            "bucketType": "allPrivate",
            "corsRules": [],
            "defaultServerSideEncryption": {
                "isClientAuthorizedToRead": true,
                "value": { "algorithm": null, "mode": null },
            },
            "fileLockConfiguration": unreadable,
            "lifecycleRules": [],
            "options": ["s3"],
            "replicationConfiguration": unreadable,
            "revision": 2,
        })
    }
}
