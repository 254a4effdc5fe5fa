//! The network as the attempts see it: one request out, one answer or one failure back.

use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::cancel::Bounds;
use crate::model::proxy::Proxy;
use crate::model::realm::Realm;

/// One authorize request.
pub(crate) struct Request<'a> {
    /// Where it goes.
    pub realm: &'a Realm,
    /// The value of the `Authorization` header: `Basic …`.
    pub authorization: &'a str,
    /// The value of the `User-Agent` header.
    pub user_agent: &'a str,
    /// How to get there.
    pub proxy: &'a Proxy,
    /// PEM file of certificates to trust in addition to the system's.
    pub ca_file: Option<&'a Path>,
    /// The longest that look-up, connect and handshake may take together.
    pub connect_timeout: Duration,
}

/// What came back, whatever its status. Header values are as sent, and untrusted.
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, decompressed and bounded.
    pub body: Zeroizing<Vec<u8>>,
    /// The `Date` header.
    pub date: Option<String>,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The `X-Bz-Request-Id` header.
    pub request_id: Option<String>,
    /// The `Location` header of a redirect, which is not followed.
    pub location: Option<String>,
}

/// How a request can fail without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Name look-up, connect, reset, early close.
    Network,
    /// A proxy that says no. That is meant to last, and a wrong password given often may lock its owner out.
    Barred,
    /// A certificate or the handshake.
    Tls,
    /// The bounds or the connect timeout ran out.
    Timeout,
    /// The caller's cancel.
    Cancelled,
    /// The other side does not speak HTTP as it should, or says too much.
    Protocol,
    /// The request could not be made as asked: an unreadable CA file, a proxy of an unknown kind.
    Setup,
}

/// A request without an answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// One line for a person: what happened, and to which host. No secret.
    pub message: String,
    /// What the person can do about it.
    pub hint: Option<String>,
}

/// The way to B2. The shipped one is [`crate::net::Wire`]; tests bring their own.
pub(crate) trait Transport: Send + Sync {
    /// Sends one request and reads the whole answer, or gives up when `bounds` say so.
    ///
    /// # Errors
    /// A [`Failure`] if no whole answer came. Any HTTP status is an answer.
    fn send(&self, request: &Request<'_>, bounds: &Bounds<'_>) -> Result<Answer, Failure>;

    /// The same way for many requests, which may find the connections of those before them open. They are closed when
    /// it is dropped.
    fn keeping(&self) -> Box<dyn Transport + '_>;
}

impl<P> Transport for P
where
    P: Deref<Target: Transport> + Send + Sync,
{
    fn send(&self, request: &Request<'_>, bounds: &Bounds<'_>) -> Result<Answer, Failure> {
        (**self).send(request, bounds)
    }

    fn keeping(&self) -> Box<dyn Transport + '_> {
        (**self).keeping()
    }
}
