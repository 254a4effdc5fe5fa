//! When a leader looks into the store, claims a slot, waits, asks B2 or gives up. Pure, so that a model can try every order of
//! what several processes do.

use std::time::Duration;

use super::request::{SLOTS, Slot};

/// The first wait between two looks; it doubles.
const FIRST_POLL: Duration = Duration::from_millis(10);
/// Past that no wait gets longer.
const MAX_DOUBLINGS: u32 = 16;
/// A process that has waited for so long for one asker tries the next slot as well.
const OVERTAKE_AFTER: Duration = Duration::from_secs(3);

/// How a call deals with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pace {
    /// The caller has a good token in hand: it waits for nobody.
    pub(crate) refresh_only: bool,
    /// After so long a wait for others it goes on without the store.
    pub(crate) half: Duration,
    pub(crate) slowest_poll: Duration,
    pub(crate) max_attempts: u32,
}

/// What a look showed to this caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// There is something to take: a session, or a refusal.
    pub(crate) good: bool,
    /// How long nobody asks, because of a failure or of the budget.
    pub(crate) wait: Duration,
    pub(crate) fails: u32,
    pub(crate) generation: u64,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Look,
    Claim(Slot),
    GiveBack,
    /// Wait for the process that is asking.
    WaitForOthers(Duration),
    /// Wait until somebody may ask again.
    WaitForTurn(Duration),
    Done(End),
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// Take what was seen last.
    Take,
    /// Ask B2, with a slot held.
    Ask,
    /// Others failed as often as this caller would have tried.
    Exhausted,
    /// A token is in hand, and somebody else is asking, or nobody may.
    LeaveToOthers,
    /// Half of the time was spent waiting.
    WaitedHalf,
}

/// One caller's way through the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flow {
    pace: Pace,
    state: State,
    /// Waited for others in all.
    waited: Duration,
    /// Waited since anybody last failed.
    waited_for_asker: Duration,
    polls: u32,
    /// Failures and verdicts in the record as last seen.
    seen: Option<(u32, u64)>,
    /// Failures of others since this call began.
    foreign_fails: u32,
    own_attempts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Looking,
    Claiming(u8),
    GivingBack(After),
    WaitingForOthers,
    WaitingForTurn(Duration),
    Done(End),
}

/// What follows once the slot is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum After {
    End(End),
    Turn(Duration),
}

impl Flow {
    /// `attempts_made` were made by earlier leaders of the same flight.
    pub(crate) fn new(pace: Pace, attempts_made: u32) -> Self {
        Self {
            pace,
            state: State::Looking,
            waited: Duration::ZERO,
            waited_for_asker: Duration::ZERO,
            polls: 0,
            seen: None,
            foreign_fails: 0,
            own_attempts: attempts_made,
        }
    }

    /// `jitter` is from 0 to 1, and asked only where it is needed.
    pub(crate) fn step(&self, jitter: impl FnOnce() -> f64) -> Step {
        match self.state {
            State::Looking => Step::Look,
            State::Claiming(slot) => Step::Claim(Slot(slot)),
            State::GivingBack(_) => Step::GiveBack,
            State::WaitingForOthers => Step::WaitForOthers(self.poll(jitter())),
            State::WaitingForTurn(span) => Step::WaitForTurn(span),
            State::Done(end) => Step::Done(end),
        }
    }

    /// The record as it is without a claim.
    pub(crate) fn looked(&mut self, sight: Sight) {
        self.note(sight);
        self.state = match self.end_of(sight) {
            Some(end) => State::Done(end),
            None if sight.wait > Duration::ZERO => self.turn(sight.wait),
            None => State::Claiming(0),
        };
    }

    /// A look that showed the same as the one before.
    pub(crate) fn looked_in_vain(&mut self) {
        self.state = State::Claiming(0);
    }

    /// The answer to a claim, and the record as it is since.
    pub(crate) fn claimed(&mut self, is_ours: bool, sight: Sight) {
        let State::Claiming(slot) = self.state else { return };
        self.note(sight);
        let next = match self.end_of(sight) {
            Some(end) => After::End(end),
            None if sight.wait > Duration::ZERO => After::Turn(sight.wait),
            None if is_ours => {
                self.own_attempts += 1;
                self.polls = 0;
                self.state = State::Done(End::Ask);
                return;
            }
            None => {
                self.state = self.busy(slot);
                return;
            }
        };
        self.state = match next {
            next if is_ours => State::GivingBack(next),
            After::End(end) => State::Done(end),
            After::Turn(span) => self.turn(span),
        };
    }

    pub(crate) fn gave_back(&mut self) {
        if let State::GivingBack(next) = self.state {
            self.state = match next {
                After::End(end) => State::Done(end),
                After::Turn(span) => self.turn(span),
            };
        }
    }

    /// A wait is over, after that long.
    pub(crate) fn waited(&mut self, span: Duration) {
        if self.state == State::WaitingForOthers {
            self.waited += span;
            self.waited_for_asker += span;
            self.polls = (self.polls + u32::from(!span.is_zero())).min(MAX_DOUBLINGS);
        }
        self.state = State::Looking;
    }

    /// The request failed, or was not sent: begins anew. `fails` and `generation` are what the record says since.
    pub(crate) fn asked_in_vain(&mut self, fails: u32, generation: u64) {
        self.seen = Some((fails, generation));
        self.waited_for_asker = Duration::ZERO;
        self.state = State::Looking;
    }

    /// The slot was given back without a request.
    pub(crate) fn did_not_ask(&mut self) {
        self.own_attempts = self.own_attempts.saturating_sub(1);
        self.state = State::Looking;
    }

    /// What was taken did not help: begins anew.
    pub(crate) fn begin_anew(&mut self) {
        self.state = State::Looking;
    }

    /// The engine's own pace, which is known once it is open.
    pub(crate) fn set_slowest_poll(&mut self, slowest: Duration) {
        self.pace.slowest_poll = slowest;
    }

    /// Failures of others since this call began.
    pub(crate) fn foreign_fails(&self) -> u32 {
        self.foreign_fails
    }

    fn end_of(&self, sight: Sight) -> Option<End> {
        if sight.good {
            Some(End::Take)
        } else if self.foreign_fails > 0 && self.foreign_fails + self.own_attempts >= self.pace.max_attempts {
            Some(End::Exhausted)
        } else {
            None
        }
    }

    fn turn(&self, span: Duration) -> State {
        match self.pace.refresh_only {
            true => State::Done(End::LeaveToOthers),
            false => State::WaitingForTurn(span),
        }
    }

    fn busy(&self, slot: u8) -> State {
        if self.pace.refresh_only {
            return State::Done(End::LeaveToOthers);
        }
        let open_slots = (self.waited_for_asker.as_millis() / OVERTAKE_AFTER.as_millis()).saturating_add(1);
        if slot + 1 < SLOTS && u128::from(slot) + 1 < open_slots {
            State::Claiming(slot + 1)
        } else if self.waited >= self.pace.half {
            State::Done(End::WaitedHalf)
        } else {
            State::WaitingForOthers
        }
    }

    fn note(&mut self, sight: Sight) {
        let now = (sight.fails, sight.generation);
        let Some((fails, generation)) = self.seen.replace(now) else { return };
        if now == (fails, generation) {
            return;
        }
        // The process that was asking is done, and so the next one gets as much time.
        self.waited_for_asker = Duration::ZERO;
        self.polls = 0;
        self.foreign_fails += sight.fails.saturating_sub(fails);
    }

    fn poll(&self, jitter: f64) -> Duration {
        let span = FIRST_POLL.saturating_mul(1 << self.polls).min(self.pace.slowest_poll);
        span.mul_f64(0.75 + 0.5 * jitter).min(self.pace.half.saturating_sub(self.waited)).max(Duration::from_millis(1))
    }
}
