//! Failures in plain words, and every hint that goes with them.

use std::fmt;
use std::io;

use crate::ports::transport::{Failure, FailureKind};

/// A failure without a hint.
pub(super) fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure { kind, message: message.into(), hint: None, is_sent: false }
}

/// A failure with something that the person can do.
pub(super) fn with_hint(kind: FailureKind, message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure { kind, message: message.into(), hint: Some(hint.into()), is_sent: false }
}

/// The reason of an I/O error, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        // A custom message says more than its kind; a kind without a name says nothing.
        _ if error.get_ref().is_some() => error.to_string(),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        kind if kind.to_string().starts_with("uncategorized") => error.to_string(),
        kind => kind.to_string(),
    }
}

pub(super) fn closed_early(host: &str) -> Failure {
    with_hint(FailureKind::Network, format!("{host} closed the connection before its response was complete"), BROKEN)
}

pub(super) fn oversized_head(host: &str) -> Failure {
    with_hint(FailureKind::Protocol, format!("the headers of the response of {host} are over 16 KiB"), WRONG_SERVER)
}

/// So much framing around so little content that no end is in sight.
pub(super) fn endless(host: &str) -> Failure {
    with_hint(FailureKind::Protocol, format!("the response of {host} does not end"), WRONG_SERVER)
}

pub(super) fn not_http(host: &str, detail: impl fmt::Display) -> Failure {
    with_hint(FailureKind::Protocol, format!("{host} does not speak HTTP: {detail}"), WRONG_SERVER)
}

/// The port is one for https, and was spoken to in plain http.
pub(super) fn unexpected_tls(host: &str) -> Failure {
    let message = format!("{host} speaks TLS on this port, and the request was plain http");
    with_hint(FailureKind::Protocol, message, "begin the realm with https://")
}

pub(super) const BROKEN: &str =
    "call again later; if that does not help, look for what ends connections on the way: a firewall, a VPN, a proxy";
pub(super) const CA_HINT: &str = "install the system's CA certificates, or name a file of them in SSL_CERT_FILE";
pub(super) const CHECK_CLOCK: &str = "check this machine's clock";
pub(super) const CHECK_HOST: &str = "check the realm's host, and that its name resolves to the right machine";
pub(super) const CHECK_NAME: &str = "check the spelling of the name, and this machine's network and DNS";
pub(super) const CHECK_PROXY: &str =
    "check the proxy's address, that it runs, and that the scheme of its URL (http, https, socks5) is what it speaks";
pub(super) const CHECK_PROXY_VARIABLE: &str =
    "correct that variable or unset it; the option proxy, a URL or none, takes precedence over it";
pub(super) const CHECK_ROUTE: &str =
    "check this machine's network and firewall; if a proxy is the only way out, set the option proxy";
pub(super) const CLIENT_CERTIFICATE: &str =
    "the server requires a client certificate, which B2 never does: check the realm";
pub(super) const FD_LIMIT: &str =
    "the limit of open files is reached: find what leaves them open, or raise the limit (ulimit -n)";
pub(super) const HANDSHAKE_BLOCKED: &str =
    "a firewall that passes the connection but not the handshake looks like this";
pub(super) const KNOWN_CA_FILE: &str = "that CA is neither among the system's nor in the file that ca_file names: add the \
                                        certificate of the root CA, not of the server, to that file";
pub(super) const KNOWN_CERT_FILE: &str = "SSL_CERT_FILE or SSL_CERT_DIR is set, which replaces the system's CA certificates: add that CA's to it, name it \
                                          in the option ca_file, or unset the variable";
pub(super) const MIDDLEBOX: &str = "if a TLS-intercepting middlebox (a company's proxy, a virus scanner) is on the way, set the option ca_file to its \
                                    CA certificate, or install that in the system; SSL_CERT_FILE names a file to use in place of the system's";
pub(super) const NO_RANDOMNESS: &str =
    "see why getrandom fails here: an old kernel, a filter of system calls, a chroot without /dev/urandom";
/// People write https where they mean what goes through the proxy, not what the proxy itself speaks.
pub(super) const PLAIN_PROXY: &str =
    "begin the proxy's URL with http:// unless the proxy itself speaks TLS; most do not, and pass https all the same";
pub(super) const SERVER_SETUP: &str =
    "the server is set up wrong, or something answers in its place: check the realm, and ask who runs the server";
pub(super) const SLOW: &str =
    "call again later, allow more time (attempt_timeout_ms, total_timeout_ms), or find what is slow on the way";
pub(super) const THREAD_LIMIT: &str = "the limit of threads of this process, its user or its container is reached, or its memory: find what starts so \
                                       many, or raise the limit (ulimit -u)";
pub(super) const TLS_VERSION: &str = "TLS 1.2 or newer is required";
pub(super) const WRONG_PORT: &str =
    "check that the realm's port is one for https, and that no other program answers on it";
pub(super) const WRONG_SERVER: &str =
    "check that the realm names a B2 server, and that no other program answers in its place";
