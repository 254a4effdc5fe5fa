//! The home directory of this user, remembered.

use std::path::PathBuf;

use super::reader::BARRIER;
use crate::platform;
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};

/// The home directory that the user database named, once it was asked.
pub(super) static HOME: ForkMutex<KnownHome> = ForkMutex::new(KnownHome(None));

pub(super) struct KnownHome(Option<PathBuf>);

impl ResetInChild for KnownHome {
    fn reset_in_child(&mut self) {}
}

/// The home directory of the named user, or of this one. The user database may be a service on the network.
pub(super) fn of(user: Option<&[u8]>) -> Option<PathBuf> {
    if user.is_none()
        && let Some(known) = HOME.lock().0.clone()
    {
        return Some(known);
    }
    let home = {
        let _inside = BARRIER.enter()?;
        platform::home::of(user)
    };
    if user.is_none() {
        HOME.lock().0.clone_from(&home);
    }
    home
}
