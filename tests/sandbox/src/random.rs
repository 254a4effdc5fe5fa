//! Bytes that differ from call to call and from run to run. Nothing here guards a secret: the
//! tokens made of them open nothing but this sandbox.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Eight bytes that were not given before.
pub(crate) fn number() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// As many bytes as asked for.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut all = [0; N];
    for chunk in all.chunks_mut(8) {
        let eight = number().to_le_bytes();
        chunk.copy_from_slice(&eight[..chunk.len()]);
    }
    all
}
