//! A map that holds a bounded number of entries: past that, one that was not used lately makes room.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;

/// The map, with eviction by the CLOCK algorithm: a use sets a mark in the entry, and a hand that goes round the table
/// evicts the first entry whose mark has not been set since it last came by. A use writes nothing but that mark.
pub(crate) struct BoundedMap<K, V, S> {
    table: HashTable<Entry<K, V>>,
    hasher: S,
    hand: usize,
    max: usize,
}

struct Entry<K, V> {
    key: K,
    value: V,
    is_used: bool,
}

impl<K: Hash + Eq, V, S: BuildHasher + Default> BoundedMap<K, V, S> {
    pub(crate) fn new(max: usize) -> Self {
        Self { table: HashTable::new(), hasher: S::default(), hand: 0, max }
    }

    /// The entry, which counts as used.
    pub(crate) fn get(&mut self, key: &K) -> Option<&mut V> {
        let entry = self.table.find_mut(self.hasher.hash_one(key), |entry| entry.key == *key)?;
        entry.is_used = true;
        Some(&mut entry.value)
    }

    /// The entry, without counting as a use.
    pub(crate) fn peek(&self, key: &K) -> Option<&V> {
        self.table.find(self.hasher.hash_one(key), |entry| entry.key == *key).map(|entry| &entry.value)
    }

    /// The entry whose key has this hash, without counting as a use: for keys that are told apart by their hashes.
    pub(crate) fn peek_hash(&self, hash: u64) -> Option<&V> {
        self.table.find(hash, |entry| self.hasher.hash_one(&entry.key) == hash).map(|entry| &entry.value)
    }

    /// The entry, without counting as a use.
    pub(crate) fn peek_mut(&mut self, key: &K) -> Option<&mut V> {
        self.table.find_mut(self.hasher.hash_one(key), |entry| entry.key == *key).map(|entry| &mut entry.value)
    }

    /// The entry, which counts as used, or else a new one, made by `make`, which does not yet.
    pub(crate) fn get_or_insert_mut(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let hash = self.hasher.hash_one(&key);
        let is_known = self.table.find(hash, |entry| entry.key == key).is_some();
        if !is_known {
            self.make_room(|_, _| false);
        }
        let hasher = &self.hasher;
        let entry = self
            .table
            .entry(hash, |entry| entry.key == key, |entry| hasher.hash_one(&entry.key))
            .or_insert_with(|| Entry { key, value: make(), is_used: false })
            .into_mut();
        entry.is_used |= is_known;
        &mut entry.value
    }

    /// Inserts an entry, and returns the value that it replaced or that made room for it.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.insert_unless(key, value, |_, _| false)
    }

    /// Inserts an entry, and returns the value that it replaced or that made room for it. An entry for which `is_used` is
    /// true makes no room, as if it had been used through this map.
    pub(crate) fn insert_unless(&mut self, key: K, value: V, is_used: impl FnMut(&K, &V) -> bool) -> Option<V> {
        if let Some(old) = self.peek_mut(&key) {
            return Some(std::mem::replace(old, value));
        }
        let evicted = self.make_room(is_used);
        let hasher = &self.hasher;
        let entry = Entry { key, value, is_used: false };
        self.table.insert_unique(hasher.hash_one(&entry.key), entry, |entry| hasher.hash_one(&entry.key));
        evicted
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        match self.table.find_entry(self.hasher.hash_one(key), |entry| entry.key == *key) {
            Ok(entry) => Some(entry.remove().0.value),
            Err(_) => None,
        }
    }

    /// Evicts an entry if the map is full. The hand goes round twice at most: the first time it clears every mark.
    fn make_room(&mut self, mut is_used: impl FnMut(&K, &V) -> bool) -> Option<V> {
        if self.table.len() < self.max {
            return None;
        }
        let buckets = self.table.num_buckets();
        for turn in 0..2 * buckets {
            self.hand = (self.hand + 1) % buckets;
            let Ok(mut bucket) = self.table.get_bucket_entry(self.hand) else { continue };
            let Entry { key, value, is_used: mark } = bucket.get_mut();
            let was_used = std::mem::take(mark) | is_used(key, value);
            if !was_used || turn >= buckets {
                return Some(bucket.remove().0.value);
            }
        }
        None
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    fn full(max: u32) -> BoundedMap<u32, u32, RandomState> {
        let mut map = BoundedMap::new(max as usize);
        (0..max).for_each(|number| assert_eq!(map.insert(number, number), None));
        map
    }

    #[test]
    fn an_entry_that_was_not_used_makes_room() {
        let mut map = full(100);
        (0..99).for_each(|number| assert_eq!(map.get(&number), Some(&mut number.clone())));
        assert_eq!(map.insert(100, 100), Some(99));
        assert_eq!((map.len(), map.peek(&99)), (100, None));
        assert_eq!(map.insert(100, 101), Some(100), "a replacement needs no room");
    }

    #[test]
    fn where_all_were_used_or_are_said_to_be_one_makes_room_all_the_same() {
        let mut map = full(100);
        (0..100).for_each(|number| assert!(map.get(&number).is_some()));
        assert!(map.insert(100, 100).is_some());
        assert!(map.insert_unless(101, 101, |_, _| true).is_some());
        assert_eq!(map.len(), 100);
    }

    #[test]
    fn an_entry_in_use_elsewhere_makes_no_room() {
        let mut map = full(100);
        for number in 100..1_000 {
            assert_ne!(map.insert_unless(number, number, |key, _| *key == 7), Some(7));
        }
        assert_eq!(map.peek(&7), Some(&7));
        *map.get_or_insert_mut(1_000, || 5) += 1;
        assert_eq!((map.len(), map.remove(&1_000), map.len()), (100, Some(6), 99));
    }
}
