//! The reply parser: what it takes must be harmless to use, and restrict as much as any part of the reply does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::words::assert_own;
use crate::diag::sanitize;
use crate::model::c_text::CText;
use crate::model::grant::{Bucket, Grant};
use crate::model::realm::Realm;
use crate::reply;

/// Any body, read as that of a 200 and as that of a refusal.
pub fn reply(body: &[u8]) {
    match read(body) {
        Ok(grant) => {
            harmless(&grant);
            as_said(body, &grant);
        }
        Err(flaw) => assert_own(&flaw),
    }
    refusal(body);
}

/// What was read, as JSON on one line; `null` for a body that is refused.
#[must_use]
pub fn fields(body: &[u8]) -> String {
    let Ok(grant) = read(body) else { return "null".to_owned() };
    let bucket = |bucket: &Bucket| json!({"id": bucket.id, "name": bucket.name});
    let buckets = grant.buckets.as_ref().map(|list| list.iter().map(bucket).collect::<Vec<_>>());
    json!({
        "accountId": grant.account_id,
        "authorizationToken": grant.token.as_str(),
        "apiUrl": grant.api_url,
        "downloadUrl": grant.download_url,
        "s3ApiUrl": grant.s3_api_url,
        "recommendedPartSize": grant.recommended_part_size,
        "absoluteMinimumPartSize": grant.absolute_minimum_part_size,
        "capabilities": grant.capabilities,
        "buckets": buckets,
        "namePrefix": grant.name_prefix,
    })
    .to_string()
}

fn read(body: &[u8]) -> Result<Grant, String> {
    reply::parse(body, &Realm::production()).map_err(|flaw| flaw.to_string())
}

fn harmless(grant: &Grant) {
    for id in [grant.account_id.as_str(), grant.token.as_str()] {
        assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    for url in [&grant.api_url, &grant.download_url].into_iter().chain(&grant.s3_api_url).map(CText::as_str) {
        let (scheme, rest) = url.split_at(8);
        assert!(scheme.eq_ignore_ascii_case("https://"), "{url}");
        assert!(url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['?', '#', '\\']), "{url}");
        let authority = rest.split('/').next().unwrap_or_default();
        assert!(!authority.is_empty() && !authority.contains('@') && !url.ends_with('/'), "{url}");
    }
    assert!(0 < grant.absolute_minimum_part_size);
    assert!(grant.absolute_minimum_part_size <= grant.recommended_part_size);
    assert!(i64::try_from(grant.recommended_part_size).is_ok());
    assert!(grant.key_expires_ms.is_none_or(|ms| ms >= 1000));
    let buckets = grant.buckets.iter().flatten();
    let mut texts = buckets.flat_map(|bucket| [Some(&bucket.id), bucket.name.as_ref()]).flatten();
    assert!(!texts.any(|text| text.contains('\0')));
    assert!(!grant.capabilities.iter().chain(grant.name_prefix.as_deref()).any(|text| text.contains('\0')));
}

/// Holds the grant against another reader's view of the same bytes.
fn as_said(body: &[u8], grant: &Grant) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let said: Value = serde_json::from_slice(body).expect("what was taken is JSON");
    assert_eq!(said["accountId"], grant.account_id.as_str());
    assert_eq!(said["authorizationToken"], grant.token.as_str());
    let storage = &said["apiInfo"]["storageApi"];
    let main = if said.get("apiInfo").is_some() { storage } else { &said };
    for (name, url) in [("apiUrl", &grant.api_url), ("downloadUrl", &grant.download_url)] {
        assert_eq!(main[name].as_str().map(|url| url.trim_end_matches('/')), Some(url.as_str()));
    }
    for place in [&said, &said["allowed"], storage, &storage["allowed"]] {
        if let Value::String(prefix) = &place["namePrefix"] {
            assert_eq!(Some(prefix.as_str()), grant.name_prefix.as_deref());
        }
        if let Value::String(id) = &place["bucketId"] {
            assert_eq!(ids(grant), Some(BTreeSet::from([id.as_str()])));
        }
        if let Value::Array(list) = &place["buckets"] {
            assert_eq!(ids(grant), Some(list.iter().filter_map(|bucket| bucket["id"].as_str()).collect()));
        }
        if let Value::Array(list) = &place["capabilities"] {
            let granted: BTreeSet<_> = grant.capabilities.iter().collect();
            assert_eq!(granted, list.iter().filter_map(Value::as_str).collect());
        }
    }
}

fn ids(grant: &Grant) -> Option<BTreeSet<&str>> {
    Some(grant.buckets.as_ref()?.iter().map(|bucket| bucket.id.as_str()).collect())
}

/// Our own secrets are masked before anything else is done to the message.
fn refusal(body: &[u8]) {
    const SECRET: &str = "MARKED";
    let refusal = reply::parse_refusal(body, |text| text.replace(SECRET, "***"));
    if let Some(code) = refusal.code {
        assert!((1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    if let Some(message) = refusal.message {
        assert!((1..=300).contains(&message.chars().count()));
        assert!(sanitize::single_line(&message) == message && !message.contains(SECRET));
    }
}
