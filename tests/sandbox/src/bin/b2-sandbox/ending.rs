//! When the binary ends: on a signal, with its parent, or with its standard input.

use std::io::{self, Read};
use std::os::unix::process::parent_id;
use std::thread;
use std::time::Duration;

/// How soon after its parent it is gone.
const LOOK: Duration = Duration::from_millis(100);

/// All that are sent to end a program, or that end it unless it handles them.
const SIGNALS: [libc::c_int; 8] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGALRM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGXCPU,
];

pub(crate) struct Ending {
    signals: libc::sigset_t,
    parent: u32,
}

impl Ending {
    /// Blocks the signals for this thread and for those that it starts, so that `wait` gets them.
    pub(crate) fn prepare() -> Self {
        let parent = parent_id();
        // SAFETY: all zeroes is a valid sigset_t, and sigemptyset makes it an empty set.
        let mut signals: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: `signals` is valid and writable, and the signal numbers are the system's own.
        unsafe {
            libc::sigemptyset(&mut signals);
            for signal in SIGNALS {
                libc::sigaddset(&mut signals, signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &signals, std::ptr::null_mut());
        }
        Self { signals, parent }
    }

    /// Returns when it is time to end: on a signal, and if asked for at the end of standard input or with the parent.
    pub(crate) fn wait(self, until_eof: bool, with_parent: bool) -> io::Result<()> {
        let parent = self.parent;
        // Linux could send a signal at the parent's death, but means the parent's thread by it:
        // a test runner whose thread is done would take its sandbox along.
        let watch = move || {
            while parent_id() == parent {
                thread::sleep(LOOK);
            }
            terminate();
        };
        if with_parent {
            thread::Builder::new().spawn(watch)?;
        }
        if until_eof {
            let drain = || {
                let mut scrap = [0; 1024];
                while matches!(io::stdin().read(&mut scrap), Ok(read) if read > 0) {}
                terminate();
            };
            thread::Builder::new().spawn(drain)?;
        }
        let mut signal = 0;
        // SAFETY: both are valid for the length of the call, and the signals are blocked.
        match unsafe { libc::sigwait(&self.signals, &mut signal) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Wakes the main thread in the way that it is waiting for anyway.
fn terminate() {
    // SAFETY: both calls take and return plain numbers.
    unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
}
