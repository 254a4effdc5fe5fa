//! Blank credentials from the b2 tool's database: of each version, and of each way in which one can be no use.

use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use b2_sandbox::{Config, Key, Sandbox};
use rusqlite::Connection;

use crate::support::api::{self, Api, Ask, Failure, Options, Session};
use crate::support::b2_database::{self, Account, Folder, NEWEST};
use crate::support::fixture::{ID, KEY};

const HELD: &str = "B2AUTH_TEST_HELD";
const NO_CREDENTIALS: i32 = 2;
const BAD_CREDENTIALS: i32 = 3;
/// What keys were called before they had names of their own.
const ACCOUNT: &str = "4aa9865d6f00";
const OTHER: &str = "0014aa9865d6f0000000000b9";
const OTHER_KEY: &str = "K001another/key/for+the+other00";

struct Place {
    sandbox: Sandbox,
    folder: Folder,
    api: &'static Api,
}

impl Place {
    fn new() -> Self {
        let keys = vec![Key::master(ID, KEY), Key::new(ACCOUNT, KEY), Key::new(OTHER, OTHER_KEY)];
        let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
        Self { sandbox, folder: Folder::new(), api: api::load() }
    }

    fn account(&self) -> Account<'_> {
        Account { key_id: ID, key: KEY, realm: self.sandbox.http() }
    }

    /// Options that name the file, and no realm.
    fn options(&self, path: &Path) -> Options {
        let path = path.to_str().expect("UTF-8");
        self.api.options(&[("account_info", path), ("rate_limit_per_minute", "0"), ("max_attempts", "1")])
    }

    fn call(&self, options: &Options) -> Result<Session, Failure> {
        self.api.call(None, None, Ask::Authorize, Some(options))
    }

    /// The failure of a call with that file, and no request for it.
    fn refused(&self, path: &Path) -> Failure {
        let failure = self.call(&self.options(path)).expect_err("there is no key");
        assert_eq!((failure.status, failure.attempts), (NO_CREDENTIALS, 0), "{failure}");
        let path = path.to_str().expect("UTF-8");
        assert!(failure.message.contains(path) && failure.message.contains("B2_APPLICATION_KEY_ID"), "{failure}");
        let told = format!("{failure:?}");
        assert!(!told.contains(KEY) && !told.contains("marked7f3a"), "{told}");
        assert_eq!(self.sandbox.authorize_count("*"), 0);
        failure
    }
}

/// Past the time in which two changes of a file could look like one.
fn settle() {
    std::thread::sleep(Duration::from_millis(30));
}

fn key_id(session: &Session) -> String {
    session.text(|f| f.b2_session_key_id).expect("every session has one")
}

#[test]
fn each_version_of_the_schema_is_understood() {
    let place = Place::new();
    for version in 0..=NEWEST {
        let path = place.folder.at(&format!("version-{version}"));
        let id = if version < 2 { ACCOUNT } else { ID };
        b2_database::write(&path, version, Account { key_id: id, ..place.account() });
        let before = fs::read(&path).expect("it is there");
        let session = place.call(&place.options(&path)).unwrap_or_else(|failure| panic!("{version}: {failure}"));
        assert_eq!(key_id(&session), id, "{version}");
        assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(place.sandbox.http()));
        assert_eq!(fs::read(&path).expect("it is there"), before, "version {version} was written to");
    }
    assert_eq!(place.folder.names().len(), NEWEST + 1, "something was left beside: {:?}", place.folder.names());
}

#[test]
fn a_null_or_blank_key_id_is_the_account_id() {
    let place = Place::new();
    for value in ["NULL", "''", "'  '"] {
        let path = place.folder.at(&format!("{value}.db"));
        b2_database::write(&path, NEWEST, place.account());
        b2_database::change(&path, &format!("UPDATE account SET account_id_or_app_key_id = {value}"));
        assert_eq!(key_id(&place.call(&place.options(&path)).expect(value)), ACCOUNT);
    }
}

#[test]
fn the_first_versions_json_is_understood() {
    let place = Place::new();
    let json = format!(
        r#"{{"account_auth_token": "t", "account_id": "{ACCOUNT}", "api_url": "u", "application_key": "{}",
            "download_url": "d", "minimum_part_size": 100, "realm": "{}"}}"#,
        KEY.replace('/', "\\/"),
        place.sandbox.http()
    );
    let path = place.folder.file("json", json.as_bytes());
    assert_eq!(key_id(&place.call(&place.options(&path)).expect("understood")), ACCOUNT);
    let cut = place.folder.file("cut", &json.as_bytes()[..90]);
    let fresh = Place::new();
    assert!(fresh.refused(&cut).message.contains("is no database of the b2 tool"));
}

#[test]
fn its_realm_counts_unless_an_option_names_one() {
    let place = Place::new();
    let path = place.folder.at("db");
    for realm in ["production", "staging", "dev", "http://elsewhere.example", "", "https://127.0.0.1:9"] {
        let _ = fs::remove_file(&path);
        b2_database::write(&path, NEWEST, Account { realm, ..place.account() });
        let options = place.options(&path).with(&[("realm", place.sandbox.http())]);
        assert!(place.call(&options).is_ok(), "{realm}");
    }
    let fresh = Place::new();
    for (realm, reason) in [
        ("dev", "dev is not served over https"),
        ("http://marked7f3a.example", "http is for loopback addresses only"),
        ("prod-marked7f3a", "has a realm that cannot be used"),
        ("  ", "blank"),
    ] {
        let _ = fs::remove_file(&path);
        b2_database::write(&path, NEWEST, Account { realm, ..fresh.account() });
        let failure = fresh.refused(&path);
        assert!(failure.message.contains(reason), "{failure}");
        assert!(failure.hint.is_some_and(|hint| hint.contains("\"realm\"")));
    }
}

#[test]
fn a_key_id_alone_takes_only_its_own_key() {
    let place = Place::new();
    let path = place.folder.at("db");
    b2_database::write(&path, NEWEST, place.account());
    settle();
    let options = place.options(&path);
    for _ in 0..2 {
        let session = place.api.call(Some(ID), None, Ask::Authorize, Some(&options)).expect("its own key");
        assert_eq!(key_id(&session), ID);
        let failure = place.api.call(Some(OTHER), Some(" "), Ask::Authorize, Some(&options)).expect_err("another");
        assert_eq!(failure.status, NO_CREDENTIALS);
        assert!(failure.message.contains("holds another key") && !failure.message.contains(ID), "{failure}");
    }
    assert_eq!(place.api.database_reads(), 1);
}

#[test]
fn a_loop_of_calls_opens_it_once() {
    let place = Place::new();
    let path = place.folder.at("db");
    b2_database::write(&path, NEWEST, place.account());
    settle();
    let options = place.options(&path);
    for _ in 0..1_000 {
        assert_eq!(key_id(&place.call(&options).expect("granted")), ID);
    }
    assert_eq!((place.api.database_reads(), place.sandbox.authorize_count("*")), (1, 1));
    // The same file, changed: its new key serves from the next call on.
    b2_database::authorize(&path, NEWEST, Account { key_id: OTHER, key: OTHER_KEY, ..place.account() });
    settle();
    for _ in 0..100 {
        assert_eq!(key_id(&place.call(&options).expect("granted")), OTHER);
    }
    assert_eq!((place.api.database_reads(), place.sandbox.authorize_count("*")), (2, 2));
    fs::remove_file(&path).expect("it is there");
    assert_eq!(place.call(&options).expect_err("it is gone").status, NO_CREDENTIALS);
    // Neither a key that B2 refuses nor a file without one is worth a look each time.
    b2_database::write(&path, NEWEST, Account { key: "K001wrong", ..place.account() });
    settle();
    let reads = place.api.database_reads();
    for _ in 0..100 {
        assert_eq!(place.call(&options).expect_err("refused").status, BAD_CREDENTIALS);
    }
    b2_database::change(&path, "DELETE FROM account");
    settle();
    for _ in 0..100 {
        assert_eq!(place.call(&options).expect_err("empty").status, NO_CREDENTIALS);
    }
    assert_eq!(place.api.database_reads(), reads + 2);
}

#[test]
fn what_is_no_use_is_named_with_its_reason() {
    let place = Place::new();
    let good = place.folder.at("good");
    b2_database::write(&good, NEWEST, place.account());
    let bytes = fs::read(&good).expect("it is there");
    let page = bytes.len() / 2;
    let zeros = [&bytes[..100], &vec![0xa5; bytes.len() - 100]].concat();
    for (content, reason) in [
        (&b""[..], "is empty"),
        (b"marked7f3a: not a database at all", "is no database of the b2 tool"),
        (b"{\"application_key\": \"marked7f3a\"}", "is no database of the b2 tool"),
        (b"[]", "is no database of the b2 tool"),
        (&bytes[..16], "is damaged"),
        (&bytes[..100], "is damaged"),
        (&bytes[..page], "is damaged"),
        (&zeros, "is damaged"),
    ] {
        let path = place.folder.file("bad", content);
        let failure = place.refused(&path);
        assert!(failure.message.contains(reason), "{failure} in place of {reason}");
    }
    for (statements, reason) in [
        ("DELETE FROM account", "holds no account"),
        ("DROP TABLE account", "has no table account"),
        ("DROP TABLE account; CREATE VIEW account AS SELECT 'marked7f3a' AS application_key", "has no table account"),
        ("INSERT INTO account SELECT * FROM account", "has several accounts"),
        ("ALTER TABLE account RENAME COLUMN application_key TO marked7f3a", "has no column application_key"),
        ("ALTER TABLE account RENAME COLUMN realm TO marked7f3a", "a realm that cannot be used: it is blank"),
        ("UPDATE account SET application_key = ''", "its application key is blank"),
        ("UPDATE account SET application_key = x'00ff'", "its application key is no text"),
        ("UPDATE account SET application_key = 'marked7f3a' || char(0)", "character 11 is U+0000 NUL"),
        ("UPDATE account SET application_key = 'marked7f3a' || char(8203)", "character 11 is U+200B ZERO WIDTH SPACE"),
        ("UPDATE account SET application_key = hex(zeroblob(600))", "its application key is longer than 1024"),
        ("UPDATE account SET account_id_or_app_key_id = x'00'", "its key ID is no text"),
        ("UPDATE account SET account_id_or_app_key_id = 'a:b'", "its key ID has a colon in it"),
        ("PRAGMA journal_mode = WAL", "keeps a write-ahead log"),
    ] {
        let path = place.folder.file("odd", &bytes);
        b2_database::change(&path, statements);
        let failure = place.refused(&path);
        assert!(failure.message.contains(reason), "{failure} in place of {reason}");
        assert!(failure.hint.is_some());
    }
    assert!(place.folder.names().iter().all(|name| !name.contains('-')), "{:?}", place.folder.names());
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let place = Place::new();
    let pipe = place.folder.at("pipe");
    let name = CString::new(pipe.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: the name lives through the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let link = place.folder.at("link");
    std::os::unix::fs::symlink(place.folder.at("good"), &link).expect("a link can be made");
    assert!(place.refused(&link).message.contains("does not exist"));
    b2_database::write(&place.folder.at("good"), NEWEST, place.account());
    assert!(place.refused(&pipe).message.contains("is not a file"));
    assert!(place.refused(&place.folder.at("")).message.contains("is not a file"));
    assert!(place.refused(Path::new("/dev/zero")).message.contains("is not a file"));
    assert!(place.refused(&place.folder.at("good/below")).message.contains("does not exist"));
    let large = place.folder.file("large", b"SQLite format 3\0");
    fs::File::options().write(true).open(&large).and_then(|file| file.set_len(17 << 20)).expect("it can grow");
    assert!(place.refused(&large).message.contains("is too large"));
    assert!(place.call(&place.options(&link)).is_ok());
}

/// The other program: it holds the database that it is told of until its input ends. Not a thread of this one, since a
/// process loses its locks on a file when any part of it closes that file.
#[test]
#[ignore = "run by the others, in a process of its own"]
fn holder() {
    let Some(path) = std::env::var_os(HELD) else { return };
    let connection = Connection::open(path).expect("it opens");
    connection.execute_batch("BEGIN EXCLUSIVE").expect("it locks");
    println!("\nHELD");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// That program, once it holds the database.
pub fn writer(path: &Path) -> Child {
    let exe = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(exe);
    command.args(["--exact", "b2_tool::holder", "--ignored", "--nocapture"]).env(HELD, path);
    let mut writer = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let said = BufReader::new(writer.stdout.take().expect("it has an output"));
    // The rest of it is read as well, so that the writer can go on.
    let mut lines = said.lines();
    assert!(lines.any(|line| line.expect("UTF-8") == "HELD"));
    std::thread::spawn(move || lines.count());
    writer
}

#[test]
fn one_that_is_being_written_to_is_not_waited_for_long() {
    let place = Place::new();
    let path = place.folder.at("db");
    b2_database::write(&path, NEWEST, place.account());
    let mut writer = writer(&path);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let failure = place.refused(&path);
                assert!(failure.message.contains("is locked"), "{failure}");
                assert!(failure.hint.is_some_and(|hint| hint.contains("call again")));
            });
        }
    });
    let took = begun.elapsed();
    assert!((Duration::from_millis(200)..Duration::from_secs(3)).contains(&took), "{took:?}");
    drop(writer.stdin.take());
    assert!(writer.wait().expect("it ends").success());
    assert!(place.call(&place.options(&path)).is_ok());
}

#[test]
fn one_left_in_the_middle_of_a_change_is_left_so() {
    let place = Place::new();
    let path = place.folder.at("db");
    b2_database::write(&path, NEWEST, place.account());
    let writer = Connection::open(&path).expect("it opens");
    // More than it may hold back, so that it has to write before it commits.
    writer.execute_batch("PRAGMA cache_size = 2; PRAGMA cache_spill = 1; BEGIN").expect("it begins");
    for _ in 0..200 {
        writer.execute("INSERT INTO bucket VALUES (hex(randomblob(500)), 'b')", []).expect("it writes");
    }
    let left = Folder::new();
    let copy = left.file("db", &fs::read(&path).expect("it is there"));
    left.file("db-journal", &fs::read(place.folder.at("db-journal")).expect("it is there"));
    let failure = place.refused(&copy);
    assert!(failure.message.contains("in the middle of a change"), "{failure}");
    assert_eq!(left.names().len(), 2);
}

#[test]
fn a_key_that_b2_refuses_is_told_by_its_file() {
    let place = Place::new();
    let path = place.folder.at("db");
    b2_database::write(&path, NEWEST, Account { key: "K001abcdefghijklmnopqrstuvw+/AB", ..place.account() });
    let failure = place.call(&place.options(&path)).expect_err("refused");
    assert_eq!(failure.status, BAD_CREDENTIALS);
    assert!(failure.hint.is_some_and(|hint| hint.contains(path.to_str().expect("UTF-8"))));
}

#[test]
fn it_is_read_again_for_each_request() {
    let place = Place::new();
    let path = place.folder.at("db");
    b2_database::write(&path, NEWEST, place.account());
    settle();
    let options = place.options(&path);
    let first = place.call(&options).expect("granted");
    // Old enough to be refreshed.
    place.api.pass(Duration::from_secs(22 * 3_600));
    let second = place.call(&options).expect("granted");
    assert_ne!(first.token(), second.token());
    let third = place.api.call(None, None, Ask::Reauthorize(Some(&second)), Some(&options)).expect("granted");
    assert_ne!(second.token(), third.token());
    assert_eq!(place.call(&options).expect("cached").token(), third.token());
    assert_eq!(place.sandbox.authorize_count("*"), 3);
}
