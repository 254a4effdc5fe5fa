//! The tokens that B2 refused lately, by their digests: a shared store may still have them.

use crate::model::bounded_map::BoundedMap;
use crate::model::cache_key::{BuildPassThrough, CacheKey, digest};

/// Keys remembered; past that one that was not refused again is dropped.
const MAX_KEYS: usize = 4_096;
/// Tokens of each.
const MAX_TOKENS: usize = 4;

/// The digests of refused tokens by key.
pub(crate) struct RefusedTokens(BoundedMap<CacheKey, [Option<u128>; MAX_TOKENS], BuildPassThrough>);

impl Default for RefusedTokens {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_KEYS))
    }
}

impl RefusedTokens {
    pub(crate) fn add(&mut self, key: CacheKey, token: &str) {
        let digest = Some(digest(token.as_bytes()));
        let known = self.0.get_or_insert_mut(key, Default::default);
        if !known.contains(&digest) {
            known.rotate_right(1);
            known[0] = digest;
        }
    }

    pub(crate) fn contains(&self, key: &CacheKey, token: &str) -> bool {
        self.0.peek(key).is_some_and(|known| known.contains(&Some(digest(token.as_bytes()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cache_key::CacheScope;
    use crate::model::realm::Realm;

    #[test]
    fn the_last_few_of_each_key_are_known() {
        let scope = CacheScope::new(&Realm::production(), None);
        let (one, other) = (CacheKey::new(&scope, b"id", b"one"), CacheKey::new(&scope, b"id", b"other"));
        let mut refused = RefusedTokens::default();
        for token in ["a", "b", "b", "c", "d", "e"] {
            refused.add(one, token);
        }
        let known = |token| refused.contains(&one, token);
        assert_eq!(["a", "b", "c", "d", "e", "f"].map(known), [false, true, true, true, true, false]);
        assert!(!refused.contains(&other, "b"));
    }
}
