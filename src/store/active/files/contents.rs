//! All files of a store, for a person.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::{failure, folder, purge};
use crate::model::timestamp::millis;
use crate::platform::folder::Locality;
use crate::ports::limits::Limits;
use crate::store::active::apart;
use crate::store::active::engine::Trouble;
use crate::store::contents::{Entry, MAX_ENTRIES, Purge, in_order};

/// The files of a store, and whether that is all of them. The folder is not made.
pub(in crate::store::active) fn contents(
    path: &Path,
    what_is_dead: Purge,
    limits: &Limits<'_>,
) -> Result<(Vec<Entry>, bool), Trouble> {
    let path = path.to_owned();
    apart::run(limits, move || {
        if folder::look_and_check(&path)? == Locality::Network {
            return Err(super::on_a_network());
        }
        list(&path, what_is_dead)
    })
}

fn list(folder: &Path, what_is_dead: Purge) -> Result<(Vec<Entry>, bool), Trouble> {
    let unreadable = |error| Trouble::lasting(format!("the folder cannot be read: {}", failure::reason(&error)));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().into_string();
        names.extend(name.ok().filter(|name| purge::kind(name).is_some()));
        if names.len() > MAX_ENTRIES {
            break;
        }
    }
    let is_whole = names.len() <= MAX_ENTRIES;
    let now = SystemTime::now();
    let mut entries = Vec::with_capacity(names.len());
    for name in in_order(names) {
        let Some(kind) = purge::kind(&name) else { continue };
        let path = folder.join(&name);
        // It may be gone by now.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let age = metadata.modified().ok().and_then(|modified| now.duration_since(modified).ok());
        let is_dead = purge::is_dead(&metadata, kind, age);
        entries.push(Entry {
            kind,
            bytes: metadata.len(),
            age_ms: age.map(millis),
            left_ms: None,
            is_dead,
            is_removed: is_dead && what_is_dead == Purge::Yes && purge::remove(&path, kind),
            name,
        });
    }
    Ok((entries, is_whole))
}
