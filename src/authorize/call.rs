//! The story of one call, once it is known for whom: cache, flight, attempts, session.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::retry::{self, Series};
use crate::credentials::Credentials;
use crate::diag::error::{Error, Status};
use crate::diag::log::Level;
use crate::diag::redact::Secrets;
use crate::model::cache_key::{CacheKey, Lane};
use crate::model::realm::Realm;
use crate::model::session::{Owner, Session};
use crate::model::timestamp::Moment;
use crate::options::user_agent;
use crate::options::{CacheMode, Options};
use crate::ports::World;
use crate::ports::cancel::{Bounds, Stop};
use crate::state::cache::Found;
use crate::state::crew::{Heard, Lead, Seat};
use crate::state::flight::{Outcome, Spent, Way};
use crate::state::rate_limit::Applicant;
use crate::state::{Shared, State};

/// The most that a refresh may cost a caller who has a good token in hand.
const QUICK: Duration = Duration::from_secs(5);

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

/// One call, once it is known for whom.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) world: World<'a>,
    pub(crate) options: &'a Options,
    pub(crate) realm: &'a Realm,
    pub(crate) credentials: &'a Credentials,
    pub(crate) cache_key: CacheKey,
    pub(crate) bounds: Bounds<'a>,
    /// Requests made so far. A call whose token is refused under it may lead more than one series.
    pub(crate) asked: Cell<u32>,
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
    pub(crate) fn run(&self, ask: Ask<'_>) -> Result<Arc<Session>, Error> {
        self.go(ask).map_err(|error| error.after_requests(self.asked.get()))
    }

    fn go(&self, ask: Ask<'_>) -> Result<Arc<Session>, Error> {
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
            let step = self.look(want, std::mem::take(&mut first));
            self.tell(&step, want);
            let session = match step {
                Step::Have(session) => session,
                Step::Refused(error) => return Err(error),
                Step::Lead { lead, old } => match self.lead(lead, old, rejected)? {
                    Some(session) => session,
                    // The old token was refused while it was being refreshed: this is a new situation.
                    None => continue,
                },
                Step::Wait(seat) => match seat.wait(&self.way(), self.options.max_attempts, &self.bounds) {
                    Heard::Verdict(verdict) => verdict?,
                    Heard::Lead(lead) => {
                        self.say(
                            Level::Info,
                            format_args!("whoever was asking B2 has left: this call goes on in its place"),
                        );
                        match self.lead(lead, None, rejected)? {
                            Some(session) => session,
                            None => continue,
                        }
                    }
                    Heard::Stopped(Stop::Cancelled) => return Err(retry::cancelled()),
                    Heard::Stopped(Stop::Deadline) => return Err(retry::timed_out(self.realm)),
                },
            };
            // Between the verdict and this thread's waking, somebody else may have used the token and been refused.
            if !session.is_rejected() {
                return Ok(session);
            }
        }
    }

    fn say(&self, level: Level, message: fmt::Arguments<'_>) {
        self.options.say(level, message);
    }

    fn tell(&self, step: &Step<'_>, want: Want<'_>) {
        let host = self.realm.host();
        match step {
            Step::Have(_) => self.say(Level::Debug, format_args!("cache hit")),
            Step::Refused(_) => self.say(Level::Debug, format_args!("B2 refused this key a while ago")),
            Step::Wait(_) => {
                self.say(Level::Debug, format_args!("{host} is being asked for this key: waiting for that"))
            }
            Step::Lead { .. } if matches!(want, Want::New) => {
                self.say(Level::Info, format_args!("a new token is wanted: {host} is to be asked"));
            }
            Step::Lead { old: None, .. } => self.say(Level::Info, format_args!("cache miss: {host} is to be asked")),
            Step::Lead { old: Some(_), .. } => {
                self.say(Level::Info, format_args!("the token grows old: {host} is to be asked for a new one"));
            }
        }
    }

    /// B2 refused this session's token: nobody gets it again.
    fn fence(&self, rejected: &Session) {
        rejected.mark_rejected();
        if self.shared.lock().cache.drop_exactly(rejected) {
            self.say(Level::Info, format_args!("B2 refused the cached token: it is dropped"));
        }
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
        if let Some(seat) = Seat::take(self.shared, state, self.cache_key) {
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
        Step::Lead { lead: Lead::start(self.shared, state, self.cache_key), old }
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
        self.say(Level::Warn, format_args!("the old token is handed out, since the refresh failed: {error}"));
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
        self.say(Level::Info, format_args!("the cache is passed by: {} is to be asked", self.realm.host()));
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
        let known = held.as_deref().into_iter().chain(rejected);
        let secrets = Secrets::new(self.credentials.key(), &authorization);
        Series {
            shared: self.shared,
            world: self.world,
            options: self.options,
            owner: Owner { key_id: self.credentials.key_id(), realm: self.realm, cache_key: self.cache_key },
            credentials: self.credentials,
            secrets: known.fold(secrets, |secrets, known| secrets.with_token(known.authorization_token())),
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
            asked: &self.asked,
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
