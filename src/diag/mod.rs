//! What people get to read: statuses, errors and the log, with secrets redacted and foreign text made harmless.

pub(crate) mod error;
pub(crate) mod level;
pub(crate) mod log;
pub(crate) mod redact;
pub(crate) mod sanitize;
pub(crate) mod status;
