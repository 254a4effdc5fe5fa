//! What B2 grants: an immutable snapshot that any thread may read for as long as it likes.

use std::ffi::{CStr, CString};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use once_cell::race::OnceBox;
use serde::Serialize;
use zeroize::Zeroizing;

use super::cache_key::CacheKey;
use super::realm::Realm;
use super::timestamp::Moment;
use super::validity::Life;
use crate::reply::Grant;

/// Births so far in this process. "Newer" means born later by this count, never by a clock.
static BIRTHS: AtomicU64 = AtomicU64::new(0);

/// An authorized session: the account, where to call, the token, and what the key may do.
///
/// Strings are kept as the C border hands them out, ended by NUL.
pub struct Session {
    key_id: CString,
    realm: CString,
    account_id: CString,
    token: Zeroizing<CString>,
    api_url: CString,
    download_url: CString,
    s3_api_url: Option<CString>,
    s3_region: Option<CString>,
    recommended_part_size: u64,
    absolute_minimum_part_size: u64,
    capabilities: Vec<CString>,
    buckets: Option<Vec<Bucket>>,
    name_prefix: Option<CString>,
    key_expires_ms: Option<i64>,
    expires_at_ms: i64,
    life: Life,
    birth: u64,
    cache_key: CacheKey,
    /// Set once B2 has refused the token: it is never handed out again.
    rejected: AtomicBool,
    json: OnceBox<Zeroizing<CString>>,
}

/// A bucket that a restricted key may use.
pub(crate) struct Bucket {
    pub(crate) id: CString,
    /// `None`: the bucket is gone, or its name is hidden from this key.
    pub(crate) name: Option<CString>,
}

/// Who asked, for whom the session is.
pub(crate) struct Owner<'a> {
    pub(crate) key_id: &'a str,
    pub(crate) realm: &'a Realm,
    pub(crate) cache_key: CacheKey,
}

impl Session {
    pub(crate) fn new(owner: &Owner<'_>, grant: Grant, life: Life) -> Self {
        let longest_ms = life.longest_end().wall_ms;
        let s3_region = grant.s3_api_url.as_deref().and_then(s3_region).map(text);
        Self {
            key_id: text(owner.key_id),
            realm: text(owner.realm.as_str()),
            account_id: text(grant.account_id),
            token: Zeroizing::new(text(grant.token.as_str())),
            api_url: text(grant.api_url),
            download_url: text(grant.download_url),
            s3_api_url: grant.s3_api_url.map(text),
            s3_region,
            recommended_part_size: grant.recommended_part_size,
            absolute_minimum_part_size: grant.absolute_minimum_part_size,
            capabilities: grant.capabilities.into_iter().map(text).collect(),
            buckets: grant.buckets.map(|buckets| {
                buckets.into_iter().map(|bucket| Bucket { id: text(bucket.id), name: bucket.name.map(text) }).collect()
            }),
            name_prefix: grant.name_prefix.map(text),
            key_expires_ms: grant.key_expires_ms,
            expires_at_ms: grant.key_expires_ms.map_or(longest_ms, |end| end.min(longest_ms)),
            life,
            birth: BIRTHS.fetch_add(1, Ordering::Relaxed),
            cache_key: owner.cache_key,
            rejected: AtomicBool::new(false),
            json: OnceBox::new(),
        }
    }

    /// The account's id, as B2 answered it.
    #[must_use]
    pub fn account_id(&self) -> &CStr {
        &self.account_id
    }

    /// The key id, as the call used it.
    #[must_use]
    pub fn key_id(&self) -> &CStr {
        &self.key_id
    }

    /// The realm that granted the session: a base URL, normalised.
    #[must_use]
    pub fn realm(&self) -> &CStr {
        &self.realm
    }

    /// The token for the `Authorization` header of B2's other calls.
    #[must_use]
    pub fn authorization_token(&self) -> &CStr {
        &self.token
    }

    /// Base URL of all calls but uploads and downloads.
    #[must_use]
    pub fn api_url(&self) -> &CStr {
        &self.api_url
    }

    /// Base URL of downloads.
    #[must_use]
    pub fn download_url(&self) -> &CStr {
        &self.download_url
    }

    /// Base URL of the S3-compatible API, if B2 gave one.
    #[must_use]
    pub fn s3_api_url(&self) -> Option<&CStr> {
        self.s3_api_url.as_deref()
    }

    /// The S3 region, such as `us-west-004`, where the S3 URL tells it.
    #[must_use]
    pub fn s3_region(&self) -> Option<&CStr> {
        self.s3_region.as_deref()
    }

    /// B2's recommended size of a large file's parts, in bytes.
    #[must_use]
    pub fn recommended_part_size(&self) -> u64 {
        self.recommended_part_size
    }

    /// The least size of a large file's parts but the last, in bytes.
    #[must_use]
    pub fn absolute_minimum_part_size(&self) -> u64 {
        self.absolute_minimum_part_size
    }

    /// What the key may do, in B2's words.
    #[must_use]
    pub fn capabilities(&self) -> &[CString] {
        &self.capabilities
    }

    /// The buckets that the key is restricted to; `None` if it is not restricted.
    pub(crate) fn buckets(&self) -> Option<&[Bucket]> {
        self.buckets.as_deref()
    }

    /// Files' names must start with this, if it is given.
    #[must_use]
    pub fn name_prefix(&self) -> Option<&CStr> {
        self.name_prefix.as_deref()
    }

    /// When the token ends, in Unix seconds: 24 hours after the request, or with the key, the sooner.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at_ms.div_euclid(1_000)
    }

    /// When the key ends, in Unix seconds; `None` for never.
    #[must_use]
    pub fn key_expires_at(&self) -> Option<i64> {
        self.key_expires_ms.map(|ms| ms.div_euclid(1_000))
    }

    /// Seconds until the token ends, by the sooner of both clocks; 0 once it counts as dead.
    pub(crate) fn seconds_left(&self, now: Moment) -> u64 {
        if self.life.is_dead(now) { 0 } else { self.life.left_ms(now) / 1_000 }
    }

    pub(crate) fn life(&self) -> &Life {
        &self.life
    }

    pub(crate) fn cache_key(&self) -> CacheKey {
        self.cache_key
    }

    /// True if this session was born after `other`.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.birth > other.birth
    }

    /// True if both are one and the same grant.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.birth == other.birth
    }

    pub(crate) fn mark_rejected(&self) {
        self.rejected.store(true, Ordering::Release);
    }

    pub(crate) fn is_rejected(&self) -> bool {
        self.rejected.load(Ordering::Acquire)
    }

    /// All of it as flat JSON, under the leaf names of B2's v4 reply. It holds the token.
    #[must_use]
    pub fn json(&self) -> &CStr {
        self.json.get_or_init(|| Box::new(Zeroizing::new(text(self.to_json().as_str()))))
    }

    /// The four fields of the workflow action.
    pub(crate) fn action_json(&self) -> Zeroizing<String> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Action<'a> {
            account_id: &'a str,
            api_url: &'a str,
            authorization_token: &'a str,
            download_url: &'a str,
        }
        let action = Action {
            account_id: utf8(&self.account_id),
            api_url: utf8(&self.api_url),
            authorization_token: utf8(&self.token),
            download_url: utf8(&self.download_url),
        };
        Zeroizing::new(serde_json::to_string(&action).expect("strings always serialise"))
    }

    fn to_json(&self) -> Zeroizing<String> {
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
            buckets: Option<Vec<Named<'a>>>,
            capabilities: Vec<&'a str>,
            name_prefix: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Named<'a> {
            id: &'a str,
            name: Option<&'a str>,
        }
        let flat = Flat {
            account_id: utf8(&self.account_id),
            key_id: utf8(&self.key_id),
            realm: utf8(&self.realm),
            authorization_token: utf8(&self.token),
            api_url: utf8(&self.api_url),
            download_url: utf8(&self.download_url),
            s3_api_url: self.s3_api_url().map(utf8),
            s3_region: self.s3_region().map(utf8),
            recommended_part_size: self.recommended_part_size,
            absolute_minimum_part_size: self.absolute_minimum_part_size,
            allowed: Allowed {
                buckets: self.buckets().map(|buckets| {
                    buckets.iter().map(|b| Named { id: utf8(&b.id), name: b.name.as_deref().map(utf8) }).collect()
                }),
                capabilities: self.capabilities.iter().map(|c| utf8(c)).collect(),
                name_prefix: self.name_prefix().map(utf8),
            },
            application_key_expiration_timestamp: self.key_expires_ms,
            expires_at: self.expires_at(),
        };
        Zeroizing::new(serde_json::to_string(&flat).expect("strings and numbers always serialise"))
    }
}

impl fmt::Debug for Session {
    /// Leaves the token out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("account_id", &self.account_id)
            .field("realm", &self.realm)
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

fn text(text: impl Into<Vec<u8>>) -> CString {
    // Not `expect`, whose words would hold the text.
    CString::new(text).unwrap_or_else(|_| panic!("a reply with a NUL in a string is refused before"))
}

fn utf8(text: &CStr) -> &str {
    text.to_str().expect("every text here was made from a str")
}

/// `us-west-004` from `https://s3.us-west-004.backblazeb2.com`.
fn s3_region(url: &str) -> Option<&str> {
    let host = url.strip_prefix("https://")?.split(['/', ':']).next()?;
    let region = host.strip_prefix("s3.")?.strip_suffix(".backblazeb2.com")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!region.is_empty() && region.bytes().all(plain)).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_over_a_text_does_not_hold_it() {
        let payload = std::panic::catch_unwind(|| text("marked\0token")).expect_err("no C string");
        assert_eq!(payload.downcast_ref(), Some(&"a reply with a NUL in a string is refused before"));
    }

    #[test]
    fn the_region_is_told_only_by_a_host_of_backblaze() {
        assert_eq!(s3_region("https://s3.us-west-004.backblazeb2.com"), Some("us-west-004"));
        assert_eq!(s3_region("https://s3.us-west-004.backblazeb2.com:443/x"), Some("us-west-004"));
        for other in
            ["https://s3.example.com", "https://s3..backblazeb2.com", "http://x", "https://s3.a_b.backblazeb2.com"]
        {
            assert_eq!(s3_region(other), None);
        }
    }
}
