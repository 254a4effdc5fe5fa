//! The same for a Rust host, which needs no border.

use std::sync::Arc;

use crate::Error;
use crate::Options;
use crate::Session;
use crate::authorize::call::Ask;
use crate::authorize::{self, Wish};
use crate::process;
use crate::process::init;

/// Turns an application key into a session: from the cache if a good token is there, else by asking B2.
///
/// Blank for both means: take `B2_APPLICATION_KEY_ID` and `B2_APPLICATION_KEY` from the environment, else the key in the
/// b2 tool's database.
///
/// # Errors
/// Whatever kept B2 from granting one, with what to do about it.
pub fn authorize(key_id: &str, key: &str, options: &Options) -> Result<Arc<Session>, Error> {
    ask(key_id, key, options, Ask::AsOptionsSay)
}

/// Asks for a session in place of one that B2 refused, or for a new one at will.
///
/// If the cache already holds a newer token than `rejected`, that one is answered without a request.
///
/// # Errors
/// As [`authorize()`].
pub fn reauthorize(
    key_id: &str,
    key: &str,
    rejected: Option<&Session>,
    options: &Options,
) -> Result<Arc<Session>, Error> {
    ask(key_id, key, options, rejected.map_or(Ask::Anew, Ask::After))
}

/// Drops and wipes every cached token, and forgets every remembered refusal.
pub fn cache_clear() {
    process::shared().clear();
}

fn ask(key_id: &str, key: &str, options: &Options, ask: Ask<'_>) -> Result<Arc<Session>, Error> {
    init::ensure();
    let wish = Wish { key_id: key_id.as_bytes(), key: key.as_bytes(), options, ask, until_ms: None };
    authorize::authorize(process::shared(), process::WORLD, &wish)
}
