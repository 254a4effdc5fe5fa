//! The table of options: names, ranges, defaults, and the errors for invalid values.

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use b2_sandbox::Fault;

use crate::support::api::{self, Failure, Options, c_string};
use crate::support::fixture::{Fixture, ID};

const INVALID_ARGUMENT: i32 = 1;
/// In every invalid value. No error may contain it.
const MARK: &str = "marked7f3a";

const NAMES: [&str; 24] = [
    "realm",
    "profile",
    "account_info",
    "cache",
    "min_remaining_s",
    "store",
    "store_required",
    "credentials",
    "log_level",
    "max_attempts",
    "initial_backoff_ms",
    "max_backoff_ms",
    "connect_timeout_ms",
    "attempt_timeout_ms",
    "total_timeout_ms",
    "batch_timeout_ms",
    "negative_ttl_s",
    "rate_limit_per_minute",
    "proxy",
    "ca_file",
    "user_agent",
    "concurrency",
    "fields",
    "diagnose",
];

fn new_options() -> Options {
    let api = api::load();
    api.register_secret(MARK);
    api.options(&[])
}

/// The failure of a value that must be refused. Its message names the option.
fn refuse(options: &Options, name: &str, value: &str) -> Failure {
    let failure = options.set(name, Some(value)).expect_err(value);
    assert_eq!((failure.status, failure.attempts, failure.retryable), (INVALID_ARGUMENT, 0, false), "{failure:?}");
    assert!(failure.message.starts_with(&format!("option \"{name}\": ")), "{failure}");
    failure
}

#[test]
fn the_options_are_the_documented_ones() {
    assert!(b2auth::Options::names().eq(NAMES), "{:?}", b2auth::Options::names().collect::<Vec<_>>());
    let options = new_options();
    for name in NAMES {
        options.set(name, None).expect(name);
        options.set(name, Some("")).expect(name);
        options.set(name, Some(" \n")).expect(name);
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    let options = new_options();
    for (name, nearest) in [
        ("relam", "realm"),
        ("Realm", "realm"),
        ("max_attempt", "max_attempts"),
        ("ca-file", "ca_file"),
        ("useragent", "user_agent"),
        ("retries", "max_attempts"),
    ] {
        let failure = options.set(name, Some(MARK)).expect_err(name);
        assert_eq!(failure.status, INVALID_ARGUMENT);
        assert_eq!(failure.message, format!("unknown option \"{name}\""));
        assert_eq!(failure.hint.expect("it has a hint"), format!("did you mean \"{nearest}\"?"), "{name}");
    }
    let failure = options.set("timeout", Some(MARK)).expect_err("unknown");
    assert!(
        failure
            .hint
            .is_some_and(|hint| hint.contains("\"connect_timeout_ms\"") && hint.contains("or \"total_timeout_ms\""))
    );
    // What is far from every name has no suggestion, and what may be a key is not repeated.
    assert_eq!(options.set("accountId", Some("x")).expect_err("unknown").hint, None);
    assert_eq!(options.set(MARK, Some("x")).expect_err("unknown").message, "unknown option");
    assert!(options.set("", None).is_err());
    assert!(options.set("relam", None).is_err(), "an unknown name has no default");
}

#[test]
fn a_number_is_accepted_in_its_range_only() {
    let options = new_options();
    for (name, least, most) in [
        ("min_remaining_s", 0_u64, 82_800_u64),
        ("max_attempts", 1, 5),
        ("initial_backoff_ms", 1, 60_000),
        ("max_backoff_ms", 1, 64_000),
        ("connect_timeout_ms", 1, 600_000),
        ("attempt_timeout_ms", 1, 600_000),
        ("total_timeout_ms", 0, 3_600_000),
        ("batch_timeout_ms", 0, 86_400_000),
        ("negative_ttl_s", 0, 3_600),
        ("rate_limit_per_minute", 0, 6_000),
        ("concurrency", 1, 64),
    ] {
        for value in [least, most] {
            options.set(name, Some(&format!(" {value}\n"))).expect(name);
        }
        let below = if least == 0 { "-1".to_owned() } else { (least - 1).to_string() };
        let above = (most + 1).to_string();
        for value in [below.as_str(), above.as_str(), "4294967297", "18446744073709551617", "1.0", "1e1", "0x1", "1 0"]
        {
            let failure = refuse(&options, name, value);
            assert!(failure.message.ends_with(&format!(" from {least} to {most}")), "{failure}");
        }
        refuse(&options, name, MARK);
        refuse(&options, name, &format!("1{MARK}"));
    }
}

#[test]
fn an_enumerated_value_is_matched_exactly() {
    let options = new_options();
    for (name, values) in [
        ("cache", &["use", "refresh", "bypass"][..]),
        ("fields", &["action", "all"]),
        ("diagnose", &["all", "store", "purge"]),
    ] {
        for value in values {
            options.set(name, Some(value)).expect(value);
            refuse(&options, name, &value.to_uppercase());
        }
        refuse(&options, name, MARK);
    }
}

#[test]
fn a_token_store_is_a_folder_or_a_server() {
    let options = new_options();
    for store in [
        "none",
        "file:/var/lib/b2auth",
        "redis://127.0.0.1",
        "redis://:pw@localhost:7000/3",
        "rediss://user:pw@cache.example?ca_file=/ca.pem&cert=/c.pem&key=/k.pem&prefix=x:",
        "redis+unix:///run/redis.sock?db=1",
    ] {
        let is_in_build = match store.split_once(':') {
            None => true,
            Some(("file", _)) => cfg!(feature = "store-file"),
            Some(_) => cfg!(feature = "store-redis"),
        };
        assert_eq!(options.set("store", Some(store)).is_ok(), is_in_build, "{store}");
    }
    for store in [
        MARK,
        "file:tokens",
        "file:~/tokens",
        "sqlite:/tmp/x",
        "redis://cache.example",
        "rediss://user:marked7f3a@",
        "rediss://user:marked7f3a@h?db=1",
        "rediss://h?marked7f3a=1",
        "rediss://h?cert=/marked7f3a",
    ] {
        refuse(&options, "store", store);
    }
}

#[test]
fn a_profile_is_a_name_and_excludes_account_info() {
    let options = new_options();
    for name in ["../x", "a/b", "a.b", "a b", "é", ".", &"p".repeat(65)] {
        refuse(&options, "profile", name);
    }
    for name in ["work", "A_b-9", &"p".repeat(64)] {
        options.set("profile", Some(name)).expect(name);
    }
    refuse(&options, "account_info", "/tmp/marked7f3a");
    options.set("profile", None).expect("the default");
    options.set("account_info", Some("/tmp/x")).expect("there is no profile");
    refuse(&options, "profile", "work");
    options.set("account_info", None).expect("the default");
    options.set("profile", Some("work")).expect("there is no account_info");
}

#[test]
fn a_realm_is_a_name_or_a_base_url() {
    let options = new_options();
    for realm in [
        "production",
        "staging",
        "https://b2.example",
        "https://b2.example:8443/path/",
        "http://localhost:1",
        "http://127.9.9.9",
        "http://[::1]:9000",
    ] {
        options.set("realm", Some(realm)).expect(realm);
    }
    for realm in [
        "prod",
        "marked7f3a.example",
        "http://marked7f3a.example",
        "http://127.0.0.1.marked7f3a.example",
        "http://localhost.marked7f3a.example",
        "http://10.0.0.1/marked7f3a",
        "http://0.0.0.0/marked7f3a",
        "https://marked7f3a@b2.example",
        "https://u:marked7f3a@b2.example",
        "https://b2.example?marked7f3a",
        "https://b2.example#marked7f3a",
        "https://b2.example:99999/marked7f3a",
        "https://b2.example/\u{7f}marked7f3a",
        "ftp://marked7f3a.example",
        "https://",
    ] {
        refuse(&options, "realm", realm);
    }
    for realm in [
        "https://s3.us-west-004.backblazeb2.com",
        "https://S3.EU-Central-003.backblazeb2.com/bucket",
        "https://bucket.s3.us-west-004.backblazeb2.com",
        // As the web console shows it.
        "s3.us-west-004.backblazeb2.com",
    ] {
        let failure = refuse(&options, "realm", realm);
        assert!(failure.hint.expect("it has a hint").contains("leave realm unset"));
    }
}

#[test]
fn an_invalid_proxy_is_refused_without_showing_its_password() {
    let options = new_options();
    for proxy in ["env", "none", "http://p.example", "https://u:p@p.example:1/", "socks5://[::1]:1080", "HTTP://p:1"] {
        options.set("proxy", Some(proxy)).expect(proxy);
    }
    for proxy in [
        MARK,
        "user:marked7f3a@p.example:1",
        "ftp://user:marked7f3a@p.example",
        "socks4://user:marked7f3a@p.example",
        "http://user:marked7f3a@",
        "http://user:marked7f3a@p.example:0",
        "http://user:marked7f3a@p.example:99999",
        "http://user:marked7f3a%zz@p.example",
        "http://user:marked7f3a@p.example/path",
        "http://user:marked7f3a@p.example?q",
        "http://user:p@ mark.example",
        "http://p.example:marked7f3a",
        &format!("http://user:{MARK}{}@p.example", "x".repeat(256)),
    ] {
        refuse(&options, "proxy", proxy);
    }
}

#[test]
fn a_user_agent_is_one_line_of_visible_ascii() {
    let options = new_options();
    options.set("user_agent", Some(&"a".repeat(256))).expect("256 is not too long");
    options.set("user_agent", Some("backup/1.0 (nightly)")).expect("a comment is fine");
    for agent in ["marked7f3a/1\r\nX-Evil: 1", "marked7f3a/1\tx", "märked7f3a/1", "marked7f3a\u{7f}", &"a".repeat(257)]
    {
        refuse(&options, "user_agent", agent);
    }
}

#[test]
fn null_and_invalid_utf_8_are_refused() {
    let api = api::load();
    let options = api.options(&[]);
    let set = |options: *mut c_void, name: *const i8, value: *const i8| {
        // SAFETY: handles and texts are NULL or live; no error is wanted.
        unsafe { (api.f.b2_options_set)(options, name.cast(), value.cast(), null_mut()) }
    };
    let (name, value, broken) = (c_string("cache"), c_string("use"), [0xff_u8, 0]);
    let broken = broken.as_ptr().cast::<i8>();
    let (name, value) = (name.as_ptr().cast(), value.as_ptr().cast());
    assert_eq!(set(options.raw(), name, value), 0);
    assert_eq!(set(null_mut(), name, value), INVALID_ARGUMENT);
    assert_eq!(set(options.raw(), null(), value), INVALID_ARGUMENT);
    assert_eq!(set(options.raw(), broken, value), INVALID_ARGUMENT);
    assert_eq!(set(options.raw(), name, broken), INVALID_ARGUMENT);
    assert_eq!(set(null_mut(), null(), null()), INVALID_ARGUMENT);
    // SAFETY: NULL is allowed.
    unsafe {
        assert!((api.f.b2_options_copy)(null_mut()).is_null());
        (api.f.b2_options_set_cancel)(null_mut(), null_mut());
        (api.f.b2_options_free)(null_mut());
    }
}

#[test]
fn a_refused_value_leaves_the_options_unchanged() {
    let fixture = Fixture::with_options(&[("max_attempts", "2"), ("user_agent", "before/1")]);
    for (name, value) in [("max_attempts", "6"), ("user_agent", "é"), ("realm", "prod"), ("cache", "never")] {
        refuse(&fixture.options, name, value);
    }
    fixture.sandbox.script(ID, [Fault::status(500).forever()]);
    assert_eq!(fixture.authorize().expect_err("it fails").attempts, 2);
    for entry in fixture.sandbox.log() {
        let agent = entry.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
        assert!(agent.expect("it has one").1.starts_with("before/1 "));
    }
}

#[test]
fn white_space_around_names_and_values_is_ignored() {
    let fixture = Fixture::new();
    fixture.options.set(" max_attempts\n", Some("\t1 ")).expect("trimmed");
    fixture.sandbox.script(ID, [Fault::status(500).forever()]);
    assert_eq!(fixture.authorize().expect_err("it fails").attempts, 1);
}
