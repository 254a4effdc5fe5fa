//! Tokens shared by the processes of a machine (files) and by a fleet (Redis), sealed.
//!
//! A lease makes one process ask for all, and nothing is wrong if two hold it: a token is not used up by use. So trouble with a
//! store costs time within bounds, and never a session.

#![cfg_attr(
    not(all(any(feature = "store-file", feature = "store-redis"), not(loom))),
    allow(dead_code, reason = "without an engine there is little to do")
)]

mod choice;
mod contents;
#[cfg(all(test, not(loom)))]
mod every_order;
mod flow;
mod record;
mod request;
mod settle;

#[cfg(all(any(feature = "store-file", feature = "store-redis"), not(loom)))]
mod active;
#[cfg(not(all(any(feature = "store-file", feature = "store-redis"), not(loom))))]
#[path = "disabled.rs"]
mod active;

#[cfg(not(loom))]
pub(crate) use active::contents;
#[cfg(all(fuzzing, any(feature = "store-file", feature = "store-redis"), not(loom)))]
pub(crate) use active::fuzz;
pub(crate) use active::{StoreCall, locks, open, revoke};
#[cfg(not(loom))]
pub(crate) use contents::{Contents, Entry, Purge};
pub(crate) use record::Reading;
pub(crate) use request::{Entered, Inspection, Judgement, StoreRequest, Waiting};
pub(crate) use settle::Outcome;
