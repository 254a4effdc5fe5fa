use serde_json::{Value as Json, json};

use super::*;
use crate::model::grant::Bucket;

const TOKEN: &str = "4_0040123456789ab0000000001_0186e431_d18d02_acct_tH7VW03boebOXayIc43-sxptpfA=";
const ID: &str = "d0f1e2c3b4a5968778695a4b";

fn v1_first() -> Json {
    json!({
        "accountId": "0123456789ab",
        "apiUrl": "https://api004.backblazeb2.com",
        "authorizationToken": TOKEN,
        "downloadUrl": "https://f004.backblazeb2.com",
        "minimumPartSize": 100_000_000,
    })
}

fn v2() -> Json {
    json!({
        "absoluteMinimumPartSize": 5_000_000,
        "accountId": "0123456789ab",
        "allowed": {
            "bucketId": ID,
            "bucketName": "my-bucket",
            "capabilities": ["listBuckets", "readFiles"],
            "namePrefix": "photos/",
        },
        "apiUrl": "https://api004.backblazeb2.com",
        "authorizationToken": TOKEN,
        "downloadUrl": "https://f004.backblazeb2.com",
        "recommendedPartSize": 100_000_000,
        "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
    })
}

/// As it was from 2018 on.
fn v1_last() -> Json {
    let mut reply = v2();
    reply["minimumPartSize"] = json!(100_000_000);
    remove(&mut reply, "allowed.bucketName");
    remove(&mut reply, "s3ApiUrl");
    reply
}

fn v3() -> Json {
    json!({
        "accountId": "0123456789ab",
        "apiInfo": {
            "groupsApi": {
                "capabilities": ["all"],
                "groupsApiUrl": "https://api004.backblazeb2.com",
                "infoType": "groupsApi",
            },
            "storageApi": {
                "absoluteMinimumPartSize": 5_000_000,
                "apiUrl": "https://api004.backblazeb2.com",
                "bucketId": ID,
                "bucketName": "my-bucket",
                "capabilities": ["listBuckets", "readFiles"],
                "downloadUrl": "https://f004.backblazeb2.com",
                "infoType": "storageApi",
                "namePrefix": "photos/",
                "recommendedPartSize": 100_000_000,
                "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
            },
        },
        "applicationKeyExpirationTimestamp": 1_790_000_000_000_i64,
        "authorizationToken": TOKEN,
    })
}

fn v4() -> Json {
    json!({
        "accountId": "0123456789ab",
        "apiInfo": {
            "storageApi": {
                "absoluteMinimumPartSize": 5_000_000,
                "allowed": {
                    "buckets": [{ "id": ID, "name": "my-bucket" }],
                    "capabilities": ["listBuckets", "readFiles"],
                    "namePrefix": "photos/",
                },
                "apiUrl": "https://api004.backblazeb2.com",
                "downloadUrl": "https://f004.backblazeb2.com",
                "recommendedPartSize": 100_000_000,
                "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
            },
        },
        "applicationKeyExpirationTimestamp": 1_790_000_000_000_i64,
        "authorizationToken": TOKEN,
    })
}

fn free_v4() -> Json {
    with(v4(), "apiInfo.storageApi.allowed.buckets", Json::Null)
}

fn read(reply: &Json) -> Result<Grant, JsonError> {
    parse(reply.to_string().as_bytes(), &Realm::production())
}

fn flaw(reply: &Json) -> String {
    read(reply).expect_err("a flawed reply").to_string()
}

/// The member at a path such as `apiInfo.storageApi.allowed.buckets[0].id`, and the object that holds it.
fn holder<'a>(reply: &'a mut Json, path: &str) -> (&'a mut Json, String) {
    let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    let (parent, name) = pointer.rsplit_once('/').expect("it begins with a slash");
    (reply.pointer_mut(parent).expect("the parent exists"), name.to_owned())
}

fn remove(reply: &mut Json, path: &str) {
    let (parent, name) = holder(reply, path);
    parent.as_object_mut().expect("an object").remove(&name).expect("it was there");
}

fn with(mut reply: Json, path: &str, value: Json) -> Json {
    let (parent, name) = holder(&mut reply, path);
    match parent {
        Json::Array(items) => items[name.parse::<usize>().expect("an index")] = value,
        object => object[name] = value,
    }
    reply
}

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

#[test]
fn hostile_urls_are_rejected() {
    let fields = ["apiInfo.storageApi.apiUrl", "apiInfo.storageApi.downloadUrl", "apiInfo.storageApi.s3ApiUrl"];
    for bad in [
        " ",
        "MARKED",
        "MARKED.com",
        "/MARKED",
        "//MARKED.com",
        "https:",
        "https://",
        "https:///MARKED",
        "https://:443",
        "http://MARKED.com",
        "http://127.0.0.1",
        "ftp://MARKED.com",
        "javascript:MARKED",
        "data:,MARKED",
        "file:///MARKED",
        "https://MARKED@example.com",
        "https://u:MARKED@example.com",
        "https://@example.com",
        "https://example.com?MARKED",
        "https://example.com/?",
        "https://example.com#MARKED",
        "https://example.com/#",
        "https://example.com/a b",
        "https://exämple.com",
        "https://example.com\r\nX: MARKED",
        "https://example.com\u{0}.MARKED",
        "https://example.com\t",
        " https://example.com",
        "https://example.com\u{7f}",
        "https://example.com\\@MARKED",
        "https:\\\\example.com",
        "https://example.com:",
        "https://example.com:0",
        "https://example.com:65536",
        "https://example.com:x",
        "https://example.com:443x",
        "https://example.com:+443",
        "https://example.com: 443",
        "https://example.com/ MARKED",
        "https://example.com/ ",
        "https://example.com /MARKED",
        "https://[::1",
        "https://[MARKED]",
        "https://[]",
        "https://...",
        "https://a%2eMARKED",
        "https://a,MARKED",
        "*",
    ] {
        for field in fields {
            let text = flaw(&with(v4(), field, json!(bad)));
            assert!(text.starts_with(field) && !text.contains("MARKED"), "{text} for {bad}");
        }
    }
    for (good, kept) in [
        ("https://example.com", "https://example.com"),
        ("https://example.com///", "https://example.com"),
        ("https://example.com:8443/", "https://example.com:8443"),
        ("https://example.com/b2/", "https://example.com/b2"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("HTTPS://Example.com", "HTTPS://Example.com"),
    ] {
        assert_eq!(read(&with(v4(), fields[0], json!(good))).expect(good).api_url, kept);
    }
}

#[test]
fn plain_http_is_for_a_plain_realm_only() {
    let reply = with(v4(), "apiInfo.storageApi.apiUrl", json!("http://127.0.0.1:8080/")).to_string();
    for (realm, taken) in [("http://127.0.0.1:1", true), ("http://localhost", true), ("https://localhost", false)] {
        let realm = Realm::parse(realm).expect(realm);
        assert_eq!(parse(reply.as_bytes(), &realm).is_ok(), taken);
    }
}

#[test]
fn hostile_strings_are_rejected() {
    let long = "t".repeat(8193);
    for (field, values) in [
        ("authorizationToken", &["", " ", "a b", "MARKED\r\nX: y", "MARKED\u{0}", "\u{7f}MARKED", "é", &long][..]),
        ("authorizationToken", &["MARKED\r", "MARKED\n", "MARKED\rX", "MARKED\nX", "MARKED\t", "MARKED\tX"]),
        ("authorizationToken", &["MARKED\u{a0}", "\u{200b}MARKED", "MARKED\u{200b}X", "\u{feff}MARKED"]),
        ("authorizationToken", &[" MARKED", "MARKED ", " MARKED ", "\tMARKED"]),
        ("accountId", &["", "MARKED\u{0}", "MARKED\n", "a b", "é"]),
        ("apiInfo.storageApi.allowed.buckets[0].id", &["", "MARKED\u{0}", "MARKED\u{1b}[2J"]),
        ("apiInfo.storageApi.allowed.buckets[0].name", &["MARKED\u{0}"]),
        ("apiInfo.storageApi.allowed.namePrefix", &["photos\u{0}MARKED", "\u{0}"]),
        ("apiInfo.storageApi.allowed.capabilities[1]", &["read\u{0}MARKED"]),
    ] {
        for value in values {
            let text = flaw(&with(v4(), field, json!(value)));
            assert!(text.starts_with(field) && !text.contains("MARKED") && text.len() < 200, "{text}");
        }
    }
    assert!(read(&with(v4(), "authorizationToken", json!("t".repeat(8192)))).is_ok());
    for (list, item) in [("buckets", json!("MARKED")), ("buckets", Json::Null), ("capabilities", json!({"MARKED": 1}))]
    {
        let field = format!("apiInfo.storageApi.allowed.{list}");
        let text = flaw(&with(v4(), &field, json!([item])));
        assert!(text.starts_with(&format!("{field}[0] is ")) && !text.contains("MARKED"), "{text}");
    }
}

#[test]
fn a_repeated_member_is_rejected() {
    let doubled = v4().to_string().replace("\"namePrefix\":", "\"namePrefix\":null,\"namePrefix\":");
    let text = parse(doubled.as_bytes(), &Realm::production()).expect_err("twice").to_string();
    assert_eq!(text, "apiInfo.storageApi.allowed.namePrefix is there twice");
    let unknown = v4().to_string().replacen('{', "{\"x\":1,\"x\":2,", 1);
    assert!(parse(unknown.as_bytes(), &Realm::production()).is_ok());
}

#[test]
fn a_body_that_is_not_an_object_is_described() {
    let whole = v4().to_string();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, words) in [
        (&b""[..], "it is empty"),
        (b" \r\n", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"<!DOCTYPE html><p>MARKED", "it is not JSON but a page of HTML or XML"),
        (b"MARKED", "it is not JSON: line 1, column 1"),
        (b"{\"a\":1,\n \"b\" MARKED}", "it is not JSON: line 2, column 6"),
        (b"{\"a\":\"MARKED\n\"}", "it is not JSON: line 2, column 1"),
        (b"{} MARKED", "it is not JSON: line 1, column 4"),
        (b"{\"MARKED\":\"\xff\"}", "it is not UTF-8 from byte 12 on"),
        (b"[\"MARKED\"]", "it is an array, not an object"),
        (b"\"MARKED\"", "it is a string, not an object"),
        (b"12", "it is a number, not an object"),
        (b"null", "it is null, not an object"),
        (b"true", "it is a boolean, not an object"),
        (b"{}", "accountId is missing"),
        (b"{\"accountId\":\"a\",\"authorizationToken\":\"t\"}", "apiInfo is missing"),
        (deep.as_bytes(), "it is nested too deeply: line 1, column 33"),
    ] {
        assert_eq!(parse(body, &Realm::production()).expect_err(words).to_string(), words);
    }
    for length in 1..whole.len() {
        let text = parse(&whole.as_bytes()[..length], &Realm::production()).expect_err("cut").to_string();
        assert!(text.starts_with("it is cut short: line 1"), "{text}");
    }
    assert!(parse(format!("\u{feff}{whole}\n").as_bytes(), &Realm::production()).is_ok());
}

#[test]
fn a_key_without_storage_is_distinguished_from_a_broken_reply() {
    let mut reply = v3();
    remove(&mut reply, "apiInfo.storageApi");
    assert!(flaw(&reply).contains("not for storage"));
}

#[test]
fn refusals_are_parsed_as_far_as_possible() {
    let read = |body: &str| {
        let RefusalBody { code, message, .. } = parse_refusal(body.as_bytes(), str::to_owned);
        (code.unwrap_or_default(), message.unwrap_or_default())
    };
    let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    for (body, expected) in [
        (r#"{"code":"bad_auth_token","message":"","status":401}"#, pair("bad_auth_token", "")),
        (r#"{"code":null,"message":"Try later","status":"503"}"#, pair("", "Try later")),
        (r#"{"code":7,"message":["x"]}"#, pair("", "")),
        (r#"{"code":"a\u0000b","message":" two\r\n\tlines\u0000\u001b[2J\u202e "}"#, pair("", "two lines [2J")),
        (r#"{"code":"a","code":"b","message":"m"}"#, pair("", "m")),
        (r#"["bad_auth_token"]"#, pair("", "")),
        ("<html>", pair("", "")),
        ("", pair("", "")),
        ("{\"code\":\"x\"", pair("", "")),
    ] {
        assert_eq!(read(body), expected, "{body}");
    }
    assert_eq!(parse_refusal(b"\xff\xfe", str::to_owned), RefusalBody::default());
    let (code, message) = read(&json!({"code": "c".repeat(65), "message": "é".repeat(301)}).to_string());
    assert_eq!((code.as_str(), message.chars().count(), message.ends_with("é…")), ("", 300, true));
    let (_, message) = read(&json!({"message": "é".repeat(300)}).to_string());
    assert_eq!((message.chars().count(), message.ends_with('é')), (300, true));
}

#[test]
fn a_refusal_is_b2s_if_it_has_the_form_of_one() {
    for (body, is_b2) in [
        (r#"{"code":"bad_auth_token","message":"","status":401}"#, true),
        (r#"{"status":401,"code":"unauthorized"}"#, true),
        (r#"{"code":"unauthorized","message":""}"#, true),
        (r#"{"code":"unauthorized"}"#, false),
        (r#"{"message":"Unauthorized"}"#, false),
        (r#"{"message":"Forbidden","status":403}"#, false),
        (r#"{"code":401,"message":"Unauthorized","status":401}"#, false),
        (r#"{"error":{"code":"unauthorized","message":""}}"#, false),
        ("<html><title>401</title></html>", false),
        ("", false),
    ] {
        assert_eq!(parse_refusal(body.as_bytes(), str::to_owned).is_b2, is_b2, "{body}");
    }
}

#[test]
fn a_secret_is_redacted_before_a_long_message_is_truncated() {
    let mask = |text: &str| text.replace("secret", "***");
    for blanks in 290..300 {
        let body = format!(r#"{{"message":"{}secret"}}"#, "x".repeat(blanks));
        let message = parse_refusal(body.as_bytes(), mask).message.expect("a message");
        assert!(!message.contains('s') && message.chars().count() <= 300, "{message}");
    }
}
