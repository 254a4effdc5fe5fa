//! The stores themselves: sealing, engines, and a leader's dealings with them.

mod apart;
mod breaker;
mod call;
mod contents;
mod engine;
#[cfg(feature = "store-file")]
mod files;
#[cfg(fuzzing)]
pub(crate) mod fuzz;
mod inspect;
mod open;
#[cfg(feature = "store-redis")]
mod redis;
mod revoke;
mod seal;
#[cfg(test)]
mod vectors;

use crate::platform::fork_mutex::AtFork;

pub(crate) use call::StoreCall;
pub(crate) use contents::contents;
pub(crate) use open::open;
pub(crate) use revoke::revoke;

/// What a fork locks.
pub(crate) fn locks() -> impl DoubleEndedIterator<Item = &'static dyn AtFork> {
    #[cfg(feature = "store-file")]
    let files = files::LOCKS.iter();
    #[cfg(not(feature = "store-file"))]
    let files = [].iter();
    let own: [&'static dyn AtFork; 2] = [&apart::TASKS, breaker::BREAKER.lock()];
    own.into_iter().chain(files.copied())
}
