//! Whose session it is: nobody gets one with anything but its own key.

use b2_sandbox::{Config, Fault, Key, Sandbox};

use crate::support::api::{Ask, Failure, Session};
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

fn ask(scene: &Scene, id: &str, key: &str) -> Result<Session, Failure> {
    scene.api.call(Some(id), Some(key), Ask::Authorize, Some(&scene.options))
}

fn refused(scene: &Scene, id: &str, key: &str) {
    let before = scene.sandbox.authorize_count("*");
    let failure = ask(scene, id, key).expect_err("refused");
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_BAD_CREDENTIALS", 401), "{failure}");
    assert_eq!(scene.sandbox.authorize_count("*") - before, 1, "B2 was asked, and once");
}

#[test]
fn a_wrong_key_is_refused_by_b2_while_the_right_one_is_cached() {
    let scene = Scene::new();
    let token = scene.authorize().expect("granted").token();
    let mut turned = KEY.to_owned();
    turned.replace_range(KEY.len() - 1.., "b");
    let longer = format!("{KEY}a");
    for wrong in [&turned, &KEY[..KEY.len() - 1], &longer, &KEY.to_lowercase(), "x", ID] {
        refused(&scene, ID, wrong);
        assert_eq!(scene.authorize().expect("still cached").token(), token);
    }
    assert_eq!(scene.requests(), 1 + 6);
    assert_eq!(scene.api.counter("cache_hits"), 6);
}

#[test]
fn a_key_id_that_is_nearly_right_is_another_key_id() {
    let scene = Scene::new();
    scene.authorize().expect("granted");
    for wrong in [
        "0014aa9865d6f0000000000b1",
        "0014AA9865D6F0000000000B0",
        "0014aa9865d6f0000000000b",
        "0014aa9865d6f0000000000b00",
    ] {
        refused(&scene, wrong, KEY);
    }
    // The same characters in a row, with the border between both elsewhere.
    refused(&scene, &format!("{ID}{}", &KEY[..1]), &KEY[1..]);
    refused(&scene, &ID[..ID.len() - 1], &format!("{}{KEY}", &ID[ID.len() - 1..]));
    scene.authorize().expect("still cached");
    assert_eq!(scene.requests(), 1);
}

#[test]
fn a_wrong_key_does_not_join_the_right_ones_request() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate"), Fault::none()]);
    std::thread::scope(|scope| {
        let right = scope.spawn(|| scene.authorize().expect("granted"));
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        refused(&scene, ID, "K001wrong/0123456789abcdefghijkl");
        scene.sandbox.release("gate");
        right.join().expect("no panic");
    });
    assert_eq!(scene.requests(), 2);
    assert_eq!(scene.api.counter("coalesced"), 0);
}

#[test]
fn a_wrong_key_can_not_evict_the_right_one_by_reauthorizing_with_its_session() {
    let scene = Scene::new();
    let right = scene.authorize().expect("granted");
    let wrong = Some("K001wrong/0123456789abcdefghijkl");
    let failure = scene.api.call(Some(ID), wrong, Ask::Reauthorize(Some(&right)), Some(&scene.options));
    assert_eq!(failure.expect_err("refused").name, "B2_BAD_CREDENTIALS");
    assert_eq!(scene.authorize().expect("still cached").token(), right.token());
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_key_that_was_replaced_gives_nothing_of_the_new_one() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted");
    let new = "K001scene/of+a+newer/0123456789";
    scene.sandbox.add_key(Key::master(ID, new));
    let session = ask(&scene, ID, new).expect("granted");
    assert_ne!(session.token(), old.token());
    let failure = scene.reauthorize(Some(&old)).expect_err("its time is over");
    assert_eq!(failure.name, "B2_BAD_CREDENTIALS");
    assert_eq!(scene.authorize().expect_err("remembered").name, "B2_BAD_CREDENTIALS");
    assert_eq!(ask(&scene, ID, new).expect("cached").token(), session.token());
    assert_eq!(scene.requests(), 3);
}

#[test]
fn white_space_around_an_id_or_a_key_makes_no_other_key() {
    let scene = Scene::new();
    let token = scene.authorize().expect("granted").token();
    for (before, after) in [(" ", ""), ("", "\n"), ("\t", "\r\n"), (" \x0c\n", "  ")] {
        let (id, key) = (format!("{before}{ID}{after}"), format!("{before}{KEY}{after}"));
        for (id, key) in [(id.as_str(), KEY), (ID, key.as_str()), (id.as_str(), key.as_str())] {
            let session = ask(&scene, id, key).expect("the same");
            assert_eq!(session.token(), token);
            assert_eq!(session.text(|f| f.b2_session_key_id).as_deref(), Some(ID));
        }
    }
    assert_eq!(scene.requests(), 1);
    scene.api.clear();
    ask(&scene, &format!(" {ID}\n"), &format!("\t{KEY}\r\n")).expect("and it is sent without");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn one_key_in_two_realms_has_two_sessions() {
    let scene = Scene::new();
    let other = Sandbox::start(Config { keys: vec![Key::master(ID, KEY)], ..Config::default() }).expect("it starts");
    let there = scene.options.with(&[("realm", other.http())]);
    let here = scene.authorize().expect("granted");
    let far = scene.authorize_with(&there).expect("granted");
    assert_ne!(here.token(), far.token());
    assert_eq!(far.text(|f| f.b2_session_realm).as_deref(), Some(other.http()));
    for _ in 0..2 {
        assert_eq!(scene.authorize().expect("cached").token(), here.token());
        assert_eq!(scene.authorize_with(&there).expect("cached").token(), far.token());
    }
    assert_eq!((scene.requests(), other.authorize_count(ID)), (1, 1));
    far.invalidate();
    scene.authorize().expect("cached");
    scene.authorize_with(&there).expect("granted anew");
    assert_eq!((scene.requests(), other.authorize_count(ID)), (1, 2));
}

#[test]
fn one_realm_in_two_spellings_has_one_session() {
    let scene = Scene::new();
    let token = scene.authorize().expect("granted").token();
    let port = scene.sandbox.http().rsplit_once(':').expect("it has a port").1;
    for realm in [format!("http://127.0.0.1:{port}/"), format!(" HTTP://127.0.0.1:{port}// ")] {
        let session = scene.authorize_with(&scene.options.with(&[("realm", &realm)])).expect("cached");
        assert_eq!(session.token(), token, "{realm}");
        assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(scene.sandbox.http()));
    }
    assert_eq!(scene.requests(), 1);
    let named = scene.authorize_with(&scene.options.with(&[("realm", &format!("http://LocalHost:{port}"))]));
    assert_ne!(named.expect("granted").token(), token, "another host is another realm");
}

#[test]
fn who_trusts_other_certificates_has_another_session() {
    let scene = Scene::new();
    let ca = scene.sandbox.ca_file();
    let copy = ca.with_file_name("copy.pem");
    std::fs::copy(ca, &copy).expect("it can be copied");
    let secure = |file: &std::path::Path| {
        scene.options.with(&[("realm", scene.sandbox.https()), ("ca_file", file.to_str().expect("UTF-8"))])
    };
    let (one, two) = (secure(ca), secure(&copy));
    let session = scene.authorize_with(&one).expect("granted");
    assert_ne!(scene.authorize_with(&two).expect("granted").token(), session.token());
    assert_eq!(scene.authorize_with(&one).expect("cached").token(), session.token());
    assert_eq!(scene.requests(), 2);
    one.set("ca_file", None).expect("no file");
    let failure = scene.authorize_with(&one).expect_err("the system does not trust the sandbox");
    assert_eq!(failure.name, "B2_TLS_ERROR");
    assert_eq!(scene.requests(), 2);
}
