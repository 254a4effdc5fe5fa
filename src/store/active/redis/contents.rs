//! All keys of a store, for a person. It takes rights that no leader needs: `SCAN` and `STRLEN`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Command, Connection};
use super::resp::Reply;
use super::unexpected;
use crate::model::redis_url::RedisUrl;
use crate::model::store_url::StoreUrl;
use crate::model::timestamp::millis;
use crate::ports::limits::Limits;
use crate::store::active::engine::Trouble;
use crate::store::contents::{Entry, EntryKind, MAX_ENTRIES, Purge, in_order, is_hash, is_size_of_a_record};

/// Keys that one reply may have: a server sends some more than it is asked for.
const MAX_KEYS: usize = 8 * 1024;
/// The bytes of keys that are asked for at once, which is half of what a reply may have.
const KEYS_BYTES: usize = 64 * 1024;
/// Keys looked at, or deleted, at once.
const AT_ONCE: usize = 64;
/// No record of ours is kept longer, nor any lease.
const MAX_RECORD_LIFE: Duration = Duration::from_secs(25 * 60 * 60);
const MAX_LEASE: Duration = Duration::from_secs(15 * 60);

/// The keys of a store, and whether that is all of them. Of a cluster, those of this server.
pub(in crate::store::active) fn contents(
    url: &Arc<StoreUrl>,
    redis: &RedisUrl,
    ca_file: Option<&Path>,
    purge: Purge,
    limits: &Limits<'_>,
) -> Result<(Vec<Entry>, bool), Trouble> {
    let mut connection = Connection::new(Arc::clone(url), ca_file).with_max_items(MAX_KEYS);
    let (keys, is_whole) = scan(&mut connection, &redis.prefix, limits)?;
    let mut entries = Vec::with_capacity(keys.len());
    for some in keys.chunks(AT_ONCE) {
        look(&mut connection, some, &redis.prefix, limits, &mut entries)?;
    }
    if purge == Purge::Yes {
        let mut dead: Vec<_> = entries.iter_mut().filter(|entry| entry.is_dead).collect();
        for some in dead.chunks_mut(AT_ONCE) {
            remove(&mut connection, some, &redis.prefix, limits)?;
        }
    }
    Ok((entries, is_whole))
}

/// The names of our keys, each once: a server may send one twice.
fn scan(connection: &mut Connection, prefix: &str, limits: &Limits<'_>) -> Result<(Vec<String>, bool), Trouble> {
    let pattern = [&escaped(prefix), "{*}:*"].concat();
    let count = (KEYS_BYTES / (prefix.len() + 48)).to_string();
    let mut cursor = b"0".to_vec();
    let mut names = Vec::new();
    loop {
        let command: Command<'_> = &[b"SCAN", &cursor, b"MATCH", pattern.as_bytes(), b"COUNT", count.as_bytes()];
        let mut replies = connection.exchange(&[command], limits)?;
        let Some(Reply::Array(Some(parts))) = replies.pop() else { return Err(unexpected()) };
        let Ok([Reply::Bulk(Some(next)), Reply::Array(Some(keys))]) = <[Reply; 2]>::try_from(parts) else {
            return Err(unexpected());
        };
        for key in keys {
            let Reply::Bulk(Some(key)) = key else { return Err(unexpected()) };
            let name = String::from_utf8(key).ok().and_then(|key| key.strip_prefix(prefix).map(str::to_owned));
            names.extend(name.filter(|name| kind(name).is_some()));
        }
        let is_whole = next == b"0";
        if is_whole || names.len() >= MAX_ENTRIES {
            return Ok((in_order(names), is_whole));
        }
        cursor = next;
    }
}

/// What a key is, by its name without the prefix: `{NAME}:r`, `{NAME}:l0` to `l4`.
fn kind(name: &str) -> Option<EntryKind> {
    let (hash, rest) = name.strip_prefix('{')?.split_once('}')?;
    match rest {
        _ if !is_hash(hash, 32) => None,
        ":r" => Some(EntryKind::Record),
        ":l0" | ":l1" | ":l2" | ":l3" | ":l4" => Some(EntryKind::Lease),
        _ => None,
    }
}

/// In a pattern these mean more than themselves.
fn escaped(prefix: &str) -> String {
    prefix.chars().flat_map(|c| "*?[]\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

fn look(
    connection: &mut Connection,
    names: &[String],
    prefix: &str,
    limits: &Limits<'_>,
    entries: &mut Vec<Entry>,
) -> Result<(), Trouble> {
    let keys: Vec<String> = names.iter().map(|name| [prefix, name].concat()).collect();
    let commands: Vec<[&[u8]; 2]> =
        keys.iter().flat_map(|key| [[&b"STRLEN"[..], key.as_bytes()], [&b"PTTL"[..], key.as_bytes()]]).collect();
    let commands: Vec<Command<'_>> = commands.iter().map(|command| &command[..]).collect();
    let replies = connection.exchange(&commands, limits)?;
    for (name, facts) in names.iter().zip(replies.chunks_exact(2)) {
        let [Reply::Integer(bytes), Reply::Integer(left)] = facts else { return Err(unexpected()) };
        let (Some(kind), Ok(bytes)) = (kind(name), u64::try_from(*bytes)) else { return Err(unexpected()) };
        // −2 is a key that has ended meanwhile, and −1 one that will not end.
        if *left == -2 {
            continue;
        }
        let left_ms = u64::try_from(*left).ok();
        let longest = if kind == EntryKind::Lease { MAX_LEASE } else { MAX_RECORD_LIFE };
        let is_unfit = kind == EntryKind::Record && !is_size_of_a_record(bytes);
        entries.push(Entry {
            name: name.clone(),
            kind,
            bytes,
            age_ms: None,
            left_ms,
            is_dead: is_unfit || left_ms.is_none_or(|left| left > millis(longest)),
            is_removed: false,
        });
    }
    Ok(())
}

fn remove(
    connection: &mut Connection,
    entries: &mut [&mut Entry],
    prefix: &str,
    limits: &Limits<'_>,
) -> Result<(), Trouble> {
    let keys: Vec<String> = entries.iter().map(|entry| [prefix, &entry.name].concat()).collect();
    let commands: Vec<[&[u8]; 2]> = keys.iter().map(|key| [&b"DEL"[..], key.as_bytes()]).collect();
    let commands: Vec<Command<'_>> = commands.iter().map(|command| &command[..]).collect();
    let replies = connection.exchange(&commands, limits)?;
    for (entry, reply) in entries.iter_mut().zip(replies) {
        entry.is_removed = reply == Reply::Integer(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_keys_are_told_from_others() {
        let name = "{0123456789abcdef0123456789abcdef}";
        assert_eq!(kind(&format!("{name}:r")), Some(EntryKind::Record));
        assert_eq!(kind(&format!("{name}:l4")), Some(EntryKind::Lease));
        for other in [":l5", ":r:", "", ":R", ":l"] {
            assert_eq!(kind(&format!("{name}{other}")), None, "{other}");
        }
        assert_eq!(kind("{0123456789ABCDEF0123456789abcdef}:r"), None);
        assert_eq!(kind("{}:r"), None);
    }

    #[test]
    fn a_prefix_stands_for_itself_in_a_pattern() {
        assert_eq!(escaped("b2auth:"), "b2auth:");
        assert_eq!(escaped("a*b?[c]\\"), "a\\*b\\?\\[c\\]\\\\");
    }
}
