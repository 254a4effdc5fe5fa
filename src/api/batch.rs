//! Many keys in one call: up to so many requests at once, on threads that end before the call does.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::authorize::call::Ask;
use crate::authorize::{self, Wish};
use crate::diag::error::Error;
use crate::model::session::Session;
use crate::options::Options;
use crate::platform;
use crate::ports::World;
use crate::ports::transport::Transport;
use crate::state::Shared;

/// One place of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) key_id: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) options: &'a Options,
}

/// How a batch is gone about.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Requests in the air at once.
    pub(crate) concurrency: u32,
    /// The time for all of it; zero is no bound.
    pub(crate) timeout: Duration,
}

/// What became of one place.
pub(crate) type Outcome = Result<Arc<Session>, Error>;

/// Authorizes every place, and answers in their order. Equal places share one outcome; one that fails spoils no other.
pub(crate) fn authorize_many(shared: &Shared, world: World<'_>, places: &[Place<'_>], pace: Pace) -> Vec<Outcome> {
    let (firsts, share) = distinct(places);
    let until_ms = (!pace.timeout.is_zero()).then(|| world.clock.now().after(pace.timeout).boot_ms);
    let kept: Box<dyn Transport + '_>;
    let mut job = Job { shared, world, places, until_ms, todo: Vec::new(), next: AtomicUsize::new(0) };
    // What is at hand needs no thread.
    let mut found: Vec<Option<Outcome>> =
        firsts.iter().map(|first| authorize::at_hand(shared, world, &job.wish(*first)).map(Ok)).collect();
    job.todo = (0..firsts.len()).filter(|index| found[*index].is_none()).map(|index| (index, firsts[index])).collect();
    if job.todo.len() > 1 {
        kept = world.transport.keeping();
        job.world.transport = &*kept;
    }
    for (index, outcome) in job.run(pace.concurrency as usize) {
        found[index] = Some(outcome);
    }
    let mut taken = vec![false; firsts.len()];
    share
        .into_iter()
        .map(|index| {
            let outcome = found[index].clone().unwrap_or_else(|| Err(Error::caught()));
            let again = std::mem::replace(&mut taken[index], true);
            if again { outcome.map_err(Error::for_waiter) } else { outcome }
        })
        .collect()
}

/// The first place of each kind, and for every place which of those it equals.
fn distinct(places: &[Place<'_>]) -> (Vec<usize>, Vec<usize>) {
    let mut known = HashMap::with_capacity(places.len());
    let mut firsts = Vec::new();
    let share = places
        .iter()
        .enumerate()
        .map(|(index, place)| {
            let kind = (place.key_id.trim_ascii(), place.key.trim_ascii(), std::ptr::from_ref(place.options));
            *known.entry(kind).or_insert_with(|| {
                firsts.push(index);
                firsts.len() - 1
            })
        })
        .collect();
    (firsts, share)
}

/// What the threads of one batch share.
struct Job<'a> {
    shared: &'a Shared,
    world: World<'a>,
    places: &'a [Place<'a>],
    until_ms: Option<u64>,
    /// Which of the distinct places are to be asked for, and where each stands in the batch.
    todo: Vec<(usize, usize)>,
    /// The next of them that nobody has taken.
    next: AtomicUsize,
}

impl Job<'_> {
    /// Does it all, on this thread and on at most `concurrency - 1` others, which are gone when it returns.
    fn run(&self, concurrency: usize) -> Vec<(usize, Outcome)> {
        let helpers = concurrency.min(self.todo.len()).saturating_sub(1);
        thread::scope(|scope| {
            let start = || thread::Builder::new().name("b2auth batch".into()).spawn_scoped(scope, || self.work());
            // Where no thread can be had, those that there are do more.
            let started: Vec<_> = (0..helpers).map_while(|_| platform::deaf(start).ok()).collect();
            let mut done = self.work();
            for helper in started {
                done.extend(helper.join().unwrap_or_default());
            }
            done
        })
    }

    /// Takes one place after another until none is left.
    fn work(&self) -> Vec<(usize, Outcome)> {
        let mut done = Vec::new();
        loop {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&(index, first)) = self.todo.get(next) else { return done };
            let call = || authorize::authorize(self.shared, self.world, &self.wish(first));
            // A bug with one key is that key's own.
            let outcome = catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(Error::caught()));
            done.push((index, outcome));
        }
    }

    fn wish(&self, place: usize) -> Wish<'_> {
        let Place { key_id, key, options } = self.places[place];
        Wish { key_id, key, options, ask: Ask::AsOptionsSay, until_ms: self.until_ms }
    }
}
