//! An authorized session: an immutable snapshot that any thread may read for as long as it likes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use once_cell::race::OnceBox;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::c_text::CText;
use super::cache_key::CacheKey;
use super::grant::Grant;
use super::realm::Realm;
use super::session_json;
use super::store_url::StoredAt;
use super::timestamp::Timestamp;
use super::validity::Validity;

/// The number of the next session. "Newer" means a higher number, whatever the clocks say.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(0);

/// An authorized session: the account, where to call, the token, and what the key may do.
///
/// It has its content, or is another view of a session that has. Threads that have views of their own count their references
/// in memory of their own, so that none waits for another's cache line.
pub struct Session(Content);

#[allow(clippy::large_enum_variant, reason = "nearly all have content of their own")]
enum Content {
    Own(SessionData),
    Of(Arc<Session>),
}

/// In this order, so that the token, for which most callers come, is in the cache line of the reference count.
#[repr(C)]
struct SessionData {
    grant: Grant,
    key_id: CText,
    realm: Arc<CText>,
    validity: Validity,
    generation: u64,
    cache_key: CacheKey,
    /// Set once B2 has refused the token: it is never handed out again.
    rejected: AtomicBool,
    /// Where other processes find the token.
    stored_at: Option<Box<StoredAt>>,
    // Made when first asked for: few callers want either.
    s3_region: OnceBox<CText>,
    json: OnceBox<Zeroizing<CText>>,
}

/// A bucket that a restricted key may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket<'a> {
    /// The bucket's ID.
    pub id: &'a str,
    /// Its name; `None` if the bucket is gone, or if its name is hidden from this key.
    pub name: Option<&'a str>,
}

impl Session {
    pub(crate) fn new(key_id: &str, realm: &Realm, cache_key: CacheKey, grant: Grant, validity: Validity) -> Self {
        let data = SessionData {
            key_id: CText::new(key_id),
            realm: realm.to_c_text(),
            grant,
            validity,
            generation: NEXT_GENERATION.fetch_add(1, Ordering::Relaxed),
            cache_key,
            rejected: AtomicBool::new(false),
            stored_at: None,
            s3_region: OnceBox::new(),
            json: OnceBox::new(),
        };
        Self(Content::Own(data))
    }

    /// Another view of the same content, with a reference count of its own.
    pub(crate) fn view(self: &Arc<Self>) -> Self {
        match &self.0 {
            Content::Own(_) => Self(Content::Of(Arc::clone(self))),
            Content::Of(session) => Self(Content::Of(Arc::clone(session))),
        }
    }

    #[inline(always)]
    fn data(&self) -> &SessionData {
        match &self.0 {
            Content::Own(data) => data,
            Content::Of(session) => session.data(),
        }
    }

    pub(crate) fn with_stored_at(mut self, stored_at: Option<StoredAt>) -> Self {
        if let Content::Own(data) = &mut self.0 {
            data.stored_at = stored_at.map(Box::new);
        }
        self
    }

    pub(crate) fn stored_at(&self) -> Option<&StoredAt> {
        self.data().stored_at.as_deref()
    }

    /// The account's ID, as B2 returned it.
    #[must_use]
    pub fn account_id(&self) -> &str {
        &self.data().grant.account_id
    }

    /// The key ID, as the call used it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.data().key_id
    }

    /// The realm that granted the session: a base URL, normalised.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.data().realm
    }

    /// The complete value of the `Authorization` header of B2's other calls. A secret.
    #[must_use]
    pub fn authorization_token(&self) -> &str {
        &self.data().grant.token
    }

    /// Base URL of all calls but uploads and downloads.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.data().grant.api_url
    }

    /// Base URL of downloads.
    #[must_use]
    pub fn download_url(&self) -> &str {
        &self.data().grant.download_url
    }

    /// Base URL of the S3-compatible API, if B2 returned one.
    #[must_use]
    pub fn s3_api_url(&self) -> Option<&str> {
        self.data().grant.s3_api_url.as_deref()
    }

    /// The S3 region, such as `us-west-004`, if the S3 URL contains one.
    #[must_use]
    pub fn s3_region(&self) -> Option<&str> {
        self.s3_api_url().and_then(s3_region)
    }

    /// B2's recommended size for the parts of a large file, in bytes.
    #[must_use]
    pub fn recommended_part_size(&self) -> u64 {
        self.data().grant.recommended_part_size
    }

    /// The minimum size for the parts of a large file but the last, in bytes.
    #[must_use]
    pub fn absolute_minimum_part_size(&self) -> u64 {
        self.data().grant.absolute_minimum_part_size
    }

    /// What the key may do, by B2's names.
    pub fn capabilities(&self) -> impl ExactSizeIterator<Item = &str> {
        self.data().grant.capabilities.iter()
    }

    /// True if the key has that capability, such as `readFiles`.
    #[must_use]
    pub fn has_capability(&self, capability: &str) -> bool {
        self.capabilities().any(|known| known == capability)
    }

    /// The buckets that the key is restricted to; `None` if it is not restricted.
    #[must_use]
    pub fn buckets(&self) -> Option<Vec<Bucket<'_>>> {
        let buckets = self.data().grant.buckets.as_ref()?;
        Some(buckets.iter().map(|bucket| Bucket { id: &bucket.id, name: bucket.name.as_deref() }).collect())
    }

    /// The prefix that the names of all files must have, if the key is restricted to one.
    #[must_use]
    pub fn name_prefix(&self) -> Option<&str> {
        self.data().grant.name_prefix.as_deref()
    }

    /// When the token expires, in Unix seconds: 24 hours after the request, or with the key if that is sooner.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        let data = self.data();
        let max_end_ms = data.validity.max_end_ms();
        data.grant.key_expires_ms.map_or(max_end_ms, |end| end.min(max_end_ms)).div_euclid(1_000)
    }

    /// When the key expires, in Unix seconds; `None` for never.
    #[must_use]
    pub fn key_expires_at(&self) -> Option<i64> {
        self.data().grant.key_expires_ms.map(|ms| ms.div_euclid(1_000))
    }

    /// All of it as flat JSON, under the names of the leaves of B2's v4 reply. It contains the token.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json_c_text()
    }

    pub(crate) fn json_c_text(&self) -> &CText {
        self.data().json.get_or_init(|| Box::new(Zeroizing::new(CText::new(&session_json::whole(self)))))
    }

    /// The four fields of the workflow action, as JSON.
    pub(crate) fn action_json(&self) -> Zeroizing<String> {
        session_json::action(self)
    }

    pub(crate) fn grant(&self) -> &Grant {
        &self.data().grant
    }

    pub(crate) fn key_id_c_text(&self) -> &CText {
        &self.data().key_id
    }

    pub(crate) fn realm_c_text(&self) -> &CText {
        &self.data().realm
    }

    pub(crate) fn s3_region_c_text(&self) -> Option<&CText> {
        let region = self.s3_region()?;
        Some(self.data().s3_region.get_or_init(|| Box::new(CText::new(region))))
    }

    /// Seconds until the token expires, by whichever clock says less; 0 once it counts as expired.
    pub(crate) fn seconds_left(&self, now: Timestamp) -> u64 {
        if self.data().validity.is_expired(now) { 0 } else { self.data().validity.remaining_ms(now) / 1_000 }
    }

    pub(crate) fn validity(&self) -> &Validity {
        &self.data().validity
    }

    pub(crate) fn cache_key(&self) -> CacheKey {
        self.data().cache_key
    }

    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.data().generation > other.data().generation
    }

    /// True for the same token, whatever way it came.
    pub(crate) fn is_same_grant(&self, other: &Self) -> bool {
        let tokens = [self.authorization_token(), other.authorization_token()];
        self.data().generation == other.data().generation || tokens[0].as_bytes().ct_eq(tokens[1].as_bytes()).into()
    }

    pub(crate) fn mark_rejected(&self) {
        self.data().rejected.store(true, Ordering::Release);
    }

    pub(crate) fn is_rejected(&self) -> bool {
        self.data().rejected.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Session {
    /// Leaves the token out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("account_id", &self.account_id())
            .field("realm", &self.realm())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
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
    fn only_a_backblaze_host_has_a_region() {
        assert_eq!(s3_region("https://s3.us-west-004.backblazeb2.com"), Some("us-west-004"));
        assert_eq!(s3_region("https://s3.us-west-004.backblazeb2.com:443/x"), Some("us-west-004"));
        for other in
            ["https://s3.example.com", "https://s3..backblazeb2.com", "http://x", "https://s3.a_b.backblazeb2.com"]
        {
            assert_eq!(s3_region(other), None);
        }
    }
}
