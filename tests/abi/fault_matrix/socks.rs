//! SOCKS5 proxies that let nobody in, or connect to nothing.

use super::cause::Cause;
use super::fake_proxy::Step;
use super::proxies::{ASK, CHECK, KIND, all, does, through};
use super::{NETWORK, PROTOCOL, Row, TIMEOUT};

pub fn rows() -> Vec<Row> {
    all([talk(), replies()])
}

/// It asks for user and password.
const LOGIN_WANTED: &[u8] = &[5, 2];
const WELCOME: &[u8] = &[1, 0];

fn talk() -> Vec<Cause> {
    let hear = |bytes: &[u8]| [Step::Hear, Step::Say(bytes.to_vec())];
    let retried = |name: &str, status, says, hint, steps: &[&[Step]]| {
        Cause::retried(format!("a socks5 proxy {name}"), status, says, hint, does("socks5", steps.concat()))
            .good(through)
    };
    let stay = &[Step::Stay];
    let (login, welcome) = (hear(LOGIN_WANTED), hear(WELCOME));
    vec![
        retried(
            "that takes no way to log in",
            NETWORK,
            "does not let this user in",
            "socks5://USER",
            &[&hear(&[5, 0xff])],
        )
        .tries(1),
        retried(
            "that knows another password",
            NETWORK,
            "does not let this user in",
            "socks5://USER",
            &[&login, &hear(&[1, 1])],
        )
        .tries(1),
        retried("that says nothing", TIMEOUT, "(waiting for the proxy)", CHECK, &[stay]),
        retried("that says nothing to a login", TIMEOUT, "(waiting for the proxy)", CHECK, &[&login, stay]),
        retried("that does not connect", TIMEOUT, "(waiting for the proxy)", CHECK, &[&login, &welcome, stay]),
        retried("that closes", NETWORK, "closed the connection", CHECK, &[&[Step::Hear]]),
        retried(
            "that closes after a login",
            NETWORK,
            "closed the connection",
            CHECK,
            &[&login, &welcome, &[Step::Hear]],
        ),
        retried(
            "that closes in its reply",
            NETWORK,
            "closed the connection",
            CHECK,
            &[&login, &welcome, &hear(&[5, 0, 0, 3, 200, b'x'])],
        ),
        retried("that speaks http", PROTOCOL, "does not answer as a proxy", KIND, &[&hear(b"HTTP/1.1 400 No\r\n\r\n")])
            .tries(1),
        retried("that speaks socks4", PROTOCOL, "does not answer as a proxy", KIND, &[&hear(&[0, 91])]).tries(1),
        retried(
            "that tells an address of no kind",
            PROTOCOL,
            "does not answer as a proxy",
            KIND,
            &[&login, &welcome, &hear(&[5, 0, 0, 9])],
        )
        .tries(1),
    ]
}

/// What a socks5 proxy says why there is no way.
fn replies() -> Vec<Cause> {
    let reply = |code: u8, says| {
        let say = |bytes: &[u8]| [Step::Hear, Step::Say(bytes.to_vec())];
        let steps = [say(LOGIN_WANTED), say(WELCOME), say(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0])].concat();
        Cause::retried(format!("a socks5 proxy that replies {code}"), NETWORK, says, ASK, does("socks5", steps))
            .good(through)
    };
    vec![
        reply(1, "it failed"),
        reply(2, "its rules forbid it").tries(1),
        reply(3, "network unreachable"),
        reply(4, "host unreachable"),
        reply(5, "connection refused"),
        reply(6, "it took too long"),
        reply(7, "does not know the command"),
        reply(8, "does not take an address of this kind"),
        reply(255, "for no reason that is known"),
    ]
}
