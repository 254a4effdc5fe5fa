//! Proxies that are down, refuse the connection, or are no proxies.

use super::fake_proxy::{Step, proxy, working};
use super::fault::{Conditions, FaultCase, fault};
use super::private_etc::set_env;
use super::recorded::record;
use super::subprocess::Group;
use super::{NETWORK, PROTOCOL, Row, TIMEOUT, TLS};
use crate::support::api::{self, Options};
use crate::support::fixture::Fixture;

/// Proxies that the environment names.
pub const GROUP: Group = Group { name: "proxies", rows: environment_rows, private: false };

/// The user and password of a proxy.
pub const LOGIN: &str = "corp%2Duser:h1dd3n%40pa55w0rd";
/// The same, decoded.
pub const SECRETS: [&str; 2] = ["corp-user", "h1dd3n@pa55w0rd"];
pub const CHECK: &str = "check the proxy's address, that it runs";
pub const ASK: &str = "ask the proxy's administrator";
pub const KIND: &str = "check the proxy's port, and the scheme of its URL";

pub fn rows() -> Vec<Row> {
    let cases = [failures(), statuses(), tls_through_proxy()];
    cases.into_iter().flatten().flat_map(FaultCase::rows).chain(invalid_options()).collect()
}

fn environment_rows() -> Vec<Row> {
    [environment(), loopback()].into_iter().flatten().flat_map(FaultCase::rows).collect()
}

/// The options of a call to the sandbox by a name that only the proxy knows.
pub fn through_proxy(fixture: &Fixture) -> Options {
    let port = fixture.sandbox.https().rsplit(':').next().expect("it has a port");
    fixture.options.with(&[
        ("realm", &format!("https://api.b2.test:{port}")),
        ("ca_file", fixture.ca_file()),
        ("proxy", &format!("http://{LOGIN}@127.0.0.1:{}", working())),
    ])
}

/// Instead of the default, for proxies that do not respond.
pub const SHORT: [(&str, &str); 1] = [("connect_timeout_ms", "3000")];

/// A proxy that takes these steps.
pub fn scripted(name: &str, scheme: &'static str, steps: Vec<Step>) -> FaultCase {
    fault(name).options(through_proxy).secrets(&SECRETS).conditions(move |_, good| {
        let url = format!("{scheme}://{LOGIN}@127.0.0.1:{}", proxy(steps.clone()));
        Conditions::new(good.with(&[("proxy", &url)]), ())
    })
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

fn failures() -> Vec<FaultCase> {
    let http = |name: &str, steps| scripted(&format!("an http proxy {name}"), "http", steps);
    let closed =
        |name: &str, steps| http(name, steps).status(NETWORK).message("closed the connection").hint(CHECK).retried();
    let reset = |name: &str, steps| closed(name, steps).message("the proxy 127.0.0.1");
    let late =
        |name: &str, steps| closed(name, steps).status(TIMEOUT).message("(waiting for the proxy)").settings(&SHORT);
    let no_proxy =
        |name: &str, steps| http(name, steps).status(PROTOCOL).message("does not behave as a proxy").hint(KIND);
    let slow = b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 03:00:00 GMT\r\n\r\n".to_vec();
    let down =
        fault("an http proxy that is down").options(through_proxy).secrets(&SECRETS).conditions(|fixture, good| {
            let url = fixture.sandbox.refused_url().replace("http://", &format!("http://{LOGIN}@"));
            Conditions::new(good.with(&[("proxy", &url)]), ())
        });
    vec![
        fault("an http proxy that works").options(through_proxy).secrets(&SECRETS).usual_conditions(),
        down.status(NETWORK).message("cannot connect to the proxy 127.0.0.1").hint(CHECK).retried(),
        late("that does not respond", vec![Step::Silence]),
        closed("that closes", vec![Step::Read]),
        reset("that resets", vec![Step::Read, Step::Reset]),
        reset("that resets before it reads", vec![Step::Reset]),
        closed("that closes in its response", vec![Step::Read, send("HTTP/1.1 200 OK\r\nX: y")]),
        late("that responds at 2 bytes a second", vec![Step::Read, Step::SendSlowly(slow)]),
        no_proxy(
            "that sends endless headers",
            vec![Step::Read, send("HTTP/1.1 200 OK\r\n"), Step::Flood(b"X-More: and more, and more\r\n".to_vec())],
        ),
        no_proxy("that sends an endless line", vec![Step::Read, Step::Flood(vec![b'x'; 1024])]),
        no_proxy("that is none", vec![Step::Read, send("SSH-2.0-OpenSSH_9.2\r\n\r\n")]),
        no_proxy("that speaks HTTP/2", vec![Step::Read, send("HTTP/2 200\r\n\r\n")]),
    ]
}

fn statuses() -> Vec<FaultCase> {
    let response = |name: &str, status: u16, headers: &str| {
        let steps = vec![Step::Read, send(&format!("HTTP/1.1 {status} Reason\r\n{headers}\r\n"))];
        scripted(&format!("an http proxy that {name}"), "http", steps).status(NETWORK)
    };
    let login = |name: &str, status, headers: &str| response(name, status, headers).hint("USER:PASSWORD");
    let refuses = |status: u16, message| {
        response(&format!("responds {status}"), status, "Content-Length: 0\r\n").message(message).hint(ASK)
    };
    let temporary = |status, message| refuses(status, message).retried();
    vec![
        login("wants another login", 407, "Proxy-Authenticate: Basic realm=\"corp-user\"\r\n").message("(407)"),
        login("wants a login by 401", 401, "").message("(401)"),
        login("wants a login by Negotiate", 407, "Proxy-Authenticate: Negotiate\r\n")
            .message("by negotiate")
            .hint("run a relay"),
        refuses(400, "it returned 400"),
        refuses(403, "it returned 403"),
        refuses(404, "it returned 404"),
        refuses(302, "it returned 302"),
        refuses(101, "it returned 101"),
        temporary(408, "it returned 408"),
        temporary(429, "it returned 429"),
        temporary(500, "it returned 500"),
        temporary(502, "it returned 502"),
        temporary(503, "it returned 503"),
        temporary(504, "it returned 504"),
    ]
}

/// The proxy connects, and the other end is not the server.
fn tls_through_proxy() -> Vec<FaultCase> {
    let connected = |name: &str, then: &[Step]| {
        let steps = [&[Step::Read, send("HTTP/1.1 200 OK\r\n\r\n")], then].concat();
        scripted(&format!("a proxy that connects and {name}"), "http", steps)
    };
    let broken = |name: &str, then: &[Step]| {
        connected(name, then).status(NETWORK).message("in the TLS handshake").hint("firewall").retried()
    };
    let https = vec![Step::Read, send("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Read];
    vec![
        connected("sends garbage", &[Step::Read, send("not TLS at all"), Step::Silence])
            .status(TLS)
            .message("does not speak TLS")
            .hint("no other program"),
        broken("closes", &[Step::Read]),
        broken("resets", &[Step::Read, Step::Reset]),
        broken("does not respond", &[Step::Silence])
            .status(TIMEOUT)
            .message("(waiting for the TLS handshake)")
            .settings(&SHORT),
        scripted("an https proxy that speaks http", "https", https)
            .status(TLS)
            .message("does not speak TLS")
            .hint("begin the proxy's URL with http://"),
    ]
}

/// Values that no proxy can have, with a part of the message.
const INVALID: [(&str, &str); 5] = [
    ("gopher://corp-user:h1dd3n@pa55w0rd@127.0.0.1:70", "http, https or socks5"),
    ("http://corp%2Duser:h1dd3n%40pa55w0rd@127.0.0.1:0", "its port is not a number"),
    ("http://corp-user:h1dd3n%4@127.0.0.1:3128", "percent-encoded"),
    ("http://corp-user:h1dd3n@pa55w0rd@", "it has no valid host"),
    ("127.0.0.1:3128", "none, or a URL"),
];

/// The option is refused when it is set.
fn invalid_options() -> Vec<Row> {
    let row = |(value, message): (&'static str, &'static str)| {
        let case = fault(format!("the option proxy is {value}")).status("B2_INVALID_ARGUMENT").message(message);
        case.hint("proxy").requests(0).row("", move || {
            let options = api::load().options(&[]);
            let set = |options: &Options| Err(options.set("proxy", Some(value)).expect_err("it is refused"));
            let mut outcome = record(&options, set);
            outcome.secrets.extend(SECRETS.map(str::to_owned));
            outcome
        })
    };
    INVALID.map(row).into()
}

fn environment() -> Vec<FaultCase> {
    let named = |name: String, value: &'static str| {
        let case = fault(name).options(through_proxy).secrets(&SECRETS);
        case.conditions(move |_, good| {
            let guard = set_env("HTTPS_PROXY", Some(value));
            Conditions::new(good.with(&[("proxy", "env")]), guard)
        })
    };
    let invalid = |value, message| {
        let case = named(format!("HTTPS_PROXY is {value}"), value).status("B2_INVALID_ARGUMENT").message(message);
        case.hint("unset it")
    };
    let down = "http://corp%2Duser:h1dd3n%40pa55w0rd@127.0.0.1:1";
    vec![
        invalid(INVALID[0].0, "HTTPS_PROXY in the environment is not a valid proxy"),
        invalid(INVALID[1].0, INVALID[1].1),
        invalid(INVALID[2].0, INVALID[2].1),
        invalid("http://", "it has no valid host"),
        named("HTTPS_PROXY is down".to_owned(), down)
            .status(NETWORK)
            .message("cannot connect to the proxy 127.0.0.1:1")
            .hint(CHECK)
            .retried(),
    ]
}

/// No proxy is used for a loopback realm.
fn loopback() -> Vec<FaultCase> {
    let case = |name: &str, options: fn(&Fixture) -> Options| {
        let case = fault(format!("{name}, and a dead proxy in the environment"));
        case.options(options).conditions(|_, good| {
            let names = ["HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY"];
            Conditions::new(good.with(&[]), names.map(|name| set_env(name, Some("http://127.0.0.1:1"))))
        })
    };
    vec![
        case("a loopback realm over http", |fixture| fixture.options.with(&[])),
        case("a loopback realm over https", Fixture::https_options),
        case("a loopback realm with an option", |fixture| fixture.options.with(&[("proxy", "socks5://127.0.0.1:1")])),
    ]
}
