//! The way in: a token at hand, or credentials and the story of a call.

mod attempt;
pub(crate) mod call;
mod classify;
mod clock_skew;
#[cfg(loom)]
mod loom_tests;
mod retry;
pub(crate) mod retry_after;

use std::cell::Cell;
use std::sync::Arc;

use self::call::{Ask, Call};
use crate::credentials::{self, Look};
use crate::diag::error::{Error, Status};
use crate::diag::log::Level;
use crate::model::cache_key::CacheKey;
use crate::model::session::Session;
use crate::model::timestamp::Moment;
use crate::options::{CacheMode, Options};
use crate::ports::World;
use crate::ports::cancel::{Bounds, Cancel, Stop};
use crate::state::Shared;
use crate::state::cache::Found;

/// What a caller wants.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The key id as given; blank to have one found.
    pub(crate) key_id: &'a [u8],
    /// The application key as given; blank to have one found.
    pub(crate) key: &'a [u8],
    pub(crate) options: &'a Options,
    pub(crate) ask: Ask<'a>,
    /// When the batch ends that this belongs to, by the boot clock.
    pub(crate) until_ms: Option<u64>,
}

impl Wish<'_> {
    /// Any token that lives will do.
    fn takes_any(&self) -> bool {
        matches!(self.ask, Ask::AsOptionsSay) && self.options.cache == CacheMode::Use
    }
}

/// The whole job: a session for a key, from the cache or from B2.
pub(crate) fn authorize(shared: &Shared, world: World<'_>, wish: &Wish<'_>) -> Result<Arc<Session>, Error> {
    let result = obtain(shared, world, wish).map_err(|error| explained(world, wish, error));
    if let Err(error) = &result {
        let name = error.status().name().to_string_lossy();
        wish.options.say(Level::Error, format_args!("the call fails with {name}: {error}"));
    }
    result
}

/// Where the end of a batch ended a request, its own limits have no part in it.
fn explained(world: World<'_>, wish: &Wish<'_>, error: Error) -> Error {
    let over = wish.until_ms.is_some_and(|end| world.clock.now().boot_ms >= end);
    if over && error.status() == Status::Timeout {
        error.with_hint(
            "the time of the batch ran out: allow more (batch_timeout_ms), or more requests at once (concurrency)",
        )
    } else {
        error
    }
}

fn obtain(shared: &Shared, world: World<'_>, wish: &Wish<'_>) -> Result<Arc<Session>, Error> {
    if let Some(session) = at_hand(shared, world, wish) {
        return Ok(session);
    }
    if is_cancelled(wish.options) {
        return Err(retry::cancelled());
    }
    let realm = wish.options.realm.as_ref().map_err(Clone::clone)?;
    let find = |look| credentials::find(shared, wish.key_id, wish.key, wish.options, look);
    let mut found = find(Look::Remember)?;
    if let credentials::Found::Known(cache_key) = &found {
        if let Some(answer) = without_key(shared, world, wish, cache_key) {
            return answer;
        }
        found = match find(Look::Anew) {
            Ok(found) => found,
            Err(error) => return spared(shared, world, wish, cache_key, error),
        };
    }
    let credentials::Found::Pair(credentials) = found else {
        return Err(Error::internal("a key was asked for and not read"));
    };
    wish.options.say(Level::Debug, format_args!("the application key comes from {}", credentials.source()));
    let bounds = Bounds::new(world.clock, wish.options.cancel.as_ref()).until(wish.until_ms);
    if bounds.stop() == Some(Stop::Deadline) {
        return Err(retry::out_of_turn());
    }
    let call = Call {
        shared,
        world,
        options: wish.options,
        realm: credentials.realm().unwrap_or(realm),
        credentials: &credentials,
        cache_key: credentials.cache_key(wish.options),
        bounds: wish.options.total().map_or(bounds, |total| bounds.within(total)),
        asked: Cell::new(0),
    };
    call.run(wish.ask)
}

/// A triggered cancel wins even over a cached token.
fn is_cancelled(options: &Options) -> bool {
    options.cancel.as_ref().is_some_and(Cancel::is_triggered)
}

/// The way of nearly every call: given credentials, and a good token for them. No allocation, no system call.
pub(crate) fn at_hand(shared: &Shared, world: World<'_>, wish: &Wish<'_>) -> Option<Arc<Session>> {
    let (key_id, key) = (wish.key_id.trim_ascii(), wish.key.trim_ascii());
    if !wish.takes_any()
        || wish.options.realm.is_err()
        || key_id.is_empty()
        || key.is_empty()
        || is_cancelled(wish.options)
    {
        return None;
    }
    let now = world.clock.now();
    let cache_key = CacheKey::new(wish.options.scope(), key_id, key);
    cached(shared, &cache_key, wish, now)
}

/// The token to hand out, unless there is none or this caller has to refresh it first.
fn cached(shared: &Shared, key: &CacheKey, wish: &Wish<'_>, now: Moment) -> Option<Arc<Session>> {
    let mut state = shared.lock();
    let session = match state.cache.find(key, wish.options.min_remaining, now) {
        Found::Fresh(session) => session,
        Found::Stale { session, due } if !due || state.flights.is_aloft(key) => session,
        _ => return None,
    };
    state.counters.cache_hits += 1;
    drop(state);
    wish.options.say(Level::Debug, format_args!("cache hit"));
    Some(session)
}

/// The file holds what it held, and its key can't be read just now: whoever has a good token does not suffer for that.
fn spared(
    shared: &Shared,
    world: World<'_>,
    wish: &Wish<'_>,
    key: &CacheKey,
    error: Error,
) -> Result<Arc<Session>, Error> {
    if !wish.takes_any() {
        return Err(error);
    }
    let now = world.clock.now();
    // Somebody who could read the key may have refreshed it meanwhile.
    if let Some(session) = cached(shared, key, wish, now) {
        return Ok(session);
    }
    let mut state = shared.lock();
    let Found::Stale { session, .. } = state.cache.find(key, wish.options.min_remaining, now) else {
        return Err(error);
    };
    state.cache.put_off_refresh(key, None, now);
    state.counters.stale_served += 1;
    drop(state);
    wish.options.say(Level::Warn, format_args!("the old token is handed out, since the refresh failed: {error}"));
    Ok(session)
}

/// All that can be answered where the key is known but not at hand: a good token, or a refusal not yet forgotten.
fn without_key(
    shared: &Shared,
    world: World<'_>,
    wish: &Wish<'_>,
    key: &CacheKey,
) -> Option<Result<Arc<Session>, Error>> {
    if !wish.takes_any() {
        return None;
    }
    let now = world.clock.now();
    if let Some(session) = cached(shared, key, wish, now) {
        return Some(Ok(session));
    }
    let mut state = shared.lock();
    // A token past its best, or with too little left: those are for the call that has the key.
    if state.cache.is_live(key, now) || state.flights.is_aloft(key) {
        return None;
    }
    let (error, age) = state.cache.refusal(key, wish.options.negative_ttl, now)?;
    let error = error.clone().remembered(age);
    state.counters.negative_hits += 1;
    drop(state);
    wish.options.say(Level::Debug, format_args!("B2 refused this key a while ago"));
    Some(Err(error))
}
