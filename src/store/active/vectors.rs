//! Sealing, held against vectors that were made without this code, and against every way of spoiling a record.

use serde_json::Value;
use zeroize::Zeroizing;

use super::seal::{Keys, tag_of};
use crate::store::record::{MAX_RECORD, Name, OVERHEAD, Record};

/// Written by `tests/store/vectors.py`. It stays as it is: records of this release must open in later ones.
const VECTORS: &str = include_str!("../../../tests/store/vectors.json");

fn vectors() -> Vec<Value> {
    let Ok(Value::Array(list)) = serde_json::from_str(VECTORS) else { panic!("an array") };
    assert!(list.len() >= 8);
    list
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is a string"))
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} is a number"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).expect("hex") as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().expect("the right length")
}

fn keys(vector: &Value) -> Keys {
    let trust = bytes(text(vector, "trust"));
    Keys::derive(text(vector, "applicationKey"), text(vector, "realm"), text(vector, "keyId"), &trust)
}

fn record(vector: &Value) -> Record {
    let fields = &vector["record"];
    Record {
        tag: array(text(vector, "tag")),
        generation: number(fields, "generation"),
        written_wall_ms: fields["writtenWallMs"].as_i64().expect("a number"),
        kept_ms: number(fields, "keptMs"),
        life_ms: number(fields, "lifeMs"),
        left_ms: number(fields, "leftMs"),
        pause_ms: number(fields, "pauseMs"),
        fails: number(fields, "fails").try_into().expect("small"),
        fail_http: number(fields, "failHttp").try_into().expect("small"),
        http: number(fields, "http").try_into().expect("small"),
        spent_milli: number(fields, "spentMilli").try_into().expect("small"),
        boot_id: array(text(fields, "bootId")),
        written_boot_ms: number(fields, "writtenBootMs"),
        body: Zeroizing::new(text(fields, "body").as_bytes().to_vec()),
    }
}

fn same(one: &Record, other: &Record) -> bool {
    one.tag == other.tag && one.write() == other.write()
}

#[test]
fn names_tags_and_records_are_those_of_the_vectors() {
    for vector in vectors() {
        let (case, keys, record) = (text(&vector, "case"), keys(&vector), record(&vector));
        assert_eq!(keys.name().to_string(), text(&vector, "name"), "{case}");
        if let Some(token) = vector["token"].as_str() {
            assert_eq!(keys.tag(token), record.tag, "{case}");
        }
        let sealed = keys.seal_record(&record, array(text(&vector, "nonce"))).expect("short enough");
        assert_eq!(sealed, bytes(text(&vector, "sealed")), "{case}");
        assert_eq!(tag_of(&sealed), Some(record.tag), "{case}");
        assert!(same(&keys.open_record(&sealed).expect(case), &record), "{case}");
    }
}

#[test]
fn nobody_else_finds_or_opens_a_record() {
    let vectors = vectors();
    let first = &vectors[0];
    let sealed = bytes(text(first, "sealed"));
    let mut others = 0;
    for vector in &vectors {
        if keys(vector).name() != keys(first).name() {
            assert!(keys(vector).open(&sealed).is_none(), "{}", text(vector, "case"));
            others += 1;
        }
    }
    assert_eq!(others, 4, "another key, key ID, realm and CA");
}

#[test]
fn fields_that_run_into_each_other_have_other_names() {
    let scopes = [("ab", "c", &b"d"[..]), ("a", "bc", b"d"), ("a", "b", b"cd"), ("abcd", "", b""), ("", "abcd", b"")];
    let names: Vec<Name> =
        scopes.iter().map(|(realm, id, trust)| Keys::derive("key", realm, id, trust).name()).collect();
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name));
    }
}

#[test]
fn a_record_that_is_changed_in_any_bit_or_cut_at_any_length_does_not_open() {
    let vectors = vectors();
    let (keys, sealed) = (keys(&vectors[0]), bytes(text(&vectors[0], "sealed")));
    for bit in 0..sealed.len() * 8 {
        let mut spoilt = sealed.clone();
        spoilt[bit / 8] ^= 1 << (bit % 8);
        assert!(keys.open_record(&spoilt).is_none(), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(keys.open_record(&sealed[..length]).is_none(), "cut to {length}");
        assert!(tag_of(&sealed[..length.min(OVERHEAD - 1)]).is_none());
    }
    for more in [&[0][..], &sealed] {
        assert!(keys.open_record(&[&sealed, more].concat()).is_none());
    }
}

#[test]
fn a_record_is_as_long_as_it_may_be_and_no_longer() {
    let keys = Keys::derive("key", "realm", "id", b"");
    let mut record = record(&vectors()[0]);
    record.body = Zeroizing::new(vec![b'x'; MAX_RECORD]);
    assert!(keys.seal_record(&record, [0; 12]).is_none());
    while keys.seal_record(&record, [0; 12]).is_none() {
        record.body.pop();
    }
    let sealed = keys.seal_record(&record, [0; 12]).expect("short enough");
    assert_eq!(sealed.len(), MAX_RECORD);
    assert!(keys.open_record(&sealed).is_some());
    assert!(keys.open_record(&[&sealed, &[0][..]].concat()).is_none());
}

#[test]
fn a_plain_text_of_another_shape_is_no_record() {
    let plain = record(&vectors()[0]).write().expect("short enough");
    for length in 0..plain.len() {
        assert!(Record::read([0; 16], &plain[..length]).is_none(), "cut to {length}");
    }
    assert!(Record::read([0; 16], &[&plain[..], b"x"].concat()).is_none());
}
