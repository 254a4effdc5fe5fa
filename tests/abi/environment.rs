//! What is taken from the environment. A process has one, so each case is a process: this program, which runs the one
//! test here that does nothing unless it is told what.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use b2_sandbox::{Config, Key, Sandbox};
use serde_json::{Value, json};

use crate::support::api::{self, Ask};
use crate::support::fixture::{ID, KEY};

const TASK: &str = "B2AUTH_TEST_TASK";
const ID_VARIABLE: &str = "B2_APPLICATION_KEY_ID";
const KEY_VARIABLE: &str = "B2_APPLICATION_KEY";

/// The other side: a call with what the task says, and what came of it.
#[test]
#[ignore = "run by the others, in a process of its own"]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Value = serde_json::from_str(&task).expect("the parent writes JSON");
    let api = api::load();
    let options = api.options(&[]);
    for (name, value) in task["options"].as_object().expect("an object") {
        options.set(name, value.as_str()).expect(name);
    }
    let options = if task["noOptions"] == true { None } else { Some(&options) };
    let outcome = match api.call(task["keyId"].as_str(), task["key"].as_str(), Ask::Authorize, options) {
        Ok(session) => json!({"name": "B2_OK", "session": session.json()}),
        Err(failure) => json!({
            "name": failure.name,
            "message": failure.message,
            "hint": failure.hint,
            "attempts": failure.attempts,
        }),
    };
    println!("\nOUTCOME {outcome}");
}

/// What comes of a call in a process with these variables.
fn outcome<T: AsRef<OsStr> + Copy>(variables: &[(&str, T)], task: &Value) -> Value {
    let exe = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(exe);
    command.args(["--exact", "environment::child", "--ignored", "--nocapture"]).stderr(Stdio::inherit());
    for name in [ID_VARIABLE, KEY_VARIABLE, "B2_ENVIRONMENT", "B2_ACCOUNT_INFO", "B2_TOKEN_STORE"] {
        command.env_remove(name);
    }
    // Nobody's own database is looked into.
    command.env("HOME", "/nonexistent").env_remove("XDG_CONFIG_HOME");
    let output = command.env(TASK, task.to_string()).envs(variables.iter().copied()).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let line = said.lines().find_map(|line| line.strip_prefix("OUTCOME "));
    serde_json::from_str(line.unwrap_or_else(|| panic!("no outcome: {said}"))).expect("JSON")
}

struct Place {
    sandbox: Sandbox,
}

impl Place {
    fn new() -> Self {
        let keys = vec![Key::master(ID, KEY)];
        Self { sandbox: Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts") }
    }

    /// A call that says where B2 is, with what it gives for the key.
    fn ask(&self, variables: &[(&str, &str)], key_id: &Value, key: &Value) -> Value {
        let task = json!({"keyId": key_id, "key": key, "options": {"realm": self.sandbox.http()}});
        outcome(variables, &task)
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

#[test]
fn a_blank_call_takes_the_pair_of_the_environment() {
    let place = Place::new();
    let spaced = (format!(" {ID}\n"), format!("\t{KEY} "));
    for (id, key) in [(ID, KEY), (&*spaced.0, &*spaced.1)] {
        for (blank_id, blank_key) in [(&Value::Null, &json!("")), (&json!("  \n"), &json!("\t"))] {
            let outcome = place.ask(&[(ID_VARIABLE, id), (KEY_VARIABLE, key)], blank_id, blank_key);
            assert_eq!(outcome["session"]["keyId"], ID, "{outcome}");
        }
    }
}

#[test]
fn without_any_pair_every_place_that_was_looked_at_is_named() {
    let place = Place::new();
    for variables in [&[][..], &[(ID_VARIABLE, ""), (KEY_VARIABLE, " \n")]] {
        for blank in [Value::Null, json!(""), json!("  \n")] {
            let outcome = place.ask(variables, &blank, &blank);
            assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
            assert_eq!(outcome["attempts"], 0);
            let message = text(&outcome, "message");
            for looked_at in [ID_VARIABLE, KEY_VARIABLE, "environment", "the b2 tool's database"] {
                assert!(message.contains(looked_at), "{message}");
            }
            assert!(text(&outcome, "hint").contains("give the key ID and the key"), "{outcome}");
        }
    }
    assert_eq!(place.sandbox.authorize_count("*"), 0);
}

#[test]
fn the_option_that_names_a_database_is_told_where_none_is_read() {
    let place = Place::new();
    for (name, value) in [("profile", "work"), ("account_info", "/nowhere/at/all")] {
        let task = json!({"options": {"realm": place.sandbox.http(), name: value}});
        let outcome = outcome::<&str>(&[], &task);
        assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
        assert!(text(&outcome, "message").contains(name), "{outcome}");
    }
}

#[test]
fn one_variable_without_the_other_is_a_slip() {
    let place = Place::new();
    let blank = Value::Null;
    for (variables, set, unset) in [
        (&[(ID_VARIABLE, ID)][..], ID_VARIABLE, KEY_VARIABLE),
        (&[(KEY_VARIABLE, KEY)], KEY_VARIABLE, ID_VARIABLE),
        (&[(ID_VARIABLE, ID), (KEY_VARIABLE, "")], ID_VARIABLE, KEY_VARIABLE),
        (&[(ID_VARIABLE, " \n"), (KEY_VARIABLE, KEY)], KEY_VARIABLE, ID_VARIABLE),
    ] {
        for key_id in [&blank, &json!(ID)] {
            let outcome = place.ask(variables, key_id, &blank);
            assert_eq!(outcome["name"], "B2_INVALID_ARGUMENT", "{outcome}");
            assert!(text(&outcome, "message").starts_with(&format!("{set} is set in the environment, but {unset} ")));
            assert!(!outcome.to_string().contains(KEY), "{outcome}");
        }
    }
    assert_eq!(place.sandbox.authorize_count("*"), 0);
}

#[test]
fn a_key_id_alone_takes_its_key_from_the_environment_if_it_is_there() {
    let place = Place::new();
    let pair = [(ID_VARIABLE, ID), (KEY_VARIABLE, KEY)];
    for blank in [Value::Null, json!(" ")] {
        let outcome = place.ask(&pair, &json!(format!(" {ID}")), &blank);
        assert_eq!(outcome["session"]["keyId"], ID, "{outcome}");
    }
    place.sandbox.clear_log();
    let other = json!("0014aa9865d6f0000000000b1");
    let outcome = place.ask(&pair, &other, &Value::Null);
    assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
    assert!(text(&outcome, "message").contains("hold another key"), "{outcome}");
    assert!(!outcome.to_string().contains(ID), "whose key it is concerns nobody: {outcome}");
    let outcome = place.ask(&[], &other, &Value::Null);
    assert!(text(&outcome, "message").contains("are not set"), "{outcome}");
    assert_eq!(place.sandbox.authorize_count("*"), 0);
}

#[test]
fn what_is_given_goes_before_the_environment_however_broken_that_is() {
    let place = Place::new();
    for variables in [&[(ID_VARIABLE, ID)][..], &[(ID_VARIABLE, "a b"), (KEY_VARIABLE, "c d")]] {
        let outcome = place.ask(variables, &json!(ID), &json!(KEY));
        assert_eq!(outcome["session"]["keyId"], ID, "{outcome}");
    }
}

#[test]
fn a_bad_value_in_the_environment_is_refused_by_the_name_of_its_variable() {
    let place = Place::new();
    let spoiled = "K001marked7f3a with a space";
    for (variables, name) in [
        ([(ID_VARIABLE, ID), (KEY_VARIABLE, spoiled)], "B2_APPLICATION_KEY has "),
        ([(ID_VARIABLE, spoiled), (KEY_VARIABLE, KEY)], "B2_APPLICATION_KEY_ID has "),
    ] {
        let outcome = place.ask(&variables, &Value::Null, &Value::Null);
        assert_eq!(outcome["name"], "B2_INVALID_ARGUMENT", "{outcome}");
        assert!(text(&outcome, "message").starts_with(name), "{outcome}");
        assert_eq!(text(&outcome, "hint"), "character 15 is U+0020 SPACE");
        assert!(!outcome.to_string().contains("marked7f3a"), "{outcome}");
    }
    assert_eq!(place.sandbox.authorize_count("*"), 0);
}

#[test]
fn b2_environment_is_the_realm_of_whoever_names_none() {
    let place = Place::new();
    let here = place.sandbox.http();
    let slashed = format!(" {here}/ ");
    let call = |options: Value| json!({"keyId": ID, "key": KEY, "options": options});
    for (variable, task) in [
        (here, call(json!({}))),
        (&slashed, call(json!({"realm": null}))),
        (here, json!({"keyId": ID, "key": KEY, "options": {}, "noOptions": true})),
        ("http://127.0.0.1:9", call(json!({"realm": here}))),
        ("http://marked7f3a.example", call(json!({"realm": here}))),
    ] {
        let outcome = outcome(&[("B2_ENVIRONMENT", variable)], &task);
        assert_eq!(outcome["session"]["realm"], here, "{variable}: {outcome}");
    }
}

#[test]
fn a_bad_b2_environment_fails_the_call_by_name() {
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
fn a_b2_environment_that_is_no_text_leads_nowhere_else() {
    let place = Place::new();
    let mut bytes = place.sandbox.http().as_bytes().to_vec();
    bytes.push(0xff);
    // A call that took it for not set would go out to B2 itself.
    let elsewhere = json!({"max_attempts": "1", "proxy": place.sandbox.refused_url()});
    let task = json!({"keyId": ID, "key": KEY, "options": elsewhere});
    let outcome = outcome(&[("B2_ENVIRONMENT", OsStr::from_bytes(&bytes))], &task);
    assert_eq!((&outcome["name"], &outcome["attempts"]), (&json!("B2_INVALID_ARGUMENT"), &json!(0)), "{outcome}");
    assert!(text(&outcome, "message").starts_with("B2_ENVIRONMENT "), "{outcome}");
}
