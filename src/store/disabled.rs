//! In place of the stores, in builds without one and in models of the rest.

use std::marker::PhantomData;

use super::choice;
use super::contents::{Contents, Purge};
use super::record::Reading;
use super::request::{Entered, Inspection, Judgement, StoreRequest};
use super::settle::Outcome;
use crate::diag::error::Error;
use crate::model::store_url::StoredAt;
use crate::options::Options;
use crate::platform::fork_mutex::AtFork;
use crate::ports::limits::Limits;
use crate::state::Shared;

/// There is none.
pub(crate) enum StoreCall<'a> {
    #[allow(dead_code, reason = "it has no value")]
    Never(Never, PhantomData<&'a ()>),
}

pub(crate) enum Never {}

impl StoreCall<'_> {
    fn never(&self) -> ! {
        let Self::Never(never, _) = self;
        match *never {}
    }

    pub(crate) fn stored_at(&self, _: &str) -> StoredAt {
        self.never()
    }

    pub(crate) fn place(&self) -> StoredAt {
        self.never()
    }

    pub(crate) fn trouble(&self) -> Option<&str> {
        self.never()
    }

    pub(crate) fn holds_slot(&self) -> bool {
        self.never()
    }

    pub(crate) fn foreign_fails(&self) -> u32 {
        self.never()
    }

    pub(crate) fn enter<T>(&mut self, _: &mut dyn FnMut(&Reading) -> Judgement<T>) -> Entered<T> {
        self.never()
    }

    pub(crate) fn do_not_ask(&mut self) {
        self.never()
    }

    pub(crate) fn was_not_sent(&mut self) {
        self.never()
    }

    pub(crate) fn settle(&mut self, _: &Outcome) {
        self.never()
    }

    pub(crate) fn give_back(&mut self) {
        self.never()
    }

    pub(crate) fn inspect(self) -> Inspection {
        self.never()
    }
}

/// No store, or an error if one is asked for.
pub(crate) fn open(request: StoreRequest<'_>) -> Result<Option<StoreCall<'_>>, Error> {
    choice::url(request.options).map(|_| None)
}

/// No store, or an error if one is asked for.
pub(crate) fn contents(options: &Options, _: Purge, _: &Limits<'_>) -> Result<Option<Contents>, Error> {
    choice::url(options).map(|_| None)
}

pub(crate) fn revoke(_: &StoredAt, _: &Shared, _: &Limits<'_>) -> Option<String> {
    None
}

/// What a fork locks: nothing.
pub(crate) fn locks() -> impl DoubleEndedIterator<Item = &'static dyn AtFork> {
    std::iter::empty()
}
