//! What a process has one of: the shared state, the clocks, the network, and the hooks around a fork.

mod fork;
pub(crate) mod init;
#[cfg(feature = "test-hooks")]
pub(crate) mod test_hooks;
#[cfg(feature = "c-library")]
mod zeroing_alloc;

use std::time::Duration;

use once_cell::race::OnceBox;

use crate::authorize::Runtime;
use crate::model::timestamp::Timestamp;
#[cfg(not(feature = "test-hooks"))]
use crate::net::HttpTransport;
use crate::platform::{clock, random};
use crate::ports::{Clock, Env, Rng};
use crate::state::Shared;

/// The machine's clocks.
pub(crate) struct SystemClock;

/// The operating system's randomness.
struct OsRng;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let (wall_ms, boot_ms) = clock::now();
        let now = Timestamp { wall_ms, boot_ms };
        #[cfg(feature = "test-hooks")]
        let now = test_hooks::turned(now);
        now
    }

    fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }
}

impl Rng for OsRng {
    fn uniform(&self) -> f64 {
        // A double holds 53 bits exactly.
        let bits = u64::from_le_bytes(random::bytes()) >> 11;
        #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
        let share = bits as f64 / (1_u64 << 53) as f64;
        share
    }
}

#[cfg(not(feature = "test-hooks"))]
static TRANSPORT: HttpTransport = HttpTransport::new();
#[cfg(feature = "test-hooks")]
static TRANSPORT: test_hooks::PanickingTransport = test_hooks::PanickingTransport::new();

/// The environment of the shipped library.
pub(crate) static ENV: Env<'static> = Env { clock: &SystemClock, rng: &OsRng, transport: &TRANSPORT };

/// What all calls of this process share. Two first calls may race to create it: one is dropped, and no lock is left held
/// for a child to find.
#[inline(always)]
pub(crate) fn shared() -> &'static Shared {
    static SHARED: OnceBox<Shared> = OnceBox::new();
    SHARED.get_or_init(Box::default)
}

/// What the calls of this process work with.
#[inline(always)]
pub(crate) fn runtime() -> Runtime<'static> {
    init::ensure();
    Runtime { shared: shared(), env: ENV }
}
