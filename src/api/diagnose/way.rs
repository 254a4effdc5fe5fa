//! From the realm's name to a connection that can be trusted.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};

use super::human;
use super::report::Step;
use crate::diag::error::Error;
use crate::model::proxy::{self, Proxy};
use crate::model::realm::Realm;
use crate::model::rfc3339;
use crate::net::resolver;
use crate::net::trace::{Stage, TlsFacts, Trace, TracedTransport, try_address};
use crate::options::Options;
use crate::platform::{clock, environment};
use crate::ports::limits::Limits;
use crate::ports::transport::Failure;

/// The steps from the proxy to TLS, in their order.
pub(super) const NAMES: [&str; 6] = ["proxy", "roots", "lookUp", "connect", "tunnel", "tls"];

/// A look-up or a connect that takes longer than this works, and is worth a look.
const SLOW: Duration = Duration::from_secs(1);
/// How long the other address family may take: what is being asked is whether it works at all.
const OTHER_FAMILY: Duration = Duration::from_secs(2);
/// A certificate that ends sooner should have been renewed by now.
const FEW_DAYS: i64 = 7;

pub(super) fn realm_step(options: &Options, realm: Option<&Realm>) -> Step {
    const NAME: &str = "realm";
    let (Some(realm), Ok(named)) = (realm, &options.realm) else {
        return match &options.realm {
            Err(error) => Step::failed_by(NAME, error),
            Ok(_) => Step::skipped(NAME, "it is not known"),
        };
    };
    let from_variable = environment::text("B2_ENVIRONMENT").and_then(|text| Realm::parse(&text).ok());
    let source = match options.realm_is_default {
        true if realm != named => "from the b2 tool's database",
        true => "the default",
        false if from_variable.as_ref() == Some(named) => "from B2_ENVIRONMENT",
        false => "from the option realm",
    };
    Step::ok(NAME, format!("{realm} ({source})")).detail("url", realm.as_str()).detail("source", source)
}

/// Whether each address family works, beyond the one that the call took.
#[derive(Default)]
pub(super) struct Families {
    /// An address of the other family, and how the connect to it went.
    other: Option<(IpAddr, Result<Duration, String>)>,
}

impl Families {
    /// Tries the family that the connection does not use, if the host has addresses of both.
    pub(super) fn try_other(transport: &TracedTransport, connect_timeout: Duration, limits: &Limits<'_>) -> Self {
        let other = transport.read(|trace| {
            let peer = trace.peer?;
            let address = trace.addresses.iter().find(|address| address.is_ipv4() != peer.is_ipv4())?;
            Some(SocketAddr::new(*address, peer.port()))
        });
        let Some(other) = other.filter(|_| limits.stop().is_none()) else { return Self::default() };
        Self { other: Some((other.ip(), try_address(other, limits, connect_timeout.min(OTHER_FAMILY)))) }
    }
}

/// What is known of the way.
pub(super) struct Way<'a> {
    pub(super) realm: &'a Realm,
    pub(super) options: &'a Options,
    pub(super) families: &'a Families,
    /// What the call failed with.
    pub(super) failure: Option<&'a Error>,
    /// Why there is no connection, if it was tried without a request to send.
    pub(super) no_connection: Option<&'a Failure>,
}

impl Way<'_> {
    pub(super) fn steps(&self, trace: &Trace, limits: &Limits<'_>) -> [Step; 6] {
        NAMES.map(|name| match name {
            "proxy" => self.step(trace, name, Stage::Proxy, || self.proxy(trace)),
            "roots" => self.step(trace, name, Stage::Roots, || self.roots(trace)),
            "lookUp" => self.step(trace, name, Stage::LookUp, || self.look_up(trace, limits)),
            "connect" => self.step(trace, name, Stage::Connect, || self.connect(trace)),
            "tunnel" => self.step(trace, name, Stage::Tunnel, || tunnel(trace)),
            _ => self.step(trace, name, Stage::Handshake, || self.tls(trace)),
        })
    }

    /// A step that was not reached is skipped, the last one that was reached may have failed, and the others went well.
    fn step(&self, trace: &Trace, name: &'static str, stage: Stage, done: impl FnOnce() -> Step) -> Step {
        let Some(last) = trace.last() else { return Step::skipped(name, "not reached") };
        let (message, hint) = match (self.no_connection, self.failure) {
            (Some(failure), _) => (failure.message.as_str(), failure.hint.as_deref()),
            // Without a request, the connection is the end of the way.
            (None, Some(error)) if last != Stage::Exchange && !self.is_connected_without_request(trace) => {
                (error.message(), error.hint())
            }
            _ => return done().took(trace.took(stage)),
        };
        match stage.cmp(&last) {
            std::cmp::Ordering::Less => done().took(trace.took(stage)),
            std::cmp::Ordering::Equal => {
                let step = Step::failed(name, message, hint).took(trace.took(stage));
                if stage == Stage::Connect { step.detail("families", self.all_failed(trace)) } else { step }
            }
            std::cmp::Ordering::Greater => Step::skipped(name, "not reached"),
        }
    }

    /// The call failed without a request, and then the way was walked to its end.
    fn is_connected_without_request(&self, trace: &Trace) -> bool {
        let is_complete = if self.realm.is_https() { trace.tls.is_some() } else { trace.peer.is_some() };
        is_complete && self.no_connection.is_none() && self.failure.is_some_and(|error| error.requests() == 0)
    }

    fn proxy(&self, trace: &Trace) -> Step {
        const NAME: &str = NAMES[0];
        let variable = proxy::VARIABLES.into_iter().find(|name| environment::text(name).is_some());
        match (&trace.proxy, &self.options.proxy) {
            (Some(url), Proxy::Env) => {
                let source = variable.unwrap_or("the environment");
                Step::ok(NAME, format!("{url} (from {source})")).detail("url", url.as_str()).detail("source", source)
            }
            (Some(url), _) => Step::ok(NAME, format!("{url} (from the option proxy)"))
                .detail("url", url.as_str())
                .detail("source", "option"),
            (None, _) if self.realm.is_loopback() => Step::ok(NAME, "none: a loopback realm never has one"),
            (None, Proxy::Env) => match variable {
                Some(name) => Step::ok(NAME, format!("none: NO_PROXY exempts this host from {name}")),
                None => Step::ok(NAME, "none"),
            },
            (None, _) => Step::ok(NAME, "none (the option proxy)"),
        }
    }

    fn roots(&self, trace: &Trace) -> Step {
        const NAME: &str = NAMES[1];
        if !self.realm.is_https() {
            return Step::skipped(NAME, "the realm is http");
        }
        let each = trace.roots.iter().map(|from| format!("{} from {}", from.count, from.place));
        let places: Vec<Value> =
            trace.roots.iter().map(|from| json!({"place": from.place, "count": from.count})).collect();
        let summary = format!("CA certificates: {}", each.collect::<Vec<_>>().join(", "));
        Step::ok(NAME, summary).detail("places", places)
    }

    fn look_up(&self, trace: &Trace, limits: &Limits<'_>) -> Step {
        const NAME: &str = NAMES[2];
        let addresses: Vec<String> = trace.addresses.iter().map(ToString::to_string).collect();
        let host = match &trace.proxy {
            None => self.realm.host(),
            // Its scheme and its port are no part of the name.
            Some(url) => url.split_once("://").and_then(|(_, rest)| rest.rsplit_once(':')).map_or("", |(host, _)| host),
        };
        let bare = host.trim_matches(['[', ']']);
        if bare.parse::<IpAddr>().is_ok() || host == "localhost" {
            let step = Step::ok(NAME, format!("none needed for {host}"));
            return step.detail("host", host).detail("addresses", addresses);
        }
        let files = resolver::files(host, limits);
        let server = match (files.is_in_hosts, files.name_servers.as_slice()) {
            (true, _) => " (it stands in /etc/hosts)".to_owned(),
            (false, []) => String::new(),
            (false, servers) => format!(" (name server {})", servers.join(", ")),
        };
        let took = trace.took(Stage::LookUp).unwrap_or_default();
        let slow = (took > SLOW).then(|| {
            format!("the look-up took {}: find out which name server is slow, or run a caching one", human(took))
        });
        Step::ok(NAME, format!("{host} is {}{server}", addresses.join(", ")))
            .detail("host", host)
            .detail("addresses", addresses)
            .detail("nameServers", files.name_servers)
            .detail("inHostsFile", files.is_in_hosts)
            .warn_if(slow)
    }

    fn connect(&self, trace: &Trace) -> Step {
        const NAME: &str = NAMES[3];
        let Some(peer) = trace.peer else { return Step::ok(NAME, "connected") };
        let took = trace.took(Stage::Connect).unwrap_or_default();
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let mut families = vec![
            json!({"family": family(peer.ip()), "address": peer.ip().to_string(), "connected": true, "durationMs": ms}),
        ];
        let mut step = Step::ok(NAME, format!("to {peer}, over {}", family(peer.ip())));
        match &self.families.other {
            None => {}
            Some((address, Ok(took))) => {
                let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                step.summary += &format!("; {} works too", family(*address));
                families.push(json!({"family": family(*address), "address": address.to_string(), "connected": true, "durationMs": ms}));
            }
            Some((address, Err(why))) => {
                step.summary += &format!("; {} does not: {address}: {why}", family(*address));
                families.push(json!({"family": family(*address), "address": address.to_string(), "connected": false, "reason": why}));
                step = step.warn(format!(
                    "mend {} on this network or turn it off: a call may lose a quarter of a second to it",
                    family(*address)
                ));
            }
        }
        let slow = (took > SLOW)
            .then(|| format!("connecting took {}: look for what is slow or loses packets on the way", human(took)));
        step.detail("address", peer.to_string()).detail("families", families).warn_if(slow)
    }

    /// All addresses of a host were tried in vain.
    fn all_failed(&self, trace: &Trace) -> Vec<Value> {
        let of = |is_v4: bool| trace.addresses.iter().find(|address| address.is_ipv4() == is_v4);
        let failed =
            |address: &IpAddr| json!({"family": family(*address), "address": address.to_string(), "connected": false});
        [of(true), of(false)].into_iter().flatten().map(failed).collect()
    }

    fn tls(&self, trace: &Trace) -> Step {
        const NAME: &str = NAMES[5];
        match (&trace.tls, self.realm.is_https()) {
            (_, false) => Step::skipped(NAME, "the realm is http"),
            (None, true) => Step::ok(NAME, "done"),
            (Some(tls), true) => described(NAME, tls),
        }
    }
}

fn tunnel(trace: &Trace) -> Step {
    const NAME: &str = NAMES[4];
    match &trace.proxy {
        None => Step::skipped(NAME, "no proxy"),
        Some(url) => Step::ok(NAME, format!("{url} has connected")),
    }
}

fn described(name: &'static str, tls: &TlsFacts) -> Step {
    let step =
        Step::ok(name, tls.version).detail("version", tls.version).detail("cipherSuite", tls.cipher_suite.as_str());
    let Some(certificate) = &tls.certificate else { return step };
    let days = (certificate.not_after - clock::now().0 / 1_000).div_euclid(86_400);
    let until = rfc3339::from_seconds(certificate.not_after.unsigned_abs());
    let issuer = certificate.issuer.as_deref().unwrap_or("an unnamed CA");
    let mut step = step;
    step.summary += &format!(", certificate by \"{issuer}\", good for {days} more days");
    step.detail("issuer", issuer)
        .detail("notBefore", rfc3339::from_seconds(certificate.not_before.unsigned_abs()))
        .detail("notAfter", until)
        .detail("daysLeft", days)
        .warn_if((days < FEW_DAYS).then(|| "the server's certificate ends soon: tell its operator".to_owned()))
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
