//! A JSON document as a tree whose strings are wiped when it is let go.
//!
//! `serde_json::Value` leaves its strings in freed memory and silently keeps the last of two members with one name.
//! Here both stay visible, so that the reader of a member can refuse to choose between them.

pub(crate) mod error;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use zeroize::Zeroizing;

use self::error::JsonError;

/// Far more than any reply of B2's, far less than any stack.
const DEEPEST: u8 = 32;

/// One JSON value.
pub(crate) enum Value {
    Null,
    Boolean,
    /// Wide enough for everything that serde_json calls an integer.
    Whole(i128),
    Fraction,
    Text(Zeroizing<String>),
    List(Vec<Value>),
    Object(Members),
}

/// The members of an object in their order, repeated ones included.
pub(crate) type Members = Vec<(String, Value)>;

impl Value {
    /// What it is, for a sentence about a value that should have been something else.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Whole(_) | Self::Fraction => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads a whole document. What serde_json says of a bad one is not passed on, since it quotes values.
pub(crate) fn read(body: &[u8]) -> Result<Value, JsonError> {
    // RFC 8259 lets a reader ignore the mark, and servers other than B2's own do write it.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(JsonError::of_document("is empty"));
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| JsonError::of_document(format!("is not UTF-8 from byte {} on", error.valid_up_to() + 1)))?;
    if text.trim_ascii_start().starts_with('<') {
        return Err(JsonError::of_document("is not JSON but a page of HTML or XML"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Level(0).deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let what = match error.classify() {
            Category::Eof => "is cut short",
            Category::Data => "is nested too deeply",
            Category::Syntax | Category::Io => "is not JSON",
        };
        JsonError::of_document(format!("{what}: line {}, column {}", error.line(), error.column().max(1)))
    })
}

/// How deep in the document the next value stands.
#[derive(Clone, Copy)]
struct Level(u8);

impl Level {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.0 < DEEPEST { Ok(Self(self.0 + 1)) } else { Err(E::custom("too deep")) }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Boolean)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Whole(number.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Fraction)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let level = self.deeper::<A::Error>()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(level)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let level = self.deeper::<A::Error>()?;
        let mut members = Members::new();
        while let Some(name) = entries.next_key()? {
            members.push((name, entries.next_value_seed(level)?));
        }
        Ok(Value::Object(members))
    }
}
