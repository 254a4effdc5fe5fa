//! What is taken from the environment. A process has one environment, so each case runs in a subprocess.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use b2_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::api::{self, Operation};
use crate::support::fixture::{ID, KEY, sandbox_with_key};
use crate::support::subprocess;

const ID_VARIABLE: &str = "B2_APPLICATION_KEY_ID";
const KEY_VARIABLE: &str = "B2_APPLICATION_KEY";

/// In the subprocess: makes the call of the task.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(task) = subprocess::task() else { return };
    let api = api::load();
    let options = api.options(&[]);
    for (name, value) in task["options"].as_object().expect("an object") {
        options.set(name, value.as_str()).expect(name);
    }
    let options = if task["noOptions"] == true { None } else { Some(&options) };
    let outcome = match api.call(task["keyId"].as_str(), task["key"].as_str(), Operation::Authorize, options) {
        Ok(session) => json!({"name": "B2_OK", "session": session.json()}),
        Err(failure) => json!({
            "name": failure.name,
            "message": failure.message,
            "hint": failure.hint,
            "attempts": failure.attempts,
        }),
    };
    print!("{}", subprocess::report(&outcome));
}

/// The outcome of a call in a process with these variables.
fn outcome<T: AsRef<OsStr> + Copy>(variables: &[(&str, T)], task: &Value) -> Value {
    subprocess::run(subprocess::command("environment::child", task).envs(variables.iter().copied()))
}

/// The outcome of a call for the sandbox with this key ID and key.
fn call(sandbox: &Sandbox, variables: &[(&str, &str)], key_id: &Value, key: &Value) -> Value {
    outcome(variables, &json!({"keyId": key_id, "key": key, "options": {"realm": sandbox.http()}}))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

#[test]
fn a_call_with_blank_credentials_takes_them_from_the_environment() {
    let sandbox = sandbox_with_key();
    let spaced = (format!(" {ID}\n"), format!("\t{KEY} "));
    for (id, key) in [(ID, KEY), (&*spaced.0, &*spaced.1)] {
        for (blank_id, blank_key) in [(&Value::Null, &json!("")), (&json!("  \n"), &json!("\t"))] {
            let outcome = call(&sandbox, &[(ID_VARIABLE, id), (KEY_VARIABLE, key)], blank_id, blank_key);
            assert_eq!(outcome["session"]["keyId"], ID, "{outcome}");
        }
    }
}

#[test]
fn without_credentials_the_error_names_every_source() {
    let sandbox = sandbox_with_key();
    for variables in [&[][..], &[(ID_VARIABLE, ""), (KEY_VARIABLE, " \n")]] {
        for blank in [Value::Null, json!(""), json!("  \n")] {
            let outcome = call(&sandbox, variables, &blank, &blank);
            assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
            assert_eq!(outcome["attempts"], 0);
            let message = text(&outcome, "message");
            for source in [ID_VARIABLE, KEY_VARIABLE, "environment", "the b2 tool's database"] {
                assert!(message.contains(source), "{message}");
            }
            assert!(text(&outcome, "hint").contains("give the key ID and the key"), "{outcome}");
        }
    }
    assert_eq!(sandbox.authorize_count("*"), 0);
}

#[test]
fn credentials_given_forbids_to_look_for_any() {
    let sandbox = sandbox_with_key();
    let pair = [(ID_VARIABLE, ID), (KEY_VARIABLE, KEY)];
    let given = |key_id: &Value, key: &Value| {
        let options = json!({"realm": sandbox.http(), "credentials": "given"});
        outcome(&pair, &json!({"keyId": key_id, "key": key, "options": options}))
    };
    for blank in [Value::Null, json!(""), json!(" \n")] {
        for key_id in [&blank, &json!(ID)] {
            let outcome = given(key_id, &blank);
            assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
            assert!(text(&outcome, "message").contains("option credentials"), "{outcome}");
            assert!(text(&outcome, "hint").contains("give the key ID and the key"), "{outcome}");
        }
    }
    assert_eq!(given(&Value::Null, &json!(KEY))["name"], "B2_INVALID_ARGUMENT");
    assert_eq!(sandbox.authorize_count("*"), 0);
    assert_eq!(given(&json!(ID), &json!(KEY))["session"]["keyId"], ID);
    // Any, which is the default, does look.
    let options = json!({"realm": sandbox.http(), "credentials": "any"});
    assert_eq!(outcome(&pair, &json!({"options": options}))["session"]["keyId"], ID);
}

#[test]
fn the_error_names_the_option_that_chose_the_database() {
    let sandbox = sandbox_with_key();
    for (name, value) in [("profile", "work"), ("account_info", "/nowhere/at/all")] {
        let task = json!({"options": {"realm": sandbox.http(), name: value}});
        let outcome = outcome::<&str>(&[], &task);
        assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
        assert!(text(&outcome, "message").contains(name), "{outcome}");
    }
}

#[test]
fn one_variable_without_the_other_is_refused() {
    let sandbox = sandbox_with_key();
    let blank = Value::Null;
    for (variables, set, unset) in [
        (&[(ID_VARIABLE, ID)][..], ID_VARIABLE, KEY_VARIABLE),
        (&[(KEY_VARIABLE, KEY)], KEY_VARIABLE, ID_VARIABLE),
        (&[(ID_VARIABLE, ID), (KEY_VARIABLE, "")], ID_VARIABLE, KEY_VARIABLE),
        (&[(ID_VARIABLE, " \n"), (KEY_VARIABLE, KEY)], KEY_VARIABLE, ID_VARIABLE),
    ] {
        for key_id in [&blank, &json!(ID)] {
            let outcome = call(&sandbox, variables, key_id, &blank);
            assert_eq!(outcome["name"], "B2_INVALID_ARGUMENT", "{outcome}");
            assert!(text(&outcome, "message").starts_with(&format!("{set} is set in the environment, but {unset} ")));
            assert!(!outcome.to_string().contains(KEY), "{outcome}");
        }
    }
    assert_eq!(sandbox.authorize_count("*"), 0);
}

#[test]
fn a_key_id_alone_takes_its_key_from_the_environment() {
    let sandbox = sandbox_with_key();
    let pair = [(ID_VARIABLE, ID), (KEY_VARIABLE, KEY)];
    for blank in [Value::Null, json!(" ")] {
        let outcome = call(&sandbox, &pair, &json!(format!(" {ID}")), &blank);
        assert_eq!(outcome["session"]["keyId"], ID, "{outcome}");
    }
    sandbox.clear_log();
    let other = json!("0014aa9865d6f0000000000b1");
    let outcome = call(&sandbox, &pair, &other, &Value::Null);
    assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
    assert!(text(&outcome, "message").contains("hold another key"), "{outcome}");
    assert!(!outcome.to_string().contains(ID), "the other key ID is not shown: {outcome}");
    let outcome = call(&sandbox, &[], &other, &Value::Null);
    assert!(text(&outcome, "message").contains("are not set"), "{outcome}");
    assert_eq!(sandbox.authorize_count("*"), 0);
}

#[test]
fn given_credentials_take_precedence_over_the_environment() {
    let sandbox = sandbox_with_key();
    for variables in [&[(ID_VARIABLE, ID)][..], &[(ID_VARIABLE, "a b"), (KEY_VARIABLE, "c d")]] {
        let outcome = call(&sandbox, variables, &json!(ID), &json!(KEY));
        assert_eq!(outcome["session"]["keyId"], ID, "{outcome}");
    }
}

#[test]
fn an_invalid_key_in_the_environment_is_refused_with_the_variables_name() {
    let sandbox = sandbox_with_key();
    let invalid = "K001marked7f3a with a space";
    for (variables, name) in [
        ([(ID_VARIABLE, ID), (KEY_VARIABLE, invalid)], "B2_APPLICATION_KEY has "),
        ([(ID_VARIABLE, invalid), (KEY_VARIABLE, KEY)], "B2_APPLICATION_KEY_ID has "),
    ] {
        let outcome = call(&sandbox, &variables, &Value::Null, &Value::Null);
        assert_eq!(outcome["name"], "B2_INVALID_ARGUMENT", "{outcome}");
        assert!(text(&outcome, "message").starts_with(name), "{outcome}");
        assert_eq!(text(&outcome, "hint"), "character 15 is U+0020 SPACE");
        assert!(!outcome.to_string().contains("marked7f3a"), "{outcome}");
    }
    assert_eq!(sandbox.authorize_count("*"), 0);
}

#[test]
fn b2_environment_is_the_realm_of_a_call_without_one() {
    let sandbox = sandbox_with_key();
    let here = sandbox.http();
    let slashed = format!(" {here}/ ");
    let with_key = |options: Value| json!({"keyId": ID, "key": KEY, "options": options});
    for (variable, task) in [
        (here, with_key(json!({}))),
        (&slashed, with_key(json!({"realm": null}))),
        (here, json!({"keyId": ID, "key": KEY, "options": {}, "noOptions": true})),
        ("http://127.0.0.1:9", with_key(json!({"realm": here}))),
        ("http://marked7f3a.example", with_key(json!({"realm": here}))),
    ] {
        let outcome = outcome(&[("B2_ENVIRONMENT", variable)], &task);
        assert_eq!(outcome["session"]["realm"], here, "{variable}: {outcome}");
    }
}

#[test]
fn an_invalid_b2_environment_is_refused_with_the_variables_name() {
    for (value, word) in [
        ("prod/marked7f3a", "not"),
        ("http://marked7f3a.example", "loopback"),
        ("https://u:marked7f3a@b2.example", "user"),
        ("https://s3.us-west-004.backblazeb2.com/marked7f3a", "S3"),
    ] {
        for no_options in [false, true] {
            let task = json!({"keyId": ID, "key": KEY, "options": {}, "noOptions": no_options});
            let outcome = outcome(&[("B2_ENVIRONMENT", value)], &task);
            assert_eq!((&outcome["name"], &outcome["attempts"]), (&json!("B2_INVALID_ARGUMENT"), &json!(0)));
            let message = text(&outcome, "message");
            assert!(message.starts_with("B2_ENVIRONMENT ") && message.contains(word), "{outcome}");
            assert!(!outcome.to_string().contains("marked7f3a"), "{outcome}");
        }
    }
}

#[test]
fn a_b2_environment_that_is_not_utf_8_is_refused() {
    let sandbox = sandbox_with_key();
    let mut bytes = sandbox.http().as_bytes().to_vec();
    bytes.push(0xff);
    // A call that treated it as unset would go to B2 itself.
    let elsewhere = json!({"max_attempts": "1", "proxy": sandbox.refused_url()});
    let task = json!({"keyId": ID, "key": KEY, "options": elsewhere});
    let outcome = outcome(&[("B2_ENVIRONMENT", OsStr::from_bytes(&bytes))], &task);
    assert_eq!((&outcome["name"], &outcome["attempts"]), (&json!("B2_INVALID_ARGUMENT"), &json!(0)), "{outcome}");
    assert!(text(&outcome, "message").starts_with("B2_ENVIRONMENT "), "{outcome}");
}

#[test]
fn a_refusal_of_a_key_that_was_found_says_where() {
    let sandbox = sandbox_with_key();
    let wrong = "K001wrong/0123456789abcdefghijk";
    let outcome = call(&sandbox, &[(ID_VARIABLE, ID), (KEY_VARIABLE, wrong)], &Value::Null, &Value::Null);
    assert_eq!(outcome["name"], "B2_BAD_CREDENTIALS", "{outcome}");
    let hint = text(&outcome, "hint");
    assert!(hint.contains(ID_VARIABLE) || hint.contains(KEY_VARIABLE), "{hint}");
    // The caller knows where its own key came from.
    let outcome = call(&sandbox, &[(ID_VARIABLE, ID), (KEY_VARIABLE, wrong)], &json!(ID), &json!(wrong));
    assert!(!outcome.to_string().contains("B2_APPLICATION"), "{outcome}");
}

#[test]
fn a_variable_that_is_nearly_right_is_named() {
    let sandbox = sandbox_with_key();
    for (name, value) in [
        ("B2_ACCOUNT_ID", ID),
        ("B2_ACCOUNT_KEY", "K001marked7f3a/0123456789abcdef"),
        ("B2_APPLICATION_KEY_FILE", "/run/secrets/marked7f3a"),
        ("B2_APPLICATION_KEY_ID_FILE", "/run/secrets/marked7f3a"),
    ] {
        let outcome = call(&sandbox, &[(name, value)], &Value::Null, &Value::Null);
        assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
        let hint = text(&outcome, "hint");
        assert!(hint.starts_with(&format!("{name} is set")) && hint.contains(KEY_VARIABLE), "{hint}");
        assert!(!outcome.to_string().contains("marked7f3a"), "{outcome}");
    }
}

#[test]
fn quotation_marks_around_a_proxy_variable_are_not_without_effect() {
    let through_nothing = "http://127.0.0.1:9";
    for (variables, word) in [
        (&[("HTTPS_PROXY", "\"http://marked7f3a:3128\"")][..], "HTTPS_PROXY in the environment"),
        (&[("https_proxy", "'http://marked7f3a:3128'")], "https_proxy in the environment"),
        (&[("HTTPS_PROXY", through_nothing)], "proxy"),
        (&[("HTTPS_PROXY", through_nothing), ("NO_PROXY", "b2.invalid")], "the name b2.invalid"),
        (&[("HTTPS_PROXY", through_nothing), ("NO_PROXY", "\"b2.invalid\"")], "the name b2.invalid"),
    ] {
        let options = json!({"realm": "https://b2.invalid", "max_attempts": "1", "connect_timeout_ms": "2000"});
        let outcome = outcome(variables, &json!({"keyId": ID, "key": KEY, "options": options}));
        let message = text(&outcome, "message");
        assert!(message.contains(word), "{outcome}");
        let is_quoted = word.ends_with("in the environment");
        assert_eq!(message.contains("quotation marks"), is_quoted, "{outcome}");
        assert!(!outcome.to_string().contains("marked7f3a"), "{outcome}");
    }
}
