//! Forks: each child uses the library, while the other threads of its parent are inside of it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::api::{Ask, Failure, Options, Session};
use crate::calls::lock;
use crate::counters::What;
use crate::identities::{ENDING, STRANGER, Who};
use crate::run::{Storm, said};
use crate::server_log_check::{Asker, Record};
use crate::worker::Actor;

/// A child that hangs is ended by its own alarm.
const PATIENCE_S: u32 = 60;
/// A report is written and read in one piece.
const REPORT: usize = 512;

impl Actor<'_> {
    pub fn fork(&mut self) {
        if !self.storm.forks.is_due() {
            return;
        }
        let id = self.dice.below(ENDING);
        let mut who = self.storm.cast.steady(&mut self.dice, id);
        // What the parent gave up before it forked, the child must not find.
        let given_up = self.take().filter(|held| !held.who.ending).map(|held| {
            held.session.invalidate();
            let token = held.session.token();
            self.storm.ledger.kill(&token);
            who = held.who;
            token
        });
        let tag = self.tag("child");
        let options = self.options[who.way].with(&[
            ("user_agent", &tag),
            ("max_attempts", "2"),
            ("initial_backoff_ms", "5"),
            ("attempt_timeout_ms", "2000"),
            ("total_timeout_ms", "5000"),
            ("negative_ttl_s", "0"),
            ("rate_limit_per_minute", "0"),
        ]);
        let refreshing = options.with(&[("cache", "refresh")]);
        let (read, write) = pipe();
        // SAFETY: the child calls what this program is made to show that it may call, and then _exit.
        match unsafe { libc::fork() } {
            -1 => self.storm.trouble(7, format!("no child: {}", std::io::Error::last_os_error())),
            0 => {
                // SAFETY: it takes a number.
                unsafe { libc::alarm(PATIENCE_S) };
                live(self.storm, &who, &options, &refreshing, given_up.as_deref(), &write)
            }
            child => {
                drop(write);
                self.bring_up(child, &read, tag, &who);
            }
        }
    }

    fn bring_up(&self, child: libc::pid_t, read: &OwnedFd, tag: String, who: &Who) {
        let mut status = 0;
        // SAFETY: the place for the status lives through the call.
        let waited = unsafe { libc::waitpid(child, &mut status, 0) };
        self.storm.tally.add(What::Forks, 1);
        if waited != child || !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != 0 {
            let signal = if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 };
            let why = if signal == libc::SIGALRM { "it hung" } else { "it died" };
            self.storm.trouble(7, format!("a child ended with status {status}, signal {signal}: {why}"));
            return;
        }
        let mut report = [0_u8; REPORT];
        // SAFETY: the buffer has that many bytes.
        let length = unsafe { libc::read(read.as_raw_fd(), report.as_mut_ptr().cast(), REPORT) };
        let text = usize::try_from(length).map_or("", |length| std::str::from_utf8(&report[..length]).unwrap_or(""));
        let mut parts = text.splitn(3, ' ');
        let mut number = || parts.next()?.parse::<u32>().ok();
        let (Some(asked), Some(rule)) = (number(), number()) else {
            return self.storm.trouble(7, "a child told nothing");
        };
        if rule != 0 {
            let rule = usize::try_from(rule).expect("there are few");
            self.storm.trouble(rule, format!("in a child: {}", parts.next().unwrap_or_default()));
        }
        self.storm.tally.add(What::ChildRequests, asked.into());
        // It has flights of its own, so it may ask while its parent does.
        let asker = Asker::One { identity: who.identity, id: who.id.clone() };
        let record = Record { asker, most: asked, bypass: true, ..Record::unheard(tag) };
        lock(&self.storm.records[self.number]).push(record);
    }
}

/// The child's whole life.
fn live(
    storm: &Storm,
    who: &Who,
    options: &Options,
    refreshing: &Options,
    given_up: Option<&str>,
    report: &OwnedFd,
) -> ! {
    let before = storm.api.counter("requests");
    let work = || try_out(storm, who, options, refreshing, given_up);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    let done = done.unwrap_or_else(|panic| Err((7, format!("a panic: {}", said(&*panic)))));
    let asked = storm.api.counter("requests") - before;
    let (rule, what) = done.err().unwrap_or_default();
    let mut text = format!("{asked} {rule} {what}");
    while text.len() > REPORT {
        text.pop();
    }
    // SAFETY: the text has that many bytes; _exit ends the process, with nothing of the parent's run.
    unsafe {
        libc::write(report.as_raw_fd(), text.as_ptr().cast(), text.len());
        libc::_exit(0)
    }
}

/// Asks anew, uses what that left in the cache, and asks again after clearing it.
fn try_out(
    storm: &Storm,
    who: &Who,
    options: &Options,
    refreshing: &Options,
    given_up: Option<&str>,
) -> Result<(), (usize, String)> {
    let call = |options| storm.api.call(Some(&who.id), Some(&who.key), Ask::Authorize, Some(options));
    if let Some(found) = fine(storm, who, call(options))?
        && given_up == Some(&found.token())
    {
        return Err((3, "the token that its parent had invalidated".into()));
    }
    let Some(first) = fine(storm, who, call(refreshing))? else { return Ok(()) };
    let again = fine(storm, who, call(options))?;
    if again.is_none_or(|again| again.token() != first.token()) {
        return Err((3, "the token asked for just now was not in the cache".into()));
    }
    storm.api.clear();
    match fine(storm, who, call(options))? {
        Some(third) if third.token() == first.token() => Err((3, "a token of before the cache was cleared".into())),
        _ => Ok(()),
    }
}

fn fine(storm: &Storm, who: &Who, answer: Result<Session, Failure>) -> Result<Option<Session>, (usize, String)> {
    match answer {
        Ok(session) => {
            let (token, account) = (session.token(), session.text(|f| f.b2_session_account_id).unwrap_or_default());
            let right = who.account.as_ref().is_some_and(|own| *own == account || account == STRANGER);
            if !right || !token.starts_with(&format!("4_{}_", who.id)) {
                return Err((2, format!("asked for {}, and got {token} of {account}", who.id)));
            }
            Ok(Some(session))
        }
        Err(failure) => {
            let told = format!("{failure:?} {}", failure.json);
            if storm.secrets.stand_in(&told) || matches!(failure.status, 0 | 1 | 2 | 12 | 14 | 15) {
                return Err((5, format!("an error that must not be: {}", failure.name)));
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
