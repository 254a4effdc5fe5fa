//! B2 redirects nobody, so no redirect is followed: it would carry the key to somebody else.

use b2_sandbox::Fault;

use crate::support::fixture::{ID, Scene};

const STATUSES: [u16; 8] = [300, 301, 302, 303, 304, 305, 307, 308];

#[test]
fn a_redirect_is_named_and_not_followed() {
    let scene = Scene::with(&[("negative_ttl_s", "0")]);
    let other = Scene::new();
    for (count, status) in STATUSES.into_iter().enumerate() {
        let to = other.sandbox.http().replace("127.0.0.1", "localhost");
        scene.sandbox.script(ID, [Fault::redirect(status, &format!("{to}/b2api/v4/b2_authorize_account"))]);
        let failure = scene.authorize().expect_err("a redirect");
        assert_eq!((failure.name.as_str(), failure.http_status), ("B2_PROTOCOL_ERROR", status.into()));
        assert!(!failure.retryable && failure.message.contains("redirects to localhost"), "{failure}");
        assert!(failure.hint.expect("a hint").contains("captive portal"));
        assert_eq!((failure.attempts, scene.requests()), (1, count + 1));
    }
    assert_eq!(other.sandbox.log(), []);
    assert_eq!(other.sandbox.connection_count("http"), 0);
}

#[test]
fn of_a_location_only_the_host_is_shown() {
    let scene = Scene::with(&[("negative_ttl_s", "0")]);
    for (location, host) in [
        ("https://user:hunter2@portal.example:8443/hunter2?hunter2=1#hunter2", Some("portal.example")),
        ("http://hunter2@portal.example", Some("portal.example")),
        ("//user:hunter2@portal.example/", None),
        ("/log-in?token=hunter2", None),
        ("hunter2", None),
        ("http://[hunter2", None),
        ("", None),
    ] {
        scene.sandbox.script(ID, [Fault::redirect(302, location)]);
        let failure = scene.authorize().expect_err("a redirect");
        let told = format!("{failure} {} {:?}", failure.json, failure.hint);
        assert!(told.contains("redirects"), "{location}: {told}");
        assert!(!told.contains("user") && (location == "hunter2" || !told.contains("hunter2")), "{location}: {told}");
        assert!(host.is_none_or(|host| told.contains(host)), "{location}: {told}");
    }
}

#[test]
fn a_redirect_without_a_location_is_one_all_the_same() {
    let scene = Scene::with(&[("negative_ttl_s", "0")]);
    for status in STATUSES {
        scene.sandbox.script(ID, [Fault::status(status)]);
        let failure = scene.authorize().expect_err("a redirect");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1));
        assert!(failure.message.contains("redirects, which B2 never does"), "{failure}");
    }
}
