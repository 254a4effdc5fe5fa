//! The one row of the b2 tool's table, read through SQLite. Nothing is written: no file, no journal, no migration.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, ffi};
use zeroize::Zeroizing;

use crate::platform::file;

use super::RawAccount;
use super::file_error::FileError;

/// How long a reader waits for a writer.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
/// The longest that anything in a file may make SQLite compute.
const MAX_TIME: Duration = Duration::from_secs(2);
/// How many of SQLite's operations pass between two looks at the time.
const OPERATIONS: i32 = 1_000;

/// Far more than the tool's database needs, far less than a hostile one can make use of.
const LIMITS: [(Limit, i32); 11] = [
    (Limit::SQLITE_LIMIT_LENGTH, 256 * 1024),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
    (Limit::SQLITE_LIMIT_COLUMN, 64),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 16),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 2),
    (Limit::SQLITE_LIMIT_VDBE_OP, 10_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 4),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 4),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// The row as it is stored. Every version of the tool has had these columns, except for the key ID's.
pub(super) fn read(path: &Path) -> Result<RawAccount, FileError> {
    let account = connect(path).and_then(|connection| {
        if let Some(error) = why_unsafe(&connection)? {
            return Ok(Err(error));
        }
        let mut statement = connection.prepare("SELECT * FROM main.account LIMIT 2")?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Ok(Err(FileError::unauthorized())) };
        let account = match account(row) {
            Ok(account) => account,
            Err(error) => return Ok(Err(error)),
        };
        Ok(if rows.next()?.is_some() { Err(FileError::not_a_b2_database("has several accounts")) } else { Ok(account) })
    });
    account.unwrap_or_else(|error| Err(describe(&error)))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Only this thread uses the connection. SQLite reads the file at the first query, not here.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    for (limit, value) in LIMITS {
        connection.set_limit(limit, value)?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    let start = Instant::now();
    connection.progress_handler(OPERATIONS, Some(move || start.elapsed() > MAX_TIME))?;
    Ok(connection)
}

/// Reading a view or a computed column would run code of the file's.
fn why_unsafe(connection: &Connection) -> rusqlite::Result<Option<FileError>> {
    const KIND: &str = "SELECT type FROM sqlite_master WHERE name = 'account'";
    const HIDDEN: &str = "SELECT 1 FROM pragma_table_xinfo('account', 'main') WHERE hidden <> 0";
    match connection.query_row(KIND, [], |row| row.get::<_, String>(0)) {
        Ok(kind) if kind == "table" => {}
        Ok(_) | Err(rusqlite::Error::QueryReturnedNoRows) => {
            return Ok(Some(FileError::not_a_b2_database("has no table account")));
        }
        Err(error) => return Err(error),
    }
    match connection.query_row(HIDDEN, [], |_| Ok(())) {
        Ok(()) => Ok(Some(FileError::not_a_b2_database("has a computed column"))),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        Err(error) => Err(error),
    }
}

fn account(row: &Row<'_>) -> Result<RawAccount, FileError> {
    let own_id = match column(row, "account_id_or_app_key_id") {
        Some(value) => text(value, "its key ID")?,
        None => None,
    };
    let required = |name: &str, what: &str| match column(row, name) {
        Some(value) => text(value, what)?.ok_or_else(|| FileError::unusable(format!("{what} is blank"))),
        None => Err(FileError::not_a_b2_database(format!("has no column {name}"))),
    };
    let key_id = match own_id {
        Some(key_id) => key_id,
        None => required("account_id", "its account ID")?,
    };
    let realm = column(row, "realm").map_or(Ok(None), |value| text(value, "its realm"))?;
    Ok(RawAccount { key_id, key: required("application_key", "its application key")?, realm })
}

fn column<'r>(row: &'r Row<'_>, name: &str) -> Option<ValueRef<'r>> {
    let index = row.as_ref().column_index(name).ok()?;
    row.get_ref(index).ok()
}

/// A text, trimmed; `None` if it is NULL or blank.
fn text(value: ValueRef<'_>, what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Text(text) => {
            let text = text.trim_ascii();
            Ok((!text.is_empty()).then(|| Zeroizing::new(text.to_vec())))
        }
        _ => Err(FileError::unusable(format!("{what} is not text"))),
    }
}

/// In our own words: SQLite's messages may quote the file.
fn describe(error: &rusqlite::Error) -> FileError {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FileError::locked(),
        // Its header is that of a database.
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => FileError::damaged(),
        Some(ErrorCode::ReadOnly) if extended == Some(ffi::SQLITE_READONLY_ROLLBACK) => FileError::half_written(),
        Some(ErrorCode::CannotOpen) if file::is_fd_limit_reached() => FileError::fd_limit(),
        Some(ErrorCode::OperationInterrupted) => FileError::not_a_b2_database("takes too long to read"),
        Some(ErrorCode::TooBig) => FileError::not_a_b2_database("contains a value that is too large"),
        _ => match extended {
            Some(code) => FileError::unreadable(format!("cannot be read (SQLite error {code})")),
            None => FileError::damaged(),
        },
    }
}
