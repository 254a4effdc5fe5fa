//! The request itself, as B2 sees it.

use std::time::{Duration, Instant};

use b2_sandbox::{Key, LogEntry};

use crate::support::api::Ask;
use crate::support::fixture::{ID, KEY, Scene};

fn header<'a>(entry: &'a LogEntry, name: &str) -> Option<&'a str> {
    let mut found = entry.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} is there once");
    value
}

fn own_agent(scene: &Scene) -> String {
    format!("b2auth/{} ({}; {})", scene.api.version(), std::env::consts::OS, std::env::consts::ARCH)
}

#[test]
fn a_request_is_what_the_documentation_asks_for_and_nothing_more() {
    let scene = Scene::new();
    scene.authorize().expect("granted");
    let log = scene.sandbox.log();
    assert_eq!(log.len(), 1);
    let entry = &log[0];
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("GET", "/b2api/v4/b2_authorize_account"));
    let host = scene.sandbox.http().strip_prefix("http://").expect("it is http");
    let own = own_agent(&scene);
    let mut names: Vec<_> = entry.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
    names.sort();
    assert_eq!(names, ["accept", "accept-encoding", "authorization", "connection", "host", "user-agent"]);
    for (name, value) in [
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
        ("authorization", "Basic ***"),
        ("connection", "close"),
        ("host", host),
        ("user-agent", &own),
    ] {
        assert_eq!(header(entry, name), Some(value));
    }
}

#[test]
fn the_callers_product_stands_before_the_librarys() {
    let scene = Scene::with(&[("user_agent", "nightly-backup/2.1 (cron)")]);
    scene.authorize().expect("granted");
    let agent = format!("nightly-backup/2.1 (cron) {}", own_agent(&scene));
    assert_eq!(header(&scene.sandbox.log()[0], "user-agent"), Some(agent.as_str()));
}

#[test]
fn a_pair_of_any_length_is_encoded_with_its_padding() {
    let scene = Scene::new();
    for id in ["i", "id", "idi", ID] {
        for length in 1..=9 {
            let key = &KEY[..length];
            scene.sandbox.add_key(Key::new(id, key));
            let session = scene.api.call(Some(id), Some(key), Ask::Authorize, Some(&scene.options));
            session.unwrap_or_else(|failure| panic!("{id} with {length}: {failure}"));
        }
    }
    assert_eq!(scene.sandbox.authorize_count("*"), 36);
}

#[test]
fn a_key_may_hold_every_visible_character_and_be_long() {
    let scene = Scene::new();
    let visible: String = (b'!'..=b'~').map(char::from).collect();
    let id = visible.replace(':', "");
    // All six bits set, and none: + and / of the encoding.
    for (id, key) in [(id.as_str(), visible.as_str()), (&"i".repeat(256), &"k".repeat(1_024)), (ID, "~~~???>>>")] {
        scene.sandbox.add_key(Key::new(id, key));
        scene.api.call(Some(id), Some(key), Ask::Authorize, Some(&scene.options)).expect("granted");
    }
}

#[test]
fn no_connection_is_kept_between_calls() {
    let scene = Scene::with(&[("cache", "bypass")]);
    let ca_file = scene.sandbox.ca_file().to_str().expect("UTF-8");
    let secure = scene.options.with(&[("realm", scene.sandbox.https()), ("ca_file", ca_file)]);
    for options in [&scene.options, &secure] {
        for _ in 0..3 {
            scene.authorize_with(options).expect("granted");
        }
        // The sandbox closes an idle connection only after 30 seconds.
        let patience = Instant::now() + Duration::from_secs(10);
        while scene.sandbox.open_connections() > 0 {
            assert!(Instant::now() < patience, "{} stay open", scene.sandbox.open_connections());
            std::thread::yield_now();
        }
    }
    let connections: std::collections::BTreeSet<_> =
        scene.sandbox.log().iter().map(|entry| (entry.listener.clone(), entry.connection)).collect();
    assert_eq!(connections.len(), 6, "each call had a connection of its own");
}

#[test]
fn a_realm_may_end_in_slashes() {
    let scene = Scene::new();
    let slashed = scene.options.with(&[("realm", &format!("{}//", scene.sandbox.http()))]);
    let session = scene.authorize_with(&slashed).expect("granted");
    assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(scene.sandbox.http()));
    assert_eq!(scene.sandbox.log()[0].path, "/b2api/v4/b2_authorize_account");
}

#[test]
fn a_realm_may_have_a_path() {
    let scene = Scene::new();
    let prefixed = scene.options.with(&[("realm", &format!("{}/Behind/a/gateway/", scene.sandbox.http()))]);
    let failure = scene.authorize_with(&prefixed).expect_err("the sandbox has nothing there");
    assert_eq!(failure.attempts, 1, "{failure}");
    assert_eq!(scene.sandbox.log()[0].path, "/Behind/a/gateway/b2api/v4/b2_authorize_account");
}
