//! The request itself, as B2 receives it.

use std::time::{Duration, Instant};

use b2_sandbox::{Key, LogEntry};

use crate::support::fixture::{Fixture, ID, KEY};

fn header<'a>(entry: &'a LogEntry, name: &str) -> Option<&'a str> {
    let mut found = entry.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} is there once");
    value
}

fn own_agent(fixture: &Fixture) -> String {
    format!("b2auth/{} ({}; {})", fixture.api.version(), std::env::consts::OS, std::env::consts::ARCH)
}

#[test]
fn a_request_has_exactly_the_documented_headers() {
    let fixture = Fixture::new();
    fixture.authorize().expect("granted");
    let log = fixture.sandbox.log();
    assert_eq!(log.len(), 1);
    let entry = &log[0];
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("GET", "/b2api/v4/b2_authorize_account"));
    let host = fixture.sandbox.http().strip_prefix("http://").expect("it is http");
    let own = own_agent(&fixture);
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
fn the_user_agent_option_comes_before_the_librarys_own() {
    let fixture = Fixture::with_options(&[("user_agent", "nightly-backup/2.1 (cron)")]);
    fixture.authorize().expect("granted");
    let agent = format!("nightly-backup/2.1 (cron) {}", own_agent(&fixture));
    assert_eq!(header(&fixture.sandbox.log()[0], "user-agent"), Some(agent.as_str()));
}

#[test]
fn a_pair_of_any_length_is_encoded_with_its_padding() {
    let fixture = Fixture::new();
    for id in ["i", "id", "idi", ID] {
        for length in 1..=9 {
            let key = &KEY[..length];
            fixture.sandbox.add_key(Key::new(id, key));
            let session = fixture.authorize_key(id, key, &fixture.options);
            session.unwrap_or_else(|failure| panic!("{id} with {length}: {failure}"));
        }
    }
    assert_eq!(fixture.sandbox.authorize_count("*"), 36);
}

#[test]
fn a_key_may_have_every_visible_character_and_be_long() {
    let fixture = Fixture::new();
    let visible: String = (b'!'..=b'~').map(char::from).collect();
    let id = visible.replace(':', "");
    // All six bits set, and none: + and / of the encoding.
    for (id, key) in [(id.as_str(), visible.as_str()), (&"i".repeat(256), &"k".repeat(1_024)), (ID, "~~~???>>>")] {
        fixture.sandbox.add_key(Key::new(id, key));
        fixture.authorize_key(id, key, &fixture.options).expect("granted");
    }
}

#[test]
fn no_connection_is_kept_between_calls() {
    let fixture = Fixture::with_options(&[("cache", "bypass")]);
    let ca_file = fixture.sandbox.ca_file().to_str().expect("UTF-8");
    let secure = fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", ca_file)]);
    for options in [&fixture.options, &secure] {
        for _ in 0..3 {
            fixture.authorize_with(options).expect("granted");
        }
        // Earlier than the sandbox closes an idle connection, which is after 30 seconds.
        let deadline = Instant::now() + Duration::from_secs(20);
        while fixture.sandbox.open_connections() > 0 {
            assert!(Instant::now() < deadline, "{} stay open", fixture.sandbox.open_connections());
            std::thread::yield_now();
        }
    }
    let connections: std::collections::BTreeSet<_> =
        fixture.sandbox.log().iter().map(|entry| (entry.listener.clone(), entry.connection)).collect();
    assert_eq!(connections.len(), 6, "each call had a connection of its own");
}

#[test]
fn a_realm_may_end_in_slashes() {
    let fixture = Fixture::new();
    let slashed = fixture.options.with(&[("realm", &format!("{}//", fixture.sandbox.http()))]);
    let session = fixture.authorize_with(&slashed).expect("granted");
    assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(fixture.sandbox.http()));
    assert_eq!(fixture.sandbox.log()[0].path, "/b2api/v4/b2_authorize_account");
}

#[test]
fn a_realm_may_have_a_path() {
    let fixture = Fixture::new();
    let prefixed = fixture.options.with(&[("realm", &format!("{}/Behind/a/gateway/", fixture.sandbox.http()))]);
    let failure = fixture.authorize_with(&prefixed).expect_err("the sandbox has nothing there");
    assert_eq!(failure.attempts, 1, "{failure}");
    assert_eq!(fixture.sandbox.log()[0].path, "/Behind/a/gateway/b2api/v4/b2_authorize_account");
}
