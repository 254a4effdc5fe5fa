//! An object of the reply that knows its own path, so that every error names the field in full.

use crate::json::error::JsonError;
use crate::json::{Members, Value};
use crate::model::c_text::CText;

/// An object and its path in the document.
#[derive(Clone)]
pub(super) struct Object<'a> {
    members: &'a Members,
    path: String,
}

impl<'a> Object<'a> {
    pub(super) fn root(value: &'a Value) -> Result<Self, JsonError> {
        match value {
            Value::Object(members) => Ok(Self { members, path: String::new() }),
            other => Err(JsonError::of_document(format!("is {}, not an object", other.kind()))),
        }
    }

    /// The full name of a member, as B2's documentation would write it.
    pub(super) fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn missing(&self, name: &str) -> JsonError {
        JsonError::of(&self.field(name), "is missing")
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.0 == name)
    }

    /// A member, if it is there. A repeated name is an error, since neither value is the better one.
    pub(super) fn get(&self, name: &str) -> Result<Option<&'a Value>, JsonError> {
        let mut found = self.members.iter().filter(|member| member.0 == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(JsonError::of(&self.field(name), "is there twice")),
            (first, None) => Ok(first.map(|member| &member.1)),
        }
    }

    fn require(&self, name: &str) -> Result<&'a Value, JsonError> {
        self.get(name)?.ok_or_else(|| self.missing(name))
    }

    fn type_error(&self, name: &str, wanted: &str, found: &Value) -> JsonError {
        JsonError::of(&self.field(name), format!("is {}, not {wanted}", found.kind()))
    }

    pub(super) fn object(&self, name: &str) -> Result<Object<'a>, JsonError> {
        match self.require(name)? {
            Value::Object(members) => Ok(Self { members, path: self.field(name) }),
            other => Err(self.type_error(name, "an object", other)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, JsonError> {
        match self.require(name)? {
            Value::Text(text) => reject_nul(&self.field(name), text),
            other => Err(self.type_error(name, "a string", other)),
        }
    }

    /// A string or null; a missing member is an error.
    pub(super) fn text_or_null(&self, name: &str) -> Result<Option<&'a str>, JsonError> {
        if let Value::Null = self.require(name)? { Ok(None) } else { self.text(name).map(Some) }
    }

    /// A string that is compared, sent or printed unchanged: visible ASCII only.
    pub(super) fn id(&self, name: &str) -> Result<&'a str, JsonError> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Err(JsonError::of(&self.field(name), "is empty"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(JsonError::of(&self.field(name), "has a character outside visible ASCII"));
        }
        Ok(text)
    }

    /// A positive integer, written without a fraction or an exponent, that fits B2's own type (int64).
    pub(super) fn positive(&self, name: &str) -> Result<u64, JsonError> {
        match self.require(name)? {
            Value::Whole(number) => i64::try_from(*number)
                .ok()
                .and_then(|number| u64::try_from(number).ok())
                .filter(|number| *number > 0)
                .ok_or_else(|| JsonError::of(&self.field(name), "is not a number from 1 to 9223372036854775807")),
            Value::Fraction => Err(JsonError::of(&self.field(name), "is not a whole number of 64 bits")),
            other => Err(self.type_error(name, "a number", other)),
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], JsonError> {
        match self.require(name)? {
            Value::List(items) => Ok(items),
            other => Err(self.type_error(name, "an array", other)),
        }
    }

    pub(super) fn list_of_texts(&self, name: &str) -> Result<Vec<CText>, JsonError> {
        let read = |(index, item): (usize, &Value)| {
            let field = format!("{}[{index}]", self.field(name));
            match item {
                Value::Text(text) => reject_nul(&field, text).map(CText::new),
                other => Err(JsonError::of(&field, format!("is {}, not a string", other.kind()))),
            }
        };
        self.list(name)?.iter().enumerate().map(read).collect()
    }

    pub(super) fn list_of_objects(&self, name: &str) -> Result<Vec<Object<'a>>, JsonError> {
        let read = |(index, item): (usize, &'a Value)| {
            let path = format!("{}[{index}]", self.field(name));
            match item {
                Value::Object(members) => Ok(Self { members, path }),
                other => Err(JsonError::of(&path, format!("is {}, not an object", other.kind()))),
            }
        };
        self.list(name)?.iter().enumerate().map(read).collect()
    }
}

/// C would read such a string only up to the NUL, and so misread a restriction.
fn reject_nul<'a>(field: &str, text: &'a str) -> Result<&'a str, JsonError> {
    if text.contains('\0') { Err(JsonError::of(field, "has a NUL in it")) } else { Ok(text) }
}
