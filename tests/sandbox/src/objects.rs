//! The buckets of each account, and the files in them, in memory.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct Objects(Mutex<Vec<Bucket>>);

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    account_id: String,
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Objects {
    pub(crate) fn add_bucket(&self, account_id: &str, id: &str, name: &str) {
        let mut buckets = lock(&self.0);
        let known = |bucket: &Bucket| bucket.account_id == account_id && bucket.id == id;
        if !buckets.iter().any(known) {
            buckets.push(Bucket {
                account_id: account_id.to_owned(),
                id: id.to_owned(),
                name: name.to_owned(),
            });
        }
    }

    pub(crate) fn buckets_of(&self, account_id: &str) -> Vec<Bucket> {
        let buckets = lock(&self.0);
        buckets
            .iter()
            .filter(|bucket| bucket.account_id == account_id)
            .cloned()
            .collect()
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
