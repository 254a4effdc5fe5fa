//! A store in files when its folder, a file in it or the disk is not as it should be: a session each time, the warning that
//! belongs to it, and `B2_STORE_ERROR` where the store is required.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::b2_database::TempDir;
use crate::support::concurrent::timed;
use crate::support::fixture::{Fixture, ID};
use crate::support::secret_search::SecretSearch;
use crate::support::store::{Machine, StoreDir, set_mode};
use crate::support::subprocess;

/// A machine whose store has a record, which another one has written.
fn with_record() -> (Fixture, StoreDir, Machine) {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    Machine::new(&fixture, &dir.url()).authorize().expect("granted");
    let machine = Machine::new(&fixture, &dir.url());
    (fixture, dir, machine)
}

/// A session without the store, a warning that says why, and no request where the store is required.
fn assert_is_unusable(fixture: &Fixture, dir: &StoreDir, why: &str) {
    let (machine, before) = (Machine::new(fixture, &dir.url()), fixture.requests());
    machine.authorize().expect("granted");
    machine.assert_logged(2, &format!("the token store cannot be used: {why}"));
    assert_eq!((fixture.requests() - before, machine.api.counter("store_errors")), (1, 1), "{why}");

    let strict = Machine::with_options(fixture, &dir.url(), &[("store_required", "1")]);
    let failure = strict.authorize().expect_err(why);
    assert_eq!((failure.name.as_str(), failure.retryable, failure.attempts), ("B2_STORE_ERROR", true, 0), "{failure}");
    assert!(failure.message.contains(why) && failure.hint.is_some(), "{failure:?}");
    assert_eq!(fixture.requests() - before, 1, "{why}");
}

#[test]
fn a_record_that_is_spoilt_at_any_byte_or_cut_costs_one_request_and_is_replaced() {
    let (fixture, dir, machine) = with_record();
    let whole = fs::read(dir.record()).expect("a record");
    // The head and the code at the end byte by byte, and enough of what is between.
    let positions = (0..40).chain((40..whole.len() - 16).step_by(11)).chain(whole.len() - 16..whole.len());
    let flipped = positions.map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        bytes
    });
    let cut = (0..whole.len()).step_by(97).map(|length| whole[..length].to_vec());
    let longer = [whole.len() + 1, 64 * 1024, 10_000_000].map(|length| {
        let mut bytes = whole.clone();
        bytes.resize(length, 0);
        bytes
    });
    for (number, bytes) in flipped.chain(cut).chain(longer).enumerate() {
        fs::write(dir.record(), &bytes).expect("it is ours");
        machine.api.clear_cache();
        let before = fixture.requests();
        let token = machine.authorize().expect("granted").token();
        assert_eq!(fixture.requests() - before, 1, "{number}");
        machine.api.clear_cache();
        assert_eq!(machine.authorize().expect("shared").token(), token, "{number}: it was replaced");
        assert_eq!(fixture.requests() - before, 1, "{number}");
    }
    machine.assert_logged(4, "a record in the token store does not open: passed over");
    assert_eq!((machine.warnings().len(), machine.api.counter("store_errors")), (0, 0));
}

#[test]
fn a_record_that_is_not_a_private_file_of_this_user_is_passed_over() {
    let (fixture, dir, machine) = with_record();
    let whole = fs::read(dir.record()).expect("a record");
    let record = dir.record();
    let elsewhere = dir.path.join("elsewhere");
    let write = |path: &Path| {
        fs::write(path, &whole).expect("it is ours");
        set_mode(path, 0o600);
    };
    let link = || {
        write(&elsewhere);
        symlink(&elsewhere, &record).expect("a link");
    };
    let pipe = || {
        let path = std::ffi::CString::new(record.to_str().expect("ASCII")).expect("no NUL");
        // SAFETY: the path lives through the call.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    };
    let readable = || {
        write(&record);
        set_mode(&record, 0o640);
    };
    let foreign = || {
        write(&record);
        std::os::unix::fs::chown(&record, Some(54_321), None).expect("root may");
    };
    let mut kinds: Vec<(&str, &dyn Fn())> = vec![("a link", &link), ("a pipe", &pipe), ("readable", &readable)];
    // SAFETY: geteuid only reads the process's own identity.
    if unsafe { libc::geteuid() } == 0 {
        kinds.push(("of another user", &foreign));
    }
    for (kind, make) in kinds {
        fs::remove_file(&record).expect("it is there");
        make();
        machine.api.clear_cache();
        let (before, hits) = (fixture.requests(), machine.api.counter("store_hits"));
        let token = machine.authorize().expect("granted").token();
        assert_eq!((fixture.requests() - before, machine.api.counter("store_hits") - hits), (1, 0), "{kind}");
        assert_eq!(machine.warnings(), [""; 0], "{kind}");
        machine.api.clear_cache();
        assert_eq!(machine.authorize().expect("shared").token(), token, "{kind}: it was replaced");
        assert!(fs::symlink_metadata(&record).expect("it is there").is_file());
    }
    assert_eq!(fs::read(&elsewhere).expect("it is there"), whole, "what a link points to stays as it is");
}

#[test]
fn a_folder_in_the_place_of_a_record_costs_a_request_each_time() {
    let (fixture, dir, machine) = with_record();
    let record = dir.record();
    fs::remove_file(&record).expect("it is there");
    fs::create_dir(&record).expect("a folder");
    machine.authorize().expect("granted");
    machine.assert_logged(2, "the token store cannot be used: a record cannot be written");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_folder_that_cannot_be_trusted_or_used_is_not_used() {
    let fixture = Fixture::new();
    let dir = StoreDir::new();
    fs::create_dir(&dir.path).expect("a folder");
    for mode in [0o770, 0o702, 0o777, 0o1777] {
        set_mode(&dir.path, mode);
        assert_is_unusable(&fixture, &dir, "others may write to the folder");
    }
    set_mode(&dir.path, 0o755);
    Machine::new(&fixture, &dir.url()).authorize().expect("granted");
    assert!(dir.record().exists(), "others may look into it, as they may into systemd's StateDirectory");
    // SAFETY: geteuid only reads the process's own identity.
    if unsafe { libc::geteuid() } == 0 {
        std::os::unix::fs::chown(&dir.path, Some(54_321), None).expect("root may");
        assert_is_unusable(&fixture, &dir, "the folder belongs to another user");
    }
    let dir = StoreDir::new();
    fs::write(&dir.path, "").expect("a file");
    assert_is_unusable(&fixture, &dir, "it is not a folder");
    let mut dir = StoreDir::new();
    dir.path = dir.path.join("below");
    assert_is_unusable(&fixture, &dir, "no such folder");
}

#[test]
fn the_folder_is_made_for_this_user_alone() {
    use std::os::unix::fs::MetadataExt;
    let (_fixture, dir, _machine) = with_record();
    assert_eq!(fs::metadata(&dir.path).expect("it was made").mode() & 0o7777, 0o700);
    for name in dir.names() {
        assert_eq!(fs::metadata(dir.path.join(&name)).expect("it is there").mode() & 0o7777, 0o600, "{name}");
    }
}

#[test]
fn a_folder_that_goes_away_is_made_again() {
    let (fixture, dir, machine) = with_record();
    fs::remove_dir_all(&dir.path).expect("it is ours");
    machine.authorize().expect("granted");
    assert_eq!((fixture.requests(), machine.warnings().len(), dir.record().exists()), (2, 0, true));
}

#[test]
fn locks_that_a_stuck_process_holds_cost_time_and_no_session() {
    let (fixture, dir, machine) = with_record();
    let record = dir.record();
    fs::remove_file(&record).expect("it is there");
    let paths = ["lock0", "lock1", "lock2", "lock3", "lock4", "lock"].map(|lock| record.with_extension(lock));
    let held = paths.map(|path| {
        let file = File::options().create(true).append(true).open(path).expect("a file");
        file.lock().expect("nobody has it");
        file
    });
    // Waiting for others takes half of the call's time at most.
    let options = machine.options.with(&[("total_timeout_ms", "1000")]);
    let (session, took) = timed(|| machine.authorize_with(&options));
    session.expect("granted");
    assert!(took >= Duration::from_millis(450), "{took:?}");
    machine.assert_logged(2, "waited half of the time for other processes: going on without them");
    assert_eq!((fixture.requests(), record.exists()), (2, false));
    // The slots are free again, but nobody can write.
    held[..5].iter().for_each(|file| file.unlock().expect("it is held"));
    machine.api.clear_cache();
    machine.authorize().expect("granted");
    machine.assert_logged(2, "another process holds the lock of a record for long");
    assert_eq!((fixture.requests(), record.exists()), (3, false));
}

#[test]
fn a_store_in_trouble_is_left_alone_for_a_while_and_said_once_a_minute() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    fs::write(&dir.path, "").expect("a file");
    let machine = Machine::with_options(&fixture, &dir.url(), &[("cache", "refresh")]);
    machine.authorize().expect("granted");
    assert_eq!((machine.warnings().len(), machine.api.counter("store_errors")), (1, 1));
    fs::remove_file(&dir.path).expect("it is there");
    machine.authorize().expect("granted");
    assert_eq!((machine.warnings().len(), dir.path.exists()), (0, false), "it is not tried so soon");
    machine.api.advance(Duration::from_secs(5));
    machine.authorize().expect("granted");
    assert_eq!((dir.record().exists(), machine.api.counter("store_errors")), (true, 1));
}

#[test]
fn old_files_are_purged_and_others_are_not() {
    let (_fixture, dir, machine) = with_record();
    let own = dir.record();
    let own = own.file_name().expect("a name").to_str().expect("ASCII");
    let hours = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 3_600);
    let name = "0123456789abcdef0123456789abcdef";
    let make = |name: String, modified| {
        let file = File::create(dir.path.join(name)).expect("it can be made");
        file.set_modified(modified).expect("it is ours");
        file
    };
    make(name.to_owned(), hours(26));
    make(format!("{name}.lock0"), hours(26));
    make(format!(".{name}.1.0123456789abcdef"), hours(2));
    let held = make(format!("{name}.lock1"), hours(26));
    held.lock().expect("nobody has it");
    make(name.replace('f', "e"), hours(24));
    make(format!(".{name}.2.0123456789abcdef"), hours(0));
    make("README".to_owned(), hours(1_000));
    make(format!("{name}.txt"), hours(1_000));
    fs::create_dir(dir.path.join(name.replace('0', "1"))).expect("a folder");
    machine.authorize_with(&machine.options.with(&[("cache", "refresh")])).expect("granted");
    let names = dir.names();
    let left: Vec<_> = names.iter().filter(|name| !name.starts_with(own)).map(String::as_str).collect();
    let expected = [
        ".0123456789abcdef0123456789abcdef.2.0123456789abcdef",
        "0123456789abcdee0123456789abcdee",
        "0123456789abcdef0123456789abcdef.lock1",
        "0123456789abcdef0123456789abcdef.txt",
        "1123456789abcdef1123456789abcdef",
        "README",
    ];
    assert_eq!(left, expected);
}

#[test]
fn a_dump_of_the_folder_shows_nothing() {
    let (fixture, dir, machine) = with_record();
    let session = machine.authorize().expect("shared");
    let token = session.token();
    let account = session.text(|f| f.b2_session_account_id).expect("it has one");
    let api_url = session.text(|f| f.b2_session_api_url).expect("it has one");
    let search = SecretSearch::new([crate::support::fixture::KEY, &token]);
    for name in dir.names() {
        let bytes = fs::read(dir.path.join(&name)).expect("it is there");
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        search.assert_no_secrets(&name, &format!("{name} {text}"));
        for known in [ID, account.as_str(), api_url.as_str(), fixture.sandbox.http(), "127.0.0.1", "authorizationToken"]
        {
            assert!(!text.contains(known) && !name.contains(known), "{known} is in {name}");
        }
    }
}

/// A machine on a folder that the subprocess's own file system holds, or with its own limits.
#[test]
#[ignore = "run by another test"]
fn authorize_in_a_subprocess() {
    let Some(task) = subprocess::task() else { return };
    if let Some(limit) = task["file_limit"].as_u64() {
        let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
        // SAFETY: the limit lives through the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
    }
    let machine = Machine::in_subprocess(&task);
    let result = machine.authorize();
    let requests = machine.api.counter("requests");
    let hits = machine.api.counter("store_hits");
    let result = json!({"ok": result.is_ok(), "requests": requests, "hits": hits, "warnings": machine.warnings()});
    print!("{}", subprocess::report(&result));
}

fn task(fixture: &Fixture, dir: &StoreDir) -> serde_json::Value {
    json!({"realm": fixture.sandbox.http(), "store": dir.url()})
}

const SUBPROCESS: &str = "store_files::authorize_in_a_subprocess";

fn assert_warned(result: &serde_json::Value, requests: u64, hits: u64, warning: &str) {
    assert_eq!((result["ok"].as_bool(), result["requests"].as_u64()), (Some(true), Some(requests)), "{result}");
    assert_eq!(result["hits"].as_u64(), Some(hits), "{result}");
    let warnings = result["warnings"].to_string();
    assert!(if warning.is_empty() { warnings == "[]" } else { warnings.contains(warning) }, "{result}");
}

#[test]
fn a_process_that_may_write_no_files_still_reads() {
    let (fixture, dir, _machine) = with_record();
    let mut task = task(&fixture, &dir);
    task["file_limit"] = 0.into();
    let run = || subprocess::run(&mut subprocess::command(SUBPROCESS, &task));
    assert_warned(&run(), 0, 1, "");
    fs::remove_file(dir.record()).expect("it is there");
    assert_warned(&run(), 1, 0, "its limit of their size is below 1 MiB");
}

/// In a file system of its own, which `script` prepares in the folder `$1`.
fn run_with_mounts(fixture: &Fixture, dir: &StoreDir, script: &str) -> serde_json::Value {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-ec", &format!("d=$1; shift; {script}; exec \"$@\""), "sh"]).arg(&dir.path);
    command.arg(std::env::current_exe().expect("this program has a path"));
    subprocess::configure(&mut command, SUBPROCESS, &task(fixture, dir));
    subprocess::run(&mut command)
}

/// After a reboot the boot clock begins anew, and only the wall clock is left.
#[test]
fn a_record_outlives_a_reboot() {
    if !may_mount() {
        return eprintln!("SKIP: a file system of one's own needs root");
    }
    let (fixture, dir, _machine) = with_record();
    let other = "echo 01234567-89ab-cdef-0123-456789abcdef >\"$d.boot\"; \
        mount --bind \"$d.boot\" /proc/sys/kernel/random/boot_id";
    let result = run_with_mounts(&fixture, &dir, other);
    assert_warned(&result, 0, 1, "");
    // A machine of that boot writes, and one of this boot reads.
    fs::remove_file(dir.record()).expect("it is there");
    let result = run_with_mounts(&fixture, &dir, other);
    assert_warned(&result, 1, 0, "");
    let machine = Machine::new(&fixture, &dir.url());
    machine.authorize().expect("shared");
    assert_eq!(machine.api.counter("store_hits"), 1);
}

/// A C library whose `fstatfs` says what kind of file system `KIND` is, and whose `fsync` takes 30 ms.
fn with_preloaded(task: &serde_json::Value, kind: &str) -> Option<serde_json::Value> {
    let work = TempDir::new();
    let (source, library) = (work.path("preloaded.c"), work.path("preloaded.so"));
    fs::write(&source, include_str!("../store/preloaded.c")).expect("ours");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).status();
    if !built.is_ok_and(|status| status.success()) {
        return None;
    }
    let mut command = subprocess::command(SUBPROCESS, task);
    command.env("LD_PRELOAD", &library).env("KIND", kind);
    Some(subprocess::run(&mut command))
}

#[test]
fn a_folder_on_a_network_file_system_is_not_used_and_one_that_may_hang_is() {
    let (fixture, dir, _machine) = with_record();
    // NFS, SMB, AFS, Lustre.
    for kind in ["6969", "fe534d42", "5346414f", "bd00bd0"] {
        let Some(result) = with_preloaded(&task(&fixture, &dir), kind) else {
            return eprintln!("SKIP: there is no C compiler");
        };
        assert_warned(&result, 1, 0, "the folder of the token store is on a network file system");
    }
    // FUSE.
    let result = with_preloaded(&task(&fixture, &dir), "65735546").expect("there is one");
    assert_warned(&result, 0, 1, "");
}

fn may_mount() -> bool {
    let output = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_or_read_only_disk_serves_what_it_has_and_costs_no_session() {
    if !may_mount() {
        return eprintln!("SKIP: a file system of one's own needs root");
    }
    let (fixture, dir, _machine) = with_record();
    let result = run_with_mounts(&fixture, &dir, "mount --bind \"$d\" \"$d\"; mount -o remount,ro,bind \"$d\"");
    assert_warned(&result, 0, 1, "");
    fs::remove_file(dir.record()).expect("it is there");
    let read_only = "mount --bind \"$d\" \"$d\"; mount -o remount,ro,bind \"$d\"";
    let result = run_with_mounts(&fixture, &dir, read_only);
    assert_warned(&result, 1, 0, "the file system is read-only");
    let full =
        "mount -t tmpfs -o size=64k,mode=700 tmpfs \"$d\"; head -c 1000000 /dev/zero >\"$d/filler\" 2>&- || true";
    let result = run_with_mounts(&fixture, &dir, full);
    assert_warned(&result, 1, 0, "no space left on the disk");
}
