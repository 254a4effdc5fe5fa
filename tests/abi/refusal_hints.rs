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

#[test]
fn something_in_the_keys_place_is_named() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    let in_base64 = STANDARD.encode(KEY);
    let percent = KEY.replace('/', "%2F").replace('+', "%2B");
    let assignment = format!("B2_APPLICATION_KEY={KEY}");
    for (key, word) in [
        ("${B2_KEY}", "placeholder"),
        ("%KEY%", "placeholder"),
        ("{{key}}", "placeholder"),
        ("<your-key>", "placeholder"),
        ("null", "word for no value"),
        ("undefined", "word for no value"),
        ("op://vault/b2/key", "reference to a secret"),
        ("arn:aws:secretsmanager:us-east-1:1:secret:b2", "reference to a secret"),
        ("ENC[AES256_GCM,data:x]", "reference to a secret"),
        ("/run/secrets/b2_key", "path of a file"),
        (&assignment, "equals sign"),
        (&in_base64, "base64 once too often"),
        (&percent, "percent-encoded once too often"),
        ("my-backup-key", "neither its name nor its ID"),
    ] {
        let failure = fixture.authorize_key(ID, key, &fixture.options).expect_err("rejected");
        assert_eq!(failure.name, "B2_BAD_CREDENTIALS", "{failure}");
        let hint = failure.hint.as_deref().expect("a hint");
        assert!(hint.contains(word), "{word}: {hint}");
        assert!(!failure.all_text().contains(key) || key == "null", "{failure:?}");
    }
    let other_cluster = ID.replacen("001", "003", 1);
    let failure = fixture.authorize_key(&other_cluster, KEY, &fixture.options).expect_err("rejected");
    let hint = failure.hint.expect("a hint");
    assert!(hint.contains("cluster 003") && hint.contains("cluster 001"), "{hint}");
}

/// The spellings of a key that an echo may have, each of which a reader could turn back.
fn spellings(key: &str) -> Vec<String> {
    let escape = |format: fn(u8) -> String| key.bytes().map(format).collect::<String>();
    let in_base64 = STANDARD.encode(format!("{ID}:{key}"));
    vec![
        escape(|byte| format!("&#{byte};")),
        escape(|byte| format!("&#x{byte:x};")),
        escape(|byte| format!("&#X{byte:02X};")),
        key.replace('/', "&#x2F;").replace('+', "&plus;"),
        escape(|byte| format!("%25{byte:02X}")),
        key.replace('/', "%252F").replace('+', "%252B"),
        escape(|byte| format!("{byte:02x}:")),
        escape(|byte| format!("{byte:02X} ")),
        escape(|byte| format!("{byte:02X}-")),
        format!("{} {}", &in_base64[..30], &in_base64[30..]),
        format!("{}\r\n {}", &in_base64[..46], &in_base64[46..]),
        key[..20].to_owned(),
        key[11..].to_owned(),
    ]
}

#[test]
fn a_key_that_the_server_spells_in_another_way_is_masked() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0"), ("max_attempts", "1")]);
    let spelt = spellings(KEY);
    // What eight characters of the key take in that spelling.
    let length = |spelling: &str| (spelling.len() * 8).div_ceil(KEY.len());
    for echo in &spelt {
        for fault in [
            Fault::status(401).message(&format!("no such key <{echo}> here")),
            Fault::status(503).message(echo),
            Fault::status(403).message(&format!("{}{echo}", "x".repeat(200))),
        ] {
            fixture.sandbox.script(ID, [fault]);
            let text = fixture.authorize().expect_err("rejected").all_text();
            let printable = echo.replace("\r\n ", "   ");
            let part = printable.as_bytes().windows(length(&printable)).find(|part| {
                // A window that has the key ID's base64 in it is no secret.
                let part = str::from_utf8(part).expect("ASCII");
                text.contains(part) && !STANDARD.encode(ID).contains(part.trim())
            });
            assert!(part.is_none(), "{:?} of {echo} in {text}", part.map(String::from_utf8_lossy));
        }
    }
}
