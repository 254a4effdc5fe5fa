use super::*;

const NOW: Timestamp = Timestamp { wall_ms: 1_790_000_000_000, boot_ms: 9_000_000 };
const OLD: Tag = [1; 16];
const NEW: Tag = [2; 16];
const DAY: u64 = 86_400_000;

fn settler(seen_generation: u64) -> Settler {
    Settler { now: NOW, boot_id: [7; 16], seen_generation, per_minute: 20 }
}

/// A grant of that generation, a minute old.
fn current(generation: u64) -> Reading {
    let record = Record {
        tag: OLD,
        generation,
        life_ms: DAY,
        left_ms: DAY,
        kept_ms: DAY,
        http: 200,
        fails: 2,
        fail_http: 503,
        pause_ms: 90_000,
        spent_milli: 30_000,
        body: Zeroizing::new(b"old".to_vec()),
        ..Record::blank(NOW.before(std::time::Duration::from_secs(60)), [7; 16])
    };
    Reading::new(record, NOW, None, || [7; 16])
}

fn grant() -> Outcome {
    Outcome::Grant { tag: NEW, life_ms: DAY, left_ms: DAY - 5, body: Zeroizing::new(b"new".to_vec()) }
}

fn refusal() -> Outcome {
    Outcome::Refusal { http: 401, body: Zeroizing::new(b"no".to_vec()) }
}

fn cap() -> Outcome {
    Outcome::RefusalWithoutGrant { http: 403, body: Zeroizing::new(b"cap".to_vec()) }
}

fn written(settler: Settler, current: Option<&Reading>, outcome: &Outcome) -> Record {
    match settler.settle(current, |_| false, outcome) {
        Change::Write(record) => record,
        Change::Keep => panic!("it is written"),
    }
}

#[test]
fn a_grant_replaces_what_was_there_when_it_was_asked_for() {
    let next = written(settler(4), Some(&current(4)), &grant());
    assert_eq!((next.generation, next.tag, next.http, next.left_ms, next.kept_ms), (5, NEW, 200, DAY - 5, DAY - 5));
    assert_eq!((next.fails, next.fail_http, next.pause_ms), (0, 0, 0));
    assert_eq!((next.written_wall_ms, next.written_boot_ms, &next.body[..]), (NOW.wall_ms, NOW.boot_ms, &b"new"[..]));
    assert_eq!(written(settler(0), None, &grant()).generation, 1);
    assert_eq!(written(settler(4), None, &grant()).generation, 5, "it was revoked meanwhile");
}

#[test]
fn a_verdict_of_others_that_came_meanwhile_stands() {
    for outcome in [grant(), refusal(), cap(), Outcome::Failure { http: 503, pause_ms: 1 }] {
        assert!(matches!(settler(4).settle(Some(&current(5)), |_| false, &outcome), Change::Keep));
    }
}

#[test]
fn a_refusal_of_the_key_replaces_its_grant_and_another_does_not() {
    let next = written(settler(4), Some(&current(4)), &refusal());
    assert_eq!((next.generation, next.tag, next.http, next.left_ms, next.kept_ms), (5, [0; 16], 401, 0, 3_600_000));
    let next = written(settler(4), Some(&current(4)), &cap());
    assert_eq!((next.generation, next.tag, next.http, next.fails), (4, OLD, 200, 3));
    let next = written(settler(0), None, &cap());
    assert_eq!((next.generation, next.http), (1, 403));
}

#[test]
fn a_failure_keeps_the_grant_with_what_is_left_of_it() {
    let next = written(settler(4), Some(&current(4)), &Outcome::Failure { http: 429, pause_ms: 1_000 });
    assert_eq!((next.generation, next.tag, next.left_ms, next.life_ms), (4, OLD, DAY - 60_000, DAY));
    assert_eq!((next.fails, next.fail_http), (3, 429));
    assert_eq!(next.pause_ms, 30_000, "what is left of the longer one");
    let next = written(settler(4), Some(&current(4)), &Outcome::Failure { http: 503, pause_ms: 40_000 });
    assert_eq!(next.pause_ms, 40_000);
}

#[test]
fn a_grant_that_comes_after_a_failure_of_others_is_written() {
    let failed = written(settler(4), Some(&current(4)), &Outcome::Failure { http: 503, pause_ms: 0 });
    let failed = Reading::new(failed, NOW, None, || [7; 16]);
    assert_eq!(written(settler(4), Some(&failed), &grant()).generation, 5);
    let twice = written(settler(4), Some(&failed), &Outcome::Failure { http: 503, pause_ms: 0 });
    assert_eq!(twice.fails, 4, "each failure counts");
}

#[test]
fn a_refused_or_expired_grant_is_not_kept() {
    let failure = Outcome::Failure { http: 503, pause_ms: 0 };
    let Change::Write(next) = settler(4).settle(Some(&current(4)), |tag| *tag == OLD, &failure) else {
        panic!("it is written")
    };
    assert_eq!((next.generation, next.tag, next.http, next.left_ms, next.body.len()), (4, [0; 16], 0, 0, 0));
    let mut expired = current(4);
    expired.left_ms = 0;
    assert_eq!(written(settler(4), Some(&expired), &failure).http, 0);
}

#[test]
fn a_refusal_is_not_renewed_by_a_failure() {
    let refused = Reading::new(written(settler(4), None, &refusal()), NOW, None, || [7; 16]);
    let next = written(settler(5), Some(&refused), &Outcome::Failure { http: 503, pause_ms: 0 });
    assert_eq!((next.generation, next.http, next.fails), (5, 0, 1));
}

#[test]
fn every_request_takes_from_the_budget() {
    // A minute old: 20 of its 30 have flowed out, of at most twice the burst.
    for outcome in [grant(), refusal(), Outcome::Failure { http: 503, pause_ms: 0 }, Outcome::Sent] {
        assert_eq!(written(settler(4), Some(&current(4)), &outcome).spent_milli, 1_000);
        assert_eq!(written(settler(0), None, &outcome).spent_milli, 1_000);
    }
    let mut young = current(4);
    young.age_ms = 0;
    young.record.spent_milli = 3_500;
    assert_eq!(written(settler(4), Some(&young), &Outcome::Sent).spent_milli, 4_500);
    let sent = written(settler(4), Some(&young), &Outcome::Sent);
    assert_eq!((sent.generation, sent.tag, sent.fails, sent.http), (4, OLD, 2, 200), "and changes nothing else");
}
