//! Why a file serves for nothing, and what to do about it. No part of it is from the file's content.

use std::io;

use crate::platform::file;

/// A file that gives no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is to be said after the file's name.
    pub(super) reason: String,
    pub(super) hint: Option<&'static str>,
    /// As long as the file is the same, so is this.
    pub(super) lasts: bool,
}

/// How a key comes into a database. The profile is put behind it.
pub(super) const AUTHORIZE: &str = "authorize the b2 tool: b2 account authorize";

impl Problem {
    /// Not what the b2 tool writes.
    pub(super) fn foreign(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, lasts: true }
    }

    /// Only one of its values is to blame: `what` says which, and what it is.
    pub(super) fn unusable(what: impl std::fmt::Display) -> Self {
        Self::foreign(format!("cannot be used: {what}"))
    }

    /// The tool's own, without a key in it.
    pub(super) fn unauthorized() -> Self {
        Self { reason: "holds no account".into(), hint: Some(AUTHORIZE), lasts: true }
    }

    pub(super) fn damaged() -> Self {
        Self { reason: "is damaged".into(), hint: Some("remove it and authorize the b2 tool anew"), lasts: true }
    }

    /// A journal is left beside it, and rolling that back is for those who may write.
    pub(super) fn half_written() -> Self {
        let hint = Some("run the b2 tool once: it repairs the file");
        Self { reason: "was left in the middle of a change".into(), hint, lasts: false }
    }

    pub(super) fn locked() -> Self {
        let hint = Some("another program is writing to it: call again");
        Self { reason: "is locked".into(), hint, lasts: false }
    }

    pub(super) fn another_key() -> Self {
        Self { reason: "holds another key".into(), hint: None, lasts: true }
    }

    pub(super) fn realm(problem: &str) -> Self {
        let hint = Some("set option \"realm\" or B2_ENVIRONMENT: that is used in place of the file's");
        Self { reason: format!("has a realm that cannot be used: {problem}"), hint, lasts: true }
    }

    /// Something between us and the file.
    pub(super) fn unreadable(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, lasts: false }
    }

    pub(super) fn no_descriptor() -> Self {
        let hint = Some("close files or raise the limit (ulimit -n), and call again");
        Self { reason: "cannot be read: too many open files".into(), hint, lasts: false }
    }

    pub(super) fn io(error: &io::Error) -> Self {
        Self::unreadable(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "does not exist".to_owned(),
            io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
            _ if file::is_out_of_descriptors(error) => return Self::no_descriptor(),
            _ => match error.raw_os_error() {
                Some(code) => format!("cannot be read (system error {code})"),
                None => "cannot be read".to_owned(),
            },
        })
    }
}
