//! Text that Rust reads as `&str` and C as a NUL-terminated string, so that no getter has to allocate.

use std::ffi::{CStr, CString};
use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};
use zeroize::Zeroize;

/// UTF-8 without a NUL in it, and with one behind it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct CText(CString);

impl CText {
    /// Every string of a reply was checked for NULs before it gets here.
    pub(crate) fn new(text: &str) -> Self {
        // Not `expect`, whose message would contain the text.
        Self(CString::new(text).unwrap_or_else(|_| panic!("a string with a NUL was not rejected")))
    }

    /// The same for text that may have NULs in it, each of which becomes a space.
    pub(crate) fn lossy(text: &str) -> Self {
        Self::new(&text.replace('\0', " "))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().expect("it was made from a str")
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        &self.0
    }
}

impl Deref for CText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for CText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl PartialEq<&str> for CText {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Serialize for CText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl fmt::Debug for CText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Zeroize for CText {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_over_a_text_does_not_contain_it() {
        let payload = std::panic::catch_unwind(|| CText::new("marked\0token")).expect_err("it has a NUL");
        assert_eq!(payload.downcast_ref(), Some(&"a string with a NUL was not rejected"));
        assert_eq!(CText::lossy("a\0b").as_str(), "a b");
    }
}
