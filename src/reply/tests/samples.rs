//! Replies of every version, and how to change one.

use serde_json::{Value as Json, json};

use crate::json::error::JsonError;
use crate::model::grant::Grant;
use crate::model::realm::Realm;
use crate::reply::parse;

pub(super) const TOKEN: &str = "4_0040123456789ab0000000001_0186e431_d18d02_acct_tH7VW03boebOXayIc43-sxptpfA=";
pub(super) const ID: &str = "d0f1e2c3b4a5968778695a4b";

pub(super) fn v1_first() -> Json {
    json!({
        "accountId": "0123456789ab",
        "apiUrl": "https://api004.backblazeb2.com",
        "authorizationToken": TOKEN,
        "downloadUrl": "https://f004.backblazeb2.com",
        "minimumPartSize": 100_000_000,
    })
}

pub(super) fn v2() -> Json {
    json!({
        "absoluteMinimumPartSize": 5_000_000,
        "accountId": "0123456789ab",
        "allowed": {
            "bucketId": ID,
            "bucketName": "my-bucket",
            "capabilities": ["listBuckets", "readFiles"],
            "namePrefix": "photos/",
        },
        "apiUrl": "https://api004.backblazeb2.com",
        "authorizationToken": TOKEN,
        "downloadUrl": "https://f004.backblazeb2.com",
        "recommendedPartSize": 100_000_000,
        "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
    })
}

/// As it was from 2018 on.
pub(super) fn v1_last() -> Json {
    let mut reply = v2();
    reply["minimumPartSize"] = json!(100_000_000);
    remove(&mut reply, "allowed.bucketName");
    remove(&mut reply, "s3ApiUrl");
    reply
}

pub(super) fn v3() -> Json {
    json!({
        "accountId": "0123456789ab",
        "apiInfo": {
            "groupsApi": {
                "capabilities": ["all"],
                "groupsApiUrl": "https://api004.backblazeb2.com",
                "infoType": "groupsApi",
            },
            "storageApi": {
                "absoluteMinimumPartSize": 5_000_000,
                "apiUrl": "https://api004.backblazeb2.com",
                "bucketId": ID,
                "bucketName": "my-bucket",
                "capabilities": ["listBuckets", "readFiles"],
                "downloadUrl": "https://f004.backblazeb2.com",
                "infoType": "storageApi",
                "namePrefix": "photos/",
                "recommendedPartSize": 100_000_000,
                "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
            },
        },
        "applicationKeyExpirationTimestamp": 1_790_000_000_000_i64,
        "authorizationToken": TOKEN,
    })
}

pub(super) fn v4() -> Json {
    json!({
        "accountId": "0123456789ab",
        "apiInfo": {
            "storageApi": {
                "absoluteMinimumPartSize": 5_000_000,
                "allowed": {
                    "buckets": [{ "id": ID, "name": "my-bucket" }],
                    "capabilities": ["listBuckets", "readFiles"],
                    "namePrefix": "photos/",
                },
                "apiUrl": "https://api004.backblazeb2.com",
                "downloadUrl": "https://f004.backblazeb2.com",
                "recommendedPartSize": 100_000_000,
                "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
            },
        },
        "applicationKeyExpirationTimestamp": 1_790_000_000_000_i64,
        "authorizationToken": TOKEN,
    })
}

pub(super) fn free_v4() -> Json {
    with(v4(), "apiInfo.storageApi.allowed.buckets", Json::Null)
}

pub(super) fn read(reply: &Json) -> Result<Grant, JsonError> {
    parse(reply.to_string().as_bytes(), &Realm::production())
}

pub(super) fn flaw(reply: &Json) -> String {
    read(reply).expect_err("a flawed reply").to_string()
}

/// The member at a path such as `apiInfo.storageApi.allowed.buckets[0].id`, and the object that holds it.
pub(super) fn holder<'a>(reply: &'a mut Json, path: &str) -> (&'a mut Json, String) {
    let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    let (parent, name) = pointer.rsplit_once('/').expect("it begins with a slash");
    (reply.pointer_mut(parent).expect("the parent exists"), name.to_owned())
}

pub(super) fn remove(reply: &mut Json, path: &str) {
    let (parent, name) = holder(reply, path);
    parent.as_object_mut().expect("an object").remove(&name).expect("it was there");
}

pub(super) fn with(mut reply: Json, path: &str, value: Json) -> Json {
    let (parent, name) = holder(&mut reply, path);
    match parent {
        Json::Array(items) => items[name.parse::<usize>().expect("an index")] = value,
        object => object[name] = value,
    }
    reply
}
