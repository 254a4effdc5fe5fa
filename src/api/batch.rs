//! Many keys in one call: up to so many requests at once, on threads that end before the call does.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};
use std::time::Duration;

use crate::authorize::call::Intent;
use crate::authorize::{self, AuthorizeRequest, Runtime};
use crate::diag::error::Error;
use crate::diag::log::is_in_callback;
use crate::model::session::Session;
use crate::options::Options;
use crate::platform::thread::{CancellationDisabled, with_signals_blocked};
use crate::ports::transport::Transport;

/// Seven times what a call over TLS needs. Stated, since otherwise `RUST_MIN_STACK` would decide it.
const STACK: usize = 512 * 1024;

/// One item of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) key_id: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) options: &'a Options,
}

/// The limits of a batch as a whole.
#[derive(Clone, Copy)]
pub(crate) struct BatchLimits {
    /// Requests in flight at once.
    pub(crate) concurrency: u32,
    /// The time for all of it; zero is no limit.
    pub(crate) timeout: Duration,
}

/// The result of one item.
pub(crate) type ItemResult = Result<Arc<Session>, Error>;

/// Authorizes every item, and returns the results in their order. Equal items share one result; one that fails affects no
/// other.
pub(crate) fn authorize_many(runtime: Runtime<'_>, items: &[Item<'_>], limits: BatchLimits) -> Vec<ItemResult> {
    let _uncancellable = CancellationDisabled::new();
    let (distinct, index_of) = distinct(items);
    let deadline_ms = (!limits.timeout.is_zero()).then(|| runtime.env.clock.now().after(limits.timeout).boot_ms);
    let pooled: Box<dyn Transport + '_>;
    let mut run = Run { runtime, items, deadline_ms, todo: Vec::new(), next: AtomicUsize::new(0) };
    // Cache hits need no thread.
    let mut results: Vec<Option<ItemResult>> = distinct.iter().map(|item| run.try_cached(*item).map(Ok)).collect();
    run.todo = (0..distinct.len()).filter(|i| results[*i].is_none()).map(|i| (i, distinct[i])).collect();
    if run.todo.len() > 1 {
        pooled = runtime.env.transport.keep_alive();
        run.runtime.env.transport = &*pooled;
    }
    for (index, result) in run.run(limits.concurrency as usize) {
        results[index] = Some(result);
    }
    let mut is_taken = vec![false; distinct.len()];
    index_of
        .into_iter()
        .map(|index| {
            let result = results[index].clone().unwrap_or_else(|| Err(Error::from_panic()));
            let is_repeated = std::mem::replace(&mut is_taken[index], true);
            if is_repeated { result.map_err(|error| error.with_request_count(0)) } else { result }
        })
        .collect()
}

/// The first item of each kind, and for every item which of those it equals.
fn distinct(items: &[Item<'_>]) -> (Vec<usize>, Vec<usize>) {
    let mut known = HashMap::with_capacity(items.len());
    let mut distinct = Vec::new();
    let index_of = items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let kind = (item.key_id.trim_ascii(), item.key.trim_ascii(), std::ptr::from_ref(item.options));
            *known.entry(kind).or_insert_with(|| {
                distinct.push(index);
                distinct.len() - 1
            })
        })
        .collect();
    (distinct, index_of)
}

/// What the threads of one batch share.
struct Run<'a> {
    runtime: Runtime<'a>,
    items: &'a [Item<'a>],
    deadline_ms: Option<u64>,
    /// Which of the distinct items need a request, and the index of each in the batch.
    todo: Vec<(usize, usize)>,
    /// The next of them.
    next: AtomicUsize,
}

impl Run<'_> {
    /// Does it all, on this thread and on at most `concurrency - 1` others, which have ended when it returns.
    fn run(&self, concurrency: usize) -> Vec<(usize, ItemResult)> {
        // From within a log function only this thread knows that it must not wait for requests in flight.
        let concurrency = if is_in_callback() { 1 } else { concurrency };
        let helpers = concurrency.min(self.todo.len()).saturating_sub(1);
        thread::scope(|scope| {
            let start =
                || Builder::new().name("b2auth batch".into()).stack_size(STACK).spawn_scoped(scope, || self.work());
            // Where no thread can be had, those that there are do more.
            let started: Vec<_> = (0..helpers).map_while(|_| with_signals_blocked(start).ok()).collect();
            let mut done = self.work();
            for helper in started {
                done.extend(helper.join().unwrap_or_default());
            }
            done
        })
    }

    /// Takes one item after another until none is left.
    fn work(&self) -> Vec<(usize, ItemResult)> {
        let mut done = Vec::new();
        loop {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&(index, item)) = self.todo.get(next) else { return done };
            let call = || authorize::authorize(self.runtime, &self.request(item));
            // A panic over one key fails that key alone.
            let result = catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(Error::from_panic()));
            done.push((index, result));
        }
    }

    fn try_cached(&self, item: usize) -> Option<Arc<Session>> {
        authorize::try_cached(self.runtime, &self.request(item))
    }

    fn request(&self, item: usize) -> AuthorizeRequest<'_> {
        let Item { key_id, key, options } = self.items[item];
        AuthorizeRequest { key_id, key, options, intent: Intent::Authorize, batch_deadline_ms: self.deadline_ms }
    }
}
