//! What a record becomes once B2 has responded, given what is in the store by then. Pure.

use zeroize::Zeroizing;

use super::record::{BootId, REQUEST_MILLI, Reading, Record, Tag};
use crate::model::timestamp::Timestamp;

/// What came of a request.
pub(crate) enum Outcome {
    /// B2 granted a token, which has that tag.
    Grant { tag: Tag, life_ms: u64, left_ms: u64, body: Zeroizing<Vec<u8>> },
    /// B2 refused the key.
    Refusal { http: u16, body: Zeroizing<Vec<u8>> },
    /// B2 refused, which says nothing about a token granted before. A refusal only where there is no token.
    RefusalWithoutGrant { http: u16, body: Zeroizing<Vec<u8>> },
    /// No verdict: B2 or the way to it is in trouble, and nobody asks for that long.
    Failure { http: u16, pause_ms: u64 },
    /// A request was sent, and that is all that is known.
    Sent,
}

/// What to do with a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change<T> {
    Keep,
    Write(T),
}

/// Who settles, and when.
#[derive(Clone, Copy)]
pub(crate) struct Settler {
    pub(crate) now: Timestamp,
    pub(crate) boot_id: BootId,
    /// The generation that was in the store when the request was sent.
    pub(crate) seen_generation: u64,
    pub(crate) per_minute: u32,
}

impl Settler {
    /// The record that takes the place of `current`. A verdict of others that came meanwhile stands: it is as good as ours. A
    /// failure never takes a grant away, and the budget counts every request.
    pub(crate) fn settle(
        &self,
        current: Option<&Reading>,
        is_refused: impl Fn(&Tag) -> bool,
        outcome: &Outcome,
    ) -> Change<Record> {
        let mut next = Record::blank(self.now, self.boot_id);
        let spent = current.map_or(0, |current| current.spent_milli(self.per_minute));
        next.spent_milli = u32::try_from(spent).unwrap_or(u32::MAX).saturating_add(REQUEST_MILLI);
        let current_generation = current.map_or(0, |current| current.record.generation);
        let generation = self.seen_generation + 1;
        let has_grant = current.is_some_and(|current| current.left_ms > 0 && !is_refused(&current.record.tag));
        match outcome {
            Outcome::Grant { .. } | Outcome::Refusal { .. } if current_generation >= generation => return Change::Keep,
            Outcome::RefusalWithoutGrant { .. } if current_generation >= generation => return Change::Keep,
            Outcome::Grant { tag, life_ms, left_ms, body } => {
                next.tag = *tag;
                next.life_ms = *life_ms;
                next.left_ms = *left_ms;
                next.kept_ms = *left_ms;
                next.generation = generation;
                next.http = 200;
                next.body = body.clone();
            }
            Outcome::RefusalWithoutGrant { http, .. } if has_grant => fail(&mut next, current, has_grant, *http, 0),
            Outcome::Refusal { http, body } | Outcome::RefusalWithoutGrant { http, body } => {
                next.generation = generation;
                next.http = *http;
                next.body = body.clone();
            }
            // Somebody else had a verdict since: what failed here is of no interest.
            Outcome::Failure { .. } if current_generation > self.seen_generation => return Change::Keep,
            Outcome::Failure { http, pause_ms } => fail(&mut next, current, has_grant, *http, *pause_ms),
            Outcome::Sent => keep(&mut next, current, has_grant),
        }
        Change::Write(next)
    }
}

fn fail(next: &mut Record, current: Option<&Reading>, has_grant: bool, http: u16, pause_ms: u64) {
    keep(next, current, has_grant);
    next.fails = next.fails.saturating_add(1);
    next.fail_http = http;
    next.pause_ms = next.pause_ms.max(pause_ms);
}

/// Takes over what is in the store, with its spans as they are now. A refusal is not taken over: that would renew it.
fn keep(next: &mut Record, current: Option<&Reading>, has_grant: bool) {
    let Some(current) = current else { return };
    let record = &current.record;
    next.generation = record.generation;
    next.fails = record.fails;
    next.fail_http = record.fail_http;
    next.pause_ms = current.pause_left_ms();
    if has_grant {
        next.tag = record.tag;
        next.life_ms = record.life_ms;
        next.left_ms = current.left_ms;
        next.kept_ms = current.left_ms.max(next.pause_ms);
        next.http = record.http;
        next.body = record.body.clone();
    }
}

#[cfg(test)]
mod tests;
