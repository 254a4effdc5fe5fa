//! Work that may block for as long as a resolver or a file system likes, on threads that callers can leave.
//!
//! Such calls of the operating system cannot be interrupted. Callers that want the same result share one thread, one that
//! hangs is left behind by those who wait for it, and of each kind of work only a few may be pending.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::clock;
use super::fork_mutex::{AtFork, ForkMutex, ResetInChild};
use super::{sync, thread};

/// Enough for name-service modules, and small where address space is.
const STACK: usize = 512 * 1024;
/// Whatever takes longer than this counts as hanging: others do not wait for it to make room.
const HANGS_MS: u64 = 1_000;

/// Work of one kind, by what it is for.
pub(crate) struct BlockingTasks<K: 'static, T: 'static> {
    tasks: Tasks,
    types: PhantomData<fn(K) -> T>,
}

/// The same without its types: one copy of this code serves all kinds.
struct Tasks {
    pending: ForkMutex<Pending>,
    /// A task has finished.
    finished: Condvar,
    thread_name: &'static str,
    max_pending: usize,
    /// How long a result that came too late for its callers serves the next one.
    keep_late_result: Duration,
}

/// A key or a result.
type Anything = dyn Any + Send;
type Work = Box<dyn FnOnce() -> Box<Anything> + Send>;
/// Ends a wait, or says how long it may last until the next check.
type Check<'a> = &'a mut dyn FnMut() -> Option<Option<Duration>>;

/// The tasks that are pending, or whose result nobody has taken.
struct Pending(Vec<(Box<Anything>, Arc<Task>)>);

struct Task {
    state: Mutex<TaskState>,
    done: Condvar,
}

struct TaskState {
    result: Option<Outcome>,
    started_ms: u64,
    finished_ms: u64,
    waiting: usize,
    thread: Option<JoinHandle<()>>,
}

/// What work has come to.
enum Outcome {
    Done(Box<Anything>),
    Panicked,
}

/// Why there is no result.
pub(crate) enum BlockingError<E> {
    /// The caller's own check ended the wait.
    Stopped(E),
    /// As many are pending as may be: each of them hangs.
    TooMany(usize),
    /// No thread could be started.
    NoThread(io::Error),
}

impl ResetInChild for Pending {
    /// Their threads do not exist in the child. What those may have left half done or locked is leaked, not dropped.
    fn reset_in_child(&mut self) {
        std::mem::forget(std::mem::take(&mut self.0));
    }
}

impl<K, T> AtFork for BlockingTasks<K, T> {
    fn lock_before_fork(&'static self) {
        self.tasks.pending.lock_before_fork();
    }

    fn unlock_in_parent(&'static self) {
        self.tasks.pending.unlock_in_parent();
    }

    fn unlock_in_child(&'static self) {
        self.tasks.pending.unlock_in_child();
    }
}

impl<K: PartialEq + Send, T: Clone + Send> BlockingTasks<K, T> {
    pub(crate) const fn new(thread_name: &'static str, max_pending: usize, keep_late_result: Duration) -> Self {
        let pending = ForkMutex::new(Pending(Vec::new()));
        let tasks = Tasks { pending, finished: Condvar::new(), thread_name, max_pending, keep_late_result };
        Self { tasks, types: PhantomData }
    }

    /// The result of `work`, or of the same work that is pending already. `check` ends the wait, or says how long it may
    /// last until the next check. Panics if the work does.
    pub(crate) fn run<E>(
        &'static self,
        key: K,
        mut check: impl FnMut() -> Result<Option<Duration>, E>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BlockingError<E>> {
        let (mut stopped, mut result) = (None, None);
        let ended = self.tasks.run(
            Box::new(key),
            |one, other| one.downcast_ref::<K>() == other.downcast_ref::<K>(),
            &mut || check().map_err(|error| stopped = Some(error)).ok(),
            Box::new(move || Box::new(work())),
            &mut |done| result = done.downcast_ref::<T>().cloned(),
        );
        match (ended, stopped, result) {
            (Ok(()), _, Some(result)) => Ok(result),
            (Err(BlockingError::Stopped(())), Some(error), _) => Err(BlockingError::Stopped(error)),
            (Err(BlockingError::TooMany(count)), ..) => Err(BlockingError::TooMany(count)),
            (Err(BlockingError::NoThread(error)), ..) => Err(BlockingError::NoThread(error)),
            (Ok(()) | Err(BlockingError::Stopped(())), ..) => {
                unreachable!("what ends a wait is noted, and results have one type")
            }
        }
    }
}

impl Tasks {
    /// Calls `take` with the result.
    fn run(
        &'static self,
        key: Box<Anything>,
        is_same: fn(&Anything, &Anything) -> bool,
        check: Check<'_>,
        work: Work,
        take: &mut dyn FnMut(&Anything),
    ) -> Result<(), BlockingError<()>> {
        let task = self.share_or_start(key, is_same, check, work)?;
        let mut state = sync::lock(&task.state);
        let mut has_panicked = false;
        let result = loop {
            match &state.result {
                Some(Outcome::Done(result)) => {
                    take(&**result);
                    break Ok(());
                }
                Some(Outcome::Panicked) => {
                    has_panicked = true;
                    break Ok(());
                }
                None => {}
            }
            match check() {
                Some(timeout) => state = sync::wait(&task.done, state, timeout),
                None => break Err(BlockingError::Stopped(())),
            }
        };
        state.waiting -= 1;
        // The thread is at its very end: with it gone, the process has no thread that it did not have before the call.
        if result.is_ok()
            && let Some(thread) = state.thread.take()
        {
            drop(thread.join());
        }
        // As if this thread had done the work.
        assert!(!has_panicked, "a thread of this library has panicked");
        result
    }

    fn share_or_start(
        &'static self,
        key: Box<Anything>,
        is_same: fn(&Anything, &Anything) -> bool,
        check: Check<'_>,
        work: Work,
    ) -> Result<Arc<Task>, BlockingError<()>> {
        let mut pending = self.pending.lock();
        let now = loop {
            let now = clock::now().1;
            if let Some(task) = pending.share(&*key, is_same, now, self.keep_late_result) {
                return Ok(task);
            }
            let ages = pending.running_since(now);
            if ages.len() < self.max_pending {
                break now;
            }
            let Some(youngest) = ages.into_iter().min().filter(|age| *age < HANGS_MS) else {
                return Err(BlockingError::TooMany(self.max_pending));
            };
            let until_it_hangs = Duration::from_millis(HANGS_MS - youngest);
            let timeout = check().ok_or(BlockingError::Stopped(()))?;
            let timeout = timeout.map_or(until_it_hangs, |timeout| timeout.min(until_it_hangs));
            pending = sync::wait(&self.finished, pending, Some(timeout));
        };
        let state = TaskState { result: None, started_ms: now, finished_ms: 0, waiting: 1, thread: None };
        let task = Arc::new(Task { state: Mutex::new(state), done: Condvar::new() });
        // Under the task's own lock, so that its result comes after its thread's handle.
        let mut state = sync::lock(&task.state);
        let mine = Arc::clone(&task);
        let started = thread::spawn_signals_blocked(self.thread_name, STACK, move || {
            let outcome = catch_unwind(AssertUnwindSafe(work)).map_or(Outcome::Panicked, Outcome::Done);
            self.finish(&mine, outcome);
        });
        state.thread = Some(started.map_err(BlockingError::NoThread)?);
        drop(state);
        pending.0.push((key, Arc::clone(&task)));
        Ok(task)
    }

    fn finish(&self, task: &Arc<Task>, outcome: Outcome) {
        let mut pending = self.pending.lock();
        let mut state = sync::lock(&task.state);
        state.result = Some(outcome);
        state.finished_ms = clock::now().1;
        if state.waiting > 0 || self.keep_late_result.is_zero() {
            pending.0.retain(|(_, other)| !Arc::ptr_eq(other, task));
        }
        task.done.notify_all();
        self.finished.notify_all();
    }
}

impl Pending {
    /// The task of that key, pending or just finished; then the caller waits for it too.
    fn share(
        &mut self,
        key: &Anything,
        is_same: fn(&Anything, &Anything) -> bool,
        now: u64,
        keep_late_result: Duration,
    ) -> Option<Arc<Task>> {
        let max_age = keep_late_result.as_millis();
        self.0.retain(|(_, task)| {
            let state = sync::lock(&task.state);
            state.result.is_none() || u128::from(now.saturating_sub(state.finished_ms)) < max_age
        });
        let index = self.0.iter().position(|(other, _)| is_same(&**other, key))?;
        let task = Arc::clone(&self.0[index].1);
        let mut state = sync::lock(&task.state);
        state.waiting += 1;
        if state.result.is_some() {
            self.0.swap_remove(index);
        }
        drop(state);
        Some(task)
    }

    /// How long each pending task has been running, in milliseconds.
    fn running_since(&self, now: u64) -> Vec<u64> {
        let states = self.0.iter().map(|(_, task)| sync::lock(&task.state));
        states.filter(|state| state.result.is_none()).map(|state| now.saturating_sub(state.started_ms)).collect()
    }
}
