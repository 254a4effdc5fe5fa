//! What key IDs and keys look like. These are conventions that may change: never a reason to refuse a key, only to explain a
//! refusal, or to be sure that a text which is shown is no secret.

const ACCOUNT_ID: usize = 12;
pub(super) const KEY_ID: usize = 25;
pub(super) const NEW_KEY: usize = 31;
/// Keys made before they began with K, the master key's last.
const OLD_KEYS: [usize; 2] = [27, 42];

pub(super) fn is_account_id(value: &str) -> bool {
    value.len() == ACCOUNT_ID && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An account ID or a key ID: the cluster's three digits, the account ID, and a count that is not always hex.
pub(super) fn is_id(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_key_id = bytes.len() == KEY_ID
        && bytes[..3].iter().all(u8::is_ascii_digit)
        && bytes[3..3 + ACCOUNT_ID].iter().all(u8::is_ascii_hexdigit)
        && bytes[3 + ACCOUNT_ID..].iter().all(u8::is_ascii_alphanumeric);
    is_key_id || is_account_id(value)
}

/// The key ID for messages: nothing, if what was given in its place may be a key, or has a part in common with the key.
pub(crate) fn shown_key_id<'a>(key_id: &'a str, key: Option<&str>) -> Option<&'a str> {
    let key = key.unwrap_or_default().as_bytes();
    let is_within = |part: &[u8]| key_id.as_bytes().windows(part.len()).any(|window| window == part);
    let overlaps = !key.is_empty() && key.windows(key.len().min(8)).any(is_within);
    (is_id(key_id) && !overlaps).then_some(key_id)
}

/// The three digits of the cluster that a key ID is of.
pub(super) fn cluster_of_id(key_id: &str) -> Option<&str> {
    (key_id.len() == KEY_ID && is_id(key_id)).then(|| &key_id[..3])
}

/// The three digits of the cluster that a key is of: they stand behind its `K`.
pub(super) fn cluster_of_key(key: &str) -> Option<&str> {
    key.strip_prefix('K')?.get(..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn is_new_key(value: &str) -> bool {
    value.len() == NEW_KEY && cluster_of_key(value).is_some()
}

pub(super) fn is_key(value: &str) -> bool {
    is_new_key(value) || OLD_KEYS.contains(&value.len())
}
