//! The network: one authorize request over ureq, on a wire that a cancel or a deadline can cut at any time.

mod connect;
mod dns;
mod endpoint;
mod explain;
mod failure;
mod happy_eyeballs;
mod pool;
mod proxy_tunnel;
mod request_watch;
mod roots;
mod shared;
mod stream;
mod tls;
mod tls_error;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ureq::http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, USER_AGENT,
};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use crate::ports::cancel::Bounds;
use crate::ports::transport::{Answer, Failure, FailureKind, Request, Transport};

use self::connect::{Dial, NoLookUp};
use self::dns::Resolve;
use self::endpoint::Route;
use self::explain::explain;
use self::failure::{WRONG_SERVER, hinted};
use self::pool::{Keeping, Stay};
use self::request_watch::{Line, Phase};
use self::shared::SHARED;

pub(crate) use self::shared::{after_fork_in_child, after_fork_in_parent, before_fork};

const PATH: &str = "/b2api/v4/b2_authorize_account";
const NO_PROXY: &str = "correct that variable or unset it; the option proxy, a URL or none, goes before it";
/// The most that an answer may have, decompressed.
const BODY: usize = 256 * 1024;

/// The way to B2.
#[derive(Clone, Copy)]
pub(crate) struct Wire {
    resolve: Resolve,
}

impl Wire {
    pub(crate) const fn new() -> Self {
        Self { resolve: dns::system }
    }
}

impl Transport for Wire {
    fn send(&self, request: &Request<'_>, bounds: &Bounds<'_>) -> Result<Answer, Failure> {
        self.send_within(request, bounds, None)
    }

    fn keeping(&self) -> Box<dyn Transport + '_> {
        Box::new(Keeping::new(*self))
    }
}

impl Wire {
    /// Without a `stay` the connection is new, and closed after the answer.
    fn send_within(
        &self,
        request: &Request<'_>,
        bounds: &Bounds<'_>,
        stay: Option<&Arc<Stay>>,
    ) -> Result<Answer, Failure> {
        Line::lend(request.realm.host(), bounds, request.connect_timeout, |line| {
            self.exchange(line, request, stay).map_err(|e| explain(line, e)).and_then(|answer| whole(line, answer))
        })
    }

    fn exchange(
        &self,
        line: &Arc<Line>,
        request: &Request<'_>,
        stay: Option<&Arc<Stay>>,
    ) -> Result<Answer, ureq::Error> {
        // A cancel goes before whatever else is wrong.
        line.look()?;
        let route = self.route(request).map_err(|failure| line.fail(failure))?;
        let config = Agent::config_builder()
            .https_only(request.realm.is_https())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // ureq would read the environment by itself; the dial knows the proxy.
            .proxy(None)
            .max_idle_connections(0)
            .max_response_header_size(usize::MAX)
            .build();
        let mut authorization = HeaderValue::from_str(request.authorization).map_err(ureq::http::Error::from)?;
        authorization.set_sensitive(true);
        // An agent of its own for each request, so that there is no pool for a fork to tear.
        let dial = Dial { line: Arc::clone(line), route: Arc::new(route), stay: stay.cloned() };
        let agent = Agent::with_parts(config, dial, NoLookUp);
        let answer = agent
            .get(format!("{}{PATH}", request.realm))
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, request.user_agent)
            .header(CONNECTION, if stay.is_some() { "keep-alive" } else { "close" })
            .call()?;
        line.enter(Phase::Body);
        let (head, body) = answer.into_parts();
        check_encoding(line, &head.headers)?;
        Ok(Answer {
            status: head.status.as_u16(),
            body: read(body)?,
            date: text(&head.headers, &DATE),
            retry_after: text(&head.headers, &RETRY_AFTER),
            request_id: text(&head.headers, &HeaderName::from_static("x-bz-request-id")),
            location: text(&head.headers, &LOCATION),
        })
    }

    fn route(&self, request: &Request<'_>) -> Result<Route, Failure> {
        let realm = request.realm;
        let proxy = request.proxy.on_the_way_to(realm);
        let proxy = proxy.map_err(|problem| hinted(FailureKind::Setup, problem, NO_PROXY))?;
        let trust = realm.is_https().then(|| roots::trust(&SHARED, request.ca_file)).transpose()?;
        Ok(Route {
            host: realm.host().to_owned(),
            port: realm.port(),
            trust,
            ca_file: request.ca_file.map(Path::to_owned),
            proxy,
            user_agent: request.user_agent.to_owned(),
            resolve: self.resolve,
        })
    }
}

/// ureq takes some broken connections for the end of a body.
fn whole(line: &Line, answer: Answer) -> Result<Answer, Failure> {
    line.take_failure().map_or(Ok(answer), Err)
}

/// ureq undoes gzip, which was asked for, and strikes the header out; another encoding it would hand on as it is.
fn check_encoding(line: &Line, headers: &HeaderMap) -> Result<(), ureq::Error> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let message = format!("the answer of {} is encoded in a way that was not asked for", line.host());
            Err(line.fail(hinted(FailureKind::Protocol, message, WRONG_SERVER)).into())
        }
        _ => Ok(()),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Reads all of it. It holds a token: each buffer that it outgrows is wiped.
fn read(body: Body) -> Result<Zeroizing<Vec<u8>>, ureq::Error> {
    let expected = body.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(8 * 1024);
    let mut reader = body.into_with_config().limit(BODY as u64).reader();
    // One more than expected, so that the end is seen without growing.
    let mut buffer = Zeroizing::new(vec![0; expected.min(BODY) + 1]);
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            let mut larger = Zeroizing::new(vec![0; filled * 2]);
            larger[..filled].copy_from_slice(&buffer);
            buffer = larger;
        }
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}
