//! Where the b2 tool's database is looked for. A process has one environment, so each case runs in a subprocess.

use b2_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::api::{self, Operation};
use crate::support::b2_database::{self, Account, NEWEST, TempDir};
use crate::support::fixture::{ID, KEY, sandbox_with_key};
use crate::support::subprocess;

/// In the subprocess: makes a call with blank credentials and the task's options.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(task) = subprocess::task() else { return };
    let api = api::load();
    let options = api.options(&[("max_attempts", "1")]);
    for (name, value) in task.as_object().expect("an object") {
        options.set(name, value.as_str()).expect(name);
    }
    let outcome = match api.call(None, None, Operation::Authorize, Some(&options)) {
        Ok(session) => json!({"keyId": session.json()["keyId"], "realm": session.json()["realm"]}),
        Err(failure) => json!({"name": failure.name, "message": failure.message, "hint": failure.hint}),
    };
    print!("{}", subprocess::report(&outcome));
}

/// A sandbox, and the home directory of the subprocesses.
struct Home {
    sandbox: Sandbox,
    directory: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { sandbox: sandbox_with_key(), directory: TempDir::new() }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn create_database(&self, name: &str) {
        let account = Account { key_id: ID, key: KEY, realm: self.sandbox.http() };
        b2_database::create(&self.directory.path(name), NEWEST, account);
    }

    /// The outcome of a call in a process with these variables.
    fn call(&self, variables: &[(&str, &str)], options: &Value) -> Value {
        let mut command = subprocess::command("b2_tool_location::child", options);
        subprocess::run(command.env("HOME", self.path("")).envs(variables.iter().copied()))
    }
}

fn message(outcome: &Value) -> &str {
    assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
    outcome["message"].as_str().expect("a text")
}

#[test]
fn the_database_is_found_in_each_of_the_tools_locations() {
    let none = json!({});
    for (name, variables, options) in [
        (".b2_account_info", &[][..], none.clone()),
        (".config/b2/account_info", &[], none.clone()),
        ("x/b2/account_info", &[("XDG_CONFIG_HOME", "~/x")], none.clone()),
        (".config/b2/account_info", &[("XDG_CONFIG_HOME", "")], none.clone()),
        ("other", &[("B2_ACCOUNT_INFO", "~/other")], none.clone()),
        (".b2_account_info", &[("B2_ACCOUNT_INFO", " ")], none),
        ("third", &[("B2_ACCOUNT_INFO", "~/other")], json!({"account_info": "~/third"})),
        (".config/b2/db-work.sqlite", &[], json!({"profile": "work"})),
        ("x/b2/db-work.sqlite", &[("XDG_CONFIG_HOME", "~/x")], json!({"profile": "work"})),
        (".b2db-work.sqlite", &[("B2_ACCOUNT_INFO", "~/other")], json!({"profile": "work"})),
    ] {
        let home = Home::new();
        home.create_database(name);
        let outcome = home.call(variables, &options);
        assert_eq!((&outcome["keyId"], &outcome["realm"]), (&json!(ID), &json!(home.sandbox.http())), "{outcome}");
    }
}

#[test]
fn the_error_names_every_location_in_order() {
    let home = Home::new();
    let (old, new) = (home.path(".b2_account_info"), home.path(".config/b2/account_info"));
    let outcome = home.call(&[], &json!({}));
    let expected = format!(
        "no application key: B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY are not set in the environment; the b2 tool's \
         database {old} does not exist; {new} does not exist"
    );
    assert_eq!(message(&outcome), expected);
    assert!(outcome["hint"].as_str().is_some_and(|hint| hint.contains("b2 account authorize")), "{outcome}");
    home.directory.write(".config/b2/account_info", b"");
    assert!(message(&home.call(&[], &json!({}))).ends_with(&format!("{old} does not exist; {new} is empty")));
    let named = home.call(&[("B2_ACCOUNT_INFO", "~/a")], &json!({}));
    assert!(message(&named).ends_with(&format!("database {} (B2_ACCOUNT_INFO) does not exist", home.path("a"))));
    let profile = home.call(&[], &json!({"profile": "work"}));
    for part in [home.path(".config/b2/db-work.sqlite"), home.path(".b2db-work.sqlite"), "option \"profile\"".into()] {
        assert!(message(&profile).contains(&part), "{profile}");
    }
    assert!(profile["hint"].as_str().is_some_and(|hint| hint.contains("--profile work")), "{profile}");
    // A file that exists is used, valid or not; the next location is no substitute.
    home.create_database(".config/b2/account_info");
    home.directory.write(".b2_account_info", b"?");
    assert!(message(&home.call(&[], &json!({}))).ends_with("is not a database of the b2 tool"));
}

#[test]
fn b2_environment_takes_precedence_over_the_databases_realm() {
    let home = Home::new();
    let account = Account { key_id: ID, key: KEY, realm: "https://127.0.0.1:9" };
    b2_database::create(&home.directory.path(".b2_account_info"), NEWEST, account);
    let outcome = home.call(&[("B2_ENVIRONMENT", home.sandbox.http())], &json!({}));
    assert_eq!(outcome["realm"], json!(home.sandbox.http()), "{outcome}");
    assert_eq!(home.call(&[("B2_ENVIRONMENT", "")], &json!({}))["name"], "B2_NETWORK_ERROR");
}

#[test]
fn a_profile_is_a_name_and_not_a_path() {
    let api = api::load();
    let long = "a".repeat(65);
    for profile in ["../x", "a/b", "foo/../../x", "a.b", "a b", "é", ".", &long] {
        let options = api.options(&[]);
        assert_eq!(options.set("profile", Some(profile)).expect_err(profile).status, 1);
    }
    let options = api.options(&[("profile", "Work-2_b")]);
    assert_eq!(options.set("account_info", Some("/a")).expect_err("each names a database").status, 1);
}
