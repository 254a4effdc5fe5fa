//! What the library has done so far, counted under the one lock.

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Counts since the process began.
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct Counters {
            $($(#[doc = $doc])+ pub(crate) $name: u64,)+
        }

        impl Counters {
            /// The count of that name, if there is one.
            pub(crate) fn by_name(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name),)+
                    _ => None,
                }
            }
        }
    };
}

counters! {
    /// Calls that returned a cached token.
    cache_hits,
    /// Calls that had to ask B2, or wait for another call that did.
    cache_misses,
    /// Calls that waited for a request already in flight.
    coalesced,
    /// Requests sent.
    requests,
    /// Requests sent again after a failure.
    retries,
    /// Waits for the local rate limit or for B2's `Retry-After`.
    rate_waits,
    /// Stale but valid tokens returned because their refresh failed.
    stale_served,
    /// Calls that returned a remembered refusal.
    negative_hits,
    /// Tokens taken from a shared store.
    store_hits,
    /// Dealings with a shared store that failed.
    store_errors,
}
