//! A store in Redis when the server is not there, slow, full, frozen, started again, lacks a right, or is no Redis at all: a
//! session each time and in time, the warning that belongs to it, and `B2_STORE_ERROR` where the store is required.

use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::concurrent::{timed, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};
use crate::support::redis::{Certificates, FakeServer, RedisServer, free_port, in_url};
use crate::support::secret_search::SecretSearch;
use crate::support::store::Machine;

/// Longer than a store may take, on a busy machine.
const BOUND: Duration = Duration::from_secs(10);

/// A session without the store, a warning that says why, and no request where the store is required.
fn assert_is_unusable(url: &str, why: &str) {
    let fixture = Fixture::new();
    let settings = [("total_timeout_ms", "4000")];
    let machine = Machine::with_options(&fixture, url, &settings);
    let (session, took) = timed(|| machine.authorize());
    session.unwrap_or_else(|failure| panic!("{why}: {failure}"));
    assert!(took < BOUND, "{why}: {took:?}");
    machine.assert_logged(2, "the token store cannot be used");
    assert_eq!((fixture.requests(), machine.api.counter("store_errors")), (1, 1), "{why}");

    let strict = Machine::with_options(&fixture, url, &[settings[0], ("store_required", "1")]);
    let failure = strict.authorize().expect_err(why);
    assert_eq!((failure.name.as_str(), failure.retryable, failure.attempts), ("B2_STORE_ERROR", true, 0), "{failure}");
    assert!(failure.message.contains(why) && failure.hint.is_some(), "{why}: {failure:?}");
    assert!(!failure.all_text().contains("hunter2"), "{failure:?}");
    assert_eq!(fixture.requests(), 1, "{why}");
}

/// Two machines share a token without a word of trouble.
fn assert_is_shared(url: &str) {
    let fixture = Fixture::new();
    let machines = [(); 2].map(|()| Machine::new(&fixture, url));
    for machine in &machines {
        machine.authorize().expect("granted");
        assert_eq!(machine.warnings(), [""; 0], "{url}");
    }
    assert_eq!((fixture.requests(), machines[1].api.counter("store_hits")), (1, 1), "{url}");
}

#[test]
fn a_server_is_reached_by_each_kind_of_url() {
    let Some(server) =
        RedisServer::start(&["--requirepass", "hunter2/%", "--user", "app", "on", ">s3cret", "~*", "+@all"])
    else {
        return;
    };
    let port = server.port;
    assert_is_shared(&format!("redis://:hunter2%2F%25@127.0.0.1:{port}"));
    assert_is_shared(&format!("redis://app:s3cret@localhost:{port}/3?prefix=other:"));
    assert_is_shared(&format!("redis+unix://app:s3cret@{}?db=2", server.socket().display()));
    let client =
        |database: &str| server.command(&["--no-auth-warning", "-a", "hunter2/%", "-n", database, "KEYS", "*"]);
    assert!(client("3").starts_with("other:{") && client("2").starts_with("b2auth:{") && client("1").is_empty());
}

#[test]
fn a_server_is_reached_over_tls_and_with_a_client_certificate() {
    let certificates = Certificates::new("localhost");
    let Some((server, port)) = certificates.server(false) else { return };
    let ca = in_url(&certificates.path("ca.pem"));
    assert_is_shared(&format!("rediss://localhost:{port}?ca_file={ca}"));
    drop(server);
    let Some((server, port)) = certificates.server(true) else { return };
    let (cert, key) = (in_url(&certificates.path("client.pem")), in_url(&certificates.path("client.key")));
    assert_is_shared(&format!("rediss://localhost:{port}?ca_file={ca}&cert={cert}&key={key}"));

    let without = format!("rediss://localhost:{port}?ca_file={ca}");
    assert_is_unusable(&without, &format!("localhost:{port}"));
    assert_is_unusable(&format!("rediss://localhost:{port}"), "the certificate of");
    assert_is_unusable(&format!("rediss://127.0.0.1:{port}?ca_file={ca}&cert={cert}&key={key}"), "the certificate of");
    assert_is_unusable(&format!("{without}&cert={key}&key={key}"), "it contains a private key and no certificate");
    assert_is_unusable(&format!("{without}&cert={cert}&key={cert}"), "it has no private key");
    // Plain to TLS and TLS to plain.
    assert_is_unusable(&format!("redis://127.0.0.1:{port}"), &port.to_string());
    assert_is_unusable(&format!("rediss://localhost:{}?ca_file={ca}", server.port), &server.port.to_string());
}

#[test]
fn a_server_that_is_not_there_costs_nothing() {
    assert_is_unusable(&format!("redis://127.0.0.1:{}", free_port()), "connection refused");
    assert_is_unusable("redis+unix:///run/there/is/no/such.sock", "no such file");
    assert_is_unusable("rediss://there-is-no-such-host.invalid", "cannot be resolved");
}

#[test]
fn a_server_that_does_not_reply_costs_a_quarter_of_the_call() {
    for (reply, pause) in [("", None), ("+OK\r\n$100000\r\nxxxxxxxxxxxxxxxxxxxxxxx", Some(Duration::from_millis(10)))] {
        let server = FakeServer::start(reply, pause, false);
        assert_is_unusable(&server.url(), "within");
    }
}

#[test]
fn what_is_not_redis_is_not_believed() {
    let http = FakeServer::start("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", None, false);
    assert_is_unusable(&http.url(), "what it sends is not the protocol of Redis");
    let long_line = [b"+".as_slice(), &[b'x'; 5_000]].concat();
    let much = [b"$131000\r\n".as_slice(), &[b'x'; 200_000]].concat();
    for reply in [
        &b"-hunter2 hunter2\r\n:-2\r\n"[..],
        b"$200000\r\n",
        b"$-2\r\n:-2\r\n",
        b"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        b"*1000000\r\n",
        b"$-1\r\n:-2\r\n:1\r\n",
        b":1\r\n:1\r\n",
        b"$-1\r\n$-1\r\n",
        b"\x00\x00\x00",
        &long_line,
        &much,
    ] {
        let server = FakeServer::start(reply, None, false);
        assert_is_unusable(&server.url(), "127.0.0.1");
    }
}

#[test]
fn a_connection_that_breaks_is_made_again_within_the_time_of_the_store() {
    let server = FakeServer::start("", None, true);
    assert_is_unusable(&server.url(), "127.0.0.1");
    assert!(server.connections.load(std::sync::atomic::Ordering::SeqCst) > 2, "it was tried again");
}

#[test]
fn wrong_and_missing_logins_are_told_apart_and_show_no_password() {
    let Some(server) = RedisServer::start(&["--requirepass", "hunter3"]) else { return };
    assert_is_unusable(&server.url(), "it asks for a password (NOAUTH)");
    let url = server.url().replace("redis://", "redis://:hunter2@");
    assert_is_unusable(&url, "it refuses this user or password (WRONGPASS)");
}

#[test]
fn each_right_of_the_documented_list_is_needed_and_no_other() {
    const RIGHTS: [&str; 8] = ["+get", "+set", "+del", "+pttl", "+watch", "+unwatch", "+multi", "+exec"];
    let user = |rights: &[&str]| format!("app on >s3cret resetkeys ~b2auth:* -@all {}", rights.join(" "));
    let Some(server) = RedisServer::start(&[&["--user"], &user(&RIGHTS).split(' ').collect::<Vec<_>>()[..]].concat())
    else {
        return;
    };
    let url = server.url().replace("redis://", "redis://app:s3cret@");
    let fixture = Fixture::new();
    let machines = [(); 3].map(|()| Machine::new(&fixture, &url));
    machines[0].authorize().expect("granted").invalidate();
    machines[1].authorize().expect("granted");
    machines[2].authorize().expect("shared");
    machines.iter().for_each(|machine| assert_eq!(machine.warnings(), [""; 0]));
    assert_eq!(fixture.requests(), 2);

    for missing in RIGHTS {
        server.command(&["FLUSHALL"]);
        let left: Vec<_> = RIGHTS.into_iter().filter(|right| *right != missing).collect();
        let rules: Vec<_> = ["ACL", "SETUSER", "app", "reset"].into_iter().map(str::to_owned).collect();
        let user = user(&left);
        let rules: Vec<&str> = rules.iter().map(String::as_str).chain(user.split(' ').skip(1)).collect();
        server.command(&rules);
        let fixture = Fixture::new();
        let machine = Machine::with_options(&fixture, &url, &[("cache", "refresh")]);
        machine.authorize().expect("granted").invalidate();
        let warnings = machine.warnings();
        // The one is for a settling that finds nothing to do, which is rare.
        let is_said = |line: &String| line.contains("(NOPERM)") || line.contains("(EXECABORT)");
        assert!(missing == "+unwatch" || warnings.iter().any(is_said), "{missing} {warnings:?}");
        assert!(warnings.iter().all(|line| !line.contains("s3cret") && !line.contains("app")), "{warnings:?}");
    }
}

#[test]
fn a_full_server_and_a_replica_serve_what_they_have() {
    for (spoil, why) in [
        (&["CONFIG", "SET", "maxmemory", "1"][..], "its memory is used up (OOM)"),
        (&["REPLICAOF", "127.0.0.1", "1"], "it is a read-only replica (READONLY)"),
        (&["CONFIG", "SET", "min-replicas-to-write", "1"], "it has too few replicas and takes no writes (NOREPLICAS)"),
    ] {
        let Some(server) = RedisServer::start(&[]) else { return };
        let fixture = Fixture::new();
        let [first, second, third] = [(); 3].map(|()| Machine::new(&fixture, &server.url()));
        let token = first.authorize().expect("granted").token();
        server.command(spoil);
        assert_eq!(second.authorize().expect("shared").token(), token, "{why}");
        assert_eq!((fixture.requests(), second.warnings().len()), (1, 0), "{why}");
        third.authorize_with(&third.options.with(&[("cache", "refresh")])).expect("granted");
        third.assert_logged(2, why);
        assert_eq!(fixture.requests(), 2);
    }
}

#[test]
fn a_server_that_fills_up_in_mid_request_gives_the_slot_back_and_keeps_no_refused_token() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let fixture = Fixture::new();
    let machine = Machine::new(&fixture, &server.url());
    let old = machine.authorize().expect("granted");
    fixture.sandbox.expire_tokens(ID);
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| machine.reauthorize(Some(&old)).expect("granted"));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        server.command(&["CONFIG", "SET", "maxmemory", "1"]);
        fixture.sandbox.release("latch");
        call.join().expect("no panic");
    });
    machine.assert_logged(2, "its memory is used up (OOM)");
    assert_eq!(server.keys(), [""; 0]);
}

/// While it runs a script, a server refuses everything else: that passes, but not soon.
#[test]
fn a_busy_server_is_used_once_it_is_free_or_not_at_all() {
    let Some(server) = RedisServer::start(&["--lua-time-limit", "10"]) else { return };
    let mut script = std::process::Command::new("redis-cli");
    script.arg("-s").arg(server.socket()).args(["EVAL", "while true do end", "0"]);
    let mut run = || {
        let child = script.stdout(std::process::Stdio::null()).spawn().expect("redis-cli runs");
        let is_busy = || {
            let ping = std::process::Command::new("redis-cli").arg("-s").arg(server.socket()).arg("PING").output();
            String::from_utf8_lossy(&ping.expect("redis-cli runs").stdout).contains("BUSY")
        };
        wait_until("it is busy", is_busy);
        child
    };
    let mut first = run();
    assert_is_unusable(&server.url(), "it is busy with a script (BUSY)");
    let fixture = Fixture::new();
    let machine = Machine::with_options(&fixture, &server.url(), &[("total_timeout_ms", "3600000")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| machine.authorize().expect("granted"));
        wait_until("it is on its way", || machine.log.take().iter().any(|line| line.contains("cache miss")));
        server.command(&["SCRIPT", "KILL"]);
        call.join().expect("no panic");
    });
    first.wait().expect("it ends with its script");
    assert_is_shared(&server.url());
}

#[test]
fn a_server_that_evicts_costs_a_request_for_what_it_evicted() {
    let Some(server) = RedisServer::start(&["--maxmemory-policy", "allkeys-random"]) else { return };
    let fixture = Fixture::new();
    let [first, second] = [(); 2].map(|()| Machine::new(&fixture, &server.url()));
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let evict = || {
        server.command(&["CONFIG", "SET", "maxmemory", "1"]);
        wait_until("all is evicted", || {
            // Each command that may need memory makes room first.
            drop(server.raw(&["SET", "filler", "x"]));
            server.keys().is_empty()
        });
        server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    };
    std::thread::scope(|scope| {
        let call = scope.spawn(|| first.authorize().expect("granted"));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        assert_eq!(server.keys().len(), 1, "the slot");
        evict();
        fixture.sandbox.release("latch");
        call.join().expect("no panic");
    });
    // The slot is gone, and what was granted is written all the same.
    second.authorize().expect("shared");
    assert_eq!((fixture.requests(), second.api.counter("store_hits")), (1, 1));
    evict();
    second.api.clear_cache();
    second.authorize().expect("granted");
    assert_eq!((fixture.requests(), first.warnings().len(), second.warnings().len()), (2, 0, 0));
    assert!(server.record().starts_with("b2auth:{"));
}

#[test]
fn a_frozen_server_costs_a_quarter_of_the_call_once() {
    let Some(server) = RedisServer::start(&[]) else { return };
    server.signal(libc::SIGSTOP);
    assert_is_unusable(&server.url(), "within");
    assert_is_unusable(&server.socket_url(), "within");
    server.signal(libc::SIGCONT);
    assert_is_shared(&server.url());
}

#[test]
fn a_server_that_is_started_again_in_mid_wait_costs_one_request_more() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let fixture = Fixture::new();
    let machines = [(); 6].map(|()| Machine::new(&fixture, &server.url()));
    fixture.sandbox.script(ID, [Fault::hold("latch"), Fault::hold("again")]);
    std::thread::scope(|scope| {
        let calls = machines.each_ref().map(|machine| scope.spawn(|| machine.authorize().expect("granted").token()));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        server.restart();
        // It has forgotten who is asking: another one does.
        assert!(fixture.sandbox.wait_until_held("again", 1, TEST_TIMEOUT));
        fixture.sandbox.release("again");
        fixture.sandbox.release("latch");
        calls.into_iter().for_each(|call| drop(call.join().expect("no panic")));
    });
    // On a slow machine this took so long that one was overtaken.
    assert!((2..=3).contains(&fixture.requests()), "{}", fixture.requests());
}

#[test]
fn a_cluster_is_followed_once_and_only_to_where_it_is_safe() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let moved = |place: &str| FakeServer::start(format!("-MOVED 1 {place}\r\n").repeat(2), None, false);
    // A claim has four commands, and the look that is first has two: it is followed then.
    let fake = moved(&format!("127.0.0.1:{}", server.port));
    assert_is_shared(&fake.url());
    let there = moved(&format!("127.0.0.1:{}", server.port));
    let here = moved(&format!("127.0.0.1:{}", there.port));
    assert_is_unusable(&here.url(), "its cluster sends from one server to the next (MOVED)");
    for place in ["cache.example:6379", "10.0.0.1:6379", "127.0.0.1:0", "hunter2"] {
        assert_is_unusable(&moved(place).url(), "its cluster sends to a place that is not safe (MOVED)");
    }
}

#[test]
fn a_record_that_does_not_open_is_replaced_and_one_that_was_made_to_stay_is_used() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let fixture = Fixture::new();
    let [first, second, third] = [(); 3].map(|()| Machine::new(&fixture, &server.url()));
    let token = first.authorize().expect("granted").token();
    let record = server.record();
    assert!((80_000_000..=86_400_000).contains(&server.command(&["PTTL", &record]).parse().expect("a number")));
    server.command(&["PERSIST", &record]);
    assert_eq!(second.authorize().expect("shared").token(), token);
    server.command(&["SETRANGE", &record, "40", "spoilt"]);
    let new = third.authorize().expect("granted").token();
    third.assert_logged(4, "a record in the token store does not open: passed over");
    second.api.clear_cache();
    assert_eq!(second.authorize().expect("shared").token(), new);
    // Another program's key of that name.
    server.command(&["DEL", &record]);
    server.command(&["LPUSH", &record, "x"]);
    second.api.clear_cache();
    second.authorize().expect("granted");
    second.assert_logged(2, "another program uses its keys (WRONGTYPE)");
}

/// From a cancel to the end of a call that is at that server.
fn time_to_cancel(url: &str) -> Duration {
    let fixture = Fixture::new();
    let machine = Machine::with_options(&fixture, url, &[("total_timeout_ms", "3600000")]);
    let options = machine.options.with(&[]);
    let cancel = options.attach_cancel();
    let (failure, took) = std::thread::scope(|scope| {
        let call = scope.spawn(|| machine.authorize_with(&options).expect_err("cancelled"));
        wait_until("it is on its way", || machine.log.take().iter().any(|line| line.contains("cache miss")));
        timed(|| {
            cancel.trigger();
            call.join().expect("no panic")
        })
    });
    assert_eq!((failure.name.as_str(), fixture.requests()), ("B2_CANCELLED", 0), "{url}");
    took
}

#[test]
fn a_cancel_ends_each_phase() {
    let silent = FakeServer::start("", None, false);
    let deaf = crate::support::wait_points::Blackhole::listen(([127, 0, 0, 1], 0).into());
    let tls = format!("rediss://localhost:{}", silent.port);
    for url in [silent.url(), tls, format!("redis://{}", deaf.address())] {
        // On a machine that does other work not each time.
        let mut took = Vec::new();
        while took.iter().all(|took| *took > Duration::from_millis(250)) {
            assert!(took.len() < 5, "{url}: {took:?}");
            took.push(time_to_cancel(&url));
        }
    }
}

#[test]
fn a_machine_whose_clock_is_wrong_is_told_so_once() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let fixture = Fixture::new();
    Machine::new(&fixture, &server.url()).authorize().expect("granted");
    let machine = Machine::new(&fixture, &server.url());
    // Half a second more, since the difference is given in whole seconds.
    machine.api.shift_clocks(2 * 3_600_000 + 500, 0);
    let session = machine.authorize().expect("shared");
    assert!(session.seconds_left() <= 22 * 3_600);
    machine.assert_logged(2, "the clock here and that of the token store differ by 7200 s");
    machine.api.clear_cache();
    machine.authorize().expect("shared");
    assert_eq!((machine.warnings().len(), fixture.requests()), (0, 1));
}

#[test]
fn a_dump_of_the_server_and_the_log_show_nothing() {
    let Some(server) = RedisServer::start(&["--requirepass", "hunter2"]) else { return };
    let url = server.url().replace("redis://", "redis://:hunter2@");
    let fixture = Fixture::new();
    let machine = Machine::new(&fixture, &url);
    let session = machine.authorize().expect("granted");
    let account = session.text(|f| f.b2_session_account_id).expect("it has one");
    let client = ["--no-auth-warning", "-a", "hunter2"];
    let command = |more: &[&str]| server.command(&[&client, more].concat());
    let record = command(&["KEYS", "*:r"]);
    let dump = format!("{record} {}", command(&["GET", &record]));
    let search = SecretSearch::new([KEY, &session.token()]);
    search.assert_no_secrets("the record", &dump);
    for known in [ID, account.as_str(), fixture.sandbox.http(), "authorizationToken"] {
        assert!(!dump.contains(known), "{known}");
    }
    let name = record.trim_start_matches("b2auth:{").trim_end_matches("}:r").to_owned();
    for line in machine.log.take() {
        search.assert_no_secrets("the log", &line);
        assert!(!line.contains("hunter2") && !line.contains(&name), "{line}");
    }
}

/// A second for taking a refused token out is short where a whole fleet does so at once: what is slow then is not given up.
#[test]
fn a_server_that_is_slow_to_forget_a_token_is_still_asked_for_the_next() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let fixture = Fixture::new();
    let [first, second] = [(); 2].map(|()| Machine::new(&fixture, &server.url()));
    let old = first.authorize().expect("granted");
    assert_eq!(second.authorize().expect("shared").token(), old.token());
    let new = first.reauthorize(Some(&old)).expect("granted").token();
    server.signal(libc::SIGSTOP);
    second.authorize().expect("cached").invalidate();
    server.signal(libc::SIGCONT);
    assert_eq!(second.api.counter("store_errors"), 1);
    assert_eq!((second.authorize().expect("shared").token(), fixture.requests()), (new, 2));
}
