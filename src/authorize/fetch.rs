//! How a series of attempts ends, and what that means for those who wait for it.

use std::sync::Arc;
use std::time::Duration;

use crate::diag::error::{Error, Status};
use crate::model::session::Session;
use crate::state::progress::Progress;
use crate::state::single_flight::Completion;

/// How a series of attempts ended.
pub(super) enum Fetch {
    /// B2 granted a session.
    Granted(Arc<Session>),
    /// B2's verdict against it: shared with every follower.
    Rejected(Error),
    /// The request did not get through. Shared with followers who could do no better.
    TransportFailed(Error, Progress),
    /// The caller's own deadline, cancel or limit ended it: not shared.
    CallerStopped(Error, Progress),
    /// The shared store remembers that B2 refused, that long ago.
    Remembered(Error, Duration),
    /// A good token is in hand, and another process is asking, or nobody may: not shared.
    LeftToOthers(Progress),
}

impl Fetch {
    /// The same with more advice, if it is a failure of B2 or of the way there.
    pub(super) fn with_hint(self, hint: &str) -> Self {
        let more = |error: Error| match error.status() {
            Status::Cancelled | Status::StoreError => error,
            _ => error.append_hint(Some(hint.to_owned())),
        };
        match self {
            Self::TransportFailed(error, progress) => Self::TransportFailed(more(error), progress),
            Self::CallerStopped(error, progress) => Self::CallerStopped(more(error), progress),
            other => other,
        }
    }

    /// What it means for the followers of a flight.
    pub(super) fn completion(&self) -> Completion {
        match self {
            Self::Granted(session) => Completion::Result(Ok(Arc::clone(session))),
            Self::Rejected(error) | Self::Remembered(error, _) => Completion::Result(Err(error.clone())),
            Self::TransportFailed(_, progress) | Self::CallerStopped(_, progress) | Self::LeftToOthers(progress) => {
                Completion::Abandon(progress.clone())
            }
        }
    }
}
