//! One attempt: a request, its answer, and what that means.

use std::sync::Arc;
use std::time::Duration;

use super::classify::{self, Verdict};
use super::retry::{Log, Series};
use super::retry_after;
use crate::diag::error::{Attempt, Error, Status};
use crate::diag::log::Level;
use crate::model::session::Session;
use crate::model::timestamp::millis;
use crate::model::validity::Life;
use crate::ports::transport::Request;

impl Series<'_> {
    /// Sends one request and judges what comes of it.
    pub(super) fn ask(&self, log: &mut Log, waited: Duration, again: bool) -> Verdict<Arc<Session>> {
        {
            let mut state = self.shared.lock();
            state.counters.requests += 1;
            state.counters.retries += u64::from(again);
        }
        self.say(Level::Info, format_args!("asking {}", self.owner.realm));
        let sent = self.world.clock.now();
        let answer = self.world.transport.send(&self.request(), &self.bounds.within(self.way.attempt));
        let now = self.world.clock.now();
        let mut entry = Attempt {
            started_at: sent,
            duration_ms: now.boot_ms.saturating_sub(sent.boot_ms),
            http_status: None,
            code: None,
            request_id: None,
            wait_ms: millis(waited),
        };
        self.asked.set(self.asked.get() + 1);
        log.made = log.made.saturating_add(1);
        let verdict = match answer {
            Err(failure) => classify::of_failure(failure, &self.secrets),
            Ok(answer) => {
                entry.http_status = Some(answer.status);
                entry.request_id = classify::request_id(&answer, &self.secrets);
                classify::of_answer(&answer, self.owner.realm, &self.secrets, now).map(|grant| {
                    let server_wall_ms = retry_after::server_wall_ms(answer.date.as_deref());
                    let life = Life::new(sent, server_wall_ms, grant.key_expires_ms);
                    Arc::new(Session::new(&self.owner, grant, life))
                })
            }
        };
        if let Verdict::Refused(error) | Verdict::Again { error, .. } = &verdict {
            entry.code = error.code().map(str::to_owned);
        }
        self.tell(&entry, &verdict);
        log.attempts.push(entry);
        match verdict {
            Verdict::Granted(session) if self.is_another_account(&session) => Verdict::Refused(self.another_account()),
            Verdict::Refused(error) if error.status() == Status::BadCredentials => {
                // The answer itself may have given a hint, which comes second.
                let more = error.hint().map(str::to_owned);
                Verdict::Refused(error.with_hint(self.credentials.hint_if_refused()).with_hint_behind(more))
            }
            other => other,
        }
    }

    fn tell(&self, entry: &Attempt, verdict: &Verdict<Arc<Session>>) {
        let (host, ms) = (self.owner.realm.host(), entry.duration_ms);
        let id = entry.request_id.as_deref().map(|id| format!(", request id {id}")).unwrap_or_default();
        match verdict {
            Verdict::Granted(_) => self.say(Level::Info, format_args!("{host} granted a session after {ms} ms{id}")),
            Verdict::Cancelled => self.say(Level::Info, format_args!("cancelled after {ms} ms")),
            Verdict::Refused(error) | Verdict::Failed(error) | Verdict::Again { error, .. } => {
                self.say(Level::Warn, format_args!("failed after {ms} ms{id}: {}", error.message()));
            }
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            realm: self.owner.realm,
            authorization: &self.authorization,
            user_agent: &self.user_agent,
            proxy: &self.options.proxy,
            ca_file: self.options.ca_file.as_deref(),
            connect_timeout: self.options.connect_timeout,
        }
    }

    fn is_another_account(&self, session: &Session) -> bool {
        self.account_id.as_deref().is_some_and(|known| known != session.account_id())
    }

    fn another_account(&self) -> Error {
        let message = format!("{} answered for another account than before", self.owner.realm.host());
        Error::new(Status::ProtocolError, message)
            .with_hint("the account of an application key can't change: check what answers in B2's place")
    }
}
