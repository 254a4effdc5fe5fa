//! What a file's entry in its folder says of its content, without a look inside.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Two changes this close may carry the same time: a tick of the kernel's clock.
const TICK: Duration = Duration::from_millis(10);
/// The same on file systems that keep whole seconds only.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// Equal stamps of one path are one content, if the first was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    /// Nobody can set this one back, where there is one.
    changed: (i64, i64),
}

impl Stamp {
    #[cfg(unix)]
    pub(super) fn of(data: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            file: (data.dev(), data.ino()),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(data: &Metadata) -> Self {
        let modified = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let modified = (modified.as_secs().try_into().unwrap_or(i64::MAX), modified.subsec_nanos().into());
        Self { file: (0, 0), size: data.len(), modified, changed: modified }
    }

    /// True if a change from now on gives another stamp.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let (seconds, nanos) = self.changed;
        let tick = if nanos == 0 { COARSE_TICK } else { TICK };
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let changed = Duration::new(seconds.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0));
        now.abs_diff(changed) >= tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_settles_when_the_next_change_would_tell() {
        let at = |changed| Stamp { file: (1, 2), size: 3, modified: (0, 0), changed };
        let now = UNIX_EPOCH + Duration::new(100, 500_000_000);
        for (changed, settled) in [
            ((100, 490_000_000), true),
            ((100, 491_000_000), false),
            ((100, 509_000_000), false),
            ((99, 0), false),
            ((98, 0), true),
            ((-5, 1), true),
        ] {
            assert_eq!(at(changed).is_settled(now), settled, "{changed:?}");
        }
    }
}
