//! Signals: the one for a broken pipe as systems have it, and one a millisecond that interrupts whatever blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use b2_sandbox::{Fault, How};

use super::cause::{Broken, Cause, Time, Undo};
use super::fake_proxy::{Step, proxy};
use super::private_etc::by_name;
use super::subprocess::Place;
use super::{NETWORK, Row, TIMEOUT};
use crate::support::api::Options;
use crate::support::fixture::{Fixture, ID};

pub const PLACE: Place = Place { name: "disturbed", rows, walled: true };

fn rows() -> Vec<Row> {
    [pipes(), storms()].into_iter().flatten().flat_map(Cause::rows).collect()
}

/// Has a broken pipe end the process, as it does by default. Rust programs ignore it.
fn broken_pipes_kill() -> impl Drop {
    let set = |to: libc::sighandler_t| {
        // SAFETY: neither of the two runs any code.
        unsafe { libc::signal(libc::SIGPIPE, to) };
    };
    set(libc::SIG_DFL);
    Undo(move || set(libc::SIG_IGN))
}

fn pipes() -> Vec<Cause> {
    let fails = |name: &str, how: How| {
        Cause::retried(
            format!("SIGPIPE kills, and the server {name}"),
            NETWORK,
            "127.0.0.1",
            "call again later",
            move |fixture: &Fixture, good: &Options| {
                fixture.sandbox.script(ID, [Fault::default().cut(how, 0).forever()]);
                Broken::new(good.with(&[]), broken_pipes_kill())
            },
        )
        .requests(2)
    };
    let refuses = |name: &str, steps: Vec<Step>| {
        Cause::retried(
            format!("SIGPIPE kills, and the proxy {name}"),
            NETWORK,
            "the proxy 127.0.0.1",
            "the proxy's address",
            {
                move |_: &Fixture, good: &Options| {
                    let url = format!("socks5://127.0.0.1:{}", proxy(steps.clone()));
                    Broken::new(good.with(&[("proxy", &url)]), broken_pipes_kill())
                }
            },
        )
        .good(by_name)
    };
    vec![
        fails("resets", How::Reset),
        fails("closes", How::Close),
        fails("drops", How::Drop),
        refuses("resets before it hears", vec![Step::Reset]),
        refuses("closes before it hears", vec![]),
        refuses("closes between two words", vec![Step::Hear, Step::Say(vec![5, 0])]),
    ]
}

extern "C" fn heard(_: libc::c_int) {}

/// Interrupts this thread every millisecond.
fn storm() -> impl Drop {
    // SAFETY: the handler does nothing; without SA_RESTART it makes calls end with EINTR.
    let target = unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        action.sa_sigaction = heard as extern "C" fn(libc::c_int) as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
        libc::pthread_self()
    };
    let stop = Arc::<AtomicBool>::default();
    let stopped = Arc::clone(&stop);
    let mut thread = Some(std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            // SAFETY: the thread that it is for waits for this one before it ends.
            unsafe { libc::pthread_kill(target, libc::SIGUSR1) };
            std::thread::sleep(Duration::from_millis(1));
        }
    }));
    Undo(move || {
        stop.store(true, Ordering::Relaxed);
        thread.take().expect("it is dropped once").join().expect("no panic");
    })
}

fn storms() -> Vec<Cause> {
    let under = |fault: Option<Fault>| {
        move |fixture: &Fixture, good: &Options| {
            fixture.sandbox.script(ID, fault.clone());
            Broken::new(good.with(&[]), storm())
        }
    };
    let drip = Fault::default().body_drip(Duration::from_micros(100));
    vec![
        Cause::passes("a signal a millisecond, over http", under(None)),
        Cause::passes("a signal a millisecond, by name over https", under(None)).good(by_name),
        Cause::passes("a signal a millisecond, and an answer in drops", under(Some(drip))),
        Cause::retried("a signal a millisecond, and silence", TIMEOUT, "within 400 ms", "attempt_timeout_ms", {
            |fixture, good| {
                fixture.sandbox.script(ID, [Fault::hold("forever").forever()]);
                Broken::new(good.with(&[("attempt_timeout_ms", "400")]), storm())
            }
        })
        .requests(2),
        Cause::retried("a signal a millisecond, and a reset", NETWORK, "127.0.0.1", "call again later", {
            under(Some(Fault::reset_after(20).forever()))
        })
        .requests(2),
        Cause::passes("a signal a millisecond, and a wait before it goes well", |fixture, good| {
            fixture.sandbox.script(ID, [Fault::status(503)]);
            let waits = [("initial_backoff_ms", "200"), ("max_backoff_ms", "200")];
            Broken::new(good.with(&waits), storm())
        })
        .requests(2)
        .tries(2)
        .at(&[Time::First, Time::Dead]),
    ]
}
