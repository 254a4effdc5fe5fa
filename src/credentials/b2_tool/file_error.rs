//! Why a file gives no key, and what to do about it. No part of it is from the file's content.

use std::io;

use crate::platform::file;

/// A file that gives no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileError {
    /// What follows the file's name in a message.
    pub(super) reason: String,
    pub(super) hint: Option<&'static str>,
    /// It stays so as long as the file is unchanged.
    pub(super) cacheable: bool,
}

/// How a key gets into a file. The profile is appended.
pub(super) const AUTHORIZE: &str = "authorize the b2 tool: b2 account authorize";

impl FileError {
    /// Not what the b2 tool writes.
    pub(super) fn not_a_b2_database(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, cacheable: true }
    }

    /// One of its values cannot be used: `what` says which, and why.
    pub(super) fn unusable(what: impl std::fmt::Display) -> Self {
        Self::not_a_b2_database(format!("cannot be used: {what}"))
    }

    /// The tool's own, without a key in it.
    pub(super) fn unauthorized() -> Self {
        Self { reason: "contains no account".into(), hint: Some(AUTHORIZE), cacheable: true }
    }

    pub(super) fn damaged() -> Self {
        Self { reason: "is damaged".into(), hint: Some("remove it and authorize the b2 tool again"), cacheable: true }
    }

    /// A journal lies beside it, and only a writer may roll that back.
    pub(super) fn half_written() -> Self {
        let hint = Some("run the b2 tool once: it repairs the file");
        Self { reason: "was left in the middle of a change".into(), hint, cacheable: false }
    }

    pub(super) fn locked() -> Self {
        let hint = Some("another program is writing to it: call again");
        Self { reason: "is locked".into(), hint, cacheable: false }
    }

    pub(super) fn another_key() -> Self {
        Self { reason: "contains another key".into(), hint: None, cacheable: true }
    }

    pub(super) fn realm(error: &str) -> Self {
        let hint = Some("set option \"realm\" or B2_ENVIRONMENT, which take precedence over the file's");
        Self { reason: format!("has a realm that cannot be used: {error}"), hint, cacheable: true }
    }

    /// The file itself may be good.
    pub(super) fn unreadable(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, cacheable: false }
    }

    pub(super) fn fd_limit() -> Self {
        let hint = Some("close files or raise the limit (ulimit -n), and call again");
        Self { reason: "cannot be read: too many open files".into(), hint, cacheable: false }
    }

    pub(super) fn io(error: &io::Error) -> Self {
        Self::unreadable(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "does not exist".to_owned(),
            io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
            _ if file::is_fd_limit(error) => return Self::fd_limit(),
            _ => match error.raw_os_error() {
                Some(code) => format!("cannot be read (system error {code})"),
                None => "cannot be read".to_owned(),
            },
        })
    }
}
