//! The world as it is: the machine's clocks, its randomness, its network, and the state of this process.

mod fork;
pub(crate) mod init;
#[cfg(feature = "c-library")]
mod zeroing_alloc;

use std::time::Duration;

use once_cell::race::OnceBox;

use crate::model::cache_key;
use crate::model::timestamp::{Clock, Moment};
#[cfg(not(feature = "test-hooks"))]
use crate::net::Wire;
use crate::platform;
use crate::ports::{Dice, World};
use crate::state::Shared;

/// The machine's clocks.
pub(crate) struct SystemClock;

/// The operating system's randomness.
struct SystemDice;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let now = platform::clocks();
        #[cfg(feature = "test-hooks")]
        let now = turned::apply(now);
        now
    }

    fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }
}

impl Dice for SystemDice {
    fn roll(&self) -> f64 {
        // 53 bits are what a double holds exactly.
        let bits = u64::from_le_bytes(cache_key::random()) >> 11;
        #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
        let share = bits as f64 / (1_u64 << 53) as f64;
        share
    }
}

#[cfg(not(feature = "test-hooks"))]
static WIRE: Wire = Wire::new();
#[cfg(feature = "test-hooks")]
static WIRE: planted::Wire<crate::net::Wire> = planted::Wire(crate::net::Wire::new());

/// The world of the shipped library.
pub(crate) static WORLD: World<'static> = World { clock: &SystemClock, dice: &SystemDice, transport: &WIRE };

/// What all calls of this process share. Two first calls may race to make it: one is dropped, and no lock is left held
/// for a child of a fork to find.
pub(crate) fn shared() -> &'static Shared {
    static SHARED: OnceBox<Shared> = OnceBox::new();
    SHARED.get_or_init(Box::default)
}

/// A clock that tests turn, in the builds made for them.
#[cfg(feature = "test-hooks")]
pub(crate) mod turned {
    use std::sync::atomic::{AtomicI64, Ordering};

    use crate::model::timestamp::Moment;

    static WALL_MS: AtomicI64 = AtomicI64::new(0);
    static BOOT_MS: AtomicI64 = AtomicI64::new(0);

    /// Moves each clock by that many milliseconds from where it is.
    pub(crate) fn turn(wall_ms: i64, boot_ms: i64) {
        WALL_MS.fetch_add(wall_ms, Ordering::SeqCst);
        BOOT_MS.fetch_add(boot_ms, Ordering::SeqCst);
    }

    pub(super) fn apply(now: Moment) -> Moment {
        Moment {
            wall_ms: now.wall_ms + WALL_MS.load(Ordering::SeqCst),
            boot_ms: now.boot_ms.saturating_add_signed(BOOT_MS.load(Ordering::SeqCst)),
        }
    }
}

/// A panic in the middle of a request, in the builds made for tests.
#[cfg(feature = "test-hooks")]
pub(crate) mod planted {
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::ports::cancel::Bounds;
    use crate::ports::transport::{Answer, Failure, Request, Transport};

    static PANIC: AtomicBool = AtomicBool::new(false);

    /// The next request panics, once it is in the air.
    pub(crate) fn plant() {
        PANIC.store(true, Ordering::SeqCst);
    }

    /// The shipped way to B2, with that fault in it.
    pub(super) struct Wire<T>(pub(super) T);

    impl<T: Transport> Transport for Wire<T> {
        fn send(&self, request: &Request<'_>, bounds: &Bounds<'_>) -> Result<Answer, Failure> {
            let answer = self.0.send(request, bounds);
            assert!(!PANIC.swap(false, Ordering::SeqCst), "a planted panic");
            answer
        }

        fn keeping(&self) -> Box<dyn Transport + '_> {
            Box::new(Wire(self.0.keeping()))
        }
    }
}
