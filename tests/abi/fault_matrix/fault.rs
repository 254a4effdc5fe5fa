//! The builder of rows: a fault, how it is caused, and what is expected of a call that meets it.

use std::sync::Arc;
use std::time::Duration;

use b2_sandbox::Fault;

use super::fake_server::{Serve, onward};
use super::{Expect, Outcome, Row, diagnosed, own_fixture};
use crate::support::api::Options;
use crate::support::fixture::Fixture;

pub use super::token_age::TokenAge;
pub use super::trigger::{Conditions, Impostor, Trigger, Undo};

/// A fault, and what is expected of a call without a cached token that meets it. What is expected with a cached token
/// follows from the rules below.
#[derive(Clone)]
pub struct FaultCase {
    pub name: String,
    pub trigger: Trigger,
    expect: Expect,
    requests: Option<usize>,
    attempts: usize,
    ages: Vec<TokenAge>,
    succeeds_at: Vec<TokenAge>,
    /// False if the fault hides which key the call is for.
    key_known: bool,
    /// False if the response is not one that B2 could have written: then it says nothing about the key.
    from_b2: bool,
    /// The call gives neither key ID nor key.
    pub blank: bool,
    /// The stack size of the calling thread, if it is not the usual one.
    pub stack: Option<usize>,
    pub fixture: fn() -> Fixture,
    /// The options of calls without the fault.
    pub options: fn(&Fixture) -> Options,
    /// More options of the call that meets the fault.
    pub settings: Vec<(&'static str, &'static str)>,
    /// Texts that nothing may show, besides keys and tokens.
    pub secrets: Vec<&'static str>,
    /// It lasts until the attempt times out.
    pub times_out: bool,
    /// Before this a second request is too early.
    pub min_wait: Duration,
    /// The retry-after time of the error.
    pub retry_after: Option<Duration>,
    /// No retry would help, although the status says so for others.
    pub permanent: bool,
    /// Over https only, or over http only.
    pub https: Option<bool>,
}

/// A fault that is harmless, unless it is given the error that it leads to.
pub fn fault(name: impl Into<String>) -> FaultCase {
    let within = Duration::from_secs(45);
    FaultCase {
        name: name.into(),
        trigger: Trigger::Custom,
        expect: Expect { status: "B2_OK", message: "", hint: None, requests: 0, within },
        requests: None,
        attempts: 1,
        ages: TokenAge::USUAL.into(),
        succeeds_at: Vec::new(),
        key_known: true,
        from_b2: true,
        blank: false,
        stack: None,
        fixture: || Fixture::with_options(&[("max_attempts", "2")]),
        options: |fixture| fixture.options.with(&[]),
        settings: Vec::new(),
        secrets: Vec::new(),
        times_out: false,
        min_wait: Duration::ZERO,
        retry_after: None,
        permanent: false,
        https: None,
    }
}

/// How it is caused.
impl FaultCase {
    pub fn response(self, fault: Fault) -> Self {
        Self { trigger: Trigger::Response(Box::new(fault)), ..self }
    }

    pub fn conditions(self, cause: impl Fn(&Fixture, &Options) -> Conditions + Send + Sync + 'static) -> Self {
        Self { trigger: Trigger::Conditions(Arc::new(cause)), ..self }
    }

    /// Conditions that the options of the other calls have as well.
    pub fn usual_conditions(self) -> Self {
        self.conditions(|_, good| Conditions::new(good.with(&[]), ()))
    }

    pub fn http_server(self, serve: Serve) -> Self {
        Self { trigger: Trigger::Impostor { https: false, server: Arc::new(move |_| Arc::clone(&serve)) }, ..self }
    }

    pub fn https_server(self, serve: Serve) -> Self {
        Self { trigger: Trigger::Impostor { https: true, server: Arc::new(move |_| Arc::clone(&serve)) }, ..self }
    }

    /// One of the sandbox's listeners with a TLS fault.
    pub fn tls_fault(self, fault: b2_sandbox::TlsFault) -> Self {
        let server: Impostor = Arc::new(move |fixture| onward(fixture.sandbox.tls_fault(fault)));
        Self { trigger: Trigger::Impostor { https: true, server }, ..self }
    }

    pub fn ages(self, ages: &[TokenAge]) -> Self {
        Self { ages: ages.to_vec(), ..self }
    }

    pub fn fixture(self, fixture: fn() -> Fixture) -> Self {
        Self { fixture, ..self }
    }

    pub fn options(self, options: fn(&Fixture) -> Options) -> Self {
        Self { options, ..self }
    }

    pub fn settings(self, settings: &[(&'static str, &'static str)]) -> Self {
        Self { settings: settings.to_vec(), ..self }
    }

    pub fn blank_credentials(self) -> Self {
        Self { blank: true, ..self }
    }

    pub fn stack(self, bytes: usize) -> Self {
        Self { stack: Some(bytes), ..self }
    }

    pub fn https_only(self) -> Self {
        Self { https: Some(true), ..self }
    }

    pub fn http_only(self) -> Self {
        Self { https: Some(false), ..self }
    }
}

/// What is expected.
impl FaultCase {
    pub fn status(self, status: &'static str) -> Self {
        Self { expect: Expect { status, ..self.expect }, ..self }
    }

    /// A part of the message.
    pub fn message(self, message: &'static str) -> Self {
        Self { expect: Expect { message, ..self.expect }, ..self }
    }

    /// A part of the hint.
    pub fn hint(self, hint: &'static str) -> Self {
        Self { expect: Expect { hint: Some(hint), ..self.expect }, ..self }
    }

    /// The authorize requests that reach the server: by default one for each attempt, or none if conditions fail the call.
    pub fn requests(self, requests: usize) -> Self {
        Self { requests: Some(requests), ..self }
    }

    pub fn attempts(self, attempts: usize) -> Self {
        Self { attempts, ..self }
    }

    /// The second attempt is the last that the options allow.
    pub fn retried(self) -> Self {
        self.attempts(2)
    }

    pub fn within(self, within: Duration) -> Self {
        Self { expect: Expect { within, ..self.expect }, ..self }
    }

    pub fn times_out(self) -> Self {
        Self { times_out: true, ..self }
    }

    pub fn min_wait(self, min_wait: Duration) -> Self {
        Self { min_wait, ..self }
    }

    pub fn retry_after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    pub fn permanent(self) -> Self {
        Self { permanent: true, ..self }
    }

    pub fn succeeds_at(self, ages: &[TokenAge]) -> Self {
        Self { succeeds_at: ages.to_vec(), ..self }
    }

    /// Something else than B2 wrote the response.
    pub fn not_from_b2(self) -> Self {
        Self { from_b2: false, ..self.hint("something in between answered in B2's place") }
    }

    /// Who wrote the response is not known, since its body could not be read.
    pub fn unread(self) -> Self {
        Self { from_b2: false, ..self.message("what it says about that could not be read").hint("call again") }
    }

    /// The fault hides which key the call is for, so that no cached token can be served.
    pub fn hides_key(self) -> Self {
        Self { key_known: false, ..self }
    }

    pub fn secrets(self, secrets: &[&'static str]) -> Self {
        Self { secrets: secrets.to_vec(), ..self }
    }
}

/// The rules.
impl FaultCase {
    pub fn fails(&self) -> bool {
        self.expect.status != "B2_OK"
    }

    pub fn base(&self) -> Expect {
        let requests = self.requests.unwrap_or(match self.trigger {
            Trigger::Conditions(_) | Trigger::Impostor { .. } if self.fails() => 0,
            Trigger::Custom | Trigger::Response(_) | Trigger::Conditions(_) | Trigger::Impostor { .. } => self.attempts,
        });
        Expect { requests, ..self.expect.clone() }
    }

    /// A fresh token is served without a request; a stale one if the refresh fails, unless the key itself was rejected.
    pub fn serves_cached(&self, age: TokenAge) -> bool {
        let rejected = self.from_b2 && is_about_the_key(self.expect.status);
        let kept = self.fails() && self.key_known && !rejected;
        age == TokenAge::Fresh || age == TokenAge::Stale && kept
    }

    pub fn has_age(&self, age: TokenAge) -> bool {
        self.ages.contains(&age)
    }

    /// A result that is cached: the next call makes no request.
    pub fn is_cached(&self, status: &str) -> bool {
        status == "B2_OK" || self.from_b2 && (is_about_the_key(status) || status == "B2_CAP_EXCEEDED")
    }

    /// A refresh makes one attempt.
    pub fn attempts_at(&self, age: TokenAge) -> usize {
        match age {
            TokenAge::Fresh => 0,
            TokenAge::Stale if self.fails() => self.attempts.min(1),
            _ => self.attempts,
        }
    }

    pub fn expect_at(&self, age: TokenAge) -> Expect {
        let expect = self.base();
        let requests = match age {
            TokenAge::Fresh => 0,
            TokenAge::Stale => expect.requests.min(1),
            TokenAge::None | TokenAge::Expired => expect.requests,
        };
        let expect = Expect { requests, ..expect };
        if self.serves_cached(age) || self.succeeds_at.contains(&age) { expect.success() } else { expect }
    }

    /// One row for each age, and one for a diagnosis, each with a fixture of its own.
    pub fn rows(self) -> Vec<Row> {
        let case = Arc::new(self);
        let row = |age: &TokenAge| {
            let (case, age) = (Arc::clone(&case), *age);
            let name = format!("{} · {}", case.name, age.name());
            Row { name, expect: case.expect_at(age), run: Box::new(move || own_fixture::run(&case, age)) }
        };
        let walked = Arc::clone(&case);
        let diagnosed = diagnosed::expect(&case).map(|expect| Row {
            name: format!("{} · {}", case.name, diagnosed::NAME),
            expect: expect.clone(),
            run: Box::new(move || own_fixture::diagnose(&walked, &expect)),
        });
        case.ages.iter().map(row).chain(diagnosed).collect()
    }

    /// One row that causes the fault itself, with these words behind its name.
    pub fn row(&self, suffix: &str, run: impl FnOnce() -> Outcome + Send + 'static) -> Row {
        Row { name: format!("{}{suffix}", self.name), expect: self.base(), run: Box::new(run) }
    }
}

/// A rejection of the key.
pub fn is_about_the_key(status: &str) -> bool {
    matches!(status, "B2_BAD_CREDENTIALS" | "B2_KEY_NOT_SUPPORTED" | "B2_ACCESS_DENIED")
}

/// A failure of the network or of B2 that may be temporary.
pub fn may_be_temporary(status: &str) -> bool {
    matches!(status, "B2_RATE_LIMITED" | "B2_SERVICE_UNAVAILABLE" | "B2_NETWORK_ERROR" | "B2_TIMEOUT")
}
