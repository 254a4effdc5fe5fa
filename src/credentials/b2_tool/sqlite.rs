//! The one row of the b2 tool's table, read through SQLite. Nothing is written: no file, no journal, no migration.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, ffi};
use zeroize::Zeroizing;

use crate::platform::file;

use super::file_error::Problem;
use super::{Account, LARGEST};

/// What is there, as it is there. Each version of the tool has had these columns, but for the key ID's.
pub(super) fn read(path: &Path, patience: Duration) -> Result<Account, Problem> {
    let account = connect(path, patience).and_then(|connection| {
        // Whatever a stranger's file calls `account`, it is not to be computed.
        const KIND: &str = "SELECT type FROM sqlite_master WHERE name = 'account'";
        let kind = connection.query_row(KIND, [], |row| row.get::<_, String>(0));
        match kind {
            Ok(kind) if kind == "table" => {}
            Ok(_) | Err(rusqlite::Error::QueryReturnedNoRows) => {
                return Ok(Err(Problem::foreign("has no table account")));
            }
            Err(error) => return Err(error),
        }
        let mut statement = connection.prepare("SELECT * FROM main.account LIMIT 2")?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Ok(Err(Problem::unauthorized())) };
        let account = match account(row) {
            Ok(account) => account,
            Err(problem) => return Ok(Err(problem)),
        };
        Ok(if rows.next()?.is_some() { Err(Problem::foreign("has several accounts")) } else { Ok(account) })
    });
    account.unwrap_or_else(|error| Err(problem(&error)))
}

fn connect(path: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    // One connection is one thread's. SQLite looks at the file when it is first asked something, not here.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(LARGEST).unwrap_or(i32::MAX))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(connection)
}

fn account(row: &Row<'_>) -> Result<Account, Problem> {
    let own_id = match column(row, "account_id_or_app_key_id") {
        Some(value) => text(value, "its key ID")?,
        None => None,
    };
    let needed = |name: &str, what: &str| match column(row, name) {
        Some(value) => text(value, what)?.ok_or_else(|| Problem::unusable(format!("{what} is blank"))),
        None => Err(Problem::foreign(format!("has no column {name}"))),
    };
    let key_id = match own_id {
        Some(key_id) => key_id,
        None => needed("account_id", "its account ID")?,
    };
    let realm = column(row, "realm").map_or(Ok(None), |value| text(value, "its realm"))?;
    Ok(Account { key_id, key: needed("application_key", "its application key")?, realm })
}

fn column<'r>(row: &'r Row<'_>, name: &str) -> Option<ValueRef<'r>> {
    let index = row.as_ref().column_index(name).ok()?;
    row.get_ref(index).ok()
}

/// A text, trimmed; `None` if it is NULL or blank.
fn text(value: ValueRef<'_>, what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Problem> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Text(text) => {
            let text = text.trim_ascii();
            Ok((!text.is_empty()).then(|| Zeroizing::new(text.to_vec())))
        }
        _ => Err(Problem::unusable(format!("{what} is no text"))),
    }
}

/// In words of our own: SQLite's may quote what is in the file.
fn problem(error: &rusqlite::Error) -> Problem {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Problem::locked(),
        // It does begin like a database.
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Problem::damaged(),
        Some(ErrorCode::ReadOnly) if extended == Some(ffi::SQLITE_READONLY_ROLLBACK) => Problem::half_written(),
        Some(ErrorCode::CannotOpen) if file::are_descriptors_out() => Problem::no_descriptor(),
        Some(ErrorCode::TooBig) => Problem::foreign("holds a value that is too large"),
        _ => match extended {
            Some(code) => Problem::unreadable(format!("cannot be read (SQLite error {code})")),
            None => Problem::damaged(),
        },
    }
}
