//! Removes what nobody needs any more. Only files of the names that a store gives are looked at.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::locks::Lock;
use crate::platform::random;
use crate::store::contents::{EntryKind, is_hash, is_size_of_a_record};

/// No token lives so long, and no lock is held so long.
const MAX_AGE: Duration = Duration::from_secs(25 * 60 * 60);
/// Of files that were to be renamed at once.
const MAX_TEMPORARY_AGE: Duration = Duration::from_secs(60 * 60);
/// Files looked at, and names read to choose them from.
const MAX_FILES: usize = 256;
const MAX_NAMES: usize = 16 * 1024;

/// The kind of a file of that name; `None` for files that are not the store's.
pub(super) fn kind(name: &str) -> Option<EntryKind> {
    let (is_temporary, rest) = match name.strip_prefix('.') {
        Some(rest) => (true, rest),
        None => (false, name),
    };
    let (hash, rest) = rest.split_at_checked(32)?;
    if !is_hash(hash, 32) {
        return None;
    }
    if is_temporary {
        let (process, random) = rest.strip_prefix('.')?.split_once('.')?;
        let is_number = !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit());
        return (is_number && is_hash(random, 16)).then_some(EntryKind::Temporary);
    }
    match rest {
        "" => Some(EntryKind::Record),
        ".lock" | ".lock0" | ".lock1" | ".lock2" | ".lock3" | ".lock4" => Some(EntryKind::Lease),
        _ => None,
    }
}

/// Removes old files of a store, and returns how many.
pub(super) fn purge(folder: &Path, now: SystemTime) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut names: Vec<_> =
        entries.take(MAX_NAMES).flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| kind(name).is_some());
    // Where there are many, others each time.
    let random = usize::try_from(u32::from_le_bytes(random::bytes())).unwrap_or(0);
    let start = if names.len() > MAX_FILES { random % names.len() } else { 0 };
    names.rotate_left(start);
    names.iter().take(MAX_FILES).filter(|name| remove_if_old(&folder.join(name), kind(name), now)).count()
}

fn remove_if_old(path: &Path, kind: Option<EntryKind>, now: SystemTime) -> bool {
    let Some(kind) = kind else { return false };
    let Some(modified) = fs::symlink_metadata(path).ok().and_then(|metadata| metadata.modified().ok()) else {
        return false;
    };
    is_old(kind, now.duration_since(modified).ok()) && remove(path, kind)
}

/// A file from the future has no age.
fn is_old(kind: EntryKind, age: Option<Duration>) -> bool {
    age.is_some_and(|age| age > if kind == EntryKind::Temporary { MAX_TEMPORARY_AGE } else { MAX_AGE })
}

/// True if nobody needs a file: it is old, or cannot be a record.
pub(super) fn is_dead(metadata: &Metadata, kind: EntryKind, age: Option<Duration>) -> bool {
    let is_unfit = kind == EntryKind::Record && !(metadata.is_file() && is_size_of_a_record(metadata.len()));
    is_unfit || is_old(kind, age)
}

pub(super) fn remove(path: &Path, kind: EntryKind) -> bool {
    if kind == EntryKind::Lease {
        // Not while somebody holds it; who opened it and has not locked it yet notices that it is gone.
        let Ok(Some(_lock)) = Lock::try_take(path) else { return false };
        return fs::remove_file(path).is_ok();
    }
    fs::remove_file(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
        let name = "0123456789abcdef0123456789abcdef";
        assert_eq!(kind(name), Some(EntryKind::Record));
        for lock in ["lock", "lock0", "lock4"] {
            assert_eq!(kind(&format!("{name}.{lock}")), Some(EntryKind::Lease));
        }
        assert_eq!(kind(&format!(".{name}.17.0123456789abcdef")), Some(EntryKind::Temporary));
        let others = [
            String::new(),
            ".".to_owned(),
            name.to_uppercase(),
            name[1..].to_owned(),
            format!("{name}0"),
            format!("{name}.lock5"),
            format!("{name}."),
            format!(".{name}"),
            format!(".{name}..0123456789abcdef"),
            format!(".{name}.x.0123456789abcdef"),
            format!(".{name}.1.0123456789abcde"),
            format!(".{name}.1.0123456789abcdef.x"),
            "é".repeat(20),
        ];
        for other in others {
            assert_eq!(kind(&other), None, "{other}");
        }
    }
}
