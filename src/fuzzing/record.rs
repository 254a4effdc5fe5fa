//! Records of a token store.

/// What was found in a store, and what may be in a record that opens.
pub fn record(data: &[u8]) {
    crate::store::fuzz::record(data);
}
