//! An object of the reply that knows where it stands, so that every complaint names the field.

use crate::json::error::Flaw;
use crate::json::{Members, Value};

/// An object and the path that leads to it.
#[derive(Clone)]
pub(super) struct Place<'a> {
    members: &'a Members,
    path: String,
}

impl<'a> Place<'a> {
    pub(super) fn root(value: &'a Value) -> Result<Self, Flaw> {
        match value {
            Value::Object(members) => Ok(Self { members, path: String::new() }),
            other => Err(Flaw::of_body(format!("is {}, not an object", other.kind()))),
        }
    }

    /// The full name of a member, as B2's documentation would write it.
    pub(super) fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn missing(&self, name: &str) -> Flaw {
        Flaw::of(&self.field(name), "is missing")
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.0 == name)
    }

    /// A member, if it is there. Of two with one name neither is better, so the reply is refused.
    pub(super) fn get(&self, name: &str) -> Result<Option<&'a Value>, Flaw> {
        let mut found = self.members.iter().filter(|member| member.0 == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Flaw::of(&self.field(name), "is there twice")),
            (first, None) => Ok(first.map(|member| &member.1)),
        }
    }

    fn need(&self, name: &str) -> Result<&'a Value, Flaw> {
        self.get(name)?.ok_or_else(|| self.missing(name))
    }

    fn not_a(&self, name: &str, wanted: &str, found: &Value) -> Flaw {
        Flaw::of(&self.field(name), format!("is {}, not {wanted}", found.kind()))
    }

    pub(super) fn object(&self, name: &str) -> Result<Place<'a>, Flaw> {
        match self.need(name)? {
            Value::Object(members) => Ok(Self { members, path: self.field(name) }),
            other => Err(self.not_a(name, "an object", other)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Flaw> {
        match self.need(name)? {
            Value::Text(text) => whole_at_the_border(&self.field(name), text),
            other => Err(self.not_a(name, "a string", other)),
        }
    }

    /// A string that may be null, but must be there.
    pub(super) fn text_or_null(&self, name: &str) -> Result<Option<&'a str>, Flaw> {
        if let Value::Null = self.need(name)? { Ok(None) } else { self.text(name).map(Some) }
    }

    /// A string that is compared, sent or printed as it is: an id has no blanks, no controls and nothing beyond ASCII.
    pub(super) fn id(&self, name: &str) -> Result<&'a str, Flaw> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Err(Flaw::of(&self.field(name), "is empty"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Flaw::of(&self.field(name), "has a character outside visible ASCII"));
        }
        Ok(text)
    }

    /// A positive whole number, written without a fraction or an exponent, that B2's own type (int64) holds.
    pub(super) fn positive(&self, name: &str) -> Result<u64, Flaw> {
        match self.need(name)? {
            Value::Whole(number) => i64::try_from(*number)
                .ok()
                .and_then(|number| u64::try_from(number).ok())
                .filter(|number| *number > 0)
                .ok_or_else(|| Flaw::of(&self.field(name), "is not a number from 1 to 9223372036854775807")),
            Value::Fraction => Err(Flaw::of(&self.field(name), "is not a whole number of 64 bits")),
            other => Err(self.not_a(name, "a number", other)),
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], Flaw> {
        match self.need(name)? {
            Value::List(items) => Ok(items),
            other => Err(self.not_a(name, "an array", other)),
        }
    }

    pub(super) fn list_of_texts(&self, name: &str) -> Result<Vec<String>, Flaw> {
        let read = |(index, item): (usize, &Value)| {
            let field = format!("{}[{index}]", self.field(name));
            match item {
                Value::Text(text) => whole_at_the_border(&field, text).map(str::to_owned),
                other => Err(Flaw::of(&field, format!("is {}, not a string", other.kind()))),
            }
        };
        self.list(name)?.iter().enumerate().map(read).collect()
    }

    pub(super) fn list_of_objects(&self, name: &str) -> Result<Vec<Place<'a>>, Flaw> {
        let read = |(index, item): (usize, &'a Value)| {
            let path = format!("{}[{index}]", self.field(name));
            match item {
                Value::Object(members) => Ok(Self { members, path }),
                other => Err(Flaw::of(&path, format!("is {}, not an object", other.kind()))),
            }
        };
        self.list(name)?.iter().enumerate().map(read).collect()
    }
}

/// C would see such a string only up to the NUL, and a restriction with it.
fn whole_at_the_border<'a>(field: &str, text: &'a str) -> Result<&'a str, Flaw> {
    if text.contains('\0') { Err(Flaw::of(field, "has a NUL in it")) } else { Ok(text) }
}
