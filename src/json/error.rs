//! What is wrong with a JSON document, in words that quote none of it.

use std::fmt;

/// One line that names the field, or the whole document, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError(String);

impl JsonError {
    /// `problem` continues the sentence that the field's name begins.
    pub(crate) fn of(field: &str, problem: impl fmt::Display) -> Self {
        Self(format!("{field} {problem}"))
    }

    /// `problem` continues a sentence about the whole document.
    pub(crate) fn of_document(problem: impl fmt::Display) -> Self {
        Self::of("it", problem)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
