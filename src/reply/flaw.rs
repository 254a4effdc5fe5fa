//! What is wrong with a reply, in words that repeat none of it.

use std::fmt;

/// One line about a reply that is not what B2 documents: a field or the whole body, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw(String);

impl Flaw {
    /// `problem` continues the sentence that the field's name begins.
    pub(super) fn of(field: &str, problem: impl fmt::Display) -> Self {
        Self(format!("{field} {problem}"))
    }

    /// `problem` continues a sentence about the body.
    pub(super) fn of_body(problem: impl fmt::Display) -> Self {
        Self::of("it", problem)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
