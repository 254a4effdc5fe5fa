//! B2 says of wrong credentials only that they are wrong. Their shapes often say more.
//!
//! Shapes are conventions that may change, so they are never a reason to refuse a key, only to explain a refusal.

/// What is probably wrong with a pair that B2 refused, or `None` if its shape is normal. Repeats neither value.
pub(super) fn for_refused(key_id: &str, key: &str) -> Option<String> {
    if is_quoted(key_id) {
        return Some("the key ID has quotation marks around it: give it without them".into());
    }
    if is_quoted(key) {
        return Some("the application key has quotation marks around it: give it without them".into());
    }
    if key_id == key {
        return Some("the same value was given as key ID and as key".into());
    }
    if is_key(key_id) && is_id(key) {
        return Some("the key ID and the application key look swapped".into());
    }
    if is_new_key(key_id) {
        return Some("what was given as key ID looks like an application key".into());
    }
    if is_id(key) {
        return Some("what was given as application key looks like a key ID".into());
    }
    if begins_like_new_key(key) && !is_key(key) {
        let how = if key.len() < NEW_KEY { "cut short" } else { "too long" };
        let length = key.len();
        return Some(format!(
            "the application key looks {how}: it has {length} characters, and others like it {NEW_KEY}"
        ));
    }
    if is_account_id(key_id) {
        return Some("the key ID looks like an account ID, which goes with the master application key only".into());
    }
    if key_id.len() != KEY_ID {
        let length = key_id.len();
        return Some(format!("the key ID has {length} characters, where key IDs have {KEY_ID}"));
    }
    None
}

const ACCOUNT_ID: usize = 12;
const KEY_ID: usize = 25;
const NEW_KEY: usize = 31;
/// Keys made before they began with K, the master key's last.
const OLD_KEYS: [usize; 2] = [27, 42];

fn is_quoted(value: &str) -> bool {
    let quote = |c: char| matches!(c, '"' | '\'' | '`');
    value.starts_with(quote) || value.ends_with(quote)
}

fn is_account_id(value: &str) -> bool {
    value.len() == ACCOUNT_ID && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An account ID or a key ID: the cluster's three digits, the account ID, and a count that is not always hex.
fn is_id(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_key_id = bytes.len() == KEY_ID
        && bytes[..3].iter().all(u8::is_ascii_digit)
        && bytes[3..3 + ACCOUNT_ID].iter().all(u8::is_ascii_hexdigit)
        && bytes[3 + ACCOUNT_ID..].iter().all(u8::is_ascii_alphanumeric);
    is_key_id || is_account_id(value)
}

/// `K` and the cluster's three digits.
fn begins_like_new_key(value: &str) -> bool {
    value.strip_prefix('K').and_then(|rest| rest.as_bytes().get(..3)).is_some_and(|b| b.iter().all(u8::is_ascii_digit))
}

fn is_new_key(value: &str) -> bool {
    value.len() == NEW_KEY && begins_like_new_key(value)
}

fn is_key(value: &str) -> bool {
    is_new_key(value) || OLD_KEYS.contains(&value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0014aa9865d6f0000000000b0";
    const ACCOUNT: &str = "4aa9865d6f00";
    const KEY: &str = "K001abcdefghijklmnopqrstuvw+/AB";
    const OLD: &str = "0123456789abcdef0123456789abcdef0123456789";

    #[test]
    fn each_mistake_has_its_hint() {
        let quoted = format!("\"{KEY}\"");
        let short = &KEY[..30];
        let long = format!("{KEY}x");
        for (key_id, key, word) in [
            (KEY, ID, Some("swapped")),
            (KEY, ACCOUNT, Some("swapped")),
            (OLD, ID, Some("swapped")),
            (&OLD[..27], ACCOUNT, Some("swapped")),
            (KEY, OLD, Some("given as key ID looks like an application key")),
            (ID, ACCOUNT, Some("given as application key looks like a key ID")),
            (ID, ID, Some("same value")),
            (ID, &*quoted, Some("quotation marks")),
            ("'0014aa9865d6f0000000000b0'", KEY, Some("quotation marks")),
            (ID, "\"", Some("quotation marks")),
            (ID, short, Some("cut short: it has 30")),
            (ID, &*long, Some("too long: it has 32")),
            (ID, "K0", None),
            (ID, "K001", Some("cut short")),
            (ACCOUNT, KEY, Some("master")),
            (ACCOUNT, OLD, Some("master")),
            (&ID[..24], KEY, Some("has 24 characters")),
            ("my-key", KEY, Some("has 6 characters")),
            (ID, KEY, None),
            (ID, OLD, None),
            (ID, &OLD[..27], None),
            (ID, "short", None),
            ("", "", Some("same value")),
        ] {
            let hint = for_refused(key_id, key);
            match word {
                None => assert_eq!(hint, None),
                Some(word) => {
                    let hint = hint.unwrap_or_default();
                    assert!(hint.contains(word), "{hint} for {word}");
                    for value in [key_id, key].into_iter().filter(|value| value.len() > 4) {
                        assert!(!hint.contains(value), "{hint}");
                    }
                }
            }
        }
    }
}
