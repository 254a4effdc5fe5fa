//! The machine's clocks.

/// Reads the wall clock (milliseconds since 1970) and the boot clock (milliseconds since some fixed point, time asleep
/// included). Costs a few nanoseconds, at the price of a few milliseconds of precision.
pub(crate) fn now() -> (i64, u64) {
    imp::now()
}

#[cfg(unix)]
mod imp {
    use std::mem::MaybeUninit;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const WALL: libc::clockid_t = libc::CLOCK_REALTIME_COARSE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const AWAKE: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const BOOT: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const WALL: libc::clockid_t = libc::CLOCK_REALTIME;
    // Apple's has no steps and counts time asleep: it is mach_continuous_time.
    #[cfg(target_vendor = "apple")]
    const AWAKE: libc::clockid_t = libc::CLOCK_MONOTONIC_RAW;
    // Elsewhere the monotonic clock counts time asleep by itself, or no clock does.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    const AWAKE: libc::clockid_t = libc::CLOCK_MONOTONIC;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const BOOT: libc::clockid_t = AWAKE;

    /// A change of the wall clock's lead that is due to slewing, not to sleep or a step of the clock.
    const SLEW_MS: u64 = 1_000;

    /// The last known offsets between the clocks.
    static OFFSETS: Offsets = Offsets { slept_ms: AtomicI64::new(0), lead_ms: AtomicI64::new(i64::MIN) };

    pub(super) fn now() -> (i64, u64) {
        OFFSETS.read(read)
    }

    /// The boot clock has no coarse form and costs seven times the two that do. It moves ahead of the awake clock only
    /// while the machine sleeps, and then the wall clock moves ahead by as much: so it is read only when the wall
    /// clock's lead over the awake clock has changed.
    struct Offsets {
        /// How far the boot clock is ahead of the awake clock: the time asleep so far.
        slept_ms: AtomicI64,
        /// How far the wall clock was ahead of the awake clock when `slept_ms` was read.
        lead_ms: AtomicI64,
    }

    impl Offsets {
        fn read(&self, clock: impl Fn(libc::clockid_t) -> i64) -> (i64, u64) {
            let wall_ms = clock(WALL);
            let awake = clock(AWAKE);
            let lead = wall_ms.wrapping_sub(awake);
            if lead.abs_diff(self.lead_ms.load(Ordering::Acquire)) > SLEW_MS {
                self.slept_ms.store(clock(BOOT).saturating_sub(awake).max(0), Ordering::Relaxed);
                self.lead_ms.store(lead, Ordering::Release);
            }
            let boot_ms = awake.saturating_add(self.slept_ms.load(Ordering::Relaxed)).max(0).unsigned_abs();
            (wall_ms, boot_ms)
        }
    }

    fn read(clock: libc::clockid_t) -> i64 {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: `time` is a place for one timespec, and is read only if the call says that it wrote it.
        let time = unsafe {
            if libc::clock_gettime(clock, time.as_mut_ptr()) != 0 {
                return 0;
            }
            time.assume_init()
        };
        #[allow(clippy::useless_conversion, reason = "the fields are narrower on 32-bit systems")]
        let (seconds, nanos) = (i64::from(time.tv_sec), i64::from(time.tv_nsec));
        seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000)
    }

    #[cfg(all(test, any(target_os = "linux", target_os = "android")))]
    mod tests {
        use std::cell::Cell;

        use super::*;

        /// A machine with turnable clocks, which counts the readings of its boot clock.
        #[derive(Default)]
        struct Machine {
            wall: Cell<i64>,
            awake: Cell<i64>,
            asleep: Cell<i64>,
            boot_reads: Cell<u32>,
        }

        impl Machine {
            fn read(&self, clock: libc::clockid_t) -> i64 {
                match clock {
                    WALL => self.wall.get(),
                    AWAKE => self.awake.get(),
                    _ => {
                        self.boot_reads.set(self.boot_reads.get() + 1);
                        self.awake.get() + self.asleep.get()
                    }
                }
            }

            fn run(&self, ms: i64) {
                self.wall.set(self.wall.get() + ms);
                self.awake.set(self.awake.get() + ms);
            }

            fn sleep(&self, ms: i64) {
                self.wall.set(self.wall.get() + ms);
                self.asleep.set(self.asleep.get() + ms);
            }
        }

        #[test]
        fn time_asleep_counts_and_the_boot_clock_is_read_only_when_it_may_have_changed() {
            let machine = Machine::default();
            machine.wall.set(1_790_000_000_000);
            machine.awake.set(50_000);
            machine.asleep.set(7_000);
            let offsets = Offsets { slept_ms: AtomicI64::new(0), lead_ms: AtomicI64::new(i64::MIN) };
            let now = || offsets.read(|clock| machine.read(clock));
            assert_eq!(now(), (1_790_000_000_000, 57_000), "the sleep before the first reading");
            machine.run(86_400_000);
            assert_eq!(now().1, 86_457_000);
            assert_eq!(machine.boot_reads.get(), 1, "nothing has changed between the clocks");
            machine.sleep(3_600_000);
            assert_eq!(now().1, 90_057_000, "an hour asleep");
            assert_eq!(machine.boot_reads.get(), 2);
            machine.wall.set(machine.wall.get() - 7_200_000);
            assert_eq!(now().1, 90_057_000, "the wall clock was set back: the boot clock is unmoved");
            machine.sleep(3_600_000);
            assert_eq!(now().1, 93_657_000, "a sleep after a step of the wall clock");
        }

        #[test]
        fn the_boot_clock_is_the_kernels() {
            let (wall_ms, boot_ms) = now();
            assert!(wall_ms > 1_700_000_000_000);
            assert!(read(libc::CLOCK_BOOTTIME).unsigned_abs().abs_diff(boot_ms) < 10_000);
            assert!(now().1 >= boot_ms);
        }
    }
}

#[cfg(windows)]
mod imp {
    use std::time::{SystemTime, UNIX_EPOCH};

    use windows_sys::Win32::System::SystemInformation::GetTickCount64;

    pub(super) fn now() -> (i64, u64) {
        let wall_ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_millis().try_into().unwrap_or(i64::MAX),
            Err(before) => before.duration().as_millis().try_into().map_or(i64::MIN, |ms: i64| -ms),
        };
        // It counts the time asleep and in hibernation.
        // SAFETY: it takes nothing and returns a number.
        (wall_ms, unsafe { GetTickCount64() })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_clocks_run() {
        let (wall_ms, boot_ms) = super::now();
        assert!(wall_ms > 1_700_000_000_000);
        let start = std::time::Instant::now();
        while super::now().1 == boot_ms {
            assert!(start.elapsed().as_secs() < 20, "the boot clock stands still");
        }
        assert!(super::now().1 > boot_ms && super::now().0 >= wall_ms - 1_000);
    }
}
