//! The success body of each API version.

use serde_json::{Value, json};

use crate::key::{Bucket, Key};

const ABSOLUTE_MINIMUM_PART_SIZE: u64 = 5_000_000;
const RECOMMENDED_PART_SIZE: u64 = 100_000_000;
const S3_URL: &str = "https://s3.us-west-004.backblazeb2.com";

pub(super) fn body(key: &Key, token: &str, url: &str, version: u8) -> Value {
    match version {
        1 | 2 => flat(key, token, url, version),
        _ => grouped(key, token, url, version),
    }
}

/// Versions 1 and 2. The first knew no bucket names and no S3, and called a part size minimal.
fn flat(key: &Key, token: &str, url: &str, version: u8) -> Value {
    let (bucket_id, bucket_name) = only_bucket(key);
    let mut body = json!({
        "absoluteMinimumPartSize": ABSOLUTE_MINIMUM_PART_SIZE,
        "accountId": key.account_id,
        "allowed": {
            "bucketId": bucket_id,
            "capabilities": key.capabilities,
            "namePrefix": key.name_prefix,
        },
        "apiUrl": url,
        "authorizationToken": token,
        "downloadUrl": url,
        "recommendedPartSize": RECOMMENDED_PART_SIZE,
    });
    if version == 1 {
        body["minimumPartSize"] = RECOMMENDED_PART_SIZE.into();
    } else {
        body["allowed"]["bucketName"] = bucket_name;
        body["s3ApiUrl"] = S3_URL.into();
    }
    body
}

/// Versions 3 and 4: one group per suite of the API.
fn grouped(key: &Key, token: &str, url: &str, version: u8) -> Value {
    let mut storage = json!({
        "absoluteMinimumPartSize": ABSOLUTE_MINIMUM_PART_SIZE,
        "apiUrl": url,
        "downloadUrl": url,
        "recommendedPartSize": RECOMMENDED_PART_SIZE,
        "s3ApiUrl": S3_URL,
    });
    if version == 3 {
        let (bucket_id, bucket_name) = only_bucket(key);
        storage["bucketId"] = bucket_id;
        storage["bucketName"] = bucket_name;
        storage["capabilities"] = json!(key.capabilities);
        storage["infoType"] = "storageApi".into();
        storage["namePrefix"] = json!(key.name_prefix);
    } else {
        storage["allowed"] = json!({
            "buckets": key.buckets,
            "capabilities": key.capabilities,
            "namePrefix": key.name_prefix,
        });
    }
    let mut suites = json!({ "storageApi": storage });
    if key.partner {
        suites["groupsApi"] = json!({
            "capabilities": ["all"],
            "groupsApiUrl": url,
            "infoType": "groupsApi",
        });
    }
    json!({
        "accountId": key.account_id,
        "apiInfo": suites,
        "applicationKeyExpirationTimestamp": key.expiration_timestamp,
        "authorizationToken": token,
    })
}

fn only_bucket(key: &Key) -> (Value, Value) {
    match key.buckets.as_ref().and_then(|buckets| buckets.first()) {
        Some(Bucket { id, name }) => (json!(id), json!(name)),
        None => (Value::Null, Value::Null),
    }
}
