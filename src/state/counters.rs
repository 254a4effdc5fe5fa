//! What the library has done so far, counted under the one lock.

/// Counts since the process began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// Calls answered with a cached token.
    pub(crate) cache_hits: u64,
    /// Calls that had to ask B2, or wait for somebody who did.
    pub(crate) cache_misses: u64,
    /// Calls that waited for a request already in the air.
    pub(crate) coalesced: u64,
    /// Requests sent.
    pub(crate) requests: u64,
    /// Requests sent again after a failure.
    pub(crate) retries: u64,
    /// Waits for the budget or the gate.
    pub(crate) rate_waits: u64,
    /// Old but living tokens handed out because their refresh failed.
    pub(crate) stale_served: u64,
    /// Calls answered with a remembered refusal.
    pub(crate) negative_hits: u64,
    /// Tokens taken from a shared store.
    pub(crate) store_hits: u64,
}

impl Counters {
    /// The count of that name, if there is one.
    pub(crate) fn by_name(&self, name: &str) -> Option<u64> {
        Some(match name {
            "cache_hits" => self.cache_hits,
            "cache_misses" => self.cache_misses,
            "coalesced" => self.coalesced,
            "requests" => self.requests,
            "retries" => self.retries,
            "rate_waits" => self.rate_waits,
            "stale_served" => self.stale_served,
            "negative_hits" => self.negative_hits,
            "store_hits" => self.store_hits,
            _ => return None,
        })
    }
}
