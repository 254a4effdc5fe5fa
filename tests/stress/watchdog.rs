//! What each thread is doing, so that one that hangs is found, and named.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longer than any act takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Watch(Vec<Mutex<Doing>>);

struct Doing {
    what: &'static str,
    whom: String,
    since: Instant,
    thread: libc::pid_t,
}

impl Watch {
    pub fn new(threads: usize) -> Self {
        let idle = || Mutex::new(Doing { what: "nothing yet", whom: String::new(), since: Instant::now(), thread: 0 });
        Self((0..threads).map(|_| idle()).collect())
    }

    pub fn enter(&self, place: usize, what: &'static str, whom: &str) {
        let mut doing = self.0[place].lock().expect("no thread panics here");
        doing.what = what;
        doing.whom.clear();
        doing.whom.push_str(whom);
        doing.since = Instant::now();
        if doing.thread == 0 {
            // SAFETY: it takes nothing, and answers a number.
            doing.thread = unsafe { libc::gettid() };
        }
    }

    /// Says which thread does what, if one has been at it for too long.
    pub fn stuck(&self) -> Option<String> {
        let late = |doing: &Mutex<Doing>| doing.lock().expect("no thread panics here").since.elapsed() > PATIENCE;
        self.0.iter().any(late).then(|| self.tell())
    }

    fn tell(&self) -> String {
        let lines = self.0.iter().enumerate().map(|(place, doing)| {
            let doing = doing.lock().expect("no thread panics here");
            let kernel = std::fs::read_to_string(format!("/proc/self/task/{}/wchan", doing.thread)).unwrap_or_default();
            format!("thread {place}: {} {} for {:?}, in {kernel}\n", doing.what, doing.whom, doing.since.elapsed())
        });
        lines.collect()
    }
}
