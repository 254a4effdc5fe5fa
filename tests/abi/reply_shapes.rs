//! Every form of a good answer, and every field of it that can be wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use b2_sandbox::{Body, Fault, Key};
use serde_json::{Value, json};

use crate::support::api::{Ask, Failure, Session};
use crate::support::fixture::{ID, KEY, Scene};

const STORAGE: &str = "/apiInfo/storageApi";
const PROTOCOL_ERROR: i32 = 13;

/// A scene that asks the sandbox each time.
pub fn uncached() -> Scene {
    Scene::with(&[("cache", "bypass")])
}

/// What the library makes of an answer that was changed so.
pub fn answered(scene: &Scene, fault: Fault) -> Result<Session, Failure> {
    scene.sandbox.script(ID, [fault]);
    scene.authorize()
}

/// The same, for an answer that must be refused at once and by the name of its field.
pub fn refused(scene: &Scene, fault: Fault, field: &str) -> Failure {
    let before = scene.requests();
    let failure = answered(scene, fault).expect_err(field);
    assert_eq!((failure.status, failure.name.as_str()), (PROTOCOL_ERROR, "B2_PROTOCOL_ERROR"), "{field}: {failure}");
    assert!(failure.message.contains(&format!(": {field} ")), "{field}: {failure}");
    assert_eq!((failure.attempts, scene.requests() - before), (1, 1), "{field}");
    assert!(!failure.retryable && failure.http_status == 200, "{field}: {failure:?}");
    failure
}

/// All that the getters say, in the form of the session's own JSON.
fn by_getters(session: &Session) -> Value {
    let ms = |s: i64| (s != 0).then_some(s);
    let restricted = session.number(|f| f.b2_session_is_bucket_restricted) == 1;
    let bucket = |index| {
        let name = session.nth(|f| f.b2_session_bucket_name, index);
        json!({"id": session.nth(|f| f.b2_session_bucket_id, index), "name": name})
    };
    let buckets: Vec<_> = (0..session.number(|f| f.b2_session_bucket_count)).map(bucket).collect();
    let capability = |index| session.nth(|f| f.b2_session_capability, index).expect("within the count");
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
    let scene = uncached();
    let end = (SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() + 7_200) * 1_000;
    let mut key = Key::new(ID, KEY).capabilities(["listBuckets", "readFiles"]).bucket("b0", Some("photos"));
    key.name_prefix = Some("holidays/".to_owned());
    key.expiration_timestamp = Some(end);
    scene.sandbox.add_key(key);
    for version in 1..=4 {
        let session = answered(&scene, Fault::shape(version)).expect("granted");
        let realm = scene.sandbox.http();
        let has_s3 = version > 1;
        let has_end = version > 2;
        let name = (version > 1).then_some("photos");
        let told = session.json();
        let expected = json!({
            "accountId": "4aa9865d6f00",
            "keyId": ID,
            "realm": realm,
            "authorizationToken": told["authorizationToken"],
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
            "expiresAt": if has_end { json!(end / 1_000) } else { told["expiresAt"].clone() },
        });
        assert_eq!(told, expected, "v{version}");
        assert_eq!(by_getters(&session), told, "v{version}");
    }
}

#[test]
fn a_field_that_is_missing_null_or_of_another_type_is_named() {
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
    let scene = uncached();
    for (path, may_lack, may_be_null, ill) in rows {
        let path = path.trim_end_matches('/');
        let field = path.trim_start_matches('/').replace('/', ".");
        let tolerant = [(may_lack, Fault::none().remove(path)), (may_be_null, Fault::none().set(path, Value::Null))];
        for (accepted, fault) in tolerant {
            if accepted {
                answered(&scene, fault).expect(&field);
            } else {
                refused(&scene, fault, &field);
            }
        }
        for value in ill {
            refused(&scene, Fault::none().set(path, value.clone()), &field);
        }
    }
    answered(&scene, Fault::none()).expect("nothing is left behind");
}

#[test]
fn an_item_of_a_list_that_is_no_good_is_named() {
    let scene = uncached();
    let at = |name: &str| format!("{STORAGE}/allowed/{name}");
    for (path, value, field) in [
        ("capabilities", json!(["readFiles", 7]), "capabilities[1]"),
        ("buckets", json!(["b0"]), "buckets[0]"),
        ("buckets", json!([{"id": "b0", "name": "a"}, {"name": "b"}]), "buckets[1].id"),
        ("buckets", json!([{"id": null, "name": "a"}]), "buckets[0].id"),
        ("buckets", json!([{"id": "b0"}]), "buckets[0].name"),
        ("buckets", json!([{"id": "b0", "name": 7}]), "buckets[0].name"),
    ] {
        refused(&scene, Fault::none().set(&at(path), value), &format!("apiInfo.storageApi.allowed.{field}"));
    }
}

#[test]
fn what_an_answer_says_besides_and_in_which_order_does_not_matter() {
    let scene = uncached();
    let more = json!({
        "new": {"deep": [1, {"x": null}]},
        "apiInfo": {"newApi": {"allowed": {"buckets": []}}, "storageApi": {"new": 1.5, "allowed": {"new": true}}},
    });
    let session = answered(&scene, Fault::none().merge(more)).expect("unknown fields are passed over");
    assert_eq!(session.number(|f| f.b2_session_is_bucket_restricted), 0);

    let turned = r#"{"authorizationToken":"t0","apiInfo":{"storageApi":{"s3ApiUrl":null,"recommendedPartSize":9,
        "downloadUrl":"https://f.example","apiUrl":"https://a.example","allowed":{"namePrefix":null,
        "capabilities":[],"buckets":null},"absoluteMinimumPartSize":3}},"accountId":"a0"}"#;
    let session = answered(&scene, Fault::with_body(Body::Text(turned.to_owned()))).expect("any order will do");
    assert_eq!(session.token(), "t0");
    assert_eq!(session.text(|f| f.b2_session_account_id).as_deref(), Some("a0"));
    assert_eq!(session.number(|f| f.b2_session_recommended_part_size), 9);
    assert_eq!(session.number(|f| f.b2_session_absolute_minimum_part_size), 3);
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let scene = uncached();
    let text = r#"{"accountId":"a0","accountId":"a1","authorizationToken":"t0"}"#;
    refused(&scene, Fault::with_body(Body::Text(text.to_owned())), "accountId");
}

#[test]
fn an_answer_without_allowed_restrictions_is_a_free_session() {
    let scene = uncached();
    let session = answered(&scene, Fault::none().set(&format!("{STORAGE}/allowed"), Value::Null)).expect("accepted");
    assert_eq!(session.number(|f| f.b2_session_is_bucket_restricted), 0);
    assert_eq!(session.number(|f| f.b2_session_capability_count), 0);
    assert_eq!(session.text(|f| f.b2_session_name_prefix), None);
}

#[test]
fn the_s3_url_and_its_region_are_told_where_they_can_be() {
    let scene = uncached();
    let told = |fault| {
        let session = answered(&scene, fault).expect("accepted");
        (session.text(|f| f.b2_session_s3_api_url), session.text(|f| f.b2_session_s3_region))
    };
    let path = format!("{STORAGE}/s3ApiUrl");
    for none in
        [Fault::none().remove(&path), Fault::none().set(&path, json!(null)), Fault::none().set(&path, "".into())]
    {
        assert_eq!(told(none), (None, None));
    }
    for (url, region) in [
        ("https://s3.eu-central-003.backblazeb2.com", Some("eu-central-003")),
        ("https://s3.minio", None),
        ("https://s3.example.com", None),
        ("https://s3.us-west-004.backblazeb2.com.example.com", None),
        ("https://backblazeb2.com", None),
    ] {
        assert_eq!(told(Fault::none().set(&path, url.into())), (Some(url.to_owned()), region.map(str::to_owned)));
    }
}

#[test]
fn part_sizes_are_read_and_not_assumed() {
    let scene = uncached();
    let sizes = |least: u64, recommended: u64| {
        Fault::none()
            .set(&format!("{STORAGE}/absoluteMinimumPartSize"), least.into())
            .set(&format!("{STORAGE}/recommendedPartSize"), recommended.into())
    };
    for (least, recommended) in [(1, 1), (5_000_001, 10_000_000_000), (7, i64::MAX.unsigned_abs())] {
        let session = answered(&scene, sizes(least, recommended)).expect("accepted");
        assert_eq!(session.number(|f| f.b2_session_absolute_minimum_part_size), least);
        assert_eq!(session.number(|f| f.b2_session_recommended_part_size), recommended);
    }
    refused(&scene, sizes(8, 7), "apiInfo.storageApi.absoluteMinimumPartSize");
}

#[test]
fn seconds_left_go_by_the_sooner_clock_down_to_nought() {
    let scene = uncached();
    let session = scene.authorize().expect("granted");
    let day = 86_400;
    let near = |left: i64| (left - 30..=left).contains(&session.seconds_left());
    assert!(near(day));
    scene.api.turn(3_600_000, 0);
    assert!(near(day - 3_600), "the wall clock alone");
    scene.api.turn(-7_200_000, 7_200_000);
    assert!(near(day - 7_200), "the boot clock alone");
    scene.api.pass(Duration::from_secs(79_000));
    assert!(near(200), "the sooner of both");
    scene.api.pass(Duration::from_secs(150));
    assert_eq!(session.seconds_left(), 0, "a minute before its end it counts as dead");
}

#[test]
fn a_keys_end_comes_in_milliseconds_and_leaves_in_seconds() {
    let scene = uncached();
    let now =
        i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()).expect("small");
    let granted = |end: Value| {
        let session = answered(&scene, Fault::none().set("/applicationKeyExpirationTimestamp", end)).expect("granted");
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

    // Seconds where B2 says milliseconds are a time in January 1970.
    let (key, _, left) = granted(json!(now + 7_200));
    assert_eq!((key, left), ((now + 7_200) / 1_000, 0));
}

#[test]
fn a_session_fetched_for_the_sandboxs_own_key_is_alike_from_cache() {
    let scene = Scene::new();
    let first = scene.authorize().expect("granted");
    let again = scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&scene.options)).expect("cached");
    assert_eq!(first.json(), again.json());
    assert_eq!(by_getters(&again), again.json());
    assert_eq!(scene.requests(), 1);
}
