//! The JSON request of the action, read but not answered.

use super::words::assert_own;
use crate::api::json;

/// Any text in place of a request.
pub fn request(text: &[u8]) {
    for error in json::validate(text) {
        let answer: serde_json::Value = serde_json::from_str(&error.to_json()).expect("an error is JSON");
        assert_eq!(answer["error"]["message"], *error.message());
        assert_own(error.message());
        assert_own(error.hint().unwrap_or_default());
    }
}
