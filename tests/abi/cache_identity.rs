//! Which calls share a cached session: only those with the same key ID, key, realm and trusted certificates.

use b2_sandbox::{Config, Fault, Key, Sandbox};

use crate::support::api::{Failure, Operation, Session};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

fn authorize(fixture: &Fixture, id: &str, key: &str) -> Result<Session, Failure> {
    fixture.authorize_key(id, key, &fixture.options)
}

fn assert_rejected_by_b2(fixture: &Fixture, id: &str, key: &str) {
    let before = fixture.sandbox.authorize_count("*");
    let failure = authorize(fixture, id, key).expect_err("refused");
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_BAD_CREDENTIALS", 401), "{failure}");
    assert_eq!(fixture.sandbox.authorize_count("*") - before, 1, "one request was made");
}

#[test]
fn a_wrong_key_is_rejected_by_b2_while_the_right_one_is_cached() {
    let fixture = Fixture::new();
    let token = fixture.authorize().expect("granted").token();
    let mut turned = KEY.to_owned();
    turned.replace_range(KEY.len() - 1.., "b");
    let longer = format!("{KEY}a");
    for wrong in [&turned, &KEY[..KEY.len() - 1], &longer, &KEY.to_lowercase(), "x", ID] {
        assert_rejected_by_b2(&fixture, ID, wrong);
        assert_eq!(fixture.authorize().expect("still cached").token(), token);
    }
    assert_eq!(fixture.requests(), 1 + 6);
    assert_eq!(fixture.api.counter("cache_hits"), 6);
}

#[test]
fn a_similar_key_id_is_another_key_id() {
    let fixture = Fixture::new();
    fixture.authorize().expect("granted");
    for wrong in [
        "0014aa9865d6f0000000000b1",
        "0014AA9865D6F0000000000B0",
        "0014aa9865d6f0000000000b",
        "0014aa9865d6f0000000000b00",
    ] {
        assert_rejected_by_b2(&fixture, wrong, KEY);
    }
    // The same characters in a row, split elsewhere.
    assert_rejected_by_b2(&fixture, &format!("{ID}{}", &KEY[..1]), &KEY[1..]);
    assert_rejected_by_b2(&fixture, &ID[..ID.len() - 1], &format!("{}{KEY}", &ID[ID.len() - 1..]));
    fixture.authorize().expect("still cached");
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn a_wrong_key_does_not_join_the_right_keys_request() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch"), Fault::none()]);
    std::thread::scope(|scope| {
        let right = scope.spawn(|| fixture.authorize().expect("granted"));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        assert_rejected_by_b2(&fixture, ID, "K001wrong/0123456789abcdefghijkl");
        fixture.sandbox.release("latch");
        right.join().expect("no panic");
    });
    assert_eq!(fixture.requests(), 2);
    assert_eq!(fixture.api.counter("coalesced"), 0);
}

#[test]
fn a_wrong_key_can_not_evict_a_session_by_reauthorizing_with_it() {
    let fixture = Fixture::new();
    let right = fixture.authorize().expect("granted");
    let wrong = Some("K001wrong/0123456789abcdefghijkl");
    let failure = fixture.api.call(Some(ID), wrong, Operation::Reauthorize(Some(&right)), Some(&fixture.options));
    assert_eq!(failure.expect_err("refused").name, "B2_BAD_CREDENTIALS");
    assert_eq!(fixture.authorize().expect("still cached").token(), right.token());
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_replaced_key_does_not_get_the_new_keys_session() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted");
    let new = "K001scene/of+a+newer/0123456789";
    fixture.sandbox.add_key(Key::master(ID, new));
    let session = authorize(&fixture, ID, new).expect("granted");
    assert_ne!(session.token(), old.token());
    let failure = fixture.reauthorize(Some(&old)).expect_err("it was replaced");
    assert_eq!(failure.name, "B2_BAD_CREDENTIALS");
    assert_eq!(fixture.authorize().expect_err("cached").name, "B2_BAD_CREDENTIALS");
    assert_eq!(authorize(&fixture, ID, new).expect("cached").token(), session.token());
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn white_space_around_a_key_id_or_key_is_ignored() {
    let fixture = Fixture::new();
    let token = fixture.authorize().expect("granted").token();
    for (before, after) in [(" ", ""), ("", "\n"), ("\t", "\r\n"), (" \x0c\n", "  ")] {
        let (id, key) = (format!("{before}{ID}{after}"), format!("{before}{KEY}{after}"));
        for (id, key) in [(id.as_str(), KEY), (ID, key.as_str()), (id.as_str(), key.as_str())] {
            let session = authorize(&fixture, id, key).expect("cached");
            assert_eq!(session.token(), token);
            assert_eq!(session.text(|f| f.b2_session_key_id).as_deref(), Some(ID));
        }
    }
    assert_eq!(fixture.requests(), 1);
    fixture.api.clear_cache();
    authorize(&fixture, &format!(" {ID}\n"), &format!("\t{KEY}\r\n")).expect("and it is sent without it");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn one_key_in_two_realms_has_two_sessions() {
    let fixture = Fixture::new();
    let other = Sandbox::start(Config { keys: vec![Key::master(ID, KEY)], ..Config::default() }).expect("it starts");
    let there = fixture.options.with(&[("realm", other.http())]);
    let here = fixture.authorize().expect("granted");
    let far = fixture.authorize_with(&there).expect("granted");
    assert_ne!(here.token(), far.token());
    assert_eq!(far.text(|f| f.b2_session_realm).as_deref(), Some(other.http()));
    for _ in 0..2 {
        assert_eq!(fixture.authorize().expect("cached").token(), here.token());
        assert_eq!(fixture.authorize_with(&there).expect("cached").token(), far.token());
    }
    assert_eq!((fixture.requests(), other.authorize_count(ID)), (1, 1));
    far.invalidate();
    fixture.authorize().expect("cached");
    fixture.authorize_with(&there).expect("granted anew");
    assert_eq!((fixture.requests(), other.authorize_count(ID)), (1, 2));
}

#[test]
fn one_realm_in_two_spellings_has_one_session() {
    let fixture = Fixture::new();
    let token = fixture.authorize().expect("granted").token();
    let port = fixture.sandbox.http().rsplit_once(':').expect("it has a port").1;
    for realm in [format!("http://127.0.0.1:{port}/"), format!(" HTTP://127.0.0.1:{port}// ")] {
        let session = fixture.authorize_with(&fixture.options.with(&[("realm", &realm)])).expect("cached");
        assert_eq!(session.token(), token, "{realm}");
        assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(fixture.sandbox.http()));
    }
    assert_eq!(fixture.requests(), 1);
    let named = fixture.authorize_with(&fixture.options.with(&[("realm", &format!("http://LocalHost:{port}"))]));
    assert_ne!(named.expect("granted").token(), token, "another host is another realm");
}

#[test]
fn another_ca_file_has_its_own_session() {
    let fixture = Fixture::new();
    let ca = fixture.sandbox.ca_file();
    let copy = ca.with_file_name("copy.pem");
    std::fs::copy(ca, &copy).expect("it can be copied");
    let secure = |file: &std::path::Path| {
        fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", file.to_str().expect("UTF-8"))])
    };
    let (one, two) = (secure(ca), secure(&copy));
    let session = fixture.authorize_with(&one).expect("granted");
    assert_ne!(fixture.authorize_with(&two).expect("granted").token(), session.token());
    assert_eq!(fixture.authorize_with(&one).expect("cached").token(), session.token());
    assert_eq!(fixture.requests(), 2);
    one.set("ca_file", None).expect("no file");
    let failure = fixture.authorize_with(&one).expect_err("the system does not trust the sandbox");
    assert_eq!(failure.name, "B2_TLS_ERROR");
    assert_eq!(fixture.requests(), 2);
}
