//! The network as the retry loop sees it: one request out, one response or one failure back.

use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::limits::Limits;
use crate::model::proxy::Proxy;
use crate::model::realm::Realm;

/// One authorize request.
pub(crate) struct HttpRequest<'a> {
    pub(crate) realm: &'a Realm,
    /// The value of the `Authorization` header: `Basic …`.
    pub(crate) authorization: &'a str,
    /// The value of the `User-Agent` header.
    pub(crate) user_agent: &'a str,
    pub(crate) proxy: &'a Proxy,
    /// A PEM file of certificates to trust in addition to the system's.
    pub(crate) ca_file: Option<&'a Path>,
    /// The longest that name look-up, connect and handshake may take together.
    pub(crate) connect_timeout: Duration,
    /// False if the connection must be a new one.
    pub(crate) may_reuse_connection: bool,
}

/// A response, whatever its status. Header values are as sent, and untrusted.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// The body, decompressed and bounded.
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// Why the body could not be read, if so; then it is empty. One line for a person.
    pub(crate) body_failure: Option<String>,
    /// The `Date` header.
    pub(crate) date: Option<String>,
    /// The `Retry-After` header.
    pub(crate) retry_after: Option<String>,
    /// The `X-Bz-Request-Id` header.
    pub(crate) request_id: Option<String>,
    /// The `Location` header of a redirect, which is not followed.
    pub(crate) location: Option<String>,
}

/// How a request can fail without a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Name look-up, connect, reset, early close.
    Network,
    /// The server had closed a connection of an earlier request before it read this one. That says nothing about the
    /// request, which may be repeated at once on a new connection.
    StaleConnection,
    /// The proxy refused. That is permanent, and repeating a wrong password may lock its owner out.
    ProxyDenied,
    /// A certificate or the handshake.
    Tls,
    /// The limits or the connect timeout ran out.
    Timeout,
    /// The caller's cancel.
    Cancelled,
    /// The other side does not speak valid HTTP, or sends too much.
    Protocol,
    /// The request could not be made as asked: an unreadable CA file, a proxy of an unknown kind.
    InvalidRequest,
}

/// A request without a response.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// One line for a person: what happened, and to which host. No secret.
    pub(crate) message: String,
    /// What the person can do about it.
    pub(crate) hint: Option<String>,
    /// The connection was made, so that the server may have seen the request.
    pub(crate) is_sent: bool,
}

/// The network.
pub(crate) trait Transport: Send + Sync {
    /// Sends one request and reads the whole response, or gives up when `limits` say so.
    ///
    /// # Errors
    /// A [`Failure`] if no complete response came. Any HTTP status is a response.
    fn send(&self, request: &HttpRequest<'_>, limits: &Limits<'_>) -> Result<HttpResponse, Failure>;

    /// The same for many requests, which reuse each other's connections. They are closed when it is dropped.
    fn keep_alive(&self) -> Box<dyn Transport + '_>;
}

impl<P> Transport for P
where
    P: Deref<Target: Transport> + Send + Sync,
{
    fn send(&self, request: &HttpRequest<'_>, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        (**self).send(request, limits)
    }

    fn keep_alive(&self) -> Box<dyn Transport + '_> {
        (**self).keep_alive()
    }
}
