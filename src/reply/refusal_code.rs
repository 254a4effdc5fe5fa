//! The code of a refusal whose body may be cut: a host often keeps only the start of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The member `code` of an error object, if it stands complete before the body is cut or ceases to be JSON.
pub(crate) fn refusal_code(body: &[u8]) -> Option<String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut code = None;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    // What comes after the code may be anything.
    let _ = (Code(&mut code)).deserialize(&mut deserializer);
    code
}

/// Takes the first code that it meets on the top level.
struct Code<'a>(&'a mut Option<String>);

impl<'de> DeserializeSeed<'de> for Code<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Code<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == "code" && self.0.is_none() {
                // Of another type it is no code.
                *self.0 = members.next_value::<Option<String>>()?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{ "code": "bad_auth_token", "message": "no \"entry\"", "status": 401 }"#;

    #[test]
    fn the_code_is_read_from_a_body_that_is_cut_anywhere_behind_it() {
        let end = WHOLE.find(',').expect("there is one");
        for length in 0..=WHOLE.len() {
            let expected = (length >= end).then_some("bad_auth_token");
            assert_eq!(refusal_code(&WHOLE.as_bytes()[..length]).as_deref(), expected, "{}", &WHOLE[..length]);
        }
    }

    #[test]
    fn the_code_is_read_wherever_it_stands() {
        for body in [
            r#"{"status":401,"message":"\u201ccode\u201d: \"code\"","code":"x"}"#,
            r#"{"details":{"code":"inner"},"list":["code",{"code":"inner"}],"code":"x"}"#,
            r#"{"code":"x","code":"y"}"#,
            r#"{"code":"x"} and more"#,
            "\u{feff}{\"code\":\"x\"}",
            "\n{\"\\u0063ode\":\"\\u0078\"",
        ] {
            assert_eq!(refusal_code(body.as_bytes()).as_deref(), Some("x"), "{body}");
        }
    }

    #[test]
    fn a_body_without_a_code_has_none() {
        let deep = "[".repeat(100_000);
        for body in [
            "",
            " ",
            "{}",
            "[]",
            "\"code\"",
            "null",
            r#"{"code":null}"#,
            r#"{"code":7}"#,
            r#"{"code":{"code":"x"}}"#,
            r#"{"error":{"code":"x"}}"#,
            "<html><body>{\"code\":\"x\"}</body></html>",
            &format!("{{\"a\":{deep}"),
        ] {
            assert_eq!(refusal_code(body.as_bytes()), None, "{body:.40}");
        }
        assert_eq!(refusal_code(b"{\"code\":\"\xff\"}"), None);
    }
}
