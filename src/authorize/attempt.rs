//! One attempt: a request, its response, and what that means.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::classify::{self, Verdict};
use super::retry::{AttemptLog, RetryLoop};
use super::{clock_skew, retry_after};
use crate::credentials::Source;
use crate::diag::error::{Attempt, Error, Status};
use crate::diag::log::Level;
use crate::model::session::Session;
use crate::model::timestamp::{Timestamp, millis};
use crate::model::validity::Validity;
use crate::ports::transport::{Failure, HttpRequest, HttpResponse};
use crate::store::StoreCall;

/// An attempt, and what to tell other processes of it.
pub(super) struct Attempted {
    pub(super) verdict: Verdict<Arc<Session>>,
    /// The HTTP status and the body, if a slot of a store is held.
    pub(super) reply: Option<(u16, Zeroizing<Vec<u8>>)>,
    /// The server may have seen the request.
    pub(super) is_sent: bool,
}

impl RetryLoop<'_> {
    /// Sends one request and classifies what comes of it.
    pub(super) fn attempt(
        &self,
        log: &mut AttemptLog,
        waited: Duration,
        is_retry: bool,
        may_reuse_connection: bool,
    ) -> Attempted {
        let call = self.call;
        {
            let mut state = call.runtime.shared.lock();
            state.counters.requests += 1;
            state.counters.retries += u64::from(is_retry);
        }
        call.log(Level::Info, format_args!("asking {}", call.identity.realm()));
        let clock = call.runtime.env.clock;
        let sent = clock.now();
        let limits = call.limits.with_timeout(self.policy.attempt_timeout);
        let result = call.runtime.env.transport.send(&self.request(may_reuse_connection), &limits);
        let now = clock.now();
        call.requests_sent.set(call.requests_sent.get() + 1);
        log.made = log.made.saturating_add(1);
        let mut entry = Attempt {
            started_at: sent,
            duration_ms: millis(now.since(sent)),
            http_status: None,
            code: None,
            request_id: None,
            wait_ms: millis(waited),
        };
        // Other processes judge the response by themselves.
        let keeps_reply = self.store.as_ref().is_some_and(StoreCall::holds_slot);
        let reply =
            result.as_ref().ok().filter(|_| keeps_reply).map(|response| (response.status, response.body.clone()));
        let is_sent = result.as_ref().map_or_else(|failure| failure.is_sent, |_| true);
        let verdict = self.classify(result, &mut entry, sent, now);
        self.log_verdict(&entry, &verdict);
        log.attempts.push(entry);
        let verdict = match verdict {
            Verdict::Granted(session) if self.is_another_account(&session) => Verdict::Rejected(self.another_account()),
            Verdict::Rejected(error) if error.status().is_about_the_key() => Verdict::Rejected(self.with_source(error)),
            other => other,
        };
        Attempted { verdict, reply, is_sent }
    }

    /// Says more about a verdict on the key: where that came from, and what to do.
    pub(super) fn with_source(&self, error: Error) -> Error {
        let error = match self.credentials.source() {
            Source::Call => error,
            source => error.append(&format!("; the key comes from {source}")),
        };
        if error.status() != Status::BadCredentials {
            return error;
        }
        // The response itself may have given a hint, which comes second.
        let more = error.hint().map(str::to_owned);
        error.with_hint(self.credentials.hint_if_refused()).append_hint(more)
    }

    fn classify(
        &self,
        result: Result<HttpResponse, Failure>,
        entry: &mut Attempt,
        sent: Timestamp,
        now: Timestamp,
    ) -> Verdict<Arc<Session>> {
        let identity = &self.call.identity;
        let verdict = match result {
            Err(failure) => classify::failure(failure, &self.redactor),
            Ok(response) => {
                entry.http_status = Some(response.status);
                entry.request_id = classify::request_id(&response, &self.redactor);
                classify::response(&response, identity, &self.redactor, now).map(|grant| {
                    // A failure has this in its hint.
                    if let Some(clock) = clock_skew::hint(identity.realm().host(), response.date.as_deref(), now) {
                        self.call.log(Level::Warn, format_args!("{clock}"));
                    }
                    let server_wall_ms = retry_after::server_wall_ms(response.date.as_deref());
                    let validity = Validity::new(sent, server_wall_ms, grant.key_expires_ms);
                    let (key_id, cache_key) = (identity.key_id(), identity.cache_key());
                    let stored_at = self.store.as_ref().map(|store| store.stored_at(&grant.token));
                    let session = Session::new(key_id, identity.realm(), cache_key, grant, validity);
                    Arc::new(session.with_stored_at(stored_at))
                })
            }
        };
        if let Verdict::Rejected(error) | Verdict::Retry { error, .. } = &verdict {
            entry.code = error.code().map(str::to_owned);
        }
        verdict
    }

    fn log_verdict(&self, entry: &Attempt, verdict: &Verdict<Arc<Session>>) {
        let (call, host, ms) = (self.call, self.call.identity.realm().host(), entry.duration_ms);
        let id = entry.request_id.as_deref().map(|id| format!(", request id {id}")).unwrap_or_default();
        match verdict {
            Verdict::Granted(_) => call.log(Level::Info, format_args!("{host} granted a session after {ms} ms{id}")),
            Verdict::Cancelled => call.log(Level::Info, format_args!("cancelled after {ms} ms")),
            Verdict::Repeat(error) => {
                let why = error.message();
                call.log(Level::Info, format_args!("failed after {ms} ms: {why}; repeating it on a new connection"));
            }
            Verdict::Rejected(error) | Verdict::Failed(error) | Verdict::Retry { error, .. } => {
                call.log(Level::Warn, format_args!("failed after {ms} ms{id}: {}", error.message()));
            }
        }
    }

    fn request(&self, may_reuse_connection: bool) -> HttpRequest<'_> {
        HttpRequest {
            realm: self.call.identity.realm(),
            authorization: &self.authorization,
            user_agent: &self.user_agent,
            proxy: &self.policy.proxy,
            ca_file: self.call.options.ca_file.as_deref(),
            connect_timeout: self.policy.connect_timeout,
            may_reuse_connection,
        }
    }

    pub(super) fn is_another_account(&self, session: &Session) -> bool {
        self.account_id.as_deref().is_some_and(|known| known != session.account_id())
    }

    fn another_account(&self) -> Error {
        let host = self.call.identity.realm().host();
        Error::new(Status::ProtocolError, format!("{host} returned a session for another account than before"))
            .with_hint("the account of an application key cannot change: check what answers in place of B2")
    }
}
