//! What is wrong with a document, in words that repeat none of it.

use std::fmt;

/// One line about JSON that is not what it should be: a field or the whole, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw(String);

impl Flaw {
    /// `problem` continues the sentence that the field's name begins.
    pub(crate) fn of(field: &str, problem: impl fmt::Display) -> Self {
        Self(format!("{field} {problem}"))
    }

    /// `problem` continues a sentence about the whole.
    pub(crate) fn of_body(problem: impl fmt::Display) -> Self {
        Self::of("it", problem)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
