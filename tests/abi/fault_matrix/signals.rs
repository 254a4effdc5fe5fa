//! Signals: a SIGPIPE with its default action, and one signal every millisecond that interrupts whatever blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use b2_sandbox::{Fault, How};

use super::fake_proxy::{Step, proxy};
use super::fault::{Conditions, FaultCase, TokenAge, Undo, fault};
use super::private_etc::by_name;
use super::subprocess::Group;
use super::{NETWORK, Row, TIMEOUT};
use crate::support::fixture::ID;

pub const GROUP: Group = Group { name: "signals", rows, private: true };

fn rows() -> Vec<Row> {
    [sigpipe(), interruptions()].into_iter().flatten().flat_map(FaultCase::rows).collect()
}

/// Makes SIGPIPE end the process, as it does by default. Rust programs ignore it.
fn default_sigpipe() -> impl Drop {
    let set = |action: libc::sighandler_t| {
        // SAFETY: neither action runs any code.
        unsafe { libc::signal(libc::SIGPIPE, action) };
    };
    set(libc::SIG_DFL);
    Undo(move || set(libc::SIG_IGN))
}

fn sigpipe() -> Vec<FaultCase> {
    let server = |name: &str, how: How| {
        let case = fault(format!("default SIGPIPE, and the server {name}")).conditions(move |fixture, good| {
            fixture.sandbox.script(ID, [Fault::default().cut(how, 0).forever()]);
            Conditions::new(good.with(&[]), default_sigpipe())
        });
        case.status(NETWORK).message("127.0.0.1").hint("call again later").retried().requests(2)
    };
    let proxy = |name: &str, steps: &[Step]| {
        let steps = steps.to_vec();
        let case = fault(format!("default SIGPIPE, and the proxy {name}")).conditions(move |_, good| {
            let url = format!("socks5://127.0.0.1:{}", proxy(steps.clone()));
            Conditions::new(good.with(&[("proxy", &url)]), default_sigpipe())
        });
        case.options(by_name).status(NETWORK).message("the proxy 127.0.0.1").hint("the proxy's address").retried()
    };
    vec![
        server("resets", How::Reset),
        server("closes", How::Close),
        server("closes without close_notify", How::Drop),
        proxy("resets before it reads", &[Step::Reset]),
        proxy("closes before it reads", &[]),
        proxy("closes between two messages", &[Step::Read, Step::Send(vec![5, 0])]),
    ]
}

extern "C" fn ignore(_: libc::c_int) {}

/// Interrupts this thread every millisecond.
fn interrupt() -> impl Drop {
    // SAFETY: the handler does nothing; without SA_RESTART it makes system calls fail with EINTR.
    let target = unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        action.sa_sigaction = ignore as extern "C" fn(libc::c_int) as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
        libc::pthread_self()
    };
    let stop = Arc::<AtomicBool>::default();
    let stopped = Arc::clone(&stop);
    let mut thread = Some(std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            // SAFETY: the target thread waits for this one before it ends.
            unsafe { libc::pthread_kill(target, libc::SIGUSR1) };
            std::thread::sleep(Duration::from_millis(1));
        }
    }));
    Undo(move || {
        stop.store(true, Ordering::Relaxed);
        thread.take().expect("dropped once").join().expect("no panic");
    })
}

fn interruptions() -> Vec<FaultCase> {
    let case = |name: &str, response: Option<Fault>| {
        fault(format!("a signal every millisecond, {name}")).conditions(move |fixture, good| {
            fixture.sandbox.script(ID, response.clone());
            Conditions::new(good.with(&[]), interrupt())
        })
    };
    vec![
        case("over http", None),
        case("by name over https", None).options(by_name),
        case("a response byte by byte", Some(Fault::default().body_drip(Duration::from_micros(100)))),
        case("no response", Some(Fault::hold("latch").forever()))
            .settings(&[("attempt_timeout_ms", "3000")])
            .status(TIMEOUT)
            .message("within 3 s")
            .hint("attempt_timeout_ms")
            .retried()
            .requests(2),
        case("a reset", Some(Fault::reset_after(20).forever()))
            .status(NETWORK)
            .message("127.0.0.1")
            .hint("call again later")
            .retried()
            .requests(2),
        case("a backoff before success", Some(Fault::status(503)))
            .settings(&[("initial_backoff_ms", "200"), ("max_backoff_ms", "200")])
            .attempts(2)
            .ages(&[TokenAge::None, TokenAge::Expired]),
    ]
}
