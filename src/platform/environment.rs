//! Environment variables, read by one rule: a program with raised rights takes nothing from its caller.

use std::ffi::OsString;

/// The variable's value, unless it is unset or the program runs with raised rights.
pub(crate) fn raw(name: &str) -> Option<OsString> {
    if super::has_raised_rights() { None } else { std::env::var_os(name) }
}

/// True if the variable has a value that is not blank.
pub(crate) fn is_set(name: &str) -> bool {
    raw(name).is_some_and(|value| !value.as_encoded_bytes().trim_ascii().is_empty())
}

/// The variable's value as text, trimmed; a blank value counts as not set.
pub(crate) fn text(name: &str) -> Option<String> {
    let value = raw(name)?.into_string().ok()?;
    let trimmed = value.trim_ascii();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
