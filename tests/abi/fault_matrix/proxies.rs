//! Proxies that do not run, do not let anybody through, or are none.

use std::time::Duration;

use super::cause::{Broken, Cause};
use super::fake_proxy::{Step, honest, proxy};
use super::private_etc::set;
use super::subprocess::Place;
use super::{Expect, NETWORK, PROTOCOL, Row, TIMEOUT, TLS, watch};
use crate::support::api::{self, Options};
use crate::support::fixture::Fixture;

/// For those that the environment names.
pub const PLACE: Place = Place { name: "proxies", rows: named, walled: false };

const LOGIN: &str = "corp%2Duser:hidden%40password";
/// What nothing may tell of it.
const SECRETS: [&str; 5] =
    ["corp-user", "corp%2Duser", "hidden@password", "hidden%40password", "corp-user:hidden@password"];
pub const CHECK: &str = "check the proxy's address, that it runs";
pub const ASK: &str = "ask whoever runs the proxy";
pub const KIND: &str = "check the proxy's port, and http or socks5 in its URL";

pub fn rows() -> Vec<Row> {
    all([http(), answers(), tls()]).into_iter().chain(options()).collect()
}

fn named() -> Vec<Row> {
    all([environment(), loopback()])
}

/// None of them may tell the login.
pub fn all<const N: usize>(causes: [Vec<Cause>; N]) -> Vec<Row> {
    causes.into_iter().flatten().map(|cause| cause.keeping(&SECRETS)).flat_map(Cause::rows).collect()
}

/// The options of a call to B2's server by a name that only a proxy knows.
pub fn through(fixture: &Fixture) -> Options {
    let port = fixture.sandbox.https().rsplit(':').next().expect("it has a port");
    let ca_file = fixture.sandbox.ca_file().to_str().expect("a plain path");
    fixture.options.with(&[
        ("realm", &format!("https://api.b2.test:{port}")),
        ("ca_file", ca_file),
        ("proxy", &format!("http://{LOGIN}@127.0.0.1:{}", honest())),
    ])
}

pub type Breaks = Box<dyn Fn(&Fixture, &Options) -> Broken + Send + Sync>;

/// A proxy of that kind that does this. One that falls silent has far less time for it than usual.
pub fn does(scheme: &'static str, steps: Vec<Step>) -> Breaks {
    Box::new(move |_, good| {
        let url = format!("{scheme}://{LOGIN}@127.0.0.1:{}", proxy(steps.clone()));
        let options = good.with(&[("proxy", &url)]);
        if steps.iter().any(|step| matches!(step, Step::Stay | Step::Drip(_))) {
            options.set("connect_timeout_ms", Some("500")).expect("a time");
        }
        Broken::new(options, ())
    })
}

fn say(text: &str) -> Step {
    Step::Say(text.as_bytes().to_vec())
}

fn http() -> Vec<Cause> {
    let retried = |name: &str, status, says, hint, steps| {
        Cause::retried(format!("an http proxy {name}"), status, says, hint, does("http", steps)).good(through)
    };
    let ends = |name: &str, status, says, hint, steps| retried(name, status, says, hint, steps).tries(1);
    let gone: Breaks = Box::new(|fixture, good| {
        let url = fixture.sandbox.refused_url().replace("http://", &format!("http://{LOGIN}@"));
        Broken::new(good.with(&[("proxy", &url)]), ())
    });
    vec![
        Cause::passes("an http proxy that works", |_, good| Broken::new(good.with(&[]), ())).good(through),
        Cause::retried("an http proxy that is down", NETWORK, "cannot connect to the proxy 127.0.0.1", CHECK, gone)
            .good(through),
        retried("that says nothing", TIMEOUT, "(waiting for the proxy)", CHECK, vec![Step::Stay]),
        retried("that closes", NETWORK, "closed the connection", CHECK, vec![Step::Hear]),
        retried("that resets", NETWORK, "the proxy 127.0.0.1", CHECK, vec![Step::Hear, Step::Reset]),
        retried("that resets before it hears", NETWORK, "the proxy 127.0.0.1", CHECK, vec![Step::Reset]),
        retried(
            "that closes in its answer",
            NETWORK,
            "closed the connection",
            CHECK,
            vec![Step::Hear, say("HTTP/1.1 200 OK\r\nX: y")],
        ),
        retried(
            "that drips its answer",
            TIMEOUT,
            "(waiting for the proxy)",
            CHECK,
            vec![Step::Hear, Step::Drip(b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 03:00:00 GMT\r\n\r\n".to_vec())],
        ),
        ends(
            "that floods with headers",
            PROTOCOL,
            "does not answer as a proxy",
            KIND,
            vec![Step::Hear, say("HTTP/1.1 200 OK\r\n"), Step::Flood(b"X-More: and more, and more\r\n".to_vec())],
        ),
        ends(
            "that floods with one line",
            PROTOCOL,
            "does not answer as a proxy",
            KIND,
            vec![Step::Hear, Step::Flood(vec![b'x'; 1024])],
        ),
        ends(
            "that is none",
            PROTOCOL,
            "does not answer as a proxy",
            KIND,
            vec![Step::Hear, say("SSH-2.0-OpenSSH_9.2\r\n\r\n")],
        ),
        ends(
            "that speaks HTTP/2",
            PROTOCOL,
            "does not answer as a proxy",
            KIND,
            vec![Step::Hear, say("HTTP/2 200\r\n\r\n")],
        ),
    ]
}

fn answers() -> Vec<Cause> {
    let answer = |status: u16, more: &str| vec![Step::Hear, say(&format!("HTTP/1.1 {status} Word\r\n{more}\r\n"))];
    let barred = |status: u16, says| {
        let breaks = does("http", answer(status, "Content-Length: 0\r\n"));
        Cause::ends(format!("an http proxy that answers {status}"), NETWORK, says, ASK, breaks).good(through)
    };
    let passing = |status: u16, says| barred(status, says).tries(2);
    let login = |name: &str, status: u16, more: &str, says, hint| {
        Cause::ends(format!("an http proxy that {name}"), NETWORK, says, hint, does("http", answer(status, more)))
            .good(through)
    };
    vec![
        login(
            "wants another login",
            407,
            "Proxy-Authenticate: Basic realm=\"corp-user\"\r\n",
            "(407)",
            "USER:PASSWORD",
        ),
        login("wants a login by 401", 401, "", "(401)", "USER:PASSWORD"),
        login("wants a login by Negotiate", 407, "Proxy-Authenticate: Negotiate\r\n", "by negotiate", "run a relay"),
        barred(400, "it answered 400"),
        barred(403, "it answered 403"),
        barred(404, "it answered 404"),
        barred(302, "it answered 302"),
        barred(101, "it answered 101"),
        passing(408, "it answered 408"),
        passing(429, "it answered 429"),
        passing(500, "it answered 500"),
        passing(502, "it answered 502"),
        passing(503, "it answered 503"),
        passing(504, "it answered 504"),
    ]
}

/// It opens the way, and something else is at the end of it.
fn tls() -> Vec<Cause> {
    let opened = |then: Vec<Step>| [vec![Step::Hear, say("HTTP/1.1 200 OK\r\n\r\n")], then].concat();
    let retried = |name: &str, status, says, hint, then| {
        Cause::retried(format!("a proxy that opens the way and {name}"), status, says, hint, does("http", opened(then)))
            .good(through)
    };
    vec![
        retried(
            "talks rubbish",
            TLS,
            "does not answer in TLS",
            "no other program",
            vec![Step::Hear, say("not TLS at all"), Step::Stay],
        )
        .tries(1),
        retried("closes", NETWORK, "in the TLS handshake", "firewall", vec![Step::Hear]),
        retried("resets", NETWORK, "in the TLS handshake", "firewall", vec![Step::Hear, Step::Reset]),
        retried("says nothing", TIMEOUT, "(waiting for the TLS handshake)", "firewall", vec![Step::Stay]),
        Cause::retried(
            "an https proxy that speaks http",
            TLS,
            "does not answer in TLS",
            "begin the proxy's URL with http://",
            does("https", vec![Step::Hear, say("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Hear]),
        )
        .tries(1)
        .good(through),
    ]
}

/// An option that is no proxy is refused where it is set.
fn options() -> Vec<Row> {
    let row = |(value, says): (&'static str, &'static str)| Row {
        what: format!("the option proxy is {value}"),
        expect: Expect {
            status: "B2_INVALID_ARGUMENT",
            hint: Some("proxy"),
            says,
            requests: 0,
            within: Duration::from_secs(10),
        },
        run: Box::new(move || {
            let options = api::load().options(&[]);
            let refused = |options: &Options| Err(options.set("proxy", Some(value)).expect_err("it is none"));
            let mut outcome = watch(&options, refused);
            outcome.tokens.extend(SECRETS.map(str::to_owned));
            outcome
        }),
    };
    [
        ("gopher://corp-user:hidden@password@127.0.0.1:70", "http, https or socks5"),
        ("http://corp%2Duser:hidden%40password@127.0.0.1:0", "its port is no number"),
        ("http://corp-user:hidden%4@127.0.0.1:3128", "percent-encoded"),
        ("http://corp-user:hidden@password@", "it has no host"),
        ("127.0.0.1:3128", "none, or a URL"),
    ]
    .map(row)
    .into()
}

/// The proxy that the environment names.
fn environment() -> Vec<Cause> {
    let named = |value: &'static str| {
        move |_: &Fixture, good: &Options| {
            let set = set("HTTPS_PROXY", Some(value));
            Broken::new(good.with(&[("proxy", "env")]), set)
        }
    };
    let rubbish = |value, says| {
        Cause::ends(format!("HTTPS_PROXY is {value}"), "B2_INVALID_ARGUMENT", says, "unset it", named(value))
            .good(through)
    };
    vec![
        rubbish("gopher://corp-user:hidden@password@127.0.0.1:70", "HTTPS_PROXY in the environment is no proxy"),
        rubbish("http://corp%2Duser:hidden%40password@127.0.0.1:0", "its port is no number"),
        rubbish("http://corp-user:hidden%4@127.0.0.1:3128", "percent-encoded"),
        rubbish("http://", "it has no host"),
        Cause::retried("HTTPS_PROXY is down", NETWORK, "cannot connect to the proxy 127.0.0.1:1", CHECK, {
            named("http://corp%2Duser:hidden%40password@127.0.0.1:1")
        })
        .good(through),
    ]
}

/// A realm on this machine is never asked through a proxy, be it what it may.
fn loopback() -> Vec<Cause> {
    let past = |name: &str, good: fn(&Fixture) -> Options| {
        Cause::passes(format!("{name}, for whom a dead proxy stands in the way"), |_, good| {
            let all = ["HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY"].map(|name| set(name, Some("http://127.0.0.1:1")));
            Broken::new(good.with(&[]), all)
        })
        .good(good)
    };
    vec![
        past("a loopback realm over http", |fixture| fixture.options.with(&[])),
        past("a loopback realm over https", |fixture| {
            let ca_file = fixture.sandbox.ca_file().to_str().expect("a plain path");
            fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", ca_file)])
        }),
        past("a loopback realm with an option", |fixture| fixture.options.with(&[("proxy", "socks5://127.0.0.1:1")])),
    ]
}
