//! Threads on which no signal handler of the host runs.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread with all signals blocked. Its stack is stated, since otherwise `RUST_MIN_STACK` would decide it.
pub(crate) fn spawn_signals_blocked(
    name: &str,
    stack: usize,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    spawn_boxed(name, stack, Box::new(work))
}

/// Apart, since starting a thread is much code for each kind of work.
fn spawn_boxed(name: &str, stack: usize, work: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    with_signals_blocked(|| Builder::new().name(name.to_owned()).stack_size(stack).spawn(work))
}

/// Runs `spawn`, which starts a thread: the new thread inherits a signal mask that blocks everything.
#[cfg(unix)]
pub(crate) fn with_signals_blocked<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    use std::mem::MaybeUninit;

    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset fills `all`, and pthread_sigmask writes this thread's old mask to `before`.
    let failed = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr())
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    let result = spawn();
    // SAFETY: `before` was written by the successful call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    result
}

#[cfg(not(unix))]
pub(crate) fn with_signals_blocked<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    spawn()
}

/// While this lives, `pthread_cancel` does not end this thread: its unwinding must not run into Rust, which would abort the
/// process. The request stays pending until the host's next cancellation point.
pub(crate) struct CancellationDisabled {
    #[cfg(all(unix, not(target_os = "android")))]
    before: libc::c_int,
}

#[cfg(all(unix, not(target_os = "android")))]
mod cancellation {
    use super::CancellationDisabled;

    const DISABLE: libc::c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };

    unsafe extern "C" {
        fn pthread_setcancelstate(state: libc::c_int, old: *mut libc::c_int) -> libc::c_int;
    }

    impl CancellationDisabled {
        pub(crate) fn new() -> Self {
            let mut before = 0;
            // SAFETY: it writes the old state to `before`.
            unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
            Self { before }
        }
    }

    impl Drop for CancellationDisabled {
        fn drop(&mut self) {
            let mut ignored = 0;
            // SAFETY: it writes the old state to `ignored`, and `before` is a state that it returned.
            unsafe { pthread_setcancelstate(self.before, &raw mut ignored) };
        }
    }
}

#[cfg(not(all(unix, not(target_os = "android"))))]
impl CancellationDisabled {
    pub(crate) fn new() -> Self {
        Self {}
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn signals_are_blocked_on_our_threads_alone() {
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
        let (send, receive) = std::sync::mpsc::channel();
        let thread =
            spawn_signals_blocked("test", 128 * 1024, move || send.send(blocked()).expect("the test receives"));
        assert_eq!(receive.recv().expect("the thread sends"), [true; 6]);
        thread.expect("it was started").join().expect("no panic");
        assert_eq!(blocked(), before, "the caller's own mask is unchanged");
    }
}
