//! What a diagnosis of the store alone shows and removes: `b2auth store list` and `purge`.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::api::{Diagnosis, Options};
use crate::support::fixture::Fixture;
#[cfg(feature = "store-redis")]
use crate::support::redis::RedisServer;
use crate::support::store::{Machine, StoreDir, in_each_store, set_mode};

const NAME: &str = "0123456789abcdef0123456789abcdef";

fn look(machine: &Machine, what: &str) -> Diagnosis {
    look_with(machine, &machine.options.with(&[("diagnose", what)]))
}

/// No key, and none is looked for.
fn look_with(machine: &Machine, options: &Options) -> Diagnosis {
    machine.api.diagnose(None, None, Some(options))
}

fn details(found: &Diagnosis) -> &Value {
    assert_eq!(found.status, "B2_OK", "{}", found.report);
    &found.step("store")["details"]
}

/// Names, kinds, and what is wrong with them, of all but the files of one record.
fn entries(found: &Diagnosis, except: &str) -> Vec<(String, String, &'static str)> {
    let all = details(found)["entries"].as_array().expect("a list");
    let others = all.iter().filter(|entry| !entry["name"].as_str().expect("a name").contains(except));
    let text = |entry: &Value, name: &str| entry[name].as_str().expect("a text").to_owned();
    others
        .map(|entry| {
            let end = match (entry["dead"].as_bool(), entry["removed"].as_bool()) {
                (Some(true), Some(true)) => "removed",
                (Some(true), Some(false)) => "dead",
                (Some(false), Some(false)) => "",
                _ => panic!("{entry}"),
            };
            (text(entry, "name"), text(entry, "kind"), end)
        })
        .collect()
}

#[test]
fn a_store_is_shown_without_a_key_and_without_a_request() {
    in_each_store(|store| {
        let fixture = Fixture::new();
        let machine = Machine::new(&fixture, &store.url());
        machine.authorize().expect("granted");
        let requests = fixture.requests();
        for what in ["store", "purge"] {
            let found = look(&machine, what);
            let details = details(&found);
            assert_eq!(
                (&details["records"], &details["dead"], &details["whole"]),
                (&1.into(), &0.into(), &true.into())
            );
            assert!(details["bytes"].as_u64().is_some_and(|bytes| (200..10_000).contains(&bytes)), "{details}");
            let record = details["entries"].as_array().expect("a list").iter().find(|entry| entry["kind"] == "record");
            let record = record.expect("a record");
            let day = 24 * 3_600_000;
            let known = [&record["ageMs"], &record["endsInMs"]].map(Value::as_u64);
            assert!(matches!(known, [Some(..60_000), None] | [None, Some(1..)]) && known[1] <= Some(day), "{record}");
        }
        assert_eq!(fixture.requests(), requests);
        let other = Machine::new(&fixture, &store.url());
        other.authorize().expect("shared");
        assert_eq!((fixture.requests(), other.api.counter("store_hits")), (requests, 1));
    });
}

#[test]
fn without_a_store_or_with_one_that_cannot_be_used_that_is_said() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    let none = look(&Machine::new(&fixture, "none"), "store");
    assert_eq!((none.status.as_str(), none.summary("store")), ("B2_INVALID_ARGUMENT", "no token store is set"));
    let machine = Machine::new(&fixture, &dir.url());
    let assert_unusable = |why: &str| {
        let found = look(&machine, "purge");
        assert_eq!(found.status, "B2_STORE_ERROR", "{why}");
        assert!(found.summary("store").contains(why), "{}", found.summary("store"));
    };
    assert_unusable("no such folder");
    assert!(!dir.path.exists(), "it is not made");
    fs::create_dir(&dir.path).expect("a folder");
    set_mode(&dir.path, 0o777);
    assert_unusable("others may write to the folder");
    fs::remove_dir(&dir.path).expect("it is empty");
    fs::write(&dir.path, "").expect("a file");
    assert_unusable("it is not a folder");
    assert_eq!(fixture.requests(), 0);
}

#[test]
fn dead_files_are_told_and_purged_and_no_others() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    let machine = Machine::new(&fixture, &dir.url());
    machine.authorize().expect("granted");
    let own = dir.record().file_name().expect("a name").to_str().expect("ASCII").to_owned();
    let hours = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 3_600);
    let make = |name: &str, size: u64, modified| {
        let file = File::create(dir.path.join(name)).expect("it can be made");
        file.set_len(size).expect("there is room");
        file.set_modified(modified).expect("it is ours");
        file
    };
    make(NAME, 1_000, hours(26));
    make(&format!("{NAME}.lock0"), 0, hours(26));
    let held = make(&format!("{NAME}.lock1"), 0, hours(26));
    held.lock().expect("nobody has it");
    make(&format!("{NAME}.lock2"), 0, hours(1));
    make(&format!(".{NAME}.1.0123456789abcdef"), 10, hours(2));
    make(&format!(".{NAME}.2.0123456789abcdef"), 10, hours(0));
    make(&NAME.replace('f', "0"), 1_000, hours(24));
    make(&NAME.replace('f', "1"), 44, hours(0));
    make(&NAME.replace('f', "2"), 64 * 1024 + 1, hours(0));
    make(&NAME.replace('f', "3"), 1_000, SystemTime::now() + Duration::from_secs(3_600));
    symlink("/etc/passwd", dir.path.join(NAME.replace('f', "4"))).expect("a link");
    fs::create_dir(dir.path.join(NAME.replace('f', "5"))).expect("a folder");
    make("README", 10, hours(1_000));
    make(&format!("{NAME}.txt"), 10, hours(1_000));
    let before = dir.names();
    let expected = |dead: &'static str| {
        let record = |digit: &str| NAME.replace('f', digit);
        [
            (format!(".{NAME}.1.0123456789abcdef"), "temporary", dead),
            (format!(".{NAME}.2.0123456789abcdef"), "temporary", ""),
            (record("0"), "record", ""),
            (record("1"), "record", dead),
            (record("2"), "record", dead),
            (record("3"), "record", ""),
            (record("4"), "record", dead),
            (record("5"), "record", "dead"),
            (NAME.to_owned(), "record", dead),
            (format!("{NAME}.lock0"), "lease", dead),
            (format!("{NAME}.lock1"), "lease", "dead"),
            (format!("{NAME}.lock2"), "lease", ""),
        ]
        .map(|(name, kind, end)| (name, kind.to_owned(), end))
    };
    assert_eq!(entries(&look(&machine, "store"), &own), expected("dead"));
    assert_eq!(dir.names(), before, "nothing was removed");
    assert_eq!(entries(&look(&machine, "purge"), &own), expected("removed"));
    let gone = expected("removed").map(|(name, _, end)| (name, end)).into_iter().filter(|(_, end)| *end == "removed");
    let gone: Vec<_> = gone.map(|(name, _)| name).collect();
    let left: Vec<_> = before.into_iter().filter(|name| !gone.contains(name)).collect();
    assert_eq!(dir.names(), left);
    let other = Machine::new(&fixture, &dir.url());
    other.authorize().expect("shared");
    assert_eq!((fixture.requests(), other.api.counter("store_hits")), (1, 1));
}

/// More than a settling looks at.
#[test]
fn many_dead_files_are_all_purged() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    let machine = Machine::new(&fixture, &dir.url());
    machine.authorize().expect("granted");
    for number in 0..1_000 {
        let file = File::create(dir.path.join(format!("{number:032x}"))).expect("it can be made");
        file.set_modified(SystemTime::now() - Duration::from_secs(26 * 3_600)).expect("it is ours");
    }
    let found = look(&machine, "purge");
    let details = details(&found);
    assert_eq!((&details["records"], &details["removed"]), (&1_001.into(), &1_000.into()));
    assert!(dir.record().exists());
}

#[cfg(feature = "store-redis")]
#[test]
fn keys_that_would_never_end_are_told_and_purged_and_no_others() {
    // A prefix that means something else in a pattern.
    let Some(server) = RedisServer::start(&[]) else { return };
    let fixture = Fixture::new();
    let machine = Machine::new(&fixture, &format!("{}?prefix=a%2A%5Bb%5D:", server.url()));
    machine.authorize().expect("granted");
    let own = server.record();
    assert!(own.starts_with("a*[b]:{"), "{own}");
    let own_name = own.split(['{', '}']).nth(1).expect("a name");
    let value = "x".repeat(100);
    let set = |key: &str, end: &[&str]| server.command(&[&["SET", key, &value], end].concat());
    set(&format!("a*[b]:{{{NAME}}}:r"), &[]);
    set(&format!("a*[b]:{{{NAME}}}:l0"), &[]);
    set(&format!("a*[b]:{{{NAME}}}:l1"), &["PX", "17000"]);
    set(&format!("a*[b]:{{{NAME}}}:l2"), &["PX", "1000000"]);
    set(&format!("a*[b]:{{{NAME}}}:l9"), &[]);
    set(&format!("a*[b]:{{{}}}:r", NAME.replace('f', "0")), &["PX", "86400000"]);
    set(&format!("a*[b]:{{{}}}:r", NAME.replace('f', "1")), &["PX", "100000000"]);
    server.command(&["SET", &format!("a*[b]:{{{}}}:r", NAME.replace('f', "2")), "short", "PX", "1000000"]);
    // Others'.
    set("aXb:{x}:r", &[]);
    set(&format!("aXb:{{{NAME}}}:r"), &[]);
    let before = server.keys();
    let expected = |dead: &'static str| {
        let record = |digit: &str| format!("{{{}}}:r", NAME.replace('f', digit));
        [
            (record("0"), "record", ""),
            (record("1"), "record", dead),
            (record("2"), "record", dead),
            (format!("{{{NAME}}}:l0"), "lease", dead),
            (format!("{{{NAME}}}:l1"), "lease", ""),
            (format!("{{{NAME}}}:l2"), "lease", dead),
            (format!("{{{NAME}}}:r"), "record", dead),
        ]
        .map(|(name, kind, end)| (name, kind.to_owned(), end))
    };
    assert_eq!(entries(&look(&machine, "store"), own_name), expected("dead"));
    assert_eq!(server.keys(), before, "nothing was removed");
    assert_eq!(entries(&look(&machine, "purge"), own_name), expected("removed"));
    assert_eq!(server.keys().len(), before.len() - 5);
    let other = Machine::new(&fixture, &format!("{}?prefix=a%2A%5Bb%5D:", server.url()));
    other.authorize().expect("shared");
    assert_eq!((fixture.requests(), other.api.counter("store_hits")), (1, 1));
}

/// Many replies, and keys of others among ours.
#[cfg(feature = "store-redis")]
#[test]
fn a_large_server_is_looked_through() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let script = "for i = 1, 3000 do local n = string.format('%032x', i) \
        redis.call('SET', 'b2auth:{' .. n .. '}:r', string.rep('x', 100), 'PX', 1000000) \
        redis.call('SET', 'other:' .. n, 'x') end";
    server.command(&["EVAL", script, "0"]);
    let fixture = Fixture::new();
    let found = look(&Machine::new(&fixture, &server.socket_url()), "store");
    let details = details(&found);
    assert_eq!((&details["records"], &details["bytes"], &details["dead"]), (&3_000.into(), &300_000.into(), &0.into()));
}

/// A user with the rights of a call, and one with those that a look takes besides.
#[cfg(feature = "store-redis")]
#[test]
fn rights_that_a_look_lacks_are_told() {
    let rights = "resetkeys ~b2auth:* -@all +get +set +del +pttl +watch +unwatch +multi +exec";
    let users = format!("--user app on >s3cret {rights} --user admin on >s3cret {rights} +scan +strlen");
    let Some(server) = RedisServer::start(&users.split(' ').collect::<Vec<_>>()) else { return };
    let fixture = Fixture::new();
    let machine_of =
        |user: &str| Machine::new(&fixture, &server.url().replace("redis://", &format!("redis://{user}:s3cret@")));
    let found = look(&machine_of("app"), "store");
    assert_eq!(found.status, "B2_STORE_ERROR", "{}", found.report);
    assert!(found.summary("store").contains("this user lacks a right (NOPERM)"), "{}", found.summary("store"));
    assert_eq!(details(&look(&machine_of("admin"), "purge"))["records"], 0);
}
