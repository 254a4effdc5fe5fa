//! The story of one call: credentials, cache, flight, attempts, session.

use std::sync::Arc;
use std::time::Duration;

use crate::attempts::{self, Series};
use crate::budget::Applicant;
use crate::cache::Found;
use crate::cancel::{Bounds, Cancel, Stop};
use crate::clock::Moment;
use crate::credentials::{self, Credentials, Look};
use crate::digest::{CacheKey, Lane};
use crate::error::{Error, Status};
use crate::flight::{Heard, Lead, Outcome, Seat, Spent, Way};
use crate::options::{CacheMode, Options};
use crate::realm::Realm;
use crate::secret::Secrets;
use crate::session::{Owner, Session};
use crate::state::{Shared, State};
use crate::user_agent;
use crate::world::World;

/// The most that a refresh may cost a caller who has a good token in hand.
const QUICK: Duration = Duration::from_secs(5);

/// What a caller wants.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The key id as given; blank to have one found.
    pub(crate) key_id: &'a [u8],
    /// The application key as given; blank to have one found.
    pub(crate) key: &'a [u8],
    pub(crate) options: &'a Options,
    pub(crate) ask: Ask<'a>,
}

impl Wish<'_> {
    /// Any token that lives will do.
    fn takes_any(&self) -> bool {
        matches!(self.ask, Ask::AsOptionsSay) && self.options.cache == CacheMode::Use
    }
}

/// Why the caller calls.
#[derive(Clone, Copy)]
pub(crate) enum Ask<'a> {
    /// To have a session; whether a cached one will do is for the options to say.
    AsOptionsSay,
    /// To have one that B2 grants now.
    Anew,
    /// B2 refused this one.
    After(&'a Session),
}

/// The whole job: a session for a key, from the cache or from B2.
pub(crate) fn authorize(shared: &Shared, world: World<'_>, wish: &Wish<'_>) -> Result<Arc<Session>, Error> {
    if wish.options.cancel.as_ref().is_some_and(Cancel::is_triggered) {
        return Err(attempts::cancelled());
    }
    if let Some(session) = hit(shared, world.clock.now(), wish) {
        return Ok(session);
    }
    let realm = wish.options.realm.as_ref().map_err(Clone::clone)?;
    let find = |look| credentials::find(shared, wish.key_id, wish.key, wish.options, look);
    let mut found = find(Look::Remember)?;
    if let credentials::Found::Known(cache_key) = &found {
        if let Some(answer) = at_hand(shared, world.clock.now(), wish, cache_key) {
            return answer;
        }
        found = find(Look::Anew)?;
    }
    let credentials::Found::Pair(credentials) = found else {
        return Err(Error::internal("a key was asked for and not read"));
    };
    let bounds = Bounds::new(world.clock, wish.options.cancel.as_ref());
    let call = Call {
        shared,
        world,
        options: wish.options,
        realm: credentials.realm().unwrap_or(realm),
        credentials: &credentials,
        cache_key: credentials.cache_key(wish.options),
        bounds: wish.options.total().map_or(bounds, |total| bounds.within(total)),
    };
    call.run(wish.ask)
}

/// The way of nearly every call: given credentials, and a good token for them. No allocation, no system call.
fn hit(shared: &Shared, now: Moment, wish: &Wish<'_>) -> Option<Arc<Session>> {
    let (key_id, key) = (wish.key_id.trim_ascii(), wish.key.trim_ascii());
    if !wish.takes_any() || wish.options.realm.is_err() || key_id.is_empty() || key.is_empty() {
        return None;
    }
    cached(&mut shared.lock(), &CacheKey::new(wish.options.scope(), key_id, key), wish.options, now)
}

/// The token to hand out, unless there is none or the caller has to refresh it first.
fn cached(state: &mut State, key: &CacheKey, options: &Options, now: Moment) -> Option<Arc<Session>> {
    let session = match state.cache.find(key, options.min_remaining, now) {
        Found::Fresh(session) => session,
        Found::Stale { session, due } if !due || state.flights.is_aloft(key) => session,
        _ => return None,
    };
    state.counters.cache_hits += 1;
    Some(session)
}

/// All that can be answered without the key: a good token, or a refusal not yet forgotten.
fn at_hand(shared: &Shared, now: Moment, wish: &Wish<'_>, key: &CacheKey) -> Option<Result<Arc<Session>, Error>> {
    if !wish.takes_any() {
        return None;
    }
    let mut state = shared.lock();
    if let Some(session) = cached(&mut state, key, wish.options, now) {
        return Some(Ok(session));
    }
    // A token past its best, or with too little left: those are for the call that has the key.
    if state.cache.is_live(key, now) || state.flights.is_aloft(key) {
        return None;
    }
    let (error, age) = state.cache.refusal(key, wish.options.negative_ttl, now)?;
    let error = error.clone().remembered(age);
    state.counters.negative_hits += 1;
    Some(Err(error))
}

/// One call, once it is known for whom.
struct Call<'a> {
    shared: &'a Shared,
    world: World<'a>,
    options: &'a Options,
    realm: &'a Realm,
    credentials: &'a Credentials,
    cache_key: CacheKey,
    bounds: Bounds<'a>,
}

/// Which tokens will do.
#[derive(Clone, Copy)]
enum Want<'a> {
    /// Any that lives.
    Any,
    /// One born after this, which B2 refused.
    NewerThan(&'a Session),
    /// Only one that B2 is asked for now.
    New,
}

/// What the shared state has for a caller.
enum Step<'s> {
    Have(Arc<Session>),
    Refused(Error),
    Wait(Seat<'s>),
    /// Ask B2; `old` is the living token to fall back on.
    Lead {
        lead: Lead<'s>,
        old: Option<Arc<Session>>,
    },
}

impl Call<'_> {
    fn run(&self, ask: Ask<'_>) -> Result<Arc<Session>, Error> {
        let rejected = match ask {
            Ask::After(session) if session.cache_key() == self.cache_key => Some(session),
            _ => None,
        };
        if let Some(session) = rejected {
            self.fence(session);
        }
        let want = match (self.options.cache, ask, rejected) {
            (CacheMode::Bypass, ..) => return self.bypass(rejected),
            (CacheMode::Refresh, ..) | (_, Ask::Anew, _) => Want::New,
            (CacheMode::Use, _, Some(session)) => Want::NewerThan(session),
            (CacheMode::Use, _, None) => Want::Any,
        };
        let mut first = true;
        loop {
            let session = match self.look(want, std::mem::take(&mut first)) {
                Step::Have(session) => session,
                Step::Refused(error) => return Err(error),
                Step::Lead { lead, old } => match self.lead(lead, old, rejected)? {
                    Some(session) => session,
                    // The old token was refused while it was being refreshed: this is a new situation.
                    None => continue,
                },
                Step::Wait(seat) => match seat.wait(&self.way(), self.options.max_attempts, &self.bounds) {
                    Heard::Verdict(verdict) => verdict?,
                    Heard::Lead(lead) => match self.lead(lead, None, rejected)? {
                        Some(session) => session,
                        None => continue,
                    },
                    Heard::Stopped(Stop::Cancelled) => return Err(attempts::cancelled()),
                    Heard::Stopped(Stop::Deadline) => return Err(attempts::timed_out(self.realm)),
                },
            };
            // Between the verdict and this thread's waking, somebody else may have used the token and been refused.
            if !session.is_rejected() {
                return Ok(session);
            }
        }
    }

    /// B2 refused this session's token: nobody gets it again.
    fn fence(&self, rejected: &Session) {
        rejected.mark_rejected();
        self.shared.lock().cache.drop_exactly(rejected);
    }

    /// Cache first, then the air, then what is known of the key, then B2.
    fn look(&self, want: Want<'_>, first: bool) -> Step<'_> {
        let now = self.world.clock.now();
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let found = match want {
            Want::New => Found::Nothing,
            Want::Any | Want::NewerThan(_) => state.cache.find(&self.cache_key, self.options.min_remaining, now),
        };
        let will_do = |session: &Session| match want {
            Want::NewerThan(rejected) => session.is_newer_than(rejected),
            Want::Any | Want::New => true,
        };
        let old = match found {
            Found::Fresh(session) if will_do(&session) => {
                state.counters.cache_hits += u64::from(first);
                return Step::Have(session);
            }
            Found::Stale { session, due } if will_do(&session) => {
                if !due || state.flights.is_aloft(&self.cache_key) {
                    state.counters.cache_hits += u64::from(first);
                    return Step::Have(session);
                }
                Some(session)
            }
            _ => None,
        };
        if let Some(seat) = state.flights.join(self.shared, self.cache_key) {
            state.counters.cache_misses += u64::from(first);
            state.counters.coalesced += u64::from(first);
            return Step::Wait(seat);
        }
        if old.is_none()
            && matches!(want, Want::Any)
            && let Some((error, age)) = state.cache.refusal(&self.cache_key, self.options.negative_ttl, now)
        {
            state.counters.negative_hits += 1;
            return Step::Refused(error.clone().remembered(age));
        }
        state.counters.cache_misses += u64::from(first);
        Step::Lead { lead: state.flights.start(self.shared, self.cache_key), old }
    }

    /// Asks B2 for everybody who waits. `None`: look again.
    fn lead(
        &self,
        mut lead: Lead<'_>,
        old: Option<Arc<Session>>,
        rejected: Option<&Session>,
    ) -> Result<Option<Arc<Session>>, Error> {
        let outcome = self.series(old.is_some(), rejected).run(lead.take_spent());
        let tenth = self.world.dice.roll();
        let now = self.world.clock.now();
        let outcome = lead.land(outcome, |state, keep, outcome| self.settle(state, keep, outcome, tenth, now));
        let error = match outcome {
            Outcome::Granted(session) => return Ok(Some(session)),
            Outcome::Refused(error) | Outcome::Lost(error, _) | Outcome::Own(error, _) => error,
        };
        let Some(old) = old.filter(|_| !is_about_the_key(error.status()) && error.status() != Status::Cancelled) else {
            return Err(error);
        };
        if old.is_rejected() || old.life().is_dead(now) {
            return Ok(None);
        }
        self.shared.lock().counters.stale_served += 1;
        Ok(Some(old))
    }

    /// Writes an outcome into the shared state.
    fn settle(&self, state: &mut State, keep: bool, outcome: &Outcome, tenth: f64, now: Moment) {
        match outcome {
            Outcome::Granted(session) => {
                if keep && !session.life().is_dead(now) {
                    state.cache.keep(session, tenth);
                    state.budget.note_holder(self.lane(), self.cache_key, now);
                }
            }
            Outcome::Refused(error) => {
                state.cache.put_off_refresh(&self.cache_key, error.retry_after(), now);
                if is_about_the_key(error.status()) {
                    state.cache.drop_session(&self.cache_key);
                }
                if keep && (is_about_the_key(error.status()) || error.status() == Status::CapExceeded) {
                    state.cache.remember(self.cache_key, error.clone(), now);
                }
            }
            // A cancelled refresh has not failed: the next caller may try.
            Outcome::Own(error, _) if error.status() == Status::Cancelled => {}
            Outcome::Lost(error, _) | Outcome::Own(error, _) => {
                state.cache.put_off_refresh(&self.cache_key, error.retry_after(), now);
            }
        }
    }

    /// Asks B2 past the cache, for this caller alone.
    fn bypass(&self, rejected: Option<&Session>) -> Result<Arc<Session>, Error> {
        self.shared.lock().counters.cache_misses += 1;
        match self.series(false, rejected).run(Spent::default()) {
            Outcome::Granted(session) => Ok(session),
            Outcome::Refused(error) | Outcome::Lost(error, _) | Outcome::Own(error, _) => Err(error),
        }
    }

    /// The attempts of this call. They are `quick` if it has a good token in hand.
    fn series(&self, quick: bool, rejected: Option<&Session>) -> Series<'_> {
        let authorization = self.credentials.basic();
        let held = self.shared.lock().cache.peek(&self.cache_key).cloned();
        let attempt = self.options.attempt_timeout;
        Series {
            shared: self.shared,
            world: self.world,
            options: self.options,
            owner: Owner { key_id: self.credentials.key_id(), realm: self.realm, cache_key: self.cache_key },
            credentials: self.credentials,
            secrets: Secrets::new(self.credentials.key(), &authorization),
            authorization,
            user_agent: user_agent::of(self.options),
            account_id: held.as_deref().or(rejected).map(|session| session.account_id().to_owned()),
            applicant: Applicant {
                lane: self.lane(),
                key: self.cache_key,
                per_minute: self.options.rate_limit_per_minute,
            },
            bounds: self.bounds,
            way: Way { attempt: if quick { attempt.min(QUICK) } else { attempt }, ..self.way() },
            quick,
        }
    }

    fn lane(&self) -> Lane {
        Lane::new(self.realm, self.credentials.key_id().as_bytes())
    }

    fn way(&self) -> Way {
        Way {
            proxy: self.options.proxy.clone(),
            connect: self.options.connect_timeout,
            attempt: self.options.attempt_timeout,
        }
    }
}

/// Verdicts on the key itself: a token granted to it before is not to be trusted any more.
fn is_about_the_key(status: Status) -> bool {
    matches!(status, Status::BadCredentials | Status::KeyNotSupported | Status::AccessDenied)
}
