//! What ureq says went wrong, in the words of this library.

use std::io;

use crate::transport::{Failure, FailureKind};

use super::line::{Line, Phase};

/// A failure without a hint.
pub(super) fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure { kind, message: message.into(), hint: None }
}

/// A failure with something that the person can do.
pub(super) fn hinted(kind: FailureKind, message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure { kind, message: message.into(), hint: Some(hint.into()) }
}

/// An I/O error's reason, without the numbers.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        // A custom message says more than its kind; a kind without a name says nothing.
        _ if error.get_ref().is_some() => error.to_string(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        kind if kind.to_string().starts_with("uncategorized") => error.to_string(),
        kind => kind.to_string(),
    }
}

/// The failure behind an error of ureq's.
pub(super) fn explain(line: &Line, error: ureq::Error) -> Failure {
    // What the stream knows is closer to the truth than what became of it on the way up.
    if let Some(known) = line.take_failure() {
        return known;
    }
    let host = line.host();
    match error {
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => closed_early(host),
        ureq::Error::Decompress(..) | ureq::Error::BodyStalled if line.has_ended() => closed_early(host),
        ureq::Error::Io(e) => failure(FailureKind::Network, format!("the connection to {host} broke: {}", reason(&e))),
        ureq::Error::BodyExceedsLimit(_) => {
            failure(FailureKind::Protocol, format!("the answer of {host} is over 256 KiB"))
        }
        ureq::Error::LargeResponseHeader(..) => oversized_head(host),
        ureq::Error::Decompress(..) => {
            failure(FailureKind::Protocol, format!("the answer of {host} cannot be decompressed"))
        }
        // Its only trouble with a request of ours is one that does not fit into the buffer.
        ureq::Error::Protocol(_) if line.phase() == Phase::Send => {
            failure(FailureKind::Setup, format!("the request to {host} is too large: the key or the user agent is"))
        }
        ureq::Error::Protocol(e) => {
            hinted(FailureKind::Protocol, format!("{host} does not answer in HTTP: {e}"), WRONG_SERVER)
        }
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => {
            failure(FailureKind::Setup, format!("no request to {host} can be made of what was given"))
        }
        other => failure(FailureKind::Network, format!("the request to {host} failed: {other}")),
    }
}

/// The other side went away in the middle.
pub(super) fn closed_early(host: &str) -> Failure {
    failure(FailureKind::Network, format!("{host} closed the connection before its answer was complete"))
}

/// The other side says too much before it comes to the point.
pub(super) fn oversized_head(host: &str) -> Failure {
    failure(FailureKind::Protocol, format!("the headers of the answer of {host} are over 16 KiB"))
}

pub(super) const WRONG_SERVER: &str =
    "check that the realm names a B2 server, and that no other program sits in between";
