//! A session as JSON. Both forms contain the token.

use serde::Serialize;
use zeroize::Zeroizing;

use super::c_text::CText;
use super::capabilities::Capabilities;
use super::session::Session;

/// The four fields of the workflow action.
pub(super) fn action(session: &Session) -> Zeroizing<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Action<'a> {
        account_id: &'a str,
        api_url: &'a str,
        authorization_token: &'a str,
        download_url: &'a str,
    }
    to_json(&Action {
        account_id: session.account_id(),
        api_url: session.api_url(),
        authorization_token: session.authorization_token(),
        download_url: session.download_url(),
    })
}

/// Everything, flat, under the names of the leaves of B2's v4 reply.
pub(super) fn whole(session: &Session) -> Zeroizing<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Flat<'a> {
        account_id: &'a str,
        key_id: &'a str,
        realm: &'a str,
        authorization_token: &'a str,
        api_url: &'a str,
        download_url: &'a str,
        s3_api_url: Option<&'a str>,
        s3_region: Option<&'a str>,
        recommended_part_size: u64,
        absolute_minimum_part_size: u64,
        allowed: Allowed<'a>,
        application_key_expiration_timestamp: Option<i64>,
        expires_at: i64,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Allowed<'a> {
        buckets: Option<Vec<Bucket<'a>>>,
        capabilities: &'a Capabilities,
        name_prefix: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct Bucket<'a> {
        id: &'a CText,
        name: Option<&'a CText>,
    }
    let grant = session.grant();
    fn bucket(bucket: &super::grant::Bucket) -> Bucket<'_> {
        Bucket { id: &bucket.id, name: bucket.name.as_ref() }
    }
    to_json(&Flat {
        account_id: session.account_id(),
        key_id: session.key_id(),
        realm: session.realm(),
        authorization_token: session.authorization_token(),
        api_url: session.api_url(),
        download_url: session.download_url(),
        s3_api_url: session.s3_api_url(),
        s3_region: session.s3_region(),
        recommended_part_size: grant.recommended_part_size,
        absolute_minimum_part_size: grant.absolute_minimum_part_size,
        allowed: Allowed {
            buckets: grant.buckets.as_ref().map(|buckets| buckets.iter().map(bucket).collect()),
            capabilities: &grant.capabilities,
            name_prefix: session.name_prefix(),
        },
        application_key_expiration_timestamp: grant.key_expires_ms,
        expires_at: session.expires_at(),
    })
}

fn to_json(value: &impl Serialize) -> Zeroizing<String> {
    Zeroizing::new(serde_json::to_string(value).expect("strings and numbers always serialise"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cache_key::{CacheKey, CacheScope};
    use crate::model::grant::Grant;
    use crate::model::realm::Realm;
    use crate::model::timestamp::Timestamp;
    use crate::model::validity::Validity;

    #[test]
    fn both_forms_are_escaped() {
        let realm = Realm::production();
        let grant = Grant {
            account_id: "a\"1".into(),
            token: Zeroizing::new("t\\2".into()),
            api_url: "https://api.test".into(),
            download_url: "https://f.test".into(),
            s3_api_url: None,
            recommended_part_size: 2,
            absolute_minimum_part_size: 1,
            capabilities: vec!["\u{1}".into()].into(),
            buckets: None,
            name_prefix: Some("\"\\/\n".into()),
            key_expires_ms: None,
        };
        let key = CacheKey::new(&CacheScope::new(&realm, None), b"id", b"key");
        let validity = Validity::new(Timestamp { wall_ms: 0, boot_ms: 0 }, None, None);
        let session = Session::new("id", &realm, key, grant, validity);
        for text in [session.action_json().as_str(), session.json()] {
            let json: serde_json::Value = serde_json::from_str(text).expect("valid JSON");
            assert_eq!((&json["accountId"], &json["authorizationToken"]), (&"a\"1".into(), &"t\\2".into()));
        }
        let json: serde_json::Value = serde_json::from_str(session.json()).expect("valid JSON");
        assert_eq!(json["allowed"]["namePrefix"], "\"\\/\n");
    }
}
