//! Failures in the words of this library.

use std::io;

use crate::ports::transport::{Failure, FailureKind};

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

/// The other side went away in the middle.
pub(super) fn closed_early(host: &str) -> Failure {
    hinted(FailureKind::Network, format!("{host} closed the connection before its answer was complete"), BROKEN)
}

/// The other side says too much before it comes to the point.
pub(super) fn oversized_head(host: &str) -> Failure {
    hinted(FailureKind::Protocol, format!("the headers of the answer of {host} are over 16 KiB"), WRONG_SERVER)
}

/// The other side says so much around what it has to say that there is no end to be seen.
pub(super) fn endless(host: &str) -> Failure {
    hinted(FailureKind::Protocol, format!("the answer of {host} comes to no end"), WRONG_SERVER)
}

/// The port is one for https, and was not spoken to in it.
pub(super) fn tls_unasked(host: &str) -> Failure {
    hinted(
        FailureKind::Protocol,
        format!("{host} answers in TLS, and was asked in plain http"),
        "begin the realm with https://",
    )
}

/// A connection that ends in the middle is nobody's fault, or that of something in between.
pub(super) const BROKEN: &str =
    "call again later; if that does not help, see what may end connections in between: a firewall, a VPN, a proxy";
pub(super) const NO_NAME: &str = "check the spelling of the name, and this machine's network and DNS";
pub(super) const NO_WAY: &str =
    "check this machine's network and firewall; if a proxy is the only way out, name it by the option proxy";
pub(super) const NO_DESCRIPTOR: &str = "this process, or the machine, has as many files open as it may: see what leaves them open, or raise the limit (ulimit -n)";
pub(super) const NO_HANDSHAKE: &str =
    "a firewall that lets the connection through but not the handshake looks like this";
pub(super) const WRONG_SERVER: &str =
    "check that the realm names a B2 server, and that no other program sits in between";
