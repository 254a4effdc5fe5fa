//! SOCKS5 proxies that refuse the login or do not connect.

use super::fake_proxy::Step;
use super::fault::FaultCase;
use super::proxies::{ASK, CHECK, KIND, SHORT, scripted};
use super::{NETWORK, PROTOCOL, Row, TIMEOUT};

pub fn rows() -> Vec<Row> {
    [exchanges(), replies()].into_iter().flatten().flat_map(FaultCase::rows).collect()
}

fn respond(bytes: &[u8]) -> [Step; 2] {
    [Step::Read, Step::Send(bytes.to_vec())]
}

/// The proxy wants user and password, and accepts them.
fn logged_in() -> Vec<Step> {
    [respond(&[5, 2]), respond(&[1, 0])].concat()
}

fn exchanges() -> Vec<FaultCase> {
    let socks = |name: &str, steps: &[&[Step]]| scripted(&format!("a socks5 proxy {name}"), "socks5", steps.concat());
    let refuses = |name: &str, steps: &[&[Step]]| {
        socks(name, steps).status(NETWORK).message("does not accept this user").hint("socks5://USER")
    };
    let closed = |name: &str, steps: &[&[Step]]| {
        socks(name, steps).status(NETWORK).message("closed the connection").hint(CHECK).retried()
    };
    let late = |name: &str, steps: &[&[Step]]| {
        socks(name, &[steps, &[&[Step::Silence]]].concat())
            .status(TIMEOUT)
            .message("(waiting for the proxy)")
            .settings(&SHORT)
            .hint(CHECK)
            .retried()
    };
    let no_proxy = |name: &str, steps: &[&[Step]]| {
        socks(name, steps).status(PROTOCOL).message("does not behave as a proxy").hint(KIND)
    };
    let (asks, logged_in) = (respond(&[5, 2]), logged_in());
    vec![
        refuses("that accepts no login method", &[&respond(&[5, 0xff])]),
        refuses("that knows another password", &[&asks, &respond(&[1, 1])]),
        late("that does not respond", &[]),
        late("that does not respond to a login", &[&asks]),
        late("that does not connect", &[&logged_in]),
        closed("that closes", &[&[Step::Read]]),
        closed("that closes after a login", &[&logged_in, &[Step::Read]]),
        closed("that closes in its reply", &[&logged_in, &respond(&[5, 0, 0, 3, 200, b'x'])]),
        no_proxy("that speaks http", &[&respond(b"HTTP/1.1 400 No\r\n\r\n")]),
        no_proxy("that speaks SOCKS4", &[&respond(&[0, 91])]),
        no_proxy("that replies with an unknown address type", &[&logged_in, &respond(&[5, 0, 0, 9])]),
    ]
}

/// The codes with which a proxy refuses to connect.
fn replies() -> Vec<FaultCase> {
    let reply = |code: u8, message| {
        let steps = [logged_in(), respond(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).into()].concat();
        let case = scripted(&format!("a socks5 proxy that replies {code}"), "socks5", steps);
        case.status(NETWORK).message(message).hint(ASK).retried()
    };
    vec![
        reply(1, "it failed"),
        reply(2, "its rules forbid it").attempts(1),
        reply(3, "network unreachable"),
        reply(4, "host unreachable"),
        reply(5, "connection refused"),
        reply(6, "it took too long"),
        reply(7, "does not know the command"),
        reply(8, "does not take an address of this kind"),
        reply(255, "for an unknown reason"),
    ]
}
