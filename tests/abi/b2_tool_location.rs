//! Where the b2 tool's database is looked for. A process has one environment, so each case is a process: this program,
//! which runs the one test here that does nothing unless it is told what.

use std::process::{Command, Stdio};

use b2_sandbox::{Config, Key, Sandbox};
use serde_json::{Value, json};

use crate::support::api::{self, Ask};
use crate::support::b2_database::{self, Account, Folder, NEWEST};
use crate::support::fixture::{ID, KEY};

const TASK: &str = "B2AUTH_TEST_DATABASE";

/// The other side: a blank call with the task's options, and what came of it.
#[test]
#[ignore = "run by the others, in a process of its own"]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Value = serde_json::from_str(&task).expect("the parent writes JSON");
    let api = api::load();
    let options = api.options(&[("max_attempts", "1")]);
    for (name, value) in task.as_object().expect("an object") {
        options.set(name, value.as_str()).expect(name);
    }
    let outcome = match api.call(None, None, Ask::Authorize, Some(&options)) {
        Ok(session) => json!({"keyId": session.json()["keyId"], "realm": session.json()["realm"]}),
        Err(failure) => json!({"name": failure.name, "message": failure.message, "hint": failure.hint}),
    };
    println!("\nOUTCOME {outcome}");
}

struct House {
    sandbox: Sandbox,
    folder: Folder,
}

impl House {
    fn new() -> Self {
        let keys = vec![Key::master(ID, KEY)];
        let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
        Self { sandbox, folder: Folder::new() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.at(name).to_str().expect("UTF-8").to_owned()
    }

    /// Puts a good database there.
    fn put(&self, name: &str) {
        let account = Account { key_id: ID, key: KEY, realm: self.sandbox.http() };
        b2_database::write(&self.folder.at(name), NEWEST, account);
    }

    /// What comes of a blank call in a process with these variables, and this folder as its home.
    fn call(&self, variables: &[(&str, &str)], options: &Value) -> Value {
        let exe = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(exe);
        command.args(["--exact", "b2_tool_location::child", "--ignored", "--nocapture"]).stderr(Stdio::inherit());
        for name in
            ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY", "B2_ENVIRONMENT", "B2_ACCOUNT_INFO", "XDG_CONFIG_HOME"]
        {
            command.env_remove(name);
        }
        command.env("HOME", self.path("")).env(TASK, options.to_string()).envs(variables.iter().copied());
        let said = String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8");
        let line = said.lines().find_map(|line| line.strip_prefix("OUTCOME "));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no outcome: {said}"))).expect("JSON")
    }
}

fn message(outcome: &Value) -> &str {
    assert_eq!(outcome["name"], "B2_NO_CREDENTIALS", "{outcome}");
    outcome["message"].as_str().expect("a text")
}

#[test]
fn each_place_of_the_tools_is_found() {
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
        let house = House::new();
        house.put(name);
        let outcome = house.call(variables, &options);
        assert_eq!((&outcome["keyId"], &outcome["realm"]), (&json!(ID), &json!(house.sandbox.http())), "{outcome}");
    }
}

#[test]
fn every_place_that_was_looked_at_is_named_in_order() {
    let house = House::new();
    let (old, new) = (house.path(".b2_account_info"), house.path(".config/b2/account_info"));
    let outcome = house.call(&[], &json!({}));
    let expected = format!(
        "no application key: B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY are not set in the environment; the b2 tool's \
         database {old} does not exist; {new} does not exist"
    );
    assert_eq!(message(&outcome), expected);
    assert!(outcome["hint"].as_str().is_some_and(|hint| hint.contains("b2 account authorize")), "{outcome}");
    house.folder.file(".config/b2/account_info", b"");
    assert!(message(&house.call(&[], &json!({}))).ends_with(&format!("{old} does not exist; {new} is empty")));
    let named = house.call(&[("B2_ACCOUNT_INFO", "~/a")], &json!({}));
    assert!(message(&named).ends_with(&format!("database {} (B2_ACCOUNT_INFO) does not exist", house.path("a"))));
    let profile = house.call(&[], &json!({"profile": "work"}));
    for part in [house.path(".config/b2/db-work.sqlite"), house.path(".b2db-work.sqlite"), "option \"profile\"".into()]
    {
        assert!(message(&profile).contains(&part), "{profile}");
    }
    assert!(profile["hint"].as_str().is_some_and(|hint| hint.contains("--profile work")), "{profile}");
    // What is there counts, good or bad; the next place does not make up for it.
    house.put(".config/b2/account_info");
    house.folder.file(".b2_account_info", b"?");
    assert!(message(&house.call(&[], &json!({}))).ends_with("is no database of the b2 tool"));
}

#[test]
fn the_realm_of_b2_environment_goes_before_the_databases() {
    let house = House::new();
    let account = Account { key_id: ID, key: KEY, realm: "https://127.0.0.1:9" };
    b2_database::write(&house.folder.at(".b2_account_info"), NEWEST, account);
    let outcome = house.call(&[("B2_ENVIRONMENT", house.sandbox.http())], &json!({}));
    assert_eq!(outcome["realm"], json!(house.sandbox.http()), "{outcome}");
    assert_eq!(house.call(&[("B2_ENVIRONMENT", "")], &json!({}))["name"], "B2_NETWORK_ERROR");
}

#[test]
fn a_profile_is_a_name_and_no_path() {
    let api = api::load();
    let long = "a".repeat(65);
    for profile in ["../x", "a/b", "foo/../../x", "a.b", "a b", "é", ".", &long] {
        let options = api.options(&[]);
        assert_eq!(options.set("profile", Some(profile)).expect_err(profile).status, 1);
    }
    let options = api.options(&[("profile", "Work-2_b")]);
    assert_eq!(options.set("account_info", Some("/a")).expect_err("each names a database").status, 1);
}
