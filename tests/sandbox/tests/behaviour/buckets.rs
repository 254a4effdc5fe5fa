//! Listing buckets, and the check of the token that comes before it.

use b2_sandbox::{Config, Key, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, ID, KEY, authorize_as, request, send, token};

const ACCOUNT: &str = "4aa9865d6f00";

fn sandbox() -> Sandbox {
    Sandbox::start(Config::default()).expect("loopback has free ports")
}

fn list(sandbox: &Sandbox, token: &str, more: &str, body: &Value) -> Answer {
    let headers = format!("Authorization: {token}\r\n{more}");
    let path = "/b2api/v4/b2_list_buckets";
    send(sandbox.http(), &request("POST", path, &headers, &body.to_string()))
}

fn token_of(sandbox: &Sandbox, id: &str, key: &str) -> String {
    token(&authorize_as(sandbox.http(), 4, id, key))
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_master_key_sees_every_bucket() {
    let sandbox = sandbox();
    let token = token_of(&sandbox, ID, KEY);
    let body = list(&sandbox, &token, "", &json!({"accountId": ACCOUNT})).json();
    let names: Vec<_> = body["buckets"].as_array().expect("a list").iter().collect();
    let names: Vec<_> = names.iter().map(|bucket| &bucket["bucketName"]).collect();
    assert_eq!(names, ["my-bucket", "photos"]);

    let one = json!({"accountId": ACCOUNT, "bucketName": "photos"});
    assert_eq!(list(&sandbox, &token, "", &one).json()["buckets"][0]["bucketName"], "photos");
}

#[test]
fn every_doubtful_token_is_refused() {
    let sandbox = sandbox();
    let body = json!({"accountId": ACCOUNT});
    let unauthorized = |code: &str| (401, code.to_owned());
    assert_eq!(refusal(&list(&sandbox, "4_made_up", "", &body)), unauthorized("bad_auth_token"));
    let bare = request("POST", "/b2api/v1/b2_list_buckets", "", &body.to_string());
    assert_eq!(refusal(&send(sandbox.http(), &bare)), unauthorized("missing_auth_token"));

    let old = token_of(&sandbox, ID, KEY);
    sandbox.expire_tokens(ID);
    let young = token_of(&sandbox, ID, KEY);
    assert_eq!(refusal(&list(&sandbox, &old, "", &body)), unauthorized("expired_auth_token"));
    assert_eq!(list(&sandbox, &young, "", &body).status, 200);

    let other = json!({"accountId": "ffffffffffff"});
    assert_eq!(refusal(&list(&sandbox, &young, "", &other)), unauthorized("unauthorized"));

    sandbox.add_key(Key::new("writer", "k").account(ACCOUNT).capabilities(["writeFiles"]));
    let writer = token_of(&sandbox, "writer", "k");
    assert_eq!(refusal(&list(&sandbox, &writer, "", &body)), unauthorized("unauthorized"));

    sandbox.remove_key(ID);
    assert_eq!(refusal(&list(&sandbox, &young, "", &body)), unauthorized("bad_auth_token"));
}

#[test]
fn a_restricted_key_must_name_its_bucket() {
    let sandbox = sandbox();
    let key = Key::new("bound", "k").account(ACCOUNT).bucket("b1", Some("mine"));
    sandbox.add_key(key);
    let token = token_of(&sandbox, "bound", "k");
    let ask = |body| list(&sandbox, &token, "", &body).status;
    assert_eq!(ask(json!({"accountId": ACCOUNT})), 401);
    assert_eq!(ask(json!({"accountId": ACCOUNT, "bucketName": "photos"})), 401);
    assert_eq!(ask(json!({"accountId": ACCOUNT, "bucketId": "not there"})), 401);
    assert_eq!(ask(json!({"accountId": ACCOUNT, "bucketName": "mine"})), 200);
    assert_eq!(ask(json!({"accountId": ACCOUNT, "bucketId": "b1"})), 200);

    sandbox.add_key(Key::new("lost", "k").account(ACCOUNT).bucket("b2", None));
    let token = token_of(&sandbox, "lost", "k");
    let gone = json!({"accountId": ACCOUNT, "bucketId": "b2"});
    assert_eq!(list(&sandbox, &token, "", &gone).json(), json!({"buckets": []}));
}

#[test]
fn in_test_mode_a_token_is_good_once() {
    let sandbox = sandbox();
    let token = token_of(&sandbox, ID, KEY);
    let mode = "X-Bz-Test-Mode: expire_some_account_authorization_tokens\r\n";
    let body = json!({"accountId": ACCOUNT});
    assert_eq!(list(&sandbox, &token, mode, &body).status, 200);
    assert_eq!(refusal(&list(&sandbox, &token, mode, &body)).1, "expired_auth_token");

    let token = token_of(&sandbox, ID, KEY);
    let mode = "X-Bz-Test-Mode: force_cap_exceeded\r\n";
    assert_eq!(list(&sandbox, &token, mode, &body).status, 403);
}
