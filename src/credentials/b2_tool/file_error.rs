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
    /// There is nothing at its path, so that the next candidate may be the tool's file.
    pub(super) is_absent: bool,
}

/// What helps where locks of the C library or of SQLite were left held by a fork.
pub(super) const FORKED: &str =
    "give the key in the call or in the environment, or start a new program after the fork (exec)";

/// How a key gets into a file. The profile is appended.
pub(super) const AUTHORIZE: &str = "authorize the b2 tool: b2 account authorize";

impl FileError {
    /// The file itself may be good.
    pub(super) fn unreadable(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, cacheable: false, is_absent: false }
    }

    /// Not what the b2 tool writes.
    pub(super) fn not_a_b2_database(reason: impl Into<String>) -> Self {
        Self { cacheable: true, ..Self::unreadable(reason) }
    }

    fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// One of its values cannot be used: `what` says which, and why.
    pub(super) fn unusable(what: impl std::fmt::Display) -> Self {
        Self::not_a_b2_database(format!("cannot be used: {what}"))
    }

    /// The tool's own, without a key in it.
    pub(super) fn unauthorized() -> Self {
        Self::not_a_b2_database("contains no account").with_hint(AUTHORIZE)
    }

    pub(super) fn empty() -> Self {
        Self::not_a_b2_database("is empty").with_hint(AUTHORIZE)
    }

    pub(super) fn damaged() -> Self {
        Self::not_a_b2_database("is damaged").with_hint("remove it and authorize the b2 tool again")
    }

    pub(super) fn another_key() -> Self {
        Self::not_a_b2_database("contains another key")
    }

    pub(super) fn realm(error: &str) -> Self {
        Self::not_a_b2_database(format!("has a realm that cannot be used: {error}"))
            .with_hint("set option \"realm\" or B2_ENVIRONMENT, which take precedence over the file's")
    }

    /// A journal lies beside it, and only a writer may roll that back.
    pub(super) fn half_written() -> Self {
        Self::unreadable("was left in the middle of a change").with_hint("run the b2 tool once: it repairs the file")
    }

    pub(super) fn locked() -> Self {
        Self::unreadable("is locked").with_hint("another program is writing to it: call again")
    }

    /// A thread of the parent may have held a lock, which is then held for ever in this process.
    pub(super) fn forked() -> Self {
        Self::unreadable("cannot be read: this process was forked while its parent was reading such a file")
            .with_hint(FORKED)
    }

    pub(super) fn fd_limit() -> Self {
        Self::unreadable("cannot be read: too many open files")
            .with_hint("close files or raise the limit (ulimit -n), and call again")
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

    /// Nothing is known at its path, for the reason in `error`.
    pub(super) fn absent(error: &io::Error) -> Self {
        Self { is_absent: true, ..Self::io(error) }
    }
}
