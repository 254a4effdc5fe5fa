//! A map that holds a bounded number of entries: past that, the least recently used goes first.

use std::hash::{BuildHasher, Hash};

use lru::LruCache;

/// The map. Its cost per operation does not grow with it.
pub(crate) struct BoundedLru<K, V, S> {
    // Unbounded as far as the crate knows: a bounded one allocates all its slots at once.
    map: LruCache<K, V, S>,
    max: usize,
}

impl<K: Hash + Eq, V, S: BuildHasher + Default> BoundedLru<K, V, S> {
    pub(crate) fn new(max: usize) -> Self {
        Self { map: LruCache::unbounded_with_hasher(S::default()), max }
    }

    /// The entry, which counts as used.
    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    /// The entry, without counting as a use.
    pub(crate) fn peek(&self, key: &K) -> Option<&V> {
        self.map.peek(key)
    }

    /// The entry, without counting as a use.
    pub(crate) fn peek_mut(&mut self, key: &K) -> Option<&mut V> {
        self.map.peek_mut(key)
    }

    /// The entry, made by `make` if there is none.
    pub(crate) fn get_or_insert_mut(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if self.map.len() >= self.max && !self.map.contains(&key) {
            self.map.pop_lru();
        }
        self.map.get_or_insert_mut(key, make)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.map.put(key, value);
        while self.map.len() > self.max {
            self.map.pop_lru();
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.map.pop(key)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}
