//! The control endpoint does what the Rust API does.

use b2_sandbox::{Config, LogEntry, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, ID, KEY, PATIENCE, authorize, authorize_as, request, send, token};

fn sandbox() -> Sandbox {
    Sandbox::start(Config::default()).expect("loopback has free ports")
}

fn ask(sandbox: &Sandbox, method: &str, what: &str, body: &Value) -> Answer {
    let path = format!("/sandbox/{what}");
    send(sandbox.http(), &request(method, &path, "", &body.to_string()))
}

#[test]
fn the_log_tells_all_but_the_secrets() {
    let sandbox = sandbox();
    let answer = authorize(sandbox.http());
    let headers = format!("Authorization: {}\r\n", token(&answer));
    let list = request("POST", "/b2api/v2/b2_list_buckets", &headers, "{}");
    assert_eq!(send(sandbox.http(), &list).status, 400);
    let shown = ask(&sandbox, "GET", "log", &json!({}));
    assert!(!shown.text().contains(&token(&answer)));
    let log: Vec<LogEntry> = serde_json::from_slice(&shown.body).expect("the same types");
    assert_eq!(log, sandbox.log());
    assert_eq!(log.len(), 2, "asking for the log is not in it");
    let first = &log[0];
    assert_eq!((first.version, first.status), (Some(4), Some(200)));
    assert_eq!(first.key_id.as_deref(), Some(ID));
    assert_eq!(first.request_id.as_deref(), answer.header("X-Bz-Request-Id"));
    assert!(first.headers.contains(&("Authorization".to_owned(), "Basic ***".to_owned())));
    assert_eq!((log[1].call.as_str(), log[1].status), ("b2_list_buckets", Some(400)));
    assert_eq!(log[1].key_id.as_deref(), Some(ID));
    assert_eq!(ask(&sandbox, "DELETE", "log", &json!({})).status, 200);
    assert!(sandbox.log().is_empty() && sandbox.authorize_count("*") == 0);
}

#[test]
fn the_log_tells_which_requests_were_in_the_air_together() {
    let sandbox = sandbox();
    sandbox.script(ID, [b2_sandbox::Fault::hold("gate")]);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| authorize(sandbox.http()));
        assert!(sandbox.wait_until_held("gate", 1, PATIENCE));
        authorize(sandbox.http());
        sandbox.release("gate");
        held.join().expect("no panic");
    });
    authorize(sandbox.http());
    let after: Vec<_> = sandbox.log().iter().map(|entry| (entry.number, entry.answered_after)).collect();
    assert_eq!(after, [(1, Some(2)), (2, Some(2)), (3, Some(3))], "the first was answered once the second had come");
}

#[test]
fn scripts_keys_and_tokens_can_be_set() {
    let sandbox = sandbox();
    let script = json!({"keyId": "*", "faults": [{"status": 503, "retryAfter": 1}]});
    assert_eq!(ask(&sandbox, "POST", "script", &script).status, 200);
    let answer = authorize(sandbox.http());
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));

    let key = json!({"keyId": "new", "key": "k", "buckets": [{"id": "b"}]});
    assert_eq!(ask(&sandbox, "POST", "keys", &key).status, 200);
    assert_eq!(authorize_as(sandbox.http(), 4, "new", "k").status, 200);
    assert_eq!(ask(&sandbox, "POST", "keys", &json!([key])).status, 200);
    assert_eq!(ask(&sandbox, "POST", "remove", &json!({"keyId": "new"})).status, 200);
    assert_eq!(authorize_as(sandbox.http(), 4, "new", "k").status, 401);

    let headers = format!("Authorization: {}\r\n", token(&authorize(sandbox.http())));
    assert_eq!(ask(&sandbox, "POST", "expire", &json!({"keyId": ID})).status, 200);
    let list = request("POST", "/b2api/v4/b2_list_buckets", &headers, "{}");
    assert_eq!(send(sandbox.http(), &list).json()["code"], "expired_auth_token");

    let count = ask(&sandbox, "GET", &format!("count?keyId={ID}"), &json!({})).json();
    assert_eq!(count, json!({"count": 2}));
}

#[test]
fn latches_can_be_watched_and_released() {
    let sandbox = sandbox();
    let script = json!({"keyId": ID, "faults": [{"hold": "gate"}]});
    assert_eq!(ask(&sandbox, "POST", "script", &script).status, 200);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| authorize_as(sandbox.http(), 4, ID, KEY));
        let answer = ask(&sandbox, "GET", "held?latch=gate&atLeast=1", &json!({}));
        assert_eq!(answer.json(), json!({"held": 1}));
        assert_eq!(ask(&sandbox, "POST", "release", &json!({"latch": "gate"})).status, 200);
        assert_eq!(held.join().expect("no panic").status, 200);
    });
    assert!(sandbox.wait_until_held("gate", 0, PATIENCE));
}

#[test]
fn slips_are_told() {
    let sandbox = sandbox();
    let slip = json!({"keyId": "*", "faults": [{"statsu": 503}]});
    let answer = ask(&sandbox, "POST", "script", &slip);
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("statsu"));
    assert_eq!(ask(&sandbox, "GET", "nothing", &json!({})).status, 404);
}
