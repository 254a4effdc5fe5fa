//! No redirect is followed, since it would send the key to another server. B2 never redirects.

use b2_sandbox::Fault;

use crate::support::fixture::{Fixture, ID};

const STATUSES: [u16; 8] = [300, 301, 302, 303, 304, 305, 307, 308];

#[test]
fn a_redirect_is_reported_and_not_followed() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    let other = Fixture::new();
    for (count, status) in STATUSES.into_iter().enumerate() {
        let to = other.sandbox.http().replace("127.0.0.1", "localhost");
        fixture.sandbox.script(ID, [Fault::redirect(status, &format!("{to}/b2api/v4/b2_authorize_account"))]);
        let failure = fixture.authorize().expect_err("a redirect");
        assert_eq!((failure.name.as_str(), failure.http_status), ("B2_PROTOCOL_ERROR", status.into()));
        assert!(!failure.retryable && failure.message.contains("redirects to localhost"), "{failure}");
        assert!(failure.hint.expect("a hint").contains("captive portal"));
        assert_eq!((failure.attempts, fixture.requests()), (1, count + 1));
    }
    assert_eq!(other.sandbox.log(), []);
    assert_eq!(other.sandbox.connection_count("http"), 0);
}

#[test]
fn only_the_host_of_a_location_is_shown() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    for (location, host) in [
        ("https://user:hunter2@portal.example:8443/hunter2?hunter2=1#hunter2", Some("portal.example")),
        ("http://hunter2@portal.example", Some("portal.example")),
        ("//user:hunter2@portal.example/", None),
        ("/log-in?token=hunter2", None),
        ("hunter2", None),
        ("http://[hunter2", None),
        ("", None),
    ] {
        fixture.sandbox.script(ID, [Fault::redirect(302, location)]);
        let failure = fixture.authorize().expect_err("a redirect");
        let text = failure.all_text();
        assert!(text.contains("redirects"), "{location}: {text}");
        assert!(!text.contains("user") && (location == "hunter2" || !text.contains("hunter2")), "{location}: {text}");
        assert!(host.is_none_or(|host| text.contains(host)), "{location}: {text}");
    }
}

#[test]
fn a_redirect_without_a_location_is_reported_too() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    for status in STATUSES {
        fixture.sandbox.script(ID, [Fault::status(status)]);
        let failure = fixture.authorize().expect_err("a redirect");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1));
        assert!(failure.message.contains("redirects, which B2 never does"), "{failure}");
    }
}
