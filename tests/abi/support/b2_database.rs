//! Databases as the b2 tool writes them, in each version of its schema.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

pub use super::temp_dir::TempDir;

/// The newest version of the schema.
pub const NEWEST: usize = 6;

const BASE: &str = "
    CREATE TABLE IF NOT EXISTS update_done (update_number INT NOT NULL);
    CREATE TABLE IF NOT EXISTS account (
        account_id TEXT NOT NULL, application_key TEXT NOT NULL, account_auth_token TEXT NOT NULL,
        api_url TEXT NOT NULL, download_url TEXT NOT NULL, minimum_part_size INT NOT NULL, realm TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS bucket (bucket_name TEXT NOT NULL, bucket_id TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS bucket_upload_url (
        bucket_id TEXT NOT NULL, upload_url TEXT NOT NULL, upload_auth_token TEXT NOT NULL);";

const UPDATES: [&str; NEWEST] = [
    "ALTER TABLE account ADD COLUMN allowed TEXT;",
    "ALTER TABLE account ADD COLUMN account_id_or_app_key_id TEXT;",
    "ALTER TABLE account ADD COLUMN s3_api_url TEXT;",
    "CREATE TABLE tmp_account (
        account_id TEXT NOT NULL, application_key TEXT NOT NULL, account_auth_token TEXT NOT NULL,
        api_url TEXT NOT NULL, download_url TEXT NOT NULL,
        absolute_minimum_part_size INT NOT NULL DEFAULT 5000000, recommended_part_size INT NOT NULL,
        realm TEXT NOT NULL, allowed TEXT, account_id_or_app_key_id TEXT, s3_api_url TEXT);
    INSERT INTO tmp_account (account_id, application_key, account_auth_token, api_url, download_url,
            recommended_part_size, realm, allowed, account_id_or_app_key_id, s3_api_url)
        SELECT account_id, application_key, account_auth_token, api_url, download_url,
            minimum_part_size, realm, allowed, account_id_or_app_key_id, s3_api_url FROM account;
    DROP TABLE account;
    CREATE TABLE account (
        account_id TEXT NOT NULL, application_key TEXT NOT NULL, account_auth_token TEXT NOT NULL,
        api_url TEXT NOT NULL, download_url TEXT NOT NULL, absolute_minimum_part_size INT NOT NULL,
        recommended_part_size INT NOT NULL, realm TEXT NOT NULL, allowed TEXT, account_id_or_app_key_id TEXT,
        s3_api_url TEXT);
    INSERT INTO account (account_id, application_key, account_auth_token, api_url, download_url,
            absolute_minimum_part_size, recommended_part_size, realm, allowed, account_id_or_app_key_id, s3_api_url)
        SELECT account_id, application_key, account_auth_token, api_url, download_url,
            absolute_minimum_part_size, recommended_part_size, realm, allowed, account_id_or_app_key_id, s3_api_url
        FROM tmp_account;
    DROP TABLE tmp_account;",
    "UPDATE account SET allowed = '{\"capabilities\": [\"listBuckets\"], \"namePrefix\": null, \"buckets\": null}';",
    "",
];

/// The arguments of `b2 account authorize`.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    pub key_id: &'a str,
    pub key: &'a str,
    pub realm: &'a str,
}

/// Replaces the account, as when the tool is authorized again.
pub fn replace_account(path: &Path, version: usize, account: Account<'_>) {
    let connection = Connection::open(path).expect("the database opens");
    connection.execute_batch("BEGIN EXCLUSIVE; DELETE FROM account").expect("it can be emptied");
    let Account { key_id, key, realm } = account;
    let (id_column, id_value) = if version >= 2 { (", account_id_or_app_key_id", ", ?1") } else { ("", "") };
    let sizes = if version >= 4 { "absolute_minimum_part_size, recommended_part_size" } else { "minimum_part_size" };
    let numbers = if version >= 4 { "5000000, 100000000" } else { "100000000" };
    let statement = format!(
        "INSERT INTO account (account_id, application_key, account_auth_token, api_url, download_url, realm, {sizes}
            {id_column}) VALUES (?2, ?3, 'token', 'https://api', 'https://f', ?4, {numbers}{id_value})"
    );
    // Before there was a column for the key ID, the account ID was used.
    let account_id = if version >= 2 { "4aa9865d6f00" } else { key_id };
    let row: [&str; 4] = [key_id, account_id, key, realm];
    let mut insert = connection.prepare(&statement).expect("the columns are there");
    for (number, value) in row.iter().enumerate().skip(usize::from(version < 2)) {
        insert.raw_bind_parameter(number + 1, value).expect("a parameter");
    }
    insert.raw_execute().expect("it can be filled");
    drop(insert);
    connection.execute_batch("COMMIT").expect("it can be written");
}

/// A database without an account.
pub fn create_empty(path: &Path, version: usize) {
    fs::create_dir_all(path.parent().expect("it is in a directory")).expect("a directory can be made");
    let connection = Connection::open(path).expect("a database can be made");
    connection.execute_batch(BASE).expect("the tables can be made");
    for (number, update) in UPDATES.iter().enumerate().take(version) {
        let number = number + 1;
        let done = format!("BEGIN; {update} INSERT INTO update_done (update_number) VALUES ({number}); COMMIT;");
        connection.execute_batch(&done).expect("the tables can be changed");
    }
}

/// A database with that account.
pub fn create(path: &Path, version: usize, account: Account<'_>) {
    create_empty(path, version);
    replace_account(path, version, account);
}

/// Makes changes that the tool would not make.
pub fn execute(path: &Path, statements: &str) {
    let connection = Connection::open(path).expect("the database opens");
    connection.execute_batch(statements).expect("it can be changed");
}
