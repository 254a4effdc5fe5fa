//! Every form of a valid reply, and every field that can be invalid.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use b2_sandbox::{Body, Fault, Key};
use serde_json::{Value, json};

use crate::support::api::{Failure, Session};
use crate::support::fixture::{Fixture, ID, KEY};

const STORAGE: &str = "/apiInfo/storageApi";
const PROTOCOL_ERROR: i32 = 13;

/// A fixture whose calls do not use the cache.
pub fn uncached() -> Fixture {
    Fixture::with_options(&[("cache", "bypass")])
}

/// The result of a call that gets this response.
pub fn respond(fixture: &Fixture, fault: Fault) -> Result<Session, Failure> {
    fixture.sandbox.script(ID, [fault]);
    fixture.authorize()
}

/// The failure of a call whose response must be refused with the name of that field, without a retry.
pub fn refuse(fixture: &Fixture, fault: Fault, field: &str) -> Failure {
    let before = fixture.requests();
    let failure = respond(fixture, fault).expect_err(field);
    assert_eq!((failure.status, failure.name.as_str()), (PROTOCOL_ERROR, "B2_PROTOCOL_ERROR"), "{field}: {failure}");
    assert!(failure.message.contains(&format!(": {field} ")), "{field}: {failure}");
    assert_eq!((failure.attempts, fixture.requests() - before), (1, 1), "{field}");
    assert!(!failure.retryable && failure.http_status == 200, "{field}: {failure:?}");
    failure
}

/// The values of all getters, in the form of the session's own JSON.
fn getters_as_json(session: &Session) -> Value {
    let ms = |s: i64| (s != 0).then_some(s);
    let restricted = session.number(|f| f.b2_session_is_bucket_restricted) == 1;
    let bucket = |index| {
        let name = session.text_at(|f| f.b2_session_bucket_name, index);
        json!({"id": session.text_at(|f| f.b2_session_bucket_id, index), "name": name})
    };
    let buckets: Vec<_> = (0..session.number(|f| f.b2_session_bucket_count)).map(bucket).collect();
    let capability = |index| session.text_at(|f| f.b2_session_capability, index).expect("within the count");
    let capabilities: Vec<_> = (0..session.number(|f| f.b2_session_capability_count)).map(capability).collect();
    json!({
        "accountId": session.text(|f| f.b2_session_account_id),
        "keyId": session.text(|f| f.b2_session_key_id),
        "realm": session.text(|f| f.b2_session_realm),
        "authorizationToken": session.token(),
        "apiUrl": session.text(|f| f.b2_session_api_url),
        "downloadUrl": session.text(|f| f.b2_session_download_url),
        "s3ApiUrl": session.text(|f| f.b2_session_s3_api_url),
        "s3Region": session.text(|f| f.b2_session_s3_region),
        "recommendedPartSize": session.number(|f| f.b2_session_recommended_part_size),
        "absoluteMinimumPartSize": session.number(|f| f.b2_session_absolute_minimum_part_size),
        "allowed": {
            "buckets": restricted.then_some(buckets),
            "capabilities": capabilities,
            "namePrefix": session.text(|f| f.b2_session_name_prefix),
        },
        // B2's own unit. The key of these tests ends on a whole second.
        "applicationKeyExpirationTimestamp": ms(session.number(|f| f.b2_session_key_expires_at)).map(|s| s * 1_000),
        "expiresAt": session.number(|f| f.b2_session_expires_at),
    })
}

#[test]
fn every_version_of_the_api_gives_the_same_session() {
    let fixture = uncached();
    let end = (SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() + 7_200) * 1_000;
    let mut key = Key::new(ID, KEY).capabilities(["listBuckets", "readFiles"]).bucket("b0", Some("photos"));
    key.name_prefix = Some("holidays/".to_owned());
    key.expiration_timestamp = Some(end);
    fixture.sandbox.add_key(key);
    for version in 1..=4 {
        let session = respond(&fixture, Fault::shape(version)).expect("granted");
        let realm = fixture.sandbox.http();
        let has_s3 = version > 1;
        let has_end = version > 2;
        let name = (version > 1).then_some("photos");
        let json = session.json();
        let expected = json!({
            "accountId": "4aa9865d6f00",
            "keyId": ID,
            "realm": realm,
            "authorizationToken": json["authorizationToken"],
            "apiUrl": realm,
            "downloadUrl": realm,
            "s3ApiUrl": has_s3.then_some("https://s3.us-west-004.backblazeb2.com"),
            "s3Region": has_s3.then_some("us-west-004"),
            "recommendedPartSize": 100_000_000,
            "absoluteMinimumPartSize": 5_000_000,
            "allowed": {
                "buckets": [{"id": "b0", "name": name}],
                "capabilities": ["listBuckets", "readFiles"],
                "namePrefix": "holidays/",
            },
            "applicationKeyExpirationTimestamp": has_end.then_some(end),
            "expiresAt": if has_end { json!(end / 1_000) } else { json["expiresAt"].clone() },
        });
        assert_eq!(json, expected, "v{version}");
        assert_eq!(getters_as_json(&session), json, "v{version}");
    }
}

#[test]
fn a_field_that_is_missing_null_or_of_the_wrong_type_is_named() {
    let text = [json!(7), json!(true), json!([]), json!({})];
    let number = [json!("5000000"), json!(true), json!(1.5), json!(-1), json!(0), json!([]), json!(u64::MAX)];
    let list = [json!("readFiles"), json!(7), json!({})];
    let object = [json!("x"), json!(7), json!([])];
    // The bool: whether it may be missing, or null.
    let at = |name: &str| format!("{STORAGE}/{name}");
    let rows: [(String, bool, bool, &[Value]); 14] = [
        ("/accountId".into(), false, false, &text),
        ("/authorizationToken".into(), false, false, &text),
        ("/applicationKeyExpirationTimestamp".into(), true, true, &number),
        ("/apiInfo".into(), false, false, &object),
        (at(""), false, false, &object),
        (at("apiUrl"), false, false, &text),
        (at("downloadUrl"), false, false, &text),
        (at("s3ApiUrl"), true, true, &text),
        (at("recommendedPartSize"), false, false, &number),
        (at("absoluteMinimumPartSize"), false, false, &number),
        (at("allowed"), false, true, &object),
        (at("allowed/capabilities"), false, false, &list),
        (at("allowed/buckets"), false, true, &list),
        (at("allowed/namePrefix"), false, true, &text),
    ];
    let fixture = uncached();
    for (path, may_lack, may_be_null, invalid) in rows {
        let path = path.trim_end_matches('/');
        let field = path.trim_start_matches('/').replace('/', ".");
        let optional = [(may_lack, Fault::none().remove(path)), (may_be_null, Fault::none().set(path, Value::Null))];
        for (accepted, fault) in optional {
            if accepted {
                respond(&fixture, fault).expect(&field);
            } else {
                refuse(&fixture, fault, &field);
            }
        }
        for value in invalid {
            refuse(&fixture, Fault::none().set(path, value.clone()), &field);
        }
    }
    respond(&fixture, Fault::none()).expect("the next call is not affected");
}

#[test]
fn an_invalid_item_of_a_list_is_named() {
    let fixture = uncached();
    let at = |name: &str| format!("{STORAGE}/allowed/{name}");
    for (path, value, field) in [
        ("capabilities", json!(["readFiles", 7]), "capabilities[1]"),
        ("buckets", json!(["b0"]), "buckets[0]"),
        ("buckets", json!([{"id": "b0", "name": "a"}, {"name": "b"}]), "buckets[1].id"),
        ("buckets", json!([{"id": null, "name": "a"}]), "buckets[0].id"),
        ("buckets", json!([{"id": "b0"}]), "buckets[0].name"),
        ("buckets", json!([{"id": "b0", "name": 7}]), "buckets[0].name"),
    ] {
        refuse(&fixture, Fault::none().set(&at(path), value), &format!("apiInfo.storageApi.allowed.{field}"));
    }
}

#[test]
fn unknown_fields_and_the_order_of_fields_do_not_matter() {
    let fixture = uncached();
    let more = json!({
        "new": {"deep": [1, {"x": null}]},
        "apiInfo": {"newApi": {"allowed": {"buckets": []}}, "storageApi": {"new": 1.5, "allowed": {"new": true}}},
    });
    let session = respond(&fixture, Fault::none().merge(more)).expect("unknown fields are ignored");
    assert_eq!(session.number(|f| f.b2_session_is_bucket_restricted), 0);

    let reordered = r#"{"authorizationToken":"t0","apiInfo":{"storageApi":{"s3ApiUrl":null,"recommendedPartSize":9,
        "downloadUrl":"https://f.example","apiUrl":"https://a.example","allowed":{"namePrefix":null,
        "capabilities":[],"buckets":null},"absoluteMinimumPartSize":3}},"accountId":"a0"}"#;
    let session = respond(&fixture, Fault::with_body(Body::Text(reordered.to_owned()))).expect("any order is accepted");
    assert_eq!(session.token(), "t0");
    assert_eq!(session.text(|f| f.b2_session_account_id).as_deref(), Some("a0"));
    assert_eq!(session.number(|f| f.b2_session_recommended_part_size), 9);
    assert_eq!(session.number(|f| f.b2_session_absolute_minimum_part_size), 3);
}

#[test]
fn a_duplicate_field_is_refused() {
    let fixture = uncached();
    let text = r#"{"accountId":"a0","accountId":"a1","authorizationToken":"t0"}"#;
    refuse(&fixture, Fault::with_body(Body::Text(text.to_owned())), "accountId");
}

#[test]
fn a_reply_with_allowed_null_is_unrestricted() {
    let fixture = uncached();
    let session = respond(&fixture, Fault::none().set(&format!("{STORAGE}/allowed"), Value::Null)).expect("accepted");
    assert_eq!(session.number(|f| f.b2_session_is_bucket_restricted), 0);
    assert_eq!(session.number(|f| f.b2_session_capability_count), 0);
    assert_eq!(session.text(|f| f.b2_session_name_prefix), None);
}

#[test]
fn the_s3_url_and_region_are_returned_where_known() {
    let fixture = uncached();
    let s3 = |fault| {
        let session = respond(&fixture, fault).expect("accepted");
        (session.text(|f| f.b2_session_s3_api_url), session.text(|f| f.b2_session_s3_region))
    };
    let path = format!("{STORAGE}/s3ApiUrl");
    for none in
        [Fault::none().remove(&path), Fault::none().set(&path, json!(null)), Fault::none().set(&path, "".into())]
    {
        assert_eq!(s3(none), (None, None));
    }
    for (url, region) in [
        ("https://s3.eu-central-003.backblazeb2.com", Some("eu-central-003")),
        ("https://s3.minio", None),
        ("https://s3.example.com", None),
        ("https://s3.us-west-004.backblazeb2.com.example.com", None),
        ("https://backblazeb2.com", None),
    ] {
        assert_eq!(s3(Fault::none().set(&path, url.into())), (Some(url.to_owned()), region.map(str::to_owned)));
    }
}

#[test]
fn part_sizes_are_read_from_the_reply() {
    let fixture = uncached();
    let sizes = |least: u64, recommended: u64| {
        Fault::none()
            .set(&format!("{STORAGE}/absoluteMinimumPartSize"), least.into())
            .set(&format!("{STORAGE}/recommendedPartSize"), recommended.into())
    };
    for (least, recommended) in [(1, 1), (5_000_001, 10_000_000_000), (7, i64::MAX.unsigned_abs())] {
        let session = respond(&fixture, sizes(least, recommended)).expect("accepted");
        assert_eq!(session.number(|f| f.b2_session_absolute_minimum_part_size), least);
        assert_eq!(session.number(|f| f.b2_session_recommended_part_size), recommended);
    }
    refuse(&fixture, sizes(8, 7), "apiInfo.storageApi.absoluteMinimumPartSize");
}

#[test]
fn seconds_left_follows_the_clock_that_is_ahead_down_to_zero() {
    let fixture = uncached();
    let session = fixture.authorize().expect("granted");
    let day = 86_400;
    let near = |left: i64| (left - 30..=left).contains(&session.seconds_left());
    assert!(near(day));
    fixture.api.shift_clocks(3_600_000, 0);
    assert!(near(day - 3_600), "the wall clock alone");
    fixture.api.shift_clocks(-7_200_000, 7_200_000);
    assert!(near(day - 7_200), "the boot clock alone");
    fixture.api.advance(Duration::from_secs(79_000));
    assert!(near(200), "the sooner of both");
    fixture.api.advance(Duration::from_secs(150));
    assert_eq!(session.seconds_left(), 0, "a minute before its end it counts as expired");
}

#[test]
fn a_key_expiry_in_milliseconds_is_returned_in_seconds() {
    let fixture = uncached();
    let now =
        i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()).expect("small");
    let granted = |end: Value| {
        let session = respond(&fixture, Fault::none().set("/applicationKeyExpirationTimestamp", end)).expect("granted");
        let seconds = session.number(|f| f.b2_session_key_expires_at);
        (seconds, session.number(|f| f.b2_session_expires_at) - now, session.seconds_left())
    };
    let near = |value: i64, wanted: i64| (value - wanted).abs() <= 30;

    let (key, token, left) = granted(json!((now + 7_200) * 1_000 + 999));
    assert_eq!((key, token), (now + 7_200, 7_200));
    assert!(near(left, 7_200), "{left}");

    let (key, token, left) = granted(json!((now + 31_536_000) * 1_000));
    assert_eq!(key, now + 31_536_000);
    assert!(near(token, 86_400) && near(left, 86_400), "{token} {left}");

    let (key, token, left) = granted(Value::Null);
    assert_eq!(key, 0, "never");
    assert!(near(token, 86_400) && near(left, 86_400), "{token} {left}");

    // Seconds in place of milliseconds are a time in January 1970.
    let (key, _, left) = granted(json!(now + 7_200));
    assert_eq!((key, left), ((now + 7_200) / 1_000, 0));
}

#[test]
fn a_cached_session_equals_the_granted_one() {
    let fixture = Fixture::new();
    let first = fixture.authorize().expect("granted");
    let again = fixture.authorize_key(ID, KEY, &fixture.options).expect("cached");
    assert_eq!(first.json(), again.json());
    assert_eq!(getters_as_json(&again), again.json());
    assert_eq!(fixture.requests(), 1);
}
