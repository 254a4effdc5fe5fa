//! Plain files and `flock`, for the processes of one machine.
//!
//! A record is a file that is replaced whole, a slot is a lock on an empty file beside it, and the kernel gives a lock back
//! when its holder dies.

mod contents;
mod failure;
mod folder;
mod locks;
mod purge;
mod records;
#[cfg(test)]
mod tests;

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::apart;
use super::engine::{Engine, Look, SettleStep, Stored, Trouble};
use super::seal::tag_of;
use crate::platform::fingerprint::Fingerprint;
use crate::platform::folder::Locality;
use crate::platform::fork_mutex::AtFork;
use crate::ports::limits::{Limits, Stop};
use crate::store::record::{Name, Tag};
use crate::store::request::Slot;

pub(super) use contents::contents;
use locks::Lock;

/// A waiter looks at the time of a file, and reads it if that has changed; but at least so often.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(250);
const SLOWEST_POLL: Duration = Duration::from_millis(100);
/// How long a settling waits for another one of the same record.
const MAX_SETTLE_WAIT: Duration = Duration::from_millis(100);
const SETTLE_POLL: Duration = Duration::from_millis(5);

/// What a fork locks.
pub(super) static LOCKS: [&dyn AtFork; 1] = [&locks::HELD];

/// One name in a folder.
pub(super) struct Files {
    paths: Arc<Paths>,
    /// No call on the folder hangs, so that none needs a thread.
    is_local: bool,
    held: Option<Lock>,
    seen: Option<Seen>,
}

struct Paths {
    folder: PathBuf,
    name: String,
}

/// What the last look saw, and when.
#[derive(Clone, Copy)]
struct Seen {
    fingerprint: Option<Fingerprint>,
    at_ms: u64,
}

impl Paths {
    fn record(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn lock(&self, number: Option<u8>) -> PathBuf {
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        self.folder.join(format!("{}.lock{number}", self.name))
    }
}

/// Opens without following a link, without waiting at a pipe, and for this user alone.
fn restrict(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    #[cfg(not(unix))]
    let _ = options;
}

fn on_a_network() -> Trouble {
    Trouble::lasting("the folder of the token store is on a network file system")
}

impl Files {
    /// Looks at the folder, and makes it if it is not there.
    pub(super) fn open(folder: &Path, name: Name, limits: &Limits<'_>) -> Result<Self, Trouble> {
        let paths = Arc::new(Paths { folder: folder.to_owned(), name: name.to_string() });
        let locality = match folder::check_without_blocking(folder) {
            Some(result) => result?,
            None => {
                let paths = Arc::clone(&paths);
                apart::run(limits, move || folder::make_and_check(&paths.folder))?
            }
        };
        match locality {
            // A lock there can hang in the kernel, deaf to deadlines.
            Locality::Network => Err(on_a_network()),
            Locality::Local | Locality::MayHang => {
                Ok(Self { paths, is_local: locality == Locality::Local, held: None, seen: None })
            }
        }
    }

    fn run<T: Send + 'static>(
        &self,
        limits: &Limits<'_>,
        work: impl FnOnce(&Paths) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        if self.is_local {
            return work(&self.paths);
        }
        let paths = Arc::clone(&self.paths);
        apart::run(limits, move || work(&paths))
    }

    fn release(&self, lock: Option<Lock>, limits: &Limits<'_>) {
        if lock.is_some() {
            drop(self.run(limits, move |_| {
                drop(lock);
                Ok(())
            }));
        }
    }

    fn saw(&mut self, found: records::Found, limits: &Limits<'_>) -> Stored {
        self.seen = Some(Seen { fingerprint: found.fingerprint, at_ms: limits.now().boot_ms });
        Stored { record: found.bytes, ttl_ms: None }
    }

    /// The lock under which records are compared and replaced. A process that holds it for long hangs.
    fn settle_lock(&self, limits: &Limits<'_>) -> Result<Lock, Trouble> {
        let end = limits.with_timeout(MAX_SETTLE_WAIT);
        loop {
            if let Some(lock) = self.run(limits, |paths| Lock::try_take(&paths.lock(None)))? {
                return Ok(lock);
            }
            match end.sleep(SETTLE_POLL) {
                Ok(()) => {}
                Err(Stop::Deadline) => {
                    return Err(Trouble::lasting("another process holds the lock of a record for long"));
                }
                Err(Stop::Cancelled) => return Err(Trouble::slow("the call was cancelled")),
            }
        }
    }
}

impl Engine for Files {
    fn look(&mut self, limits: &Limits<'_>) -> Result<Look, Trouble> {
        if let Some(seen) = self.seen
            && u128::from(limits.now().boot_ms.saturating_sub(seen.at_ms)) < READ_AGAIN_AFTER.as_millis()
        {
            let fingerprint =
                |paths: &Paths| Ok(fs::symlink_metadata(paths.record()).ok().map(|file| Fingerprint::of(&file)));
            if self.run(limits, fingerprint)? == seen.fingerprint {
                return Ok(Look::Unchanged);
            }
        }
        let found = self.run(limits, |paths| records::read(&paths.record()))?;
        Ok(Look::Is(self.saw(found, limits)))
    }

    fn claim(&mut self, slot: Slot, _: Duration, limits: &Limits<'_>) -> Result<(bool, Stored), Trouble> {
        let (lock, found) = self.run(limits, move |paths| {
            // Without a chance to write the result there is no use in a claim.
            records::check_file_limit()?;
            let lock = Lock::try_take(&paths.lock(Some(slot.0)))?;
            let found = records::read(&paths.record())?;
            Ok((lock, found))
        })?;
        let is_ours = lock.is_some();
        if is_ours {
            self.held = lock;
        }
        Ok((is_ours, self.saw(found, limits)))
    }

    fn settle(
        &mut self,
        decide: &mut dyn FnMut(&Stored) -> SettleStep,
        delete_instead: bool,
        limits: &Limits<'_>,
    ) -> Result<(), Trouble> {
        let result = self.settle_lock(limits).and_then(|lock| {
            let found = self.run(limits, |paths| records::read(&paths.record()))?;
            let SettleStep::Write(sealed) = decide(&Stored { record: found.bytes, ttl_ms: None }) else {
                return Ok(());
            };
            let written = self.run(limits, move |paths| {
                records::check_file_limit()?;
                records::write(&paths.record(), &records::temporary(&paths.folder, &paths.name), &sealed.record)
            });
            if written.is_err() && delete_instead {
                drop(self.run(limits, |paths| Ok(fs::remove_file(paths.record()))));
            }
            self.release(Some(lock), limits);
            written
        });
        let held = self.held.take();
        self.release(held, limits);
        if result.is_ok() {
            drop(self.run(limits, |paths| Ok(purge::purge(&paths.folder, SystemTime::now()))));
        }
        result
    }

    fn give_back(&mut self, limits: &Limits<'_>) -> Result<(), Trouble> {
        let held = self.held.take();
        self.release(held, limits);
        Ok(())
    }

    fn revoke(&mut self, tag: &Tag, limits: &Limits<'_>) -> Result<(), Trouble> {
        let tag = *tag;
        let is_it = move |paths: &Paths| {
            let found = records::read(&paths.record())?;
            Ok(found.bytes.is_some_and(|record| tag_of(&record) == Some(tag)))
        };
        // Most often another process was quicker.
        if !self.run(limits, is_it)? {
            return Ok(());
        }
        let lock = self.settle_lock(limits)?;
        let result = self.run(limits, move |paths| {
            if is_it(paths)? {
                fs::remove_file(paths.record()).map_err(|error| {
                    Trouble::lasting(format!("a record cannot be removed: {}", failure::reason(&error)))
                })?;
            }
            Ok(())
        });
        self.release(Some(lock), limits);
        result
    }

    fn slowest_poll(&self) -> Duration {
        SLOWEST_POLL
    }
}
