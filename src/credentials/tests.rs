use std::ffi::OsString;

use super::sources::{ID_VARIABLE, KEY_VARIABLE, NotFound, Unavailable};
use super::*;
use crate::diag::error::Status;

const ID: &str = "0014aa9865d6f0000000000b0";
const KEY: &str = "K001abcdefghijklmnopqrstuvw+/AB";

/// Looks credentials up in an environment of these variables.
fn find_in(variables: &[(&str, &[u8])], key_id: &[u8], key: &[u8]) -> Result<Arc<Credentials>, Error> {
    let variable = |name: &str| {
        let value = variables.iter().find(|row| row.0 == name)?.1;
        // SAFETY: on Unix any bytes will do; elsewhere the tables below stay within UTF-8.
        Some(unsafe { OsString::from_encoded_bytes_unchecked(value.to_vec()) })
    };
    let sources = Sources { variable: &variable, raised_rights: false, b2_tool: &no_file, stopped: &stopped };
    match sources.find(key_id.trim_ascii(), key.trim_ascii())? {
        Found::Pair { credentials, .. } => Ok(credentials),
        Found::Cached { .. } => panic!("no file was read"),
    }
}

fn no_file(_: Option<&str>) -> Result<Found, Unavailable> {
    Err(Unavailable::NotFound(NotFound {
        is_temporary: false,
        message: "the database /d does not exist".into(),
        hint: Some("make one".into()),
    }))
}

fn refusal(variables: &[(&str, &[u8])], key_id: &[u8], key: &[u8]) -> (Status, String, String) {
    let error = find_in(variables, key_id, key).expect_err("a refusal");
    (error.status(), error.message().to_owned(), error.hint().unwrap_or_default().to_owned())
}

#[test]
fn the_header_is_that_of_rfc_7617() {
    let credentials = find_in(&[], b"Aladdin", b"open:sesame").expect("both given");
    let header = credentials.basic();
    assert_eq!(*header, "Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==");
    assert_eq!(header.capacity(), header.len());
    let longest = find_in(&[], &[b'i'; 256], &[b'k'; 1024]).expect("the longest allowed").basic();
    assert!(longest.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && longest.len() == 6 + 1708);
}

#[test]
fn debug_shows_neither_value() {
    let text = format!("{:?}", find_in(&[], ID.as_bytes(), KEY.as_bytes()).expect("both given"));
    assert!(!text.contains(ID) && !text.contains(KEY), "{text}");
}

#[test]
fn given_credentials_take_precedence_over_the_environment() {
    let set: &[(&str, &[u8])] = &[(ID_VARIABLE, b" env-id\n"), (KEY_VARIABLE, b"\tenv-key ")];
    for (key_id, key, expected) in [
        (" given-id\r\n", "\tgiven-key ", ("given-id", "given-key", Source::Call)),
        ("", "", ("env-id", "env-key", Source::Environment)),
        (" \t", "\r\n", ("env-id", "env-key", Source::Environment)),
        ("env-id ", " ", ("env-id", "env-key", Source::Environment)),
    ] {
        let found = find_in(set, key_id.as_bytes(), key.as_bytes()).expect("found");
        assert_eq!((found.key_id(), found.key(), found.source().clone()), expected);
    }
    // A broken environment does not matter to a caller that gives both.
    assert!(find_in(&[(ID_VARIABLE, b"a:b")], b"given-id", b"given-key").is_ok());
}

#[test]
fn half_a_pair_is_an_error() {
    let (status, message, _) = refusal(&[(ID_VARIABLE, b"i"), (KEY_VARIABLE, b"k")], b" ", b"MARKED");
    assert_eq!(status, Status::InvalidArgument);
    assert!(message.contains("without its key ID") && !message.contains("MARKED"), "{message}");
    for (key_id, key, missing) in [
        (Some(&b"MARKED"[..]), None, KEY_VARIABLE),
        (Some(b"MARKED"), Some(&b" \n"[..]), KEY_VARIABLE),
        (None, Some(b"MARKED"), ID_VARIABLE),
        (Some(b""), Some(b"MARKED"), ID_VARIABLE),
    ] {
        let pair = [(ID_VARIABLE, key_id), (KEY_VARIABLE, key)];
        let set: Vec<_> = pair.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        for given in [&b""[..], b"some-id"] {
            let (status, message, hint) = refusal(&set, given, b"");
            assert_eq!(status, Status::InvalidArgument);
            assert!(message.contains(&format!("but {missing} is not set")), "{message}");
            assert!(!message.contains("MARKED") && !hint.contains("MARKED"));
        }
    }
}

#[test]
fn every_source_is_named_where_none_has_a_key() {
    let both: &[(&str, &[u8])] = &[(ID_VARIABLE, b"MARKED-id"), (KEY_VARIABLE, b"MARKED\x01key")];
    let blank: &[(&str, &[u8])] = &[(ID_VARIABLE, b" "), (KEY_VARIABLE, b"")];
    for (set, key_id, words) in [
        (&[][..], &b""[..], "are not set in the environment"),
        (blank, b"", "are not set in the environment"),
        (&[], b"MARKED", "no application key for the given key ID"),
        // Another key's pair need not even be valid.
        (both, b"MARKED", "in the environment hold another key"),
        (both, b"marked-id", "in the environment hold another key"),
    ] {
        let (status, message, hint) = refusal(set, key_id, b"");
        assert_eq!(status, Status::NoCredentials);
        for part in [words, ID_VARIABLE, KEY_VARIABLE, "; the database /d does not exist"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(
            hint.starts_with("give the key")
                && hint.ends_with("; or make one")
                && !message.contains("MARKED")
                && !hint.contains("MARKED"),
            "{hint}"
        );
    }
    let raised = Sources { variable: &|_| None, raised_rights: true, b2_tool: &no_file, stopped: &stopped };
    let error = raised.find(b"", b"").err().expect("nothing is read");
    assert!(error.message().contains("raised rights") && error.message().ends_with("; the database /d does not exist"));
    assert_eq!(error.hint(), Some("give the key ID and the key in the call; or make one"));
}

#[test]
fn an_invalid_character_is_named_with_its_position() {
    for (value, hint) in [
        ("MARK\u{200b}ED".as_bytes(), "character 5 is U+200B ZERO WIDTH SPACE"),
        ("\u{feff}MARKED".as_bytes(), "character 1 is U+FEFF BYTE ORDER MARK"),
        ("  MARKED\u{a0} ".as_bytes(), "character 7 is U+00A0 NO-BREAK SPACE"),
        ("MAR KED".as_bytes(), "character 4 is U+0020 SPACE"),
        ("MAR\tKED".as_bytes(), "character 4 is U+0009 TAB"),
        ("MAR\r\nKED".as_bytes(), "character 4 is U+000D CARRIAGE RETURN"),
        ("MAR\nKED".as_bytes(), "character 4 is U+000A LINE FEED"),
        ("MAR\0KED".as_bytes(), "character 4 is U+0000 NUL"),
        ("MARKED\u{0b}".as_bytes(), "character 7 is U+000B VERTICAL TAB"),
        ("\u{201c}MARKED\u{201d}".as_bytes(), "character 1 is U+201C LEFT DOUBLE QUOTATION MARK"),
        ("MARKED\u{7f}".as_bytes(), "character 7 is U+007F DELETE"),
        ("MARKED\u{9f}".as_bytes(), "character 7 is U+009F (a control character)"),
        ("M\u{e9}\u{ad}".as_bytes(), "character 2 is U+00E9"),
        ("MARKED\u{1f600}".as_bytes(), "character 7 is U+1F600"),
        (b"MARKED\xe9", "character 7 is the byte 0xE9, which is not UTF-8"),
        (b"\xc3MARKED", "character 1 is the byte 0xC3, which is not UTF-8"),
    ] {
        let set: &[(&str, &[u8])] = if cfg!(unix) { &[(ID_VARIABLE, b"id"), (KEY_VARIABLE, value)] } else { &[] };
        for (set, key_id, key, name) in [
            (&[][..], value, &b"key"[..], "the key ID has"),
            (&[], b"id", value, "the application key has"),
            (&[], value, b"", "the key ID has"),
            (set, b"", b"", "B2_APPLICATION_KEY has"),
            (&[(ID_VARIABLE, value), (KEY_VARIABLE, b"key")][..], b"", b"", "B2_APPLICATION_KEY_ID has"),
        ] {
            if cfg!(not(unix)) && key_id.is_empty() {
                continue;
            }
            let (status, message, found) = refusal(set, key_id, key);
            assert_eq!((status, found.as_str()), (Status::InvalidArgument, hint));
            assert!(message.starts_with(name) && !message.contains("MARKED"), "{message}");
        }
    }
}

#[test]
fn a_colon_and_an_excessive_length_are_errors() {
    let (status, message, hint) = refusal(&[], b"MARKED:secret", b"key");
    assert_eq!(status, Status::InvalidArgument);
    assert!(
        message == "the key ID has a colon in it" && hint.starts_with("character 7 is a colon"),
        "{message} {hint}"
    );
    let (_, message, _) = refusal(&[(ID_VARIABLE, b"a:b"), (KEY_VARIABLE, b"k")], b"", b"");
    assert!(message.starts_with("B2_APPLICATION_KEY_ID has a colon"), "{message}");
    let (_, message, _) = refusal(&[], &[b'i'; 257], b"key");
    assert_eq!(message, "the key ID is longer than 256 characters");
    let (_, message, _) = refusal(&[], b"id", &[b'k'; 1025]);
    assert_eq!(message, "the application key is longer than 1024 characters");
}
