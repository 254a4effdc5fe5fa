//! Whether a file has changed, judged by its metadata alone.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Two changes this close may have the same time: one tick of the kernel's clock.
const TICK: Duration = Duration::from_millis(10);
/// The same on file systems that keep whole seconds only.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// Equal fingerprints of one path mean equal content, if the first was stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    /// Where there is one, it cannot be set back.
    changed: (i64, i64),
}

impl Fingerprint {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The metadata has neither a number of the file nor the time of the change, so a tool that sets the modification time
    /// back can hide a change of the same size.
    #[cfg(windows)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::windows::fs::MetadataExt;
        let modified =
            metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let modified = (modified.as_secs().try_into().unwrap_or(i64::MAX), modified.subsec_nanos().into());
        // A file that takes another's place was created at another time.
        Self { file: (0, metadata.creation_time()), size: metadata.len(), modified, changed: modified }
    }

    /// True if any change after `now` gives another fingerprint.
    pub(crate) fn is_stable(&self, now: SystemTime) -> bool {
        let tick = if self.changed.1 == 0 { COARSE_TICK } else { TICK };
        let changed = self.changed_at();
        let since = now.duration_since(changed).or_else(|_| changed.duration_since(now));
        since.is_ok_and(|since| since >= tick)
    }

    /// When it last changed.
    pub(crate) fn changed_at(&self) -> SystemTime {
        let (seconds, nanos) = self.changed;
        UNIX_EPOCH + Duration::new(seconds.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_stable_once_the_next_change_would_show() {
        let at = |changed| Fingerprint { file: (1, 2), size: 3, modified: (0, 0), changed };
        let now = UNIX_EPOCH + Duration::new(100, 500_000_000);
        for (changed, stable) in [
            ((100, 490_000_000), true),
            ((100, 491_000_000), false),
            ((100, 509_000_000), false),
            ((99, 0), false),
            ((98, 0), true),
            ((-5, 1), true),
        ] {
            assert_eq!(at(changed).is_stable(now), stable, "{changed:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_modification_time_that_was_set_back_does_not_hide_a_change() {
        let path = std::env::temp_dir().join(format!("b2auth-fingerprint-{}", std::process::id()));
        let file = std::fs::File::create(&path).expect("a writable folder");
        let metadata = file.metadata().expect("it exists");
        let (before, modified) = (Fingerprint::of(&metadata), metadata.modified().expect("a time"));
        let start = std::time::Instant::now();
        // Until the clock of the file system has moved on.
        let after = loop {
            file.set_modified(modified).expect("it is ours");
            let after = Fingerprint::of(&file.metadata().expect("it exists"));
            if after.changed != before.changed || start.elapsed() > Duration::from_secs(20) {
                break after;
            }
        };
        std::fs::remove_file(&path).expect("it is ours");
        assert_eq!((after.file, after.size, after.modified), (before.file, before.size, before.modified));
        assert_ne!(after, before);
    }
}
