//! Key IDs and keys are checked before a request: B2 could only say that they are wrong.

use std::ffi::{CString, c_int};
use std::ptr::null_mut;

use b2_sandbox::Key;

use crate::support::api::{Failure, Operation, c_string};
use crate::support::fixture::{Fixture, ID, KEY};

const INVALID_ARGUMENT: i32 = 1;

/// The failure of a pair that must not be sent.
fn refuse(fixture: &Fixture, id: &str, key: &str) -> Failure {
    let failure = fixture.authorize_key(id, key, &fixture.options).expect_err(key);
    assert_eq!((failure.status, failure.attempts, failure.retryable), (INVALID_ARGUMENT, 0, false), "{failure:?}");
    assert_eq!(fixture.sandbox.authorize_count("*"), 0, "{failure}");
    failure
}

/// The value with that inserted as its fifth character.
fn with_inserted(value: &str, with: &str) -> String {
    format!("{}{with}{}", &value[..4], &value[4..])
}

#[test]
fn an_invalid_character_is_refused_with_its_name_and_position() {
    let fixture = Fixture::new();
    for (with, which) in [
        (" ", "U+0020 SPACE"),
        ("\t", "U+0009 TAB"),
        ("\n", "U+000A LINE FEED"),
        ("\r\n", "U+000D CARRIAGE RETURN"),
        ("\u{1}", "U+0001 (a control character)"),
        ("\u{1b}[0m", "U+001B ESCAPE"),
        ("\u{7f}", "U+007F DELETE"),
        ("\u{a0}", "U+00A0 NO-BREAK SPACE"),
        ("\u{ad}", "U+00AD SOFT HYPHEN"),
        ("\u{200b}", "U+200B ZERO WIDTH SPACE"),
        ("\u{2060}", "U+2060 WORD JOINER"),
        ("\u{feff}", "U+FEFF BYTE ORDER MARK"),
        ("\u{2019}", "U+2019 RIGHT SINGLE QUOTATION MARK"),
        ("\u{201c}", "U+201C LEFT DOUBLE QUOTATION MARK"),
        ("\u{2013}", "U+2013 EN DASH"),
        ("é", "U+00E9"),
        ("\u{1f511}", "U+1F511"),
    ] {
        let hint = Some(format!("character 5 is {which}"));
        let failure = refuse(&fixture, ID, &with_inserted(KEY, with));
        assert_eq!(failure.hint, hint);
        assert!(failure.message.starts_with("the application key has "), "{failure}");
        let failure = refuse(&fixture, &with_inserted(ID, with), KEY);
        assert_eq!(failure.hint, hint);
        assert!(failure.message.starts_with("the key ID has "), "{failure}");
    }
}

#[test]
fn an_invalid_character_at_either_end_is_found() {
    let fixture = Fixture::new();
    for (key, hint) in [
        (format!("\u{201c}{KEY}\u{201d}"), "character 1 is U+201C LEFT DOUBLE QUOTATION MARK".to_owned()),
        (format!("\u{feff}{KEY}"), "character 1 is U+FEFF BYTE ORDER MARK".to_owned()),
        (format!("{KEY}\u{a0}"), format!("character {} is U+00A0 NO-BREAK SPACE", KEY.len() + 1)),
        (format!("é{KEY}"), "character 1 is U+00E9".to_owned()),
        ("\u{200b}".to_owned(), "character 1 is U+200B ZERO WIDTH SPACE".to_owned()),
    ] {
        assert_eq!(refuse(&fixture, ID, &key).hint, Some(hint));
    }
}

#[test]
fn invalid_utf_8_is_refused() {
    let fixture = Fixture::new();
    let mut bytes = KEY.as_bytes().to_vec();
    bytes.insert(4, 0xff);
    let (good, bad) = (c_string(ID), CString::new(bytes).expect("no NUL"));
    for (id, key) in [(&good, &bad), (&bad, &good)] {
        let (mut session, mut error) = (null_mut(), null_mut());
        // SAFETY: the texts live through the call, and the handles are this test's own.
        let (status, hint): (c_int, String) = unsafe {
            let f = &fixture.api.f;
            let options = fixture.options.raw();
            let status = (f.b2_authorize_with)(id.as_ptr(), key.as_ptr(), options, &mut session, &mut error);
            let hint = std::ffi::CStr::from_ptr((f.b2_error_hint)(error)).to_str().expect("UTF-8").to_owned();
            (f.b2_error_free)(error);
            (status, hint)
        };
        assert_eq!((status, hint.as_str()), (INVALID_ARGUMENT, "character 5 is the byte 0xFF, which is not UTF-8"));
        assert!(session.is_null());
    }
    assert_eq!(fixture.sandbox.authorize_count("*"), 0);
}

#[test]
fn a_colon_is_refused_in_a_key_id_and_allowed_in_a_key() {
    let fixture = Fixture::new();
    let failure = refuse(&fixture, &format!("{ID}:{KEY}"), KEY);
    let position = format!("character {} is a colon", ID.len() + 1);
    assert!(failure.hint.as_ref().is_some_and(|hint| hint.starts_with(&position)), "{failure:?}");
    refuse(&fixture, ":", KEY);
    let key = "K001:with:colons:";
    fixture.sandbox.add_key(Key::new(ID, key));
    fixture.authorize_key(ID, key, &fixture.options).expect("granted");
}

#[test]
fn an_overlong_key_id_or_key_is_refused() {
    let fixture = Fixture::new();
    let failure = refuse(&fixture, &"i".repeat(257), KEY);
    assert!(failure.message.contains("the key ID is longer than 256"), "{failure}");
    let failure = refuse(&fixture, ID, &"k".repeat(1_025));
    assert!(failure.message.contains("the application key is longer than 1024"), "{failure}");
}

#[test]
fn a_key_without_a_key_id_is_refused() {
    let fixture = Fixture::new();
    for id in [None, Some(""), Some("  \n")] {
        let failure =
            fixture.api.call(id, Some(KEY), Operation::Authorize, Some(&fixture.options)).expect_err("refused");
        assert_eq!((failure.status, failure.attempts), (INVALID_ARGUMENT, 0));
        assert!(failure.message.contains("without its key ID"), "{failure}");
        assert!(failure.hint.is_some());
    }
    assert_eq!(fixture.sandbox.authorize_count("*"), 0);
}

#[test]
fn the_hint_for_a_rejected_pair_depends_on_its_format() {
    let fixture = Fixture::new();
    for (id, key, word) in [
        (KEY, ID, "swapped"),
        (ID, ID, "same value"),
        (ID, &format!("\"{KEY}\""), "quotation marks"),
        (ID, &KEY[..30], "cut short"),
        ("4aa9865d6f01", KEY, "master application key"),
    ] {
        let failure = fixture.authorize_key(id, key, &fixture.options).expect_err(word);
        assert_eq!(failure.http_status, 401, "B2 rejected it: {failure}");
        let hint = failure.hint.expect("it has a hint");
        assert!(hint.contains(word), "{hint}");
    }
}
