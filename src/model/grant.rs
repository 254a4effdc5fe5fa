//! What B2 grants to a key.

use std::fmt;

use zeroize::Zeroizing;

use super::c_text::CText;
use super::capabilities::Capabilities;

/// A reply's content, checked: safe to pass through the C border and to use as it is.
///
/// In this order: a session begins with its token.
#[repr(C)]
pub(crate) struct Grant {
    pub(crate) token: Zeroizing<CText>,
    pub(crate) account_id: CText,
    pub(crate) api_url: CText,
    pub(crate) download_url: CText,
    pub(crate) s3_api_url: Option<CText>,
    pub(crate) recommended_part_size: u64,
    pub(crate) absolute_minimum_part_size: u64,
    /// Also empty where B2 named none because it restricts nothing (`allowed` null, or v1's first form).
    pub(crate) capabilities: Capabilities,
    /// `None`: every bucket. An empty list: no bucket.
    pub(crate) buckets: Option<Vec<Bucket>>,
    pub(crate) name_prefix: Option<CText>,
    /// When the key expires, in milliseconds since 1970; `None` for never.
    pub(crate) key_expires_ms: Option<i64>,
}

/// A bucket that a restricted key may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) id: CText,
    /// `None`: the bucket is gone, or its name is hidden from this key.
    pub(crate) name: Option<CText>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}
