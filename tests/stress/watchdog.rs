//! What each thread is doing, so that a thread that hangs is found.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longer than any operation takes on a busy machine.
const HANG_TIME: Duration = Duration::from_secs(90);

pub struct Watchdog(Vec<Mutex<Activity>>);

struct Activity {
    what: &'static str,
    target: String,
    since: Instant,
    thread: libc::pid_t,
}

impl Watchdog {
    pub fn new(threads: usize) -> Self {
        let idle =
            || Mutex::new(Activity { what: "starting", target: String::new(), since: Instant::now(), thread: 0 });
        Self((0..threads).map(|_| idle()).collect())
    }

    pub fn enter(&self, index: usize, what: &'static str, target: &str) {
        let mut activity = self.0[index].lock().expect("no thread panics here");
        activity.what = what;
        activity.target.clear();
        activity.target.push_str(target);
        activity.since = Instant::now();
        if activity.thread == 0 {
            // SAFETY: it takes nothing, and answers a number.
            activity.thread = unsafe { libc::gettid() };
        }
    }

    /// What every thread does, if one of them hangs.
    pub fn stuck(&self) -> Option<String> {
        let late =
            |activity: &Mutex<Activity>| activity.lock().expect("no thread panics here").since.elapsed() > HANG_TIME;
        self.0.iter().any(late).then(|| self.describe())
    }

    fn describe(&self) -> String {
        let lines = self.0.iter().enumerate().map(|(index, activity)| {
            let activity = activity.lock().expect("no thread panics here");
            let kernel =
                std::fs::read_to_string(format!("/proc/self/task/{}/wchan", activity.thread)).unwrap_or_default();
            format!(
                "thread {index}: {} {} for {:?}, in {kernel}\n",
                activity.what,
                activity.target,
                activity.since.elapsed()
            )
        });
        lines.collect()
    }
}
