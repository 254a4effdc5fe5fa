//! A Redis or Valkey server, for a fleet.
//!
//! A record is a key that ends by itself, and a slot a key that only one can set. No scripts and no subscriptions: they need
//! rights that are often missing.

mod connection;
mod contents;
mod error;
pub(super) mod resp;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Engine, Look, Sealed, SettleStep, Stored, Trouble};
use super::seal::tag_of;
use crate::model::store_url::{StorePlace, StoreUrl};
use crate::model::timestamp::millis;
use crate::platform::random;
use crate::ports::limits::Limits;
use crate::store::record::{Name, Tag};
use crate::store::request::Slot;

use connection::{Command, Connection};
pub(super) use contents::contents;
use resp::Reply;

const SLOWEST_POLL: Duration = Duration::from_millis(250);
/// A transaction is made anew so often if others were quicker.
const TRIES: u32 = 3;

/// One name in a server.
pub(super) struct Redis {
    connection: Connection,
    /// What all keys of the name begin with. The braces keep them together in a cluster.
    prefix: String,
    /// Tells this holder of a slot from all others.
    owner: String,
    held: Option<Slot>,
}

/// What is watched before a transaction.
struct Watched {
    is_ours: bool,
    record: Option<Vec<u8>>,
    ttl_ms: Option<u64>,
}

impl Redis {
    /// The server is not called yet.
    pub(super) fn new(url: Arc<StoreUrl>, name: Name, ca_file: Option<&Path>) -> Self {
        let prefix = match &url.place {
            StorePlace::Redis(redis) => redis.prefix.as_str(),
            StorePlace::Files(_) => "",
        };
        let prefix = format!("{prefix}{{{name}}}");
        let owner = Name(random::bytes()).to_string();
        Self { connection: Connection::new(url, ca_file), prefix, owner, held: None }
    }

    fn record_key(&self) -> Vec<u8> {
        format!("{}:r", self.prefix).into_bytes()
    }

    fn slot_key(&self, slot: Slot) -> Vec<u8> {
        format!("{}:l{}", self.prefix, slot.0).into_bytes()
    }

    fn exchange<const N: usize>(
        &mut self,
        commands: [Command<'_>; N],
        limits: &Limits<'_>,
    ) -> Result<[Reply; N], Trouble> {
        let replies = self.connection.exchange(&commands, limits)?;
        replies.try_into().map_err(|_| unexpected())
    }

    /// Watches the record and the slot that is held, and reads both.
    fn watch(&mut self, limits: &Limits<'_>) -> Result<Watched, Trouble> {
        let record = self.record_key();
        let slot = self.slot_key(self.held.unwrap_or(Slot(0)));
        let commands: [Command<'_>; 4] =
            [&[b"WATCH", &record, &slot], &[b"GET", &slot], &[b"GET", &record], &[b"PTTL", &record]];
        let [_, owner, found, ttl] = self.exchange(commands, limits)?;
        let is_ours = self.held.is_some() && text(owner)?.is_some_and(|owner| owner == self.owner.as_bytes());
        Ok(Watched { is_ours, record: text(found)?, ttl_ms: time_left(&ttl)? })
    }

    /// Writes and deletes together what was watched; false if that has changed meanwhile.
    fn commit(&mut self, write: Option<&Sealed>, delete: &[Vec<u8>], limits: &Limits<'_>) -> Result<bool, Trouble> {
        let record = self.record_key();
        let kept = write.map(|sealed| sealed.kept_ms.max(1).to_string()).unwrap_or_default();
        let mut commands: Vec<Vec<&[u8]>> = Vec::new();
        if write.is_none() && delete.is_empty() {
            commands.push(vec![b"UNWATCH"]);
        } else {
            commands.push(vec![b"MULTI"]);
            if let Some(sealed) = write {
                commands.push(vec![b"SET", &record, &sealed.record, b"PX", kept.as_bytes()]);
            }
            commands.extend(delete.iter().map(|key| vec![&b"DEL"[..], key.as_slice()]));
            commands.push(vec![b"EXEC"]);
        }
        let commands: Vec<Command<'_>> = commands.iter().map(Vec::as_slice).collect();
        let replies = self.connection.exchange(&commands, limits)?;
        // The reply to a transaction that did nothing is nil, and of one kind or the other.
        Ok(!matches!(replies.last(), Some(Reply::Array(None) | Reply::Bulk(None))))
    }

    /// Deletes without a transaction, in which a server that is full takes no command at all. What was read just before may have
    /// changed in between, which would cost a request.
    fn delete(&mut self, keys: &[Vec<u8>], limits: &Limits<'_>) -> Result<(), Trouble> {
        let commands: Vec<[&[u8]; 2]> = keys.iter().map(|key| [&b"DEL"[..], key.as_slice()]).collect();
        let unwatch: [&[u8]; 1] = [b"UNWATCH"];
        let all: Vec<Command<'_>> = [&unwatch[..]].into_iter().chain(commands.iter().map(|one| &one[..])).collect();
        self.connection.exchange(&all, limits).map(drop)
    }

    fn try_settle(
        &mut self,
        decide: &mut dyn FnMut(&Stored) -> SettleStep,
        limits: &Limits<'_>,
    ) -> Result<(), Trouble> {
        for _ in 0..TRIES {
            let found = self.watch(limits)?;
            let step = decide(&Stored { record: found.record, ttl_ms: found.ttl_ms });
            let slots: Vec<_> =
                self.held.filter(|_| found.is_ours).map(|slot| self.slot_key(slot)).into_iter().collect();
            let sealed = match &step {
                SettleStep::Write(sealed) => Some(sealed),
                SettleStep::Keep => None,
            };
            if self.commit(sealed, &slots, limits)? {
                return Ok(());
            }
        }
        Err(Trouble::lasting("others change the record all the time"))
    }
}

impl Engine for Redis {
    fn look(&mut self, limits: &Limits<'_>) -> Result<Look, Trouble> {
        let record = self.record_key();
        let [found, ttl] = self.exchange([&[b"GET", &record], &[b"PTTL", &record]], limits)?;
        Ok(Look::Is(Stored { record: text(found)?, ttl_ms: time_left(&ttl)? }))
    }

    fn claim(&mut self, slot: Slot, lease: Duration, limits: &Limits<'_>) -> Result<(bool, Stored), Trouble> {
        let (record, key) = (self.record_key(), self.slot_key(slot));
        let (lease, owner) = (millis(lease).to_string(), self.owner.clone());
        let set: Command<'_> = &[b"SET", &key, owner.as_bytes(), b"NX", b"PX", lease.as_bytes()];
        // Read again: of a claim whose reply was lost with the connection, the second try is refused.
        let commands: [Command<'_>; 4] = [set, &[b"GET", &key], &[b"GET", &record], &[b"PTTL", &record]];
        let [_, holder, found, ttl] = self.exchange(commands, limits)?;
        let is_ours = text(holder)?.is_some_and(|holder| holder == self.owner.as_bytes());
        if is_ours {
            self.held = Some(slot);
        }
        Ok((is_ours, Stored { record: text(found)?, ttl_ms: time_left(&ttl)? }))
    }

    fn settle(
        &mut self,
        decide: &mut dyn FnMut(&Stored) -> SettleStep,
        delete_instead: bool,
        limits: &Limits<'_>,
    ) -> Result<(), Trouble> {
        let result = self.try_settle(decide, limits);
        let Err(trouble) = &result else {
            self.held = None;
            return result;
        };
        if trouble.is_passing() {
            return result;
        }
        let watched = self.watch(limits)?;
        let mut keys: Vec<_> =
            self.held.filter(|_| watched.is_ours).map(|slot| self.slot_key(slot)).into_iter().collect();
        if delete_instead {
            keys.push(self.record_key());
        }
        self.delete(&keys, limits)?;
        self.held = None;
        result
    }

    fn give_back(&mut self, limits: &Limits<'_>) -> Result<(), Trouble> {
        let Some(slot) = self.held else { return Ok(()) };
        let is_ours = self.watch(limits)?.is_ours;
        let keys: Vec<_> = is_ours.then(|| self.slot_key(slot)).into_iter().collect();
        // If it has changed since, it is another's.
        match self.commit(None, &keys, limits) {
            Err(trouble) if !trouble.is_passing() => self.delete(&keys, limits)?,
            done => drop(done?),
        }
        self.held = None;
        Ok(())
    }

    fn revoke(&mut self, tag: &Tag, limits: &Limits<'_>) -> Result<(), Trouble> {
        for _ in 0..TRIES {
            let found = self.watch(limits)?.record;
            let is_it = found.is_some_and(|record| tag_of(&record) == Some(*tag));
            let keys: Vec<_> = is_it.then(|| self.record_key()).into_iter().collect();
            if self.commit(None, &keys, limits)? {
                break;
            }
        }
        Ok(())
    }

    fn slowest_poll(&self) -> Duration {
        SLOWEST_POLL
    }
}

fn unexpected() -> Trouble {
    Trouble::lasting("its replies are not those of Redis")
}

/// The content of a key, if there is one.
fn text(reply: Reply) -> Result<Option<Vec<u8>>, Trouble> {
    match reply {
        Reply::Bulk(content) => Ok(content),
        _ => Err(unexpected()),
    }
}

/// How long a key is kept yet; `None` if it is not there, or somebody made it stay.
fn time_left(reply: &Reply) -> Result<Option<u64>, Trouble> {
    match reply {
        Reply::Integer(ms) => Ok(u64::try_from(*ms).ok()),
        _ => Err(unexpected()),
    }
}

/// What an error means, whatever its text: nothing of that is in what is said.
#[cfg(fuzzing)]
pub(super) fn fuzz_error(text: &[u8]) {
    let said = error::trouble(text).what;
    assert!(said.starts_with("it ") || said.starts_with("its ") || said.ends_with(')'), "{said}");
    let _ = error::moved(text);
}
