//! The way to B2 walked step by step, for a person who wants to know why it does not work, or that it does.
//!
//! It is the way of a call: the same credentials, the same connection, and one authorize request past the cache. What is
//! reported besides is read off that one walk.

mod contents;
mod environment;
mod grant;
mod identity;
mod report;
mod store;
mod way;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::authorize::{self, Runtime};
use crate::diag::error::Error;
use crate::diag::redact::Redactor;
use crate::model::realm::Realm;
use crate::model::rfc3339;
use crate::model::session::Session;
use crate::model::timestamp::Timestamp;
use crate::net::trace::{Stage, TracedTransport};
use crate::options::{Diagnosed, Options};
use crate::platform::thread::CancellationDisabled;
use crate::ports::Env;
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, HttpRequest};

use grant::Answer;
use identity::Identified;
pub(crate) use report::Report;
use report::Step;
use way::{Families, Way};

/// Walks the way to B2 for a key, or as far as it goes without one. Sends one authorize request at most, and neither reads
/// nor writes the cache. Or looks through the token store alone, if the options say so.
pub(crate) fn diagnose(runtime: Runtime<'_>, key_id: &[u8], key: &[u8], options: &Options) -> Report {
    let _uncancellable = CancellationDisabled::new();
    let (began, start) = (runtime.env.clock.now(), Instant::now());
    let limits = Limits::new(runtime.env.clock, options.cancel.as_ref());
    let limits = options.total().map_or(limits, |total| limits.with_timeout(total));
    if options.diagnose != Diagnosed::All {
        return look_through_store(began, start, options, &limits);
    }
    let walk = Walk::take(runtime, key_id, key, options, &limits);
    let steps = walk.steps(runtime, options, &limits);
    // A triggered cancel always wins.
    let error = authorize::cancelled(&limits).or_else(|| walk.result.as_ref().err().cloned());
    let started_at = rfc3339::from_millis(began.wall_ms);
    let mut report = Report::new(started_at, start.elapsed(), walk.requests(), error, steps);
    report.redact(&walk.redactor);
    report
}

fn look_through_store(began: Timestamp, start: Instant, options: &Options, limits: &Limits<'_>) -> Report {
    let found = contents::step(options, limits);
    let error = authorize::cancelled(limits).or_else(|| found.as_ref().err().cloned());
    let step = found.unwrap_or_else(|error| Step::failed_by(store::NAME, &error));
    let mut report = Report::new(rfc3339::from_millis(began.wall_ms), start.elapsed(), 0, error, vec![step]);
    report.redact(&Redactor::new("", "", ""));
    report
}

/// Everything that happened.
struct Walk {
    identified: Result<Identified, Error>,
    result: Result<Arc<Session>, Error>,
    transport: TracedTransport,
    /// Why there is no connection, if it was tried without a request to send.
    no_connection: Option<Failure>,
    families: Families,
    /// `None` without a key.
    store: Option<store::Inspected>,
    redactor: Redactor,
}

impl Walk {
    fn take(runtime: Runtime<'_>, key_id: &[u8], key: &[u8], options: &Options, limits: &Limits<'_>) -> Self {
        let transport = TracedTransport::default();
        let traced = Runtime { env: Env { transport: &transport, ..runtime.env }, ..runtime };
        let (mut identified, identity) = identity::find(key_id, key, options, limits);
        let mut redactor = identity.as_ref().ok().and_then(|identity| identity.credentials()).map_or_else(
            || Redactor::new("", "", ""),
            |credentials| Redactor::new(credentials.key_id(), credentials.key(), &credentials.basic()),
        );
        let store = identity.as_ref().ok().map(|identity| store::inspect(runtime, identity, options, limits));
        let result = identity.and_then(|identity| authorize::ask_once(traced, options, identity, limits));
        if let Ok(session) = &result {
            redactor = redactor.with_token(session.authorization_token());
        }
        if let Err(error) = &result
            && let Ok(identified) = &mut identified
            && let Some(advice) = error.hint().filter(|_| error.status().is_about_the_key())
        {
            identified.refused(advice);
        }
        let realm = Self::realm_of(&identified, options);
        let is_untried = transport.read(|trace| trace.last().is_none());
        let no_connection = match realm {
            Some(realm) if is_untried && limits.stop().is_none() => connect_only(&transport, &realm, options, limits),
            _ => None,
        };
        let families = Families::try_other(&transport, options.connect_timeout, limits);
        Self { identified, result, transport, no_connection, families, store, redactor }
    }

    fn realm_of(identified: &Result<Identified, Error>, options: &Options) -> Option<Realm> {
        let own = identified.as_ref().ok().map(|identified| identified.realm.clone());
        own.or_else(|| options.realm.as_ref().ok().cloned())
    }

    /// Authorize requests that were sent, in whole or in part.
    fn requests(&self) -> u32 {
        u32::from(self.transport.read(|trace| trace.last() == Some(Stage::Exchange)))
    }

    fn steps(&self, runtime: Runtime<'_>, options: &Options, limits: &Limits<'_>) -> Vec<Step> {
        let realm = Self::realm_of(&self.identified, options);
        let now = runtime.env.clock.now();
        let mut steps = vec![
            identity::step(&self.identified, self.result.is_ok()),
            environment::step(),
            way::realm_step(options, realm.as_ref()),
        ];
        match &realm {
            None => steps.extend(way::NAMES.map(|name| Step::skipped(name, "the realm is not valid"))),
            Some(realm) => {
                let way = Way {
                    realm,
                    options,
                    families: &self.families,
                    failure: self.result.as_ref().err(),
                    no_connection: self.no_connection.as_ref(),
                };
                steps.extend(self.transport.read(|trace| way.steps(trace, limits)));
            }
        }
        let answer =
            Answer { result: &self.result, has_key: self.identified.is_ok(), options, realm: realm.as_ref(), now };
        steps.extend(self.transport.read(|trace| answer.steps(trace)));
        steps.push(store::step(self.store.as_ref(), options));
        steps
    }
}

/// The way to the realm without a request, where there is none to send.
fn connect_only(transport: &TracedTransport, realm: &Realm, options: &Options, limits: &Limits<'_>) -> Option<Failure> {
    let request = HttpRequest {
        realm,
        authorization: "",
        user_agent: &options.user_agent_header(),
        proxy: &options.proxy,
        ca_file: options.ca_file.as_deref(),
        connect_timeout: options.connect_timeout,
        may_reuse_connection: false,
    };
    let limits = limits.with_timeout(options.attempt_timeout);
    transport.connect_only(&request, &limits).err()
}

/// A duration as people write it.
fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 if seconds % 3_600 >= 60 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_readable() {
        let text = |seconds| human(Duration::from_secs(seconds));
        assert_eq!([text(1), text(119), text(120), text(7_199)], ["1 s", "119 s", "2 min", "119 min"]);
        assert_eq!([text(7_200), text(86_399), text(172_800)], ["2 h", "23 h 59 min", "2 days"]);
        assert_eq!(human(Duration::from_millis(999)), "999 ms");
    }
}
