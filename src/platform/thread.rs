//! Threads on which no signal handler of the host runs.

use std::io;

/// Starts a detached thread with all signals blocked.
pub(crate) fn spawn_signals_blocked(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    with_signals_blocked(|| std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop))
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
        spawn_signals_blocked("test", move || send.send(blocked()).expect("the test receives")).expect("a thread");
        assert_eq!(receive.recv().expect("the thread sends"), [true; 6]);
        assert_eq!(blocked(), before, "the caller's own mask is unchanged");
    }
}
