//! Forks: each child uses the library, while other threads of its parent were in calls of it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::api::{Failure, Operation, Options, Session};
use crate::calls::lock;
use crate::counters::Event;
use crate::identities::{EXPIRING_ID, FOREIGN_ACCOUNT, Identity};
use crate::run::{Run, panic_message};
use crate::server_log_check::{CallRecord, Callers};
use crate::worker::Worker;

/// A child that hangs is ended by its own alarm.
const ALARM_S: u32 = 60;
/// A report is written and read in one piece.
const REPORT: usize = 512;

impl Worker<'_> {
    pub fn fork(&mut self) {
        if !self.run.forks.is_due() {
            return;
        }
        let id = self.rng.below(EXPIRING_ID);
        let mut identity = self.run.identities.permanent(&mut self.rng, id);
        // The child must not find the token that the parent invalidated before the fork.
        let invalidated = self.take().filter(|held| !held.identity.expires).map(|held| {
            held.session.invalidate();
            let token = held.session.token();
            self.run.oracle.forbid(&token);
            identity = held.identity;
            token
        });
        let tag = self.tag("child");
        let options = self.options[identity.route].with(&[
            ("user_agent", &tag),
            ("max_attempts", "2"),
            ("initial_backoff_ms", "5"),
            ("attempt_timeout_ms", "2000"),
            ("total_timeout_ms", "5000"),
            ("negative_ttl_s", "0"),
            ("rate_limit_per_minute", "0"),
        ]);
        let refresh = options.with(&[("cache", "refresh")]);
        let (read, write) = pipe();
        // SAFETY: the child makes the calls that the library promises to support after a fork, and then _exit.
        match unsafe { libc::fork() } {
            -1 => self.run.violation(7, format!("fork failed: {}", std::io::Error::last_os_error())),
            0 => {
                // SAFETY: it takes a number.
                unsafe { libc::alarm(ALARM_S) };
                child_main(self.run, &identity, &options, &refresh, invalidated.as_deref(), &write)
            }
            child => {
                drop(write);
                self.wait_for(child, &read, tag, &identity);
            }
        }
    }

    fn wait_for(&self, child: libc::pid_t, read: &OwnedFd, tag: String, identity: &Identity) {
        let mut status = 0;
        // SAFETY: the place for the status lives through the call.
        let waited = unsafe { libc::waitpid(child, &mut status, 0) };
        self.run.counters.add(Event::Forks, 1);
        if waited != child || !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != 0 {
            let signal = if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 };
            let why = if signal == libc::SIGALRM { "it hung" } else { "it died" };
            self.run.violation(7, format!("a child ended with status {status}, signal {signal}: {why}"));
            return;
        }
        let mut report = [0_u8; REPORT];
        // SAFETY: the buffer has that many bytes.
        let length = unsafe { libc::read(read.as_raw_fd(), report.as_mut_ptr().cast(), REPORT) };
        let text = usize::try_from(length).map_or("", |length| std::str::from_utf8(&report[..length]).unwrap_or(""));
        let mut parts = text.splitn(3, ' ');
        let mut number = || parts.next()?.parse::<u32>().ok();
        let (Some(requests), Some(invariant)) = (number(), number()) else {
            return self.run.violation(7, "a child reported nothing");
        };
        if invariant != 0 {
            let invariant = usize::try_from(invariant).expect("there are few");
            self.run.violation(invariant, format!("in a child: {}", parts.next().unwrap_or_default()));
        }
        self.run.counters.add(Event::ChildRequests, requests.into());
        // It does not share requests with its parent, so both may have one in flight.
        let callers = Callers::One { number: identity.number, id: identity.id.clone() };
        let record = CallRecord { callers, max_requests: requests, bypass: true, ..CallRecord::without_log(tag) };
        lock(&self.run.records[self.number]).push(record);
    }
}

/// All that the child does.
fn child_main(
    run: &Run,
    identity: &Identity,
    options: &Options,
    refresh: &Options,
    invalidated: Option<&str>,
    report: &OwnedFd,
) -> ! {
    let before = run.api.counter("requests");
    let work = || make_calls(run, identity, options, refresh, invalidated);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    let done = done.unwrap_or_else(|panic| Err((7, format!("a panic: {}", panic_message(&*panic)))));
    let requests = run.api.counter("requests") - before;
    let (invariant, what) = done.err().unwrap_or_default();
    let mut text = format!("{requests} {invariant} {what}");
    while text.len() > REPORT {
        text.pop();
    }
    // SAFETY: the text has that many bytes; _exit ends the process, without running the parent's exit handlers.
    unsafe {
        libc::write(report.as_raw_fd(), text.as_ptr().cast(), text.len());
        libc::_exit(0)
    }
}

/// Refreshes the session, uses the cached one, and makes another request after clearing the cache.
fn make_calls(
    run: &Run,
    identity: &Identity,
    options: &Options,
    refresh: &Options,
    invalidated: Option<&str>,
) -> Result<(), (usize, String)> {
    let call = |options| run.api.call(Some(&identity.id), Some(&identity.key), Operation::Authorize, Some(options));
    if let Some(found) = check(run, identity, call(options))?
        && invalidated == Some(&found.token())
    {
        return Err((3, "it returned the token that its parent had invalidated".into()));
    }
    let Some(first) = check(run, identity, call(refresh))? else { return Ok(()) };
    let again = check(run, identity, call(options))?;
    if again.is_none_or(|again| again.token() != first.token()) {
        return Err((3, "the token granted just now was not cached".into()));
    }
    run.api.clear_cache();
    match check(run, identity, call(options))? {
        Some(third) if third.token() == first.token() => {
            Err((3, "it returned a token from before the cache was cleared".into()))
        }
        _ => Ok(()),
    }
}

fn check(run: &Run, identity: &Identity, result: Result<Session, Failure>) -> Result<Option<Session>, (usize, String)> {
    match result {
        Ok(session) => {
            let (token, account) = (session.token(), session.text(|f| f.b2_session_account_id).unwrap_or_default());
            let right = identity.account.as_ref().is_some_and(|own| *own == account || account == FOREIGN_ACCOUNT);
            if !right || !token.starts_with(&format!("4_{}_", identity.id)) {
                return Err((2, format!("expected {}, and got {token} of {account}", identity.id)));
            }
            Ok(Some(session))
        }
        Err(failure) => {
            if run.secrets.found_in(&failure.all_text()) || matches!(failure.status, 0 | 1 | 2 | 12 | 14 | 15) {
                return Err((5, format!("an unexpected error: {}", failure.name)));
            }
            Ok(None)
        }
    }
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors, and both are this call's own.
    unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK), 0, "no pipe");
        (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
    }
}
