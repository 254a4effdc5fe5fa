//! What the fuzzers of the store call.

use zeroize::Zeroizing;

use super::seal::{Keys, tag_of};
use crate::model::timestamp::Timestamp;
use crate::store::record::{MAX_RECORD, Reading, Record};
use crate::store::settle::{Change, Outcome, Settler};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const HOUR_MS: u64 = 60 * 60 * 1_000;
const BURST_MS: u64 = 15_000;

/// A record: the first bytes are clocks, the rest is both what was found in a store, and the plain text of a sealed record,
/// which a fuzzer cannot forge.
pub(crate) fn record(data: &[u8]) {
    let Some((clocks, data)) = data.split_first_chunk::<34>() else { return };
    let keys = Keys::derive("a key", "https://api.example", "an ID", b"");
    assert!(keys.open_record(data).is_none(), "nobody can forge the code");
    let _ = tag_of(data);

    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| clocks[at + index]));
    // The clocks' own range: thousands of years.
    let now = Timestamp { wall_ms: number(0).cast_signed() >> 14, boot_ms: number(8) >> 14 };
    let per_minute = u32::from(u16::from_le_bytes([clocks[24], clocks[25]])) % 6_001;
    let tag = [clocks[26] % 2; 16];
    let Some(record) = Record::read(tag, data) else { return };
    assert_eq!(record.write().as_deref().map(Vec::as_slice), Some(data), "what was read is what is written");
    let sealed = keys.seal_record(&record, [7; 12]);
    assert_eq!(sealed.is_some(), data.len() <= MAX_RECORD - crate::store::record::OVERHEAD);
    if let Some(mut sealed) = sealed {
        let opened = keys.open_record(&sealed).and_then(|record| record.write());
        assert_eq!(opened.as_deref().map(Vec::as_slice), Some(data));
        let at = usize::from(clocks[27]) * 7 % sealed.len();
        sealed[at] ^= 1 << (clocks[28] % 8);
        assert!(keys.open_record(&sealed).is_none(), "a bit of it was flipped");
    }

    let store_age = (clocks[29] % 2 == 1).then(|| number(16));
    let boot_id = [clocks[30]; 16];
    let reading = Reading::new(record, now, store_age, || boot_id);
    within_bounds(&reading, per_minute);
    let body = Zeroizing::new(vec![b'x'; usize::from(clocks[31])]);
    let outcome = match clocks[32] % 5 {
        0 => Outcome::Grant { tag: [9; 16], life_ms: number(8), left_ms: number(16), body },
        1 => Outcome::Refusal { http: 401, body },
        2 => Outcome::RefusalWithoutGrant { http: 403, body },
        3 => Outcome::Failure { http: 503, pause_ms: number(16) },
        _ => Outcome::Sent,
    };
    let settler = Settler { now, boot_id, seen_generation: number(16) >> 1, per_minute };
    let is_failure = matches!(outcome, Outcome::Failure { .. } | Outcome::Sent);
    let Change::Write(next) = settler.settle(Some(&reading), |tag| *tag == [1; 16], &outcome) else { return };
    if is_failure && reading.left_ms > 0 && reading.record.tag != [1; 16] {
        assert_eq!((&next.body, next.tag), (&reading.record.body, reading.record.tag), "a failure takes no token away");
        assert_eq!(next.left_ms, reading.left_ms);
    }
    within_bounds(&Reading::new(next, now, None, || boot_id), per_minute);
}

fn within_bounds(reading: &Reading, per_minute: u32) {
    assert!(reading.left_ms <= DAY_MS && reading.left_ms <= reading.record.left_ms);
    assert!(reading.left_ms <= reading.record.life_ms && reading.pause_left_ms() <= HOUR_MS);
    // Twice the burst is the most that is believed.
    let wait = reading.budget_wait_ms(per_minute);
    assert!(if per_minute == 0 { wait == 0 } else { wait <= 6 * 60_000 / u64::from(per_minute) + BURST_MS }, "{wait}");
}

/// Replies of a server of Redis, and where they were cut.
#[cfg(feature = "store-redis")]
pub(crate) fn resp(data: &[u8]) {
    use super::redis::resp::{MAX_ITEMS, Reply, read};

    fn size(reply: &Reply) -> usize {
        match reply {
            Reply::Simple(text) | Reply::Error(text) | Reply::Bulk(Some(text)) => text.len(),
            Reply::Array(Some(items)) => {
                assert!(items.len() <= MAX_ITEMS);
                items.iter().map(size).sum()
            }
            _ => 0,
        }
    }

    let mut rest = data;
    while let Ok(Some((reply, after))) = read(rest, MAX_ITEMS) {
        assert!(after.len() < rest.len() && size(&reply) < rest.len(), "no more than was sent");
        let length = rest.len() - after.len();
        assert_eq!(read(&rest[..length], MAX_ITEMS).map(|found| found.map(|(again, _)| again)), Ok(Some(reply)));
        // However it is cut, it is not taken for whole, nor for something else.
        let cut = usize::from(rest[0]).wrapping_mul(31) % length;
        assert_eq!(read(&rest[..cut], MAX_ITEMS), Ok(None));
        super::redis::fuzz_error(&rest[..length]);
        rest = after;
    }
}
