//! What a server of a token store sends.

/// Replies in the protocol of Redis.
pub fn resp(data: &[u8]) {
    crate::store::fuzz::resp(data);
}
