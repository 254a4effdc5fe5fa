//! b2_diagnose_json(): what each step reports where all is well, where something is odd but works, and where the call's own
//! limits end it. Faults are walked by the fault matrix.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use b2_sandbox::{DateFault, Fault, Key, TlsFault};
use serde_json::{Value, json};

use crate::fault_matrix::fake_server::{Relay, onward};
use crate::support::api::{self, Diagnosis};
use crate::support::concurrent::{during_call, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, sandbox_with_key};
use crate::support::subprocess;
use crate::support::wait_points::{self, WaitPoint};

fn diagnose(fixture: &Fixture) -> Diagnosis {
    fixture.api.diagnose(Some(ID), Some(KEY), Some(&fixture.options))
}

fn detail<'a>(diagnosis: &'a Diagnosis, step: &str, name: &str) -> &'a Value {
    &diagnosis.step(step)["details"][name]
}

#[test]
fn every_step_is_reported_where_all_is_well() {
    let fixture = Fixture::new();
    let options = fixture.https_options();
    let found = fixture.api.diagnose(Some(ID), Some(KEY), Some(&options));
    assert_eq!((found.status.as_str(), &found.report["result"]), ("B2_OK", &json!("ok")), "{}", found.report);
    assert_eq!((&found.report["requests"], fixture.requests()), (&json!(1), 1));
    assert_eq!(found.steps_that_are("skipped"), ["tunnel", "store"]);
    assert_eq!(found.report["version"], fixture.api.version());
    assert!(found.report["startedAt"].as_str().is_some_and(|time| time.ends_with('Z')), "{}", found.report);

    assert_eq!(detail(&found, "credentials", "keyId"), ID);
    assert_eq!(detail(&found, "credentials", "source"), "the call");
    assert_eq!(detail(&found, "credentials", "keyLength"), KEY.len());
    assert_eq!(detail(&found, "realm", "url"), fixture.sandbox.https());
    assert!(found.summary("proxy").contains("loopback"), "{}", found.summary("proxy"));
    let places = detail(&found, "roots", "places").as_array().expect("a list");
    assert_eq!(places.last(), Some(&json!({"place": fixture.ca_file(), "count": 1})));
    assert!(places[0]["count"].as_u64().is_some_and(|count| count > 1), "{places:?}");
    assert_eq!(detail(&found, "lookUp", "addresses"), &json!(["127.0.0.1", "::1"]));
    let port = fixture.sandbox.https().rsplit(':').next().expect("it has a port");
    assert_eq!(detail(&found, "connect", "address"), &json!(format!("127.0.0.1:{port}")));
    assert_eq!(detail(&found, "connect", "families")[0]["connected"], true);
    assert_eq!(detail(&found, "tls", "version"), "TLS 1.3");
    assert_eq!(detail(&found, "tls", "issuer"), "b2 sandbox CA");
    assert!(detail(&found, "tls", "daysLeft").as_i64().is_some_and(|days| days >= 30), "{}", found.step("tls"));
    assert!(detail(&found, "clock", "offsetSeconds").as_i64().is_some_and(|off| off.abs() < 60));
    assert_eq!(detail(&found, "authorize", "httpStatus"), 200);
    let request_id = fixture.sandbox.log().last().and_then(|entry| entry.request_id.clone());
    assert_eq!(detail(&found, "authorize", "requestId").as_str(), request_id.as_deref());
    assert!(found.summary("authorize").contains("4aa9865d6f00"), "{}", found.summary("authorize"));
    let capabilities = detail(&found, "key", "capabilities").as_array().expect("a list");
    assert!(capabilities.contains(&json!("listBuckets")));
    assert_eq!((detail(&found, "key", "buckets"), detail(&found, "key", "expiresAt")), (&Value::Null, &Value::Null));
    assert_eq!(detail(&found, "key", "recommendedPartSize"), 100_000_000);
    assert_eq!(detail(&found, "key", "absoluteMinimumPartSize"), 5_000_000);
    assert!(detail(&found, "token", "secondsLeft").as_i64().is_some_and(|left| (86_300..=86_400).contains(&left)));
    assert_eq!(detail(&found, "token", "apiUrl"), fixture.sandbox.https());
}

#[test]
fn over_http_there_is_no_tls() {
    let fixture = Fixture::new();
    let found = diagnose(&fixture);
    assert_eq!(found.status, "B2_OK", "{}", found.report);
    assert_eq!(found.steps_that_are("skipped"), ["roots", "tunnel", "tls", "store"]);
}

#[test]
fn the_cache_is_neither_read_nor_written() {
    let fixture = Fixture::new();
    assert_eq!(diagnose(&fixture).status, "B2_OK");
    let token = fixture.authorize().expect("granted").token();
    assert_eq!(fixture.requests(), 2, "nothing was cached");
    assert_eq!(diagnose(&fixture).status, "B2_OK");
    assert_eq!(fixture.requests(), 3, "the cached token was not taken");
    fixture.sandbox.script(ID, [Fault::status(401).code("unauthorized")]);
    assert_eq!(diagnose(&fixture).status, "B2_BAD_CREDENTIALS");
    assert_eq!(fixture.authorize().expect("it is still cached").token(), token);
    assert_eq!(fixture.requests(), 4);
}

#[test]
fn a_refusal_puts_the_credentials_in_doubt() {
    let fixture = Fixture::new();
    // Swapped, and so odd.
    fixture.sandbox.add_key(Key::new(ID, KEY));
    let found = fixture.api.diagnose(Some(KEY), Some(ID), Some(&fixture.options));
    assert_eq!(found.status, "B2_BAD_CREDENTIALS");
    assert_eq!(found.steps_that_are("warning"), ["credentials"]);
    assert!(found.advice("credentials").is_some_and(|advice| advice.contains("swapped")), "{}", found.report);
    assert_eq!(found.steps_that_are("failed"), ["authorize"]);
    assert!(!found.report.to_string().contains(KEY), "it was given as the key ID");
    // What looks odd but is granted is no warning.
    fixture.sandbox.add_key(Key::new("odd", "odd-key"));
    let found = fixture.api.diagnose(Some("odd"), Some("odd-key"), Some(&fixture.options));
    assert_eq!((found.status.as_str(), found.step("credentials")["result"].as_str()), ("B2_OK", Some("ok")));
    assert_eq!(detail(&found, "credentials", "keyId"), &Value::Null);
}

#[test]
fn a_failed_request_has_its_request_id_and_is_not_repeated() {
    let fixture = Fixture::with_options(&[("max_attempts", "5")]);
    fixture.sandbox.script(ID, [Fault::status(503).header("X-Bz-Request-Id", "this-one").forever()]);
    let found = diagnose(&fixture);
    assert_eq!((found.status.as_str(), fixture.requests()), ("B2_SERVICE_UNAVAILABLE", 1));
    assert_eq!(detail(&found, "authorize", "requestId"), "this-one");
    assert_eq!(detail(&found, "authorize", "httpStatus"), 503);
    assert_eq!(found.step("clock")["result"], "ok", "the clock of a server that fails is as good");
    assert_eq!(found.report["error"]["attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_clock_that_is_off_is_a_warning() {
    for (seconds, side) in [(-3_600, "ahead of"), (3_600, "behind")] {
        let fixture = Fixture::new();
        fixture.sandbox.script(ID, [Fault::default().date(DateFault::OffsetS(seconds))]);
        let found = diagnose(&fixture);
        assert_eq!((found.status.as_str(), &found.report["result"]), ("B2_OK", &json!("warning")));
        assert_eq!(found.steps_that_are("warning"), ["clock"]);
        assert!(found.summary("clock").contains(side), "{}", found.summary("clock"));
        assert!(found.advice("clock").is_some_and(|advice| advice.contains("off by about 60 minutes")));
        let off = detail(&found, "clock", "offsetSeconds").as_i64().expect("a number");
        assert!((off + seconds).abs() < 60, "{off}");
    }
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::default().date(DateFault::Omit)]);
    assert_eq!(diagnose(&fixture).step("clock")["result"], "skipped");
}

fn in_days(days: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from((now + Duration::from_secs(days * 86_400)).as_millis()).expect("a time")
}

#[test]
fn what_the_key_may_do_is_told_and_what_is_odd_about_it_is_a_warning() {
    let fixture = Fixture::new();
    let with = |change: fn(Key) -> Key| {
        fixture.sandbox.add_key(change(Key::new(ID, KEY)));
        diagnose(&fixture)
    };
    let found = with(|key| key.bucket("b0", Some("photos")));
    assert_eq!(detail(&found, "key", "buckets"), &json!([{"id": "b0", "name": "photos"}]));
    assert!(found.summary("key").contains("in photos"), "{}", found.summary("key"));
    assert_eq!(found.report["result"], "ok", "{}", found.report);

    let found = with(|key| key.bucket("b0", Some("photos")).bucket("b1", None));
    assert_eq!(found.steps_that_are("warning"), ["key"]);
    assert!(found.summary("key").contains("in photos, b1"), "{}", found.summary("key"));
    assert!(found.advice("key").is_some_and(|advice| advice.contains("bucket of the key is gone")));

    let found = with(|mut key| {
        key.buckets = Some(Vec::new());
        key
    });
    assert!(found.advice("key").is_some_and(|advice| advice.contains("no bucket")), "{}", found.step("key"));

    let found = with(|mut key| {
        key.name_prefix = Some("2026/".to_owned());
        key.expiration_timestamp = Some(in_days(30));
        key
    });
    assert_eq!(detail(&found, "key", "namePrefix"), "2026/");
    assert_eq!(found.report["result"], "ok", "{}", found.report);
    assert!(found.summary("key").contains("\"2026/\"; expires at 20"), "{}", found.summary("key"));

    let found = with(|mut key| {
        key.expiration_timestamp = Some(in_days(2));
        key
    });
    assert_eq!(found.steps_that_are("warning"), ["key"]);
    assert!(
        found.advice("key").is_some_and(|advice| advice.contains("the application key expires in ")),
        "{}",
        found.step("key")
    );
}

#[test]
fn a_token_that_is_too_short_for_the_options_is_a_warning() {
    let fixture = Fixture::with_options(&[("min_remaining_s", "3600")]);
    let mut key = Key::new(ID, KEY);
    key.expiration_timestamp = Some(in_days(0) + 600_000);
    fixture.sandbox.add_key(key);
    let found = diagnose(&fixture);
    assert_eq!(found.steps_that_are("warning"), ["key", "token"]);
    assert!(found.advice("token").is_some_and(|advice| advice.contains("min_remaining_s, 3600 s")));
}

#[test]
fn what_a_server_says_is_one_line_without_secrets() {
    let fixture = Fixture::new();
    // In no run like the key, which is masked as well.
    let token = "4_zzqwxv_81723645_ppLLmmNN_99887766";
    fixture.api.register_secret(token);
    let patch = json!({
        "accountId": KEY,
        "authorizationToken": token,
        "apiInfo": {"storageApi": {
            "apiUrl": format!("http://127.0.0.1/{token}"),
            "allowed": {
                "capabilities": ["listBuckets", KEY, "\u{1b}[2Jx\r\ny"],
                "namePrefix": format!("\u{1b}[31m{token}"),
                "buckets": [{"id": "b0", "name": format!("{KEY}\n")}],
            },
        }},
    });
    fixture.sandbox.script(ID, [Fault::default().merge(patch).header("X-Bz-Request-Id", KEY)]);
    // The wrapper searches the whole report.
    let found = diagnose(&fixture);
    assert_eq!(found.status, "B2_OK", "{}", found.report);
    assert_eq!(found.summary("authorize"), "B2 granted a session for the account *** (request ID ***)");
    assert_eq!(detail(&found, "key", "capabilities")[2], " [2Jx  y");
}

#[test]
fn each_address_family_is_tried() {
    let fixture = Fixture::new();
    let families = |realm: &str| {
        let options = fixture.options.with(&[("realm", realm)]);
        let found = fixture.api.diagnose(Some(ID), Some(KEY), Some(&options));
        assert_eq!(found.status, "B2_OK", "{}", found.report);
        found
    };
    let both = fixture.sandbox.http().replace("127.0.0.1", "localhost");
    let found = families(&both);
    let connected = |found: &Diagnosis| -> Vec<(String, bool)> {
        let list = detail(found, "connect", "families").as_array().expect("a list").clone();
        let one = |family: &Value| (family["family"].as_str().expect("a text").to_owned(), family["connected"] == true);
        list.iter().map(one).collect()
    };
    assert_eq!(connected(&found), [("IPv4".to_owned(), true), ("IPv6".to_owned(), true)]);
    assert!(found.summary("connect").contains("IPv6 works too"), "{}", found.summary("connect"));
    // A relay that listens on IPv4 alone.
    let relay = Relay::to(onward(fixture.sandbox.http()));
    let found = families(&format!("http://localhost:{}", relay.port()));
    assert_eq!(connected(&found), [("IPv4".to_owned(), true), ("IPv6".to_owned(), false)]);
    assert_eq!(found.steps_that_are("warning"), ["connect"]);
    assert!(
        found.summary("connect").contains("IPv6 does not: ::1: connection refused"),
        "{}",
        found.summary("connect")
    );
    // An address has one family.
    assert_eq!(connected(&families(fixture.sandbox.http())), [("IPv4".to_owned(), true)]);
}

#[test]
fn without_a_key_the_way_is_walked_up_to_the_request() {
    let fixture = Fixture::new();
    let options = fixture.https_options().with(&[("credentials", "given")]);
    let found = fixture.api.diagnose(None, None, Some(&options));
    assert_eq!((found.status.as_str(), fixture.requests()), ("B2_NO_CREDENTIALS", 0));
    assert_eq!(found.report["requests"], 0);
    assert_eq!(found.steps_that_are("failed"), ["credentials"]);
    assert_eq!(found.steps_that_are("ok"), ["environment", "realm", "proxy", "roots", "lookUp", "connect", "tls"]);
    assert_eq!(detail(&found, "tls", "version"), "TLS 1.3");
    // And what is wrong on the way is found, too.
    let options = options.with(&[("realm", fixture.sandbox.tls_fault(TlsFault::Expired))]);
    let found = fixture.api.diagnose(None, None, Some(&options));
    assert_eq!(found.status, "B2_NO_CREDENTIALS", "the call would fail with this");
    assert_eq!(found.steps_that_are("failed"), ["credentials", "tls"]);
    assert!(found.summary("tls").contains("expired at"), "{}", found.summary("tls"));
    assert_eq!(fixture.sandbox.authorize_count("*"), 0);
}

#[test]
fn the_rate_limit_counts_it() {
    let fixture = Fixture::with_options(&[("rate_limit_per_minute", "1"), ("total_timeout_ms", "2000")]);
    for _ in 0..5 {
        assert_eq!(diagnose(&fixture).status, "B2_OK");
    }
    let found = diagnose(&fixture);
    assert_eq!((found.status.as_str(), fixture.requests()), ("B2_RATE_LIMITED", 5));
    assert_eq!((&found.report["requests"], found.steps_that_are("failed")), (&json!(0), vec!["authorize"]));
    assert!(found.report["error"]["retryAfterMs"].as_u64().is_some_and(|wait| wait > 2_000), "{}", found.report);
    assert_eq!(found.step("connect")["result"], "ok", "the way is walked all the same");
}

/// The places where a diagnosis can wait: those of a call with one attempt.
fn wait_points() -> [fn() -> WaitPoint; 6] {
    [
        wait_points::response_head,
        wait_points::response_body,
        wait_points::slow_response_body,
        wait_points::tls_handshake,
        wait_points::connect,
        wait_points::rate_limit,
    ]
}

#[test]
fn a_cancel_ends_it_wherever_it_waits() {
    for (number, point) in wait_points().into_iter().enumerate() {
        let point = point();
        let WaitPoint { fixture, options, .. } = &point;
        let mut triggered = None;
        let cancel = options.attach_cancel();
        let found = during_call(
            &options.with(&[]),
            || fixture.api.diagnose(Some(ID), Some(KEY), Some(options)),
            || {
                wait_until("it waits", || (point.reached)(&point));
                triggered = Some(Instant::now());
                cancel.trigger();
            },
        );
        let took = triggered.expect("it was triggered").elapsed();
        assert!(took < Duration::from_secs(10), "wait point {number}: {took:?}");
        assert_eq!(found.status, "B2_CANCELLED", "wait point {number}: {}", found.report);
    }
    let fixture = Fixture::new();
    fixture.options.attach_cancel().trigger();
    let found = diagnose(&fixture);
    assert_eq!((found.status.as_str(), fixture.sandbox.connection_count("http")), ("B2_CANCELLED", 0));
}

#[test]
fn the_deadline_ends_it_wherever_it_waits() {
    for (number, point) in wait_points().into_iter().enumerate() {
        let point = point();
        let options = point.options.with(&[("total_timeout_ms", "700")]);
        let start = Instant::now();
        let found = point.fixture.api.diagnose(Some(ID), Some(KEY), Some(&options));
        assert!(start.elapsed() < Duration::from_secs(20), "wait point {number}: {:?}", start.elapsed());
        let expected = if number == 5 { "B2_RATE_LIMITED" } else { "B2_TIMEOUT" };
        assert_eq!(found.status, expected, "wait point {number}: {}", found.report);
    }
}

#[test]
fn a_cancel_wins_over_a_session_that_was_granted() {
    let fixture = Fixture::new();
    let cancel = fixture.options.attach_cancel();
    fixture.options.set_log(Some(Box::new(move |_, message| {
        if message.contains("granted a session") {
            cancel.trigger();
        }
    })));
    let found = diagnose(&fixture);
    assert_eq!((found.status.as_str(), fixture.requests()), ("B2_CANCELLED", 1));
    assert_eq!((&found.report["result"], &found.report["requests"]), (&json!("failed"), &json!(1)));
    let step = found.step("authorize");
    assert_eq!((&step["result"], &step["summary"]), (&json!("failed"), &json!("the call was cancelled")), "{step}");
}

/// In the subprocess: a diagnosis without a key of its own.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(task) = subprocess::task() else { return };
    let api = api::load();
    let options = api.options(&[]);
    for (name, value) in task["options"].as_object().expect("an object") {
        options.set(name, value.as_str()).expect(name);
    }
    let found = api.diagnose(None, None, if task["noOptions"] == true { None } else { Some(&options) });
    print!("{}", subprocess::report(&found.report));
}

fn in_process(variables: &[(&str, &str)], task: &Value) -> Diagnosis {
    let mut command = subprocess::command("diagnosis::child", task);
    let report = subprocess::run(command.envs(variables.iter().copied()));
    Diagnosis { status: report["status"].as_str().expect("a name").to_owned(), report }
}

#[test]
fn the_environment_is_reported_without_its_secrets() {
    let sandbox = sandbox_with_key();
    let secrets = ["s3cret-user", "s3cret-word", "s3cret-store"];
    let variables = [
        ("B2_APPLICATION_KEY_ID", ID),
        ("B2_APPLICATION_KEY", KEY),
        ("B2_ENVIRONMENT", sandbox.http()),
        ("B2_TOKEN_STORE", "redis://:s3cret-store@127.0.0.1"),
        ("HTTPS_PROXY", "http://s3cret-user:s3cret-word@proxy.example:3128"),
        ("ALL_PROXY", "gopher://s3cret-user:s3cret-word@proxy.example"),
        ("NO_PROXY", "localhost,.example"),
        ("SSL_CERT_FILE", "/etc/ssl/some.pem"),
    ];
    let found = in_process(&variables, &json!({"noOptions": true, "options": {}}));
    assert_eq!(found.status, "B2_OK", "{}", found.report);
    let text = found.report.to_string();
    assert!(secrets.into_iter().chain([KEY]).all(|secret| !text.contains(secret)), "{text}");
    let shown = detail(&found, "environment", "variables");
    assert_eq!(
        shown,
        &json!({
            "B2_APPLICATION_KEY_ID": ID,
            "B2_APPLICATION_KEY": "(set)",
            "B2_ENVIRONMENT": sandbox.http(),
            "B2_TOKEN_STORE": "(set)",
            "HTTPS_PROXY": "http://proxy.example:3128",
            "ALL_PROXY": "(set, but not valid)",
            "NO_PROXY": "localhost,.example",
            "SSL_CERT_FILE": "/etc/ssl/some.pem",
        })
    );
    assert_eq!(detail(&found, "credentials", "source"), "the environment");
    assert_eq!(detail(&found, "realm", "source"), "from B2_ENVIRONMENT");
}

#[test]
fn a_key_in_the_place_of_the_key_id_is_not_shown() {
    let sandbox = sandbox_with_key();
    let variables = [("B2_APPLICATION_KEY_ID", KEY), ("B2_APPLICATION_KEY", ID)];
    let found = in_process(&variables, &json!({"options": {"realm": sandbox.http()}}));
    assert_eq!(found.status, "B2_BAD_CREDENTIALS", "{}", found.report);
    assert!(!found.report.to_string().contains(KEY), "{}", found.report);
    let shown = &detail(&found, "environment", "variables")["B2_APPLICATION_KEY_ID"];
    assert_eq!(shown, "(set, but does not look like a key ID)");
}

#[test]
fn a_realm_that_is_not_valid_ends_the_way_before_it_begins() {
    let found = in_process(&[("B2_ENVIRONMENT", "ftp://s3cret@x")], &json!({"options": {}}));
    assert_eq!(found.status, "B2_INVALID_ARGUMENT", "{}", found.report);
    assert!(found.steps_that_are("failed").contains(&"realm"), "{}", found.report);
    assert_eq!(found.step("connect")["result"], "skipped");
    assert!(!found.report.to_string().contains("s3cret"), "{}", found.report);
    assert!(found.report["error"]["message"].as_str().is_some_and(|message| message.contains("B2_ENVIRONMENT")));
}
