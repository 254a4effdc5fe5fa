//! The header's chapters: what comes from one file of `src/ffi` stands together, under a heading that Doxygen knows.

use std::fs;

#[cfg(test)]
use super::header;
use super::{Form, root};

/// The file of the border, its heading, and what it is about.
const GROUPS: [(&str, &str, &str); 10] = [
    ("status", "Statuses", "Names and texts for what a call returned."),
    ("authorize", "Authorizing", "From an application key to a session."),
    ("json", "JSON", "The same for tools that can only pass strings."),
    ("diagnose", "Diagnosis", "Why it does not work, or that it does."),
    ("session", "Sessions", "What B2 granted."),
    ("error", "Errors", "Why a call failed."),
    ("options", "Options", "How a call is made."),
    ("log", "Log", "What a call does, as it happens."),
    ("cancel", "Cancel", "How a call is ended early."),
    ("global", "The library", "What a process has one of."),
];

/// The types of a group.
const TYPES: [(&str, &str); 7] = [
    ("} b2_status;", "status"),
    ("} b2_log_level;", "log"),
    ("typedef struct b2_cancel b2_cancel;", "cancel"),
    ("typedef struct b2_error b2_error;", "error"),
    ("typedef struct b2_options b2_options;", "options"),
    ("typedef struct b2_session b2_session;", "session"),
    ("typedef void (*b2_log_fn)", "log"),
];

/// Puts a heading before the functions of each file, and the end of the group behind them.
pub fn insert(text: &str, form: Form) -> Result<String, String> {
    let mut text = text.to_owned();
    for (file, title, about) in GROUPS {
        let functions = functions(file)?;
        let (Some(first), Some(last)) = (functions.first(), functions.last()) else {
            return Err(format!("src/ffi/{file}.rs has no function for the header"));
        };
        let start = comment_before(&text, prototype(&text, first)?)?;
        let heading = format!("/**\n * @defgroup {file} {title}\n * {about}\n * @{{\n */\n\n");
        text.insert_str(start, &heading);
        let last = prototype(&text, last)?;
        let end = text[last..].find(";\n").map(|length| last + length + 2).ok_or("a prototype does not end")?;
        text.insert_str(end, "\n/** @} */\n");
    }
    match form {
        Form::Header => Ok(text),
        Form::Doxygen => with_types(&text),
    }
}

/// Doxygen is told which group a type belongs to; for people it stands before the functions anyway.
fn with_types(text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for (declaration, group) in TYPES {
        let at = text.find(declaration).ok_or_else(|| format!("{declaration} is not in the header"))?;
        let start = match declaration.starts_with('}') {
            true => text[..at].rfind("typedef enum").ok_or("an enum does not begin")?,
            false => at,
        };
        let comment = comment_before(&text, start)?;
        text.insert_str(comment + "/**".len(), &format!(" @ingroup {group}\n *"));
    }
    Ok(text)
}

/// The names of the functions of a file, in their order.
fn functions(file: &str) -> Result<Vec<String>, String> {
    let path = root().join("src/ffi").join(file).with_extension("rs");
    let source = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let exported = source.split("#[unsafe(no_mangle)]").skip(1);
    let name = |rest: &str| {
        let name = rest.split_once(" fn ")?.1.split(['(', '<']).next()?;
        Some(name.to_owned())
    };
    Ok(exported.filter_map(name).collect())
}

/// Where the line of a function's prototype begins.
fn prototype(text: &str, name: &str) -> Result<usize, String> {
    let call = format!("{name}(");
    let declared = |at: &usize| {
        let line = text[..*at].rfind('\n').map_or(0, |end| end + 1);
        !text[line..*at].contains(" * ") && !text[line..*at].trim().is_empty()
    };
    let at = text.match_indices(&call).map(|(at, _)| at).find(declared);
    let at = at.ok_or_else(|| format!("{name} is not in the header"))?;
    Ok(text[..at].rfind('\n').map_or(0, |end| end + 1))
}

/// Where the comment begins that stands before the line at `at`.
fn comment_before(text: &str, at: usize) -> Result<usize, String> {
    text[..at].rfind("/**").ok_or_else(|| "something has no comment".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_border_is_a_group() {
        assert_eq!(GROUPS.map(|(file, ..)| file), header::FILES);
    }
}
