//! Authorizing when nothing goes wrong, or only the client does.

use std::time::Duration;

use b2_sandbox::{Config, Key, Sandbox};
use serde_json::{Value, json};

use crate::client::{ID, KEY, authorize, authorize_as, basic, request, send, token};

fn sandbox() -> Sandbox {
    Sandbox::start(Config::default()).expect("loopback has free ports")
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn each_version_has_its_own_shape() {
    let sandbox = sandbox();
    let key = Key::new("restricted", "k").bucket("b1", Some("one")).prefix("p/");
    sandbox.add_key(key.capabilities(["listBuckets"]));
    let body = |version| authorize_as(sandbox.http(), version, "restricted", "k").json();
    let own = "http://b2.test:80";

    let v1 = body(1);
    assert_eq!(
        names(&v1),
        [
            "absoluteMinimumPartSize",
            "accountId",
            "allowed",
            "apiUrl",
            "authorizationToken",
            "downloadUrl",
            "minimumPartSize",
            "recommendedPartSize"
        ]
    );
    let allowed = json!({"bucketId": "b1", "capabilities": ["listBuckets"], "namePrefix": "p/"});
    assert_eq!(v1["allowed"], allowed);

    let v2 = body(2);
    assert_eq!(v2["allowed"]["bucketName"], "one");
    assert_eq!(v2["apiUrl"], own);
    assert!(v2["s3ApiUrl"].is_string() && v2.get("minimumPartSize").is_none());

    let v3 = body(3);
    let storage = &v3["apiInfo"]["storageApi"];
    assert_eq!(storage["bucketId"], "b1");
    assert_eq!(storage["infoType"], "storageApi");
    assert!(storage.get("allowed").is_none());
    assert_eq!(v3["applicationKeyExpirationTimestamp"], Value::Null);

    let v4 = body(4);
    let storage = &v4["apiInfo"]["storageApi"];
    let allowed = json!({
        "buckets": [{"id": "b1", "name": "one"}],
        "capabilities": ["listBuckets"],
        "namePrefix": "p/",
    });
    assert_eq!(storage["allowed"], allowed);
    assert!(storage.get("infoType").is_none());
    assert_eq!((&storage["apiUrl"], &storage["downloadUrl"]), (&json!(own), &json!(own)));
}

#[test]
fn the_answer_looks_as_b2_sends_it() {
    let sandbox = sandbox();
    let answer = authorize(sandbox.http());
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json;charset=UTF-8"));
    assert_eq!(answer.header("Cache-Control"), Some("max-age=0, no-cache, no-store"));
    assert!(answer.header("Date").is_some() && answer.header("X-Bz-Request-Id").is_some());
    assert!(answer.text().starts_with("{\n  \"accountId\": \"4aa9865d6f00\",\n  \"apiInfo\""));

    let path = "/b2api/v4/b2_authorize_account";
    let posted = send(sandbox.http(), &request("POST", path, &basic(ID, KEY), "{}"));
    assert_eq!(posted.status, 200);
    assert_ne!(token(&posted), token(&answer), "each has a token of its own");
}

#[test]
fn who_is_not_known_is_refused() {
    let sandbox = sandbox();
    let url = sandbox.http();
    let wrong_key = authorize_as(url, 4, ID, "wrong");
    assert_eq!(wrong_key.json(), json!({"code": "unauthorized", "message": "", "status": 401}));
    assert!(wrong_key.header("WWW-Authenticate").is_some());
    assert_eq!(authorize_as(url, 4, "nobody", KEY).json()["code"], "bad_auth_token");
    let bare = send(url, &request("GET", "/b2api/v4/b2_authorize_account", "", ""));
    assert_eq!(bare.status, 401);
    assert_eq!(authorize_as(url, 5, ID, KEY).status, 404);
    sandbox.add_key(Key::new("ended", "k").expires_in(Duration::ZERO));
    assert_eq!(authorize_as(url, 4, "ended", "k").status, 401);
    sandbox.remove_key(ID);
    assert_eq!(authorize_as(url, 4, ID, KEY).status, 401);
}

#[test]
fn the_account_id_stands_for_its_master_key() {
    let sandbox = sandbox();
    let answer = authorize_as(sandbox.http(), 4, "4aa9865d6f00", KEY);
    assert_eq!(answer.status, 200);
    assert!(token(&answer).starts_with(&format!("4_{ID}_")));
}

#[test]
fn newer_keys_need_the_newest_version() {
    let sandbox = sandbox();
    sandbox.add_key(Key::new("new", "k").v4_only());
    sandbox.add_key(Key::new("two", "k").bucket("a", None).bucket("b", Some("b")));
    sandbox.add_key(Key::new("none", "k").no_buckets());
    for id in ["new", "two", "none"] {
        assert_eq!(authorize_as(sandbox.http(), 4, id, "k").status, 200);
        let refused = authorize_as(sandbox.http(), 3, id, "k");
        let message = "This request is not currently supported on API version number 3";
        let body = json!({"code": "bad_request", "message": message, "status": 400});
        assert_eq!(refused.json(), body);
    }
    let none = authorize_as(sandbox.http(), 4, "none", "k").json();
    assert_eq!(none["apiInfo"]["storageApi"]["allowed"]["buckets"], json!([]));
}

#[test]
fn a_spent_cap_can_be_asked_for() {
    let sandbox = sandbox();
    let headers = format!("{}X-Bz-Test-Mode: force_cap_exceeded\r\n", basic(ID, KEY));
    let path = "/b2api/v4/b2_authorize_account";
    let answer = send(sandbox.http(), &request("GET", path, &headers, ""));
    assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("transaction_cap_exceeded")));
}

#[test]
fn the_expiry_of_the_key_and_the_partner_suite_are_told() {
    let sandbox = sandbox();
    let key = Key::new("partner", "k").expires_in(Duration::from_secs(60)).partner();
    sandbox.add_key(key);
    let body = authorize_as(sandbox.http(), 4, "partner", "k").json();
    assert!(body["applicationKeyExpirationTimestamp"].is_u64());
    assert_eq!(body["apiInfo"]["groupsApi"]["infoType"], "groupsApi");
}
