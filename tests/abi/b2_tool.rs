//! Blank credentials are read from the b2 tool's database: in each version of its schema, and when it cannot be used.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use b2_sandbox::{Config, Key, Sandbox};

use crate::support::api::{self, Api, Failure, Operation, Options, Session};
use crate::support::b2_database::{self, Account, NEWEST, TempDir};
use crate::support::fixture::{ID, KEY};

const NO_CREDENTIALS: i32 = 2;
const BAD_CREDENTIALS: i32 = 3;
/// The account ID, which was the key ID before application keys had their own.
const ACCOUNT: &str = "4aa9865d6f00";
const OTHER: &str = "0014aa9865d6f0000000000b9";
const OTHER_KEY: &str = "K001another/key/for+the+other00";

/// A sandbox, a copy of the library, and a directory for databases.
pub struct DatabaseFixture {
    pub sandbox: Sandbox,
    pub directory: TempDir,
    pub api: &'static Api,
}

impl DatabaseFixture {
    pub fn new() -> Self {
        let keys = vec![Key::master(ID, KEY), Key::new(ACCOUNT, KEY), Key::new(OTHER, OTHER_KEY)];
        let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
        Self { sandbox, directory: TempDir::new(), api: api::load() }
    }

    pub fn account(&self) -> Account<'_> {
        Account { key_id: ID, key: KEY, realm: self.sandbox.http() }
    }

    /// Options that name the file, and no realm.
    pub fn options(&self, path: &Path) -> Options {
        let path = path.to_str().expect("UTF-8");
        self.api.options(&[("account_info", path), ("rate_limit_per_minute", "0"), ("max_attempts", "1")])
    }

    pub fn call(&self, options: &Options) -> Result<Session, Failure> {
        self.api.call(None, None, Operation::Authorize, Some(options))
    }

    /// The failure of a call with that file, and no request for it.
    pub fn refuse(&self, path: &Path) -> Failure {
        let failure = self.call(&self.options(path)).expect_err("there is no key");
        assert_eq!((failure.status, failure.attempts), (NO_CREDENTIALS, 0), "{failure}");
        let path = path.to_str().expect("UTF-8");
        assert!(failure.message.contains(path) && failure.message.contains("B2_APPLICATION_KEY_ID"), "{failure}");
        let text = failure.all_text();
        assert!(!text.contains(KEY) && !text.contains("marked7f3a"), "{text}");
        assert_eq!(self.sandbox.authorize_count("*"), 0);
        failure
    }
}

/// Waits until another change of a file can be distinguished from the last one.
fn settle() {
    std::thread::sleep(Duration::from_millis(30));
}

fn key_id(session: &Session) -> String {
    session.text(|f| f.b2_session_key_id).expect("every session has one")
}

#[test]
fn each_version_of_the_schema_is_read() {
    let fixture = DatabaseFixture::new();
    for version in 0..=NEWEST {
        let path = fixture.directory.path(&format!("version-{version}"));
        let id = if version < 2 { ACCOUNT } else { ID };
        b2_database::create(&path, version, Account { key_id: id, ..fixture.account() });
        let before = fs::read(&path).expect("it is there");
        let session = fixture.call(&fixture.options(&path)).unwrap_or_else(|failure| panic!("{version}: {failure}"));
        assert_eq!(key_id(&session), id, "{version}");
        assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(fixture.sandbox.http()));
        assert_eq!(fs::read(&path).expect("it is there"), before, "version {version} was written to");
    }
    assert_eq!(
        fixture.directory.file_names().len(),
        NEWEST + 1,
        "it left other files: {:?}",
        fixture.directory.file_names()
    );
}

#[test]
fn a_null_or_blank_key_id_is_the_account_id() {
    let fixture = DatabaseFixture::new();
    for value in ["NULL", "''", "'  '"] {
        let path = fixture.directory.path(&format!("{value}.db"));
        b2_database::create(&path, NEWEST, fixture.account());
        b2_database::execute(&path, &format!("UPDATE account SET account_id_or_app_key_id = {value}"));
        assert_eq!(key_id(&fixture.call(&fixture.options(&path)).expect(value)), ACCOUNT);
    }
}

#[test]
fn the_json_file_of_the_first_version_is_read() {
    let fixture = DatabaseFixture::new();
    let json = format!(
        r#"{{"account_auth_token": "t", "account_id": "{ACCOUNT}", "api_url": "u", "application_key": "{}",
            "download_url": "d", "minimum_part_size": 100, "realm": "{}"}}"#,
        KEY.replace('/', "\\/"),
        fixture.sandbox.http()
    );
    let path = fixture.directory.write("json", json.as_bytes());
    assert_eq!(key_id(&fixture.call(&fixture.options(&path)).expect("understood")), ACCOUNT);
    let cut = fixture.directory.write("cut", &json.as_bytes()[..90]);
    let unused = DatabaseFixture::new();
    assert!(unused.refuse(&cut).message.contains("is not a database of the b2 tool"));
}

#[test]
fn the_realm_option_takes_precedence_over_the_databases_realm() {
    let fixture = DatabaseFixture::new();
    let path = fixture.directory.path("db");
    for realm in ["production", "staging", "dev", "http://elsewhere.example", "", "https://127.0.0.1:9"] {
        let _ = fs::remove_file(&path);
        b2_database::create(&path, NEWEST, Account { realm, ..fixture.account() });
        let options = fixture.options(&path).with(&[("realm", fixture.sandbox.http())]);
        assert!(fixture.call(&options).is_ok(), "{realm}");
    }
    let unused = DatabaseFixture::new();
    for (realm, reason) in [
        ("dev", "dev is not served over https"),
        ("http://marked7f3a.example", "http is for loopback addresses only"),
        ("prod-marked7f3a", "has a realm that cannot be used"),
        ("  ", "blank"),
    ] {
        let _ = fs::remove_file(&path);
        b2_database::create(&path, NEWEST, Account { realm, ..unused.account() });
        let failure = unused.refuse(&path);
        assert!(failure.message.contains(reason), "{failure}");
        assert!(failure.hint.is_some_and(|hint| hint.contains("\"realm\"")));
    }
}

#[test]
fn a_key_id_alone_takes_only_its_own_key() {
    let fixture = DatabaseFixture::new();
    let path = fixture.directory.path("db");
    b2_database::create(&path, NEWEST, fixture.account());
    settle();
    let options = fixture.options(&path);
    for _ in 0..2 {
        let session = fixture.api.call(Some(ID), None, Operation::Authorize, Some(&options)).expect("its own key");
        assert_eq!(key_id(&session), ID);
        let failure =
            fixture.api.call(Some(OTHER), Some(" "), Operation::Authorize, Some(&options)).expect_err("another");
        assert_eq!(failure.status, NO_CREDENTIALS);
        assert!(failure.message.contains("contains another key") && !failure.message.contains(ID), "{failure}");
    }
    assert_eq!(fixture.api.database_reads(), 1);
}

#[test]
fn a_loop_of_calls_reads_the_database_once() {
    let fixture = DatabaseFixture::new();
    let path = fixture.directory.path("db");
    b2_database::create(&path, NEWEST, fixture.account());
    settle();
    let options = fixture.options(&path);
    for _ in 0..1_000 {
        assert_eq!(key_id(&fixture.call(&options).expect("granted")), ID);
    }
    assert_eq!((fixture.api.database_reads(), fixture.sandbox.authorize_count("*")), (1, 1));
    // The same file, changed: its new key is used from the next call on.
    b2_database::replace_account(&path, NEWEST, Account { key_id: OTHER, key: OTHER_KEY, ..fixture.account() });
    settle();
    for _ in 0..100 {
        assert_eq!(key_id(&fixture.call(&options).expect("granted")), OTHER);
    }
    assert_eq!((fixture.api.database_reads(), fixture.sandbox.authorize_count("*")), (2, 2));
    fs::remove_file(&path).expect("it is there");
    assert_eq!(fixture.call(&options).expect_err("it is gone").status, NO_CREDENTIALS);
    // Neither a rejected key nor a file without one is read again for each call.
    b2_database::create(&path, NEWEST, Account { key: "K001wrong", ..fixture.account() });
    settle();
    let reads = fixture.api.database_reads();
    for _ in 0..100 {
        assert_eq!(fixture.call(&options).expect_err("refused").status, BAD_CREDENTIALS);
    }
    b2_database::execute(&path, "DELETE FROM account");
    settle();
    for _ in 0..100 {
        assert_eq!(fixture.call(&options).expect_err("empty").status, NO_CREDENTIALS);
    }
    assert_eq!(fixture.api.database_reads(), reads + 2);
}

#[test]
fn an_unusable_database_is_reported_with_its_reason() {
    let fixture = DatabaseFixture::new();
    let good = fixture.directory.path("good");
    b2_database::create(&good, NEWEST, fixture.account());
    let bytes = fs::read(&good).expect("it is there");
    let page = bytes.len() / 2;
    let zeros = [&bytes[..100], &vec![0xa5; bytes.len() - 100]].concat();
    let with_write_ahead_log = [&bytes[..18], &[2, 2], &bytes[20..]].concat();
    for (content, reason) in [
        (&b""[..], "is empty"),
        (b"marked7f3a: not a database at all", "is not a database of the b2 tool"),
        (b"{\"application_key\": \"marked7f3a\"}", "is not a database of the b2 tool"),
        (b"[]", "is not a database of the b2 tool"),
        (&bytes[..16], "is damaged"),
        (&bytes[..100], "is damaged"),
        (&bytes[..page], "is damaged"),
        (&zeros, "is damaged"),
        (&with_write_ahead_log, "uses a write-ahead log"),
    ] {
        let path = fixture.directory.write("bad", content);
        let failure = fixture.refuse(&path);
        assert!(failure.message.contains(reason), "{failure} in place of {reason}");
    }
    for (statements, reason) in [
        ("DELETE FROM account", "contains no account"),
        ("DROP TABLE account", "has no table account"),
        ("DROP TABLE account; CREATE VIEW account AS SELECT 'marked7f3a' AS application_key", "has no table account"),
        ("INSERT INTO account SELECT * FROM account", "has several accounts"),
        ("ALTER TABLE account RENAME COLUMN application_key TO marked7f3a", "has no column application_key"),
        ("ALTER TABLE account RENAME COLUMN realm TO marked7f3a", "a realm that cannot be used: it is blank"),
        ("UPDATE account SET application_key = ''", "its application key is blank"),
        ("UPDATE account SET application_key = x'00ff'", "its application key is not text"),
        ("UPDATE account SET application_key = 'marked7f3a' || char(0)", "character 11 is U+0000 NUL"),
        ("UPDATE account SET application_key = 'marked7f3a' || char(8203)", "character 11 is U+200B ZERO WIDTH SPACE"),
        ("UPDATE account SET application_key = hex(zeroblob(600))", "its application key is longer than 1024"),
        ("UPDATE account SET account_id_or_app_key_id = x'00'", "its key ID is not text"),
        ("UPDATE account SET account_id_or_app_key_id = 'a:b'", "its key ID has a colon in it"),
    ] {
        let path = fixture.directory.write("odd", &bytes);
        b2_database::execute(&path, statements);
        let failure = fixture.refuse(&path);
        assert!(failure.message.contains(reason), "{failure} in place of {reason}");
        assert!(failure.hint.is_some());
    }
    assert!(
        fixture.directory.file_names().iter().all(|name| !name.contains('-')),
        "{:?}",
        fixture.directory.file_names()
    );
}

#[test]
fn a_path_that_is_no_file_is_refused_at_once() {
    let fixture = DatabaseFixture::new();
    let pipe = fixture.directory.path("pipe");
    let name = CString::new(pipe.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: the name lives through the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let link = fixture.directory.path("link");
    std::os::unix::fs::symlink(fixture.directory.path("good"), &link).expect("a link can be made");
    assert!(fixture.refuse(&link).message.contains("does not exist"));
    b2_database::create(&fixture.directory.path("good"), NEWEST, fixture.account());
    assert!(fixture.refuse(&pipe).message.contains("is not a file"));
    assert!(fixture.refuse(&fixture.directory.path("")).message.contains("is not a file"));
    assert!(fixture.refuse(Path::new("/dev/zero")).message.contains("is not a file"));
    assert!(fixture.refuse(&fixture.directory.path("good/below")).message.contains("does not exist"));
    let large = fixture.directory.write("large", b"SQLite format 3\0");
    fs::File::options().write(true).open(&large).and_then(|file| file.set_len(17 << 20)).expect("it can grow");
    assert!(fixture.refuse(&large).message.contains("is too large"));
    assert!(fixture.call(&fixture.options(&link)).is_ok());
}

#[test]
fn the_hint_for_a_rejected_key_names_the_file() {
    let fixture = DatabaseFixture::new();
    let path = fixture.directory.path("db");
    b2_database::create(&path, NEWEST, Account { key: "K001abcdefghijklmnopqrstuvw+/AB", ..fixture.account() });
    let failure = fixture.call(&fixture.options(&path)).expect_err("refused");
    assert_eq!(failure.status, BAD_CREDENTIALS);
    assert!(failure.hint.is_some_and(|hint| hint.contains(path.to_str().expect("UTF-8"))));
}

#[test]
fn the_database_is_read_for_each_request() {
    let fixture = DatabaseFixture::new();
    let path = fixture.directory.path("db");
    b2_database::create(&path, NEWEST, fixture.account());
    settle();
    let options = fixture.options(&path);
    let first = fixture.call(&options).expect("granted");
    // A refresh is due.
    fixture.api.advance(Duration::from_secs(22 * 3_600));
    let second = fixture.call(&options).expect("granted");
    assert_ne!(first.token(), second.token());
    let third = fixture.api.call(None, None, Operation::Reauthorize(Some(&second)), Some(&options)).expect("granted");
    assert_ne!(second.token(), third.token());
    assert_eq!(fixture.call(&options).expect("cached").token(), third.token());
    assert_eq!(fixture.sandbox.authorize_count("*"), 3);
}
