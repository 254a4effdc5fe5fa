//! The plain text of a record: B2's response byte for byte, and when it was written by which clocks.

use std::fmt;

use zeroize::Zeroizing;

use crate::model::timestamp::Timestamp;

/// The longest record, sealed. A longer response is not stored.
pub(crate) const MAX_RECORD: usize = 64 * 1024;
/// The longest that a store may keep everybody from asking.
const MAX_PAUSE_MS: u64 = 60 * 60 * 1000;
/// The longest that B2 lets a token live.
const MAX_LIFE_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a record without a token is kept.
pub(crate) const KEPT_WITHOUT_GRANT_MS: u64 = 60 * 60 * 1000;
/// Everything before the body.
const FIXED_LEN: usize = 88;
/// Below this, two clocks of one boot count as running alike.
const DRIFT_MS: u64 = 1_000;
/// Requests that a fleet may send at once, in thousandths.
const BURST_MILLI: u64 = 5_000;
/// What one request takes of that.
pub(crate) const REQUEST_MILLI: u32 = 1_000;

/// What sealing adds to a plain text: version and tag, nonce, authentication code.
pub(crate) const OVERHEAD: usize = 1 + 16 + 12 + 16;

/// What a record is called in a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) [u8; 16]);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A token's digest, by which its record is recognised without being opened; zeros for a record without a token.
pub(crate) type Tag = [u8; 16];

/// What tells one boot of a machine from another; zeros if that is unknown.
pub(crate) type BootId = [u8; 16];

/// What is in a record. Spans are in milliseconds from when it was written.
pub(crate) struct Record {
    /// Not sealed: the tag of the token in the body.
    pub(crate) tag: Tag,
    /// Counts the verdicts of B2 under this name.
    pub(crate) generation: u64,
    pub(crate) written_wall_ms: i64,
    /// How long the store was told to keep it.
    pub(crate) kept_ms: u64,
    /// The whole life of the token.
    pub(crate) life_ms: u64,
    /// How much of it was left.
    pub(crate) left_ms: u64,
    /// How long nobody asks.
    pub(crate) pause_ms: u64,
    /// Failures since the last verdict.
    pub(crate) fails: u32,
    /// The HTTP status of the last of them; 0 for none.
    pub(crate) fail_http: u16,
    /// The HTTP status of the body; 0 if there is none.
    pub(crate) http: u16,
    /// The shared budget that was used, in thousandths of a request.
    pub(crate) spent_milli: u32,
    pub(crate) boot_id: BootId,
    pub(crate) written_boot_ms: u64,
    /// What B2 responded.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Record {
    /// A record that says nothing yet.
    pub(crate) fn blank(now: Timestamp, boot_id: BootId) -> Self {
        Self {
            tag: Tag::default(),
            generation: 0,
            written_wall_ms: now.wall_ms,
            kept_ms: KEPT_WITHOUT_GRANT_MS,
            life_ms: 0,
            left_ms: 0,
            pause_ms: 0,
            fails: 0,
            fail_http: 0,
            http: 0,
            spent_milli: 0,
            boot_id,
            written_boot_ms: now.boot_ms,
            body: Zeroizing::default(),
        }
    }

    /// The plain text; `None` if it is too long for a store.
    pub(crate) fn write(&self) -> Option<Zeroizing<Vec<u8>>> {
        let length = FIXED_LEN + self.body.len();
        if length + OVERHEAD > MAX_RECORD {
            return None;
        }
        let mut plain = Zeroizing::new(Vec::with_capacity(length));
        plain.extend_from_slice(&self.generation.to_le_bytes());
        plain.extend_from_slice(&self.written_wall_ms.to_le_bytes());
        for span in [self.kept_ms, self.life_ms, self.left_ms, self.pause_ms] {
            plain.extend_from_slice(&span.to_le_bytes());
        }
        plain.extend_from_slice(&self.fails.to_le_bytes());
        plain.extend_from_slice(&self.fail_http.to_le_bytes());
        plain.extend_from_slice(&self.http.to_le_bytes());
        plain.extend_from_slice(&self.spent_milli.to_le_bytes());
        plain.extend_from_slice(&self.boot_id);
        plain.extend_from_slice(&self.written_boot_ms.to_le_bytes());
        plain.extend_from_slice(&u32::try_from(self.body.len()).ok()?.to_le_bytes());
        debug_assert_eq!(plain.len(), FIXED_LEN);
        plain.extend_from_slice(&self.body);
        Some(plain)
    }

    /// Reads a plain text. Its writer had the key, but need not have been this release.
    pub(crate) fn read(tag: Tag, plain: &[u8]) -> Option<Self> {
        let mut fields = Fields(plain);
        let mut record = Self {
            tag,
            generation: u64::from_le_bytes(fields.take()?),
            written_wall_ms: i64::from_le_bytes(fields.take()?),
            kept_ms: u64::from_le_bytes(fields.take()?),
            life_ms: u64::from_le_bytes(fields.take()?),
            left_ms: u64::from_le_bytes(fields.take()?),
            pause_ms: u64::from_le_bytes(fields.take()?),
            fails: u32::from_le_bytes(fields.take()?),
            fail_http: u16::from_le_bytes(fields.take()?),
            http: u16::from_le_bytes(fields.take()?),
            spent_milli: u32::from_le_bytes(fields.take()?),
            boot_id: fields.take()?,
            written_boot_ms: u64::from_le_bytes(fields.take()?),
            body: Zeroizing::default(),
        };
        let length = u32::from_le_bytes(fields.take()?);
        if usize::try_from(length) != Ok(fields.0.len()) {
            return None;
        }
        record.body = Zeroizing::new(fields.0.to_vec());
        Some(record)
    }
}

/// The bytes that have not been read.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

/// A record, and how old it is for this reader.
pub(crate) struct Reading {
    pub(crate) record: Record,
    pub(crate) age_ms: u64,
    /// The life that its token has left.
    pub(crate) left_ms: u64,
}

#[cfg(test)]
mod tests;

impl Reading {
    /// `store_age_ms` is the age by the store's own clock, if it has one; `boot_id` tells the boot of this machine, and is
    /// asked only where it makes a difference.
    pub(crate) fn new(
        record: Record,
        now: Timestamp,
        store_age_ms: Option<u64>,
        boot_id: impl FnOnce() -> BootId,
    ) -> Self {
        let by_wall = now.wall_ms.saturating_sub(record.written_wall_ms).max(0).unsigned_abs();
        let by_boot = now.boot_ms.saturating_sub(record.written_boot_ms);
        let mut age_ms = store_age_ms.unwrap_or(by_wall);
        if by_boot > age_ms.saturating_add(DRIFT_MS)
            && record.boot_id != BootId::default()
            && record.boot_id == boot_id()
        {
            age_ms = by_boot;
        }
        // Whichever clock ends the token sooner wins, as everywhere.
        let left_ms = record.left_ms.saturating_sub(age_ms.max(by_wall)).min(MAX_LIFE_MS).min(record.life_ms);
        Self { record, age_ms, left_ms }
    }

    /// How long nobody asks yet. By the age alone: a wrong clock must not stretch it.
    pub(crate) fn pause_left_ms(&self) -> u64 {
        self.record.pause_ms.min(MAX_PAUSE_MS).saturating_sub(self.age_ms)
    }

    /// The shared budget in use, for a reader with this limit.
    pub(crate) fn spent_milli(&self, per_minute: u32) -> u64 {
        let flowed_out = self.age_ms.saturating_mul(per_minute.into()) / 60;
        u64::from(self.record.spent_milli).min(2 * BURST_MILLI).saturating_sub(flowed_out)
    }

    /// How long the shared budget has no room for another request; 0 is no limit.
    pub(crate) fn budget_wait_ms(&self, per_minute: u32) -> u64 {
        if per_minute == 0 {
            return 0;
        }
        let missing = (self.spent_milli(per_minute) + u64::from(REQUEST_MILLI)).saturating_sub(BURST_MILLI);
        (missing * 60).div_ceil(per_minute.into())
    }
}
