//! What differs from one operating system to the next, and nothing else.

pub(crate) mod environment;
pub(crate) mod sync;

use std::io;

use crate::model::timestamp::Moment;

#[cfg(not(loom))]
pub(crate) mod file;
#[cfg(all(feature = "b2-tool", not(loom)))]
pub(crate) mod home;
pub(crate) mod socket;

/// True if the program runs with rights that its caller lacks, so that its environment is not to be trusted.
pub(crate) fn has_raised_rights() -> bool {
    imp::has_raised_rights()
}

/// Reads the wall clock and the boot clock, cheaply.
pub(crate) fn clocks() -> Moment {
    imp::clocks()
}

/// Starts a thread on which no signal handler of the host will run.
pub(crate) fn spawn_deaf(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    deaf(|| std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop))
}

/// Runs `spawn`, which starts a thread, so that no signal handler of the host will run on that thread.
pub(crate) fn deaf<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    imp::with_signals_blocked(spawn)
}

/// Calls `prepare` before each fork of this process, `parent` and `child` after it on their sides.
pub(crate) fn at_fork(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    imp::at_fork(prepare, parent, child);
}

#[cfg(unix)]
mod imp {
    use std::io;
    use std::mem::MaybeUninit;
    use std::sync::atomic::{AtomicI64, Ordering};

    use crate::model::timestamp::Moment;

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn has_raised_rights() -> bool {
        // SAFETY: getauxval only reads the process's auxiliary vector.
        unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn has_raised_rights() -> bool {
        // SAFETY: these four only read the process's own identity.
        unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const WALL: libc::clockid_t = libc::CLOCK_REALTIME_COARSE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const AWAKE: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const BOOT: libc::clockid_t = libc::CLOCK_BOOTTIME;
    // Elsewhere the monotonic clock counts sleep by itself, or nothing does.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const WALL: libc::clockid_t = libc::CLOCK_REALTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const AWAKE: libc::clockid_t = libc::CLOCK_MONOTONIC;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const BOOT: libc::clockid_t = libc::CLOCK_MONOTONIC;

    /// How far the boot clock is ahead of the awake clock: the time slept so far.
    static SLEPT_MS: AtomicI64 = AtomicI64::new(0);
    /// How far the wall clock was ahead of the awake clock when `SLEPT_MS` was read.
    static LEAD_MS: AtomicI64 = AtomicI64::new(i64::MIN);
    /// A change of lead that is neither sleep nor a step of the wall clock, but slewing.
    const SLEW_MS: u64 = 1_000;

    /// The boot clock has no coarse form and costs seven times the two that do. It moves ahead of the awake clock
    /// only when the machine sleeps, and then the wall clock moves ahead just as far: so it is read only when the
    /// wall clock's lead has changed.
    pub(super) fn clocks() -> Moment {
        let wall_ms = read(WALL);
        let awake = read(AWAKE);
        let lead = wall_ms.saturating_sub(awake);
        if lead.abs_diff(LEAD_MS.load(Ordering::Acquire)) > SLEW_MS {
            SLEPT_MS.store(read(BOOT).saturating_sub(awake).max(0), Ordering::Relaxed);
            LEAD_MS.store(lead, Ordering::Release);
        }
        let boot_ms = awake.saturating_add(SLEPT_MS.load(Ordering::Relaxed)).max(0).unsigned_abs();
        Moment { wall_ms, boot_ms }
    }

    fn read(clock: libc::clockid_t) -> i64 {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: `time` is a place for one timespec, and is only read if the call says that it wrote it.
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

    pub(super) fn with_signals_blocked<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigfillset fills `all`, and pthread_sigmask writes this thread's old mask to `before`; a new thread
        // inherits the mask, and the old one is put back below.
        let blocked = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr())
        };
        if blocked != 0 {
            return Err(io::Error::from_raw_os_error(blocked));
        }
        let result = spawn();
        // SAFETY: `before` was written by the successful call above.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
        result
    }

    pub(super) fn at_fork(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
        // SAFETY: the three are plain functions that stay mapped as long as the library does, which is for ever.
        unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io;
    use std::sync::LazyLock;
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    use crate::model::timestamp::{Moment, millis};

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub(super) fn has_raised_rights() -> bool {
        false
    }

    pub(super) fn clocks() -> Moment {
        let wall_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis);
        Moment { wall_ms: wall_ms.try_into().unwrap_or(i64::MAX), boot_ms: millis(START.elapsed()) }
    }

    pub(super) fn with_signals_blocked<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        spawn()
    }

    pub(super) fn at_fork(_: extern "C" fn(), _: extern "C" fn(), _: extern "C" fn()) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_runs_beside_the_systems() {
        let first = clocks();
        let second = clocks();
        assert!(second.boot_ms >= first.boot_ms);
        assert!(first.wall_ms > 1_700_000_000_000);
    }

    #[cfg(unix)]
    #[test]
    fn no_signal_is_handled_on_a_thread_of_ours() {
        let blocked = || {
            let mut mask = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
            let signals = [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGALRM, libc::SIGCHLD, libc::SIGPROF];
            // SAFETY: without a new mask the old one is written to `mask`, and then only read.
            unsafe {
                libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr());
                signals.map(|signal| libc::sigismember(mask.as_ptr(), signal) == 1)
            }
        };
        let before = blocked();
        let (tell, told) = std::sync::mpsc::channel();
        spawn_deaf("test", move || tell.send(blocked()).expect("the test listens")).expect("a thread can be had");
        assert_eq!(told.recv().expect("the thread tells"), [true; 6]);
        assert_eq!(blocked(), before, "the caller's own mask is as it was");
    }
}
