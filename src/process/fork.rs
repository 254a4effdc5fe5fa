//! A child after a fork can use the library, even if other threads were inside it.
//!
//! Only the thread that forks lives on in the child. So it takes every lock before, which leaves what they guard whole,
//! and gives them back on both sides. In the child it also forgets the flights, whose threads are gone. Tokens stay.

use std::cell::UnsafeCell;
use std::sync::MutexGuard;

use crate::credentials;
use crate::diag::log;
use crate::net;
use crate::options;
use crate::platform::sync;
use crate::process;
use crate::state::State;

/// Where the guards wait between the two sides of a fork.
struct Parked(UnsafeCell<Option<Guards>>);

struct Guards {
    state: MutexGuard<'static, State>,
    log: log::Held,
    _options: MutexGuard<'static, ()>,
    _database: credentials::Held,
}

// SAFETY: touched only by the three functions below, and by one thread at a time: the one that holds the locks which the
// guards stand for.
unsafe impl Sync for Parked {}

static PARKED: Parked = Parked(UnsafeCell::new(None));

pub(crate) extern "C" fn prepare() {
    // First, since its holder may be reading a file: nobody else need wait for that meanwhile.
    let database = credentials::hold();
    let options = sync::lock(&options::HANDLES);
    let state = process::shared().lock();
    net::before_fork();
    // SAFETY: this thread holds the locks, so no other is here.
    unsafe { *PARKED.0.get() = Some(Guards { state, log: log::hold(), _options: options, _database: database }) };
}

pub(crate) extern "C" fn in_parent() {
    net::after_fork_in_parent();
    release(|_| {});
}

pub(crate) extern "C" fn in_child() {
    net::after_fork_in_child();
    release(|guards| {
        guards.state.forget_flights();
        guards.log.forget();
    });
}

fn release(before: impl FnOnce(&mut Guards)) {
    // SAFETY: this thread took the locks in `prepare` and still holds them, so no other is here.
    let guards = unsafe { (*PARKED.0.get()).take() };
    if let Some(mut guards) = guards {
        before(&mut guards);
    }
}
