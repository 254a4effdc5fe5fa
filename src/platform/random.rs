//! Randomness from the operating system.

use std::hash::{Hash, Hasher};

use super::clock;

/// Fresh random bytes. Where the system has none (a filter of system calls, an old kernel without `/dev/urandom`), they come
/// from the clocks and from where the loader put things: enough for waits and for a hash table, which is all that they are
/// for.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::getrandom(&mut bytes).is_err() {
        fill_from_surroundings(&mut bytes);
    }
    bytes
}

/// True if the operating system has randomness to give. Without it TLS cannot work, and the standard library's hash tables,
/// which TLS uses, panic.
pub(crate) fn is_available() -> bool {
    getrandom::getrandom(&mut [0]).is_ok()
}

/// The same, but none at all where the system has none: for what must not be guessed or repeated.
#[cfg(all(any(feature = "store-file", feature = "store-redis"), not(loom)))]
pub(crate) fn secret_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::getrandom(&mut bytes).ok().map(|()| bytes)
}

fn fill_from_surroundings(bytes: &mut [u8]) {
    for (index, chunk) in bytes.chunks_mut(8).enumerate() {
        let mut hasher = std::hash::DefaultHasher::new();
        (index, clock::now(), std::process::id(), chunk.as_ptr() as usize).hash(&mut hasher);
        (std::time::SystemTime::now(), std::time::Instant::now()).hash(&mut hasher);
        chunk.copy_from_slice(&hasher.finish().to_ne_bytes()[..chunk.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_without_the_systems_help_differ_too() {
        let take = || {
            let mut bytes = [0; 19];
            fill_from_surroundings(&mut bytes);
            bytes
        };
        let (one, two) = (take(), take());
        assert_ne!(one, two);
        assert_ne!(one[..8], one[8..16]);
        assert_ne!(one[16..], [0; 3]);
    }
}
