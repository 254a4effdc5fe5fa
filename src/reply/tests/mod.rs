mod refusals;
mod samples;
mod untrusted;

use serde_json::{Value as Json, json};

use samples::*;

use super::*;
use crate::model::grant::Bucket;

#[test]
fn debug_output_of_a_grant_shows_the_account_and_no_token() {
    let realm = Realm::production();
    let grant = parse(v2().to_string().as_bytes(), &realm).expect("granted");
    assert_eq!(format!("{grant:?}"), "Grant { account_id: \"0123456789ab\", .. }");
}

#[test]
fn every_version_gives_the_same_grant() {
    for (version, reply) in [("v1", v1_last()), ("v2", v2()), ("v3", v3()), ("v4", v4())] {
        let grant = read(&reply).expect(version);
        assert_eq!(grant.account_id, "0123456789ab");
        assert_eq!(*grant.token, TOKEN);
        assert_eq!(grant.api_url, "https://api004.backblazeb2.com");
        assert_eq!(grant.download_url, "https://f004.backblazeb2.com");
        let s3 = (version != "v1").then_some("https://s3.us-west-004.backblazeb2.com");
        assert_eq!(grant.s3_api_url.as_deref(), s3);
        assert_eq!((grant.recommended_part_size, grant.absolute_minimum_part_size), (100_000_000, 5_000_000));
        assert!(grant.capabilities.iter().eq(["listBuckets", "readFiles"]));
        let name = (version != "v1").then(|| "my-bucket".into());
        assert_eq!(grant.buckets, Some(vec![Bucket { id: ID.into(), name }]));
        assert_eq!(grant.name_prefix.as_deref(), Some("photos/"));
        let expires = matches!(version, "v3" | "v4").then_some(1_790_000_000_000);
        assert_eq!(grant.key_expires_ms, expires);
        assert!(!format!("{grant:?}").contains(TOKEN));
    }
}

#[test]
fn an_unrestricted_key_is_unrestricted_in_every_version() {
    let free_v2 = with(with(v2(), "allowed.bucketId", Json::Null), "allowed.bucketName", Json::Null);
    let free_v3 =
        with(with(v3(), "apiInfo.storageApi.bucketId", Json::Null), "apiInfo.storageApi.bucketName", Json::Null);
    for reply in [v1_first(), free_v2, free_v3, free_v4()] {
        assert_eq!(read(&reply).expect("a good reply").buckets, None);
    }
    let first = read(&v1_first()).expect("v1's first form");
    assert_eq!((first.recommended_part_size, first.absolute_minimum_part_size), (100_000_000, 5_000_000));
    assert_eq!((first.capabilities.len(), first.name_prefix), (0, None));
    let tiny = read(&with(v1_first(), "minimumPartSize", json!(100))).expect("v1's first form");
    assert_eq!((tiny.recommended_part_size, tiny.absolute_minimum_part_size), (100, 100));
    for nothing in [with(v2(), "allowed", Json::Null), with(v4(), "apiInfo.storageApi.allowed", Json::Null)] {
        let grant = read(&nothing).expect("allowed may be null");
        assert_eq!((grant.capabilities.len(), grant.buckets, grant.name_prefix), (0, None, None));
    }
}

#[test]
fn null_empty_and_nameless_buckets_are_distinguished() {
    let list = "apiInfo.storageApi.allowed.buckets";
    assert_eq!(read(&with(v4(), list, json!([]))).expect("no bucket").buckets, Some(vec![]));
    let grant = read(&with(v4(), list, json!([{"id": "a", "name": null}, {"id": "b", "name": ""}]))).expect("two");
    let buckets = grant.buckets.expect("restricted");
    assert_eq!((buckets[0].name.as_deref(), buckets[1].name.as_deref()), (None, Some("")));
    let grant = read(&with(v4(), "apiInfo.storageApi.allowed.namePrefix", json!("Ünï/\u{1}"))).expect("any prefix");
    assert_eq!(grant.name_prefix.as_deref(), Some("Ünï/\u{1}"));
}

#[test]
fn optional_fields_may_be_missing() {
    for reply in [v2(), v3(), v4()] {
        let s3 = if reply.get("apiInfo").is_some() { "apiInfo.storageApi.s3ApiUrl" } else { "s3ApiUrl" };
        for value in [Json::Null, json!("")] {
            assert_eq!(read(&with(reply.clone(), s3, value)).expect("no S3").s3_api_url, None);
        }
        let mut without = reply;
        remove(&mut without, s3);
        assert_eq!(read(&without).expect("no S3").s3_api_url, None);
    }
    let mut reply = v4();
    remove(&mut reply, "applicationKeyExpirationTimestamp");
    assert_eq!(read(&reply).expect("no expiry").key_expires_ms, None);
    assert_eq!(read(&with(reply, "news", json!({"a": [1.5, true]}))).expect("news").key_expires_ms, None);
}

/// Each required field of each version: missing, null and of every other type. The text names it and quotes nothing.
#[test]
fn a_bad_field_is_named() {
    let flat = ["apiUrl", "downloadUrl", "recommendedPartSize", "absoluteMinimumPartSize"];
    let v3_more = ["bucketId", "bucketName", "capabilities", "namePrefix"];
    let v4_more = [
        "allowed",
        "allowed.buckets",
        "allowed.buckets[0].id",
        "allowed.buckets[0].name",
        "allowed.capabilities",
        "allowed.namePrefix",
    ];
    let v2_more = ["allowed", "allowed.bucketId", "allowed.capabilities", "allowed.namePrefix"];
    let within = |names: &[&str]| names.iter().map(|name| format!("apiInfo.storageApi.{name}")).collect::<Vec<_>>();
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let top = own(&["accountId", "authorizationToken"]);
    let info = own(&["apiInfo", "apiInfo.storageApi"]);
    for (reply, fields) in [
        (v1_first(), [top.clone(), own(&flat[..2])].concat()),
        (v2(), [top.clone(), own(&flat), own(&v2_more)].concat()),
        (v3(), [top.clone(), info.clone(), within(&flat), within(&v3_more)].concat()),
        (v4(), [top, info, within(&flat), within(&v4_more)].concat()),
    ] {
        for field in fields {
            let mut without = reply.clone();
            remove(&mut without, &field);
            let text = flaw(&without);
            assert!(text.starts_with(&format!("{field} is missing")), "{text}");
            let right = kind(reply.pointer(&format!("/{}", field.replace(['.', '['], "/").replace(']', ""))));
            let nullable = ["bucketName", "bucketId", "buckets", "name", "namePrefix", "allowed"];
            let may_be_null = nullable.contains(&field.rsplit('.').next().unwrap_or_default());
            for value in [Json::Null, json!(true), json!(77), json!("MARKED"), json!(["MARKED"]), json!({"MARKED": 1})]
            {
                let ill = kind(Some(&value)) != right || value == json!(["MARKED"]) && !field.ends_with("capabilities");
                if ill && !(value.is_null() && may_be_null) {
                    let text = flaw(&with(reply.clone(), &field, value));
                    assert!(text.starts_with(&field), "{text} for {field}");
                    assert!(!text.contains("MARKED") && !text.contains("77"), "{text}");
                }
            }
        }
    }
}

fn kind(value: Option<&Json>) -> u8 {
    match value.expect("it is in the sample") {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(_) => 2,
        Json::String(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    }
}

#[test]
fn a_restriction_counts_wherever_it_is_written() {
    let storage = "apiInfo.storageApi";
    let old = |reply, id: Json, name: Json| {
        with(with(reply, &format!("{storage}.bucketId"), id), &format!("{storage}.bucketName"), name)
    };
    // v4's place says nothing or "no restriction", v3's place restricts.
    for allowed in [Json::Null, json!({"buckets": null, "capabilities": [], "namePrefix": null})] {
        let reply = with(old(v4(), json!("b"), Json::Null), &format!("{storage}.allowed"), allowed);
        assert_eq!(read(&reply).expect("restricted").buckets, Some(vec![Bucket { id: "b".into(), name: None }]));
    }
    // The other way round, and both the same.
    for id in [Json::Null, json!(ID)] {
        let grant = read(&old(v4(), id, Json::Null)).expect("restricted");
        assert_eq!(grant.buckets.map(|buckets| buckets.len()), Some(1));
    }
    // v2's place in a grouped reply, and v4's list within a flat one.
    let stray = with(v4(), "allowed", json!({"bucketId": "c", "bucketName": null}));
    let stray = with(stray, &format!("{storage}.allowed.buckets"), Json::Null);
    assert_eq!(read(&stray).expect("restricted").buckets, Some(vec![Bucket { id: "c".into(), name: None }]));
    let mut listed = v2();
    listed["allowed"] = v4()["apiInfo"]["storageApi"]["allowed"].clone();
    assert_eq!(read(&listed).expect("restricted").buckets.map(|buckets| buckets.len()), Some(1));
    // A place that no version uses.
    for reply in [with(v1_first(), "bucketId", json!("d")), with(free_v4(), "bucketId", json!("d"))] {
        let reply = with(reply, "bucketName", Json::Null);
        assert_eq!(read(&reply).expect("restricted").buckets, Some(vec![Bucket { id: "d".into(), name: None }]));
    }
    // Two restrictions that differ.
    for (reply, field) in [
        (old(v4(), json!("other"), Json::Null), "apiInfo.storageApi.bucketId"),
        (with(v4(), &format!("{storage}.namePrefix"), json!("other/")), "apiInfo.storageApi.namePrefix"),
        (with(v4(), &format!("{storage}.capabilities"), json!(["all"])), "apiInfo.storageApi.capabilities"),
        (with(v2(), "allowed.buckets", json!([])), "allowed.buckets"),
    ] {
        assert!(flaw(&reply).starts_with(&format!("{field} contradicts")), "{}", flaw(&reply));
    }
    // A bucket without its id would be no restriction at all.
    for reply in [with(v3(), &format!("{storage}.bucketId"), Json::Null), with(v2(), "allowed.bucketId", Json::Null)] {
        assert!(flaw(&reply).contains("bucketId is missing although"), "{}", flaw(&reply));
    }
}

#[test]
fn part_sizes_and_expiry_are_positive_whole_numbers_in_order() {
    let (most, least) = ("apiInfo.storageApi.recommendedPartSize", "apiInfo.storageApi.absoluteMinimumPartSize");
    for bad in ["0", "-1", "-0", "2.0", "1e8", "9223372036854775808", "18446744073709551616", "1e300"] {
        for field in [most, least, "applicationKeyExpirationTimestamp"] {
            let text = with(v4(), field, json!("MARKED")).to_string().replace("\"MARKED\"", bad);
            let text = parse(text.as_bytes(), &Realm::production()).expect_err(bad).to_string();
            assert!(text.starts_with(&format!("{field} is not a")), "{text}");
        }
    }
    let huge = with(v4(), most, json!(i64::MAX));
    assert_eq!(read(&huge).expect("all that int64 holds").recommended_part_size, i64::MAX.unsigned_abs());
    assert_eq!(flaw(&with(v4(), least, json!(100_000_001))), format!("{least} is more than recommendedPartSize"));
    assert!(read(&with(v4(), least, json!(100_000_000))).is_ok());
    assert!(flaw(&with(v4(), "applicationKeyExpirationTimestamp", json!(999))).contains("is not a time"));
    // The newer names do not come one without the other.
    let mut v1 = with(v1_first(), "recommendedPartSize", json!(100_000_000));
    assert_eq!(flaw(&v1), "absoluteMinimumPartSize is missing");
    v1["absoluteMinimumPartSize"] = json!(5_000_000);
    assert!(read(&v1).is_ok());
}
