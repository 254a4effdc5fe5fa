//! Replies that are broken or hostile.

use serde_json::{Value as Json, json};

use super::samples::*;
use crate::model::realm::Realm;
use crate::reply::parse;

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
