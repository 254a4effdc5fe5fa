//! What ureq says went wrong, in the words of this library.

use std::io;

use crate::ports::transport::{Failure, FailureKind};

use super::failure::{BROKEN, WRONG_SERVER, closed_early, failure, hinted, oversized_head, reason};
use super::request_watch::{Line, Phase};

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
        ureq::Error::Io(e) => {
            hinted(FailureKind::Network, format!("the connection to {host} broke: {}", reason(&e)), BROKEN)
        }
        ureq::Error::BodyExceedsLimit(_) => {
            hinted(FailureKind::Protocol, format!("the answer of {host} is over 256 KiB"), WRONG_SERVER)
        }
        ureq::Error::LargeResponseHeader(..) => oversized_head(host),
        ureq::Error::Decompress(..) => {
            hinted(FailureKind::Protocol, format!("the answer of {host} cannot be decompressed"), WRONG_SERVER)
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
        other => hinted(FailureKind::Network, format!("the request to {host} failed: {other}"), BROKEN),
    }
}
