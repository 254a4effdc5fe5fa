//! What the shared state has for a call: the one place that asks the cache, the flights and the negative cache together.

use std::sync::Arc;

use super::call::Call;
use crate::diag::error::Error;
use crate::diag::log::{Level, is_in_callback};
use crate::model::session::Session;
use crate::state::cache::Lookup;
use crate::state::single_flight::{Follower, Leader};

/// Which tokens will do.
#[derive(Clone, Copy)]
pub(super) enum Requirement<'a> {
    /// Any that is not expired.
    Any,
    /// One that was granted after this one, which B2 refused.
    NewerThan(&'a Session),
    /// Only one that B2 grants now.
    Fresh,
}

/// What the shared state has for a caller.
pub(super) enum Decision<'s> {
    Hit(Arc<Session>),
    NegativeHit(Error),
    Follow(Follower<'s>),
    /// Ask B2 beside a request in flight, which this call must not wait for.
    Alone {
        stale: Option<Arc<Session>>,
    },
    /// Ask B2; `stale` is the valid token to fall back on.
    Lead {
        leader: Leader<'s>,
        stale: Option<Arc<Session>>,
    },
}

impl<'a> Call<'a> {
    /// Cache first, then a request in flight, then the negative cache, then B2. With `count` it counts as a call.
    pub(super) fn decide(&self, requirement: Requirement<'_>, count: bool) -> Decision<'a> {
        let now = self.runtime.env.clock.now();
        let cache_key = self.identity.cache_key();
        let shared = self.runtime.shared;
        let mut guard = shared.lock();
        let state = &mut *guard;
        let lookup = match requirement {
            Requirement::Fresh => Lookup::Miss,
            Requirement::Any | Requirement::NewerThan(_) => {
                state.cache.get(&cache_key, self.options.min_remaining, now)
            }
        };
        let meets = |session: &Session| match requirement {
            Requirement::NewerThan(rejected) => session.is_newer_than(rejected),
            Requirement::Any | Requirement::Fresh => true,
        };
        let stale = match lookup {
            Lookup::Fresh(session) if meets(&session) => {
                state.counters.cache_hits += u64::from(count);
                return Decision::Hit(session);
            }
            Lookup::Stale { session, refresh_due } if meets(&session) => {
                if !refresh_due || state.single_flight.contains(&cache_key) {
                    state.counters.cache_hits += u64::from(count);
                    return Decision::Hit(session);
                }
                Some(session)
            }
            _ => None,
        };
        if is_in_callback() && state.single_flight.contains(&cache_key) {
            // The thread that leads may be waiting for this one to return from the log function.
            state.counters.cache_misses += u64::from(count);
            return Decision::Alone { stale };
        }
        if let Some(follower) = Follower::join(shared, state, cache_key) {
            state.counters.cache_misses += u64::from(count);
            state.counters.coalesced += u64::from(count);
            return Decision::Follow(follower);
        }
        if stale.is_none()
            && matches!(requirement, Requirement::Any)
            && let Some((error, age)) = state.cache.negative(&cache_key, self.options.negative_ttl, now)
        {
            state.counters.negative_hits += 1;
            return Decision::NegativeHit(error.clone().into_negative_hit(age));
        }
        state.counters.cache_misses += u64::from(count);
        Decision::Lead { leader: Leader::start(shared, state, cache_key), stale }
    }

    pub(super) fn log_decision(&self, decision: &Decision<'_>, requirement: Requirement<'_>) {
        let host = self.identity.realm().host();
        match decision {
            Decision::Hit(_) => self.log(Level::Debug, format_args!("cache hit")),
            Decision::NegativeHit(_) => {
                self.log(Level::Debug, format_args!("negative cache hit: B2 refused this key before"))
            }
            Decision::Follow(_) => {
                self.log(
                    Level::Debug,
                    format_args!("waiting for the request to {host} that is in flight for this key"),
                );
            }
            Decision::Alone { .. } => {
                self.log(Level::Info, format_args!("called from the log function: asking {host} without waiting"));
            }
            Decision::Lead { .. } if matches!(requirement, Requirement::Fresh) => {
                self.log(Level::Info, format_args!("a new token is required: asking {host}"));
            }
            Decision::Lead { stale: None, .. } => self.log(Level::Info, format_args!("cache miss: asking {host}")),
            Decision::Lead { stale: Some(_), .. } => {
                self.log(Level::Info, format_args!("the token is stale: asking {host} for a new one"));
            }
        }
    }
}
