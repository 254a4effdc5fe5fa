//! The hints for a rejected key, which never contain it.

use b2_sandbox::Fault;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

use crate::support::fixture::{Fixture, ID, KEY};

const MASTER_KEY: &str = "0123456789abcdef0123456789abcdef0123456789";

#[test]
fn each_mistake_with_a_key_has_its_hint() {
    let fixture = Fixture::new();
    let quoted = format!("\"{KEY}\"");
    for (key_id, key, word) in [
        (KEY, ID, "swapped"),
        (MASTER_KEY, "4aa9865d6f00", "swapped"),
        (KEY, MASTER_KEY, "given as key ID looks like an application key"),
        (ID, "4aa9865d6f00", "given as application key looks like a key ID"),
        (ID, ID, "same value"),
        (ID, &*quoted, "quotation marks"),
        (ID, &KEY[..30], "cut short"),
        ("4aa9865d6f00", "K001wrong/0123456789abcdefghijk", "account ID"),
        (&ID[..24], KEY, "has 24 characters"),
        (ID, "K001wrong/0123456789abcdefghijk", "Application Keys"),
    ] {
        let failure = fixture.authorize_key(key_id, key, &fixture.options);
        let failure = failure.expect_err("rejected");
        assert_eq!(failure.name, "B2_BAD_CREDENTIALS");
        let hint = failure.hint.as_deref().expect("a hint");
        assert!(hint.contains(word), "{word}: {hint}");
        let text = failure.all_text();
        assert!(!text.contains(key) || key == ID, "{text}");
    }
}

#[test]
fn a_key_that_the_server_echoes_is_masked() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0"), ("max_attempts", "1")]);
    let percent = KEY.replace('/', "%2F").replace('+', "%2B");
    let pair = format!("{ID}:{KEY}");
    let echoes = [
        KEY.to_owned(),
        percent.to_lowercase().replace("k001", "K001"),
        percent,
        STANDARD.encode(&pair),
        STANDARD_NO_PAD.encode(&pair),
        URL_SAFE.encode(&pair),
        STANDARD_NO_PAD.encode(KEY),
        format!("Basic {}", STANDARD.encode(&pair)),
    ];
    for echo in echoes {
        for fault in [
            Fault::status(401).message(&format!("no such key <{echo}> here")),
            Fault::status(401).message(&format!("{echo}{echo}")),
            Fault::status(503).message(&echo),
            Fault::status(403).code(&echo),
            Fault::status(400).header("X-Bz-Request-Id", &echo),
        ] {
            fixture.sandbox.script(ID, [fault]);
            let failure = fixture.authorize().expect_err("rejected");
            let text = failure.all_text();
            assert!(!text.contains(&echo), "{text}");
        }
    }
}

#[test]
fn a_key_that_is_cut_at_the_end_of_a_long_message_is_masked() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    for blanks in 262..300 {
        let message = format!("{}{KEY}", "x".repeat(blanks));
        fixture.sandbox.script(ID, [Fault::status(401).message(&message)]);
        let failure = fixture.authorize().expect_err("rejected");
        assert!(!failure.json.to_string().contains(&KEY[..6]), "{}", failure.json);
    }
}
