//! B2 says of wrong credentials only that they are wrong. What they look like often says more.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::shape::{KEY_ID, NEW_KEY, cluster_of_id, cluster_of_key, is_account_id, is_id, is_key, is_new_key};

/// What is probably wrong with a pair that B2 refused, or `None` if it looks as usual. Repeats neither value.
pub(super) fn for_refused(key_id: &str, key: &str) -> Option<String> {
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
    for (name, value) in [("key ID", key_id), ("application key", key)] {
        if let Some(kind) = Stray::of(value) {
            return Some(kind.hint(name));
        }
    }
    if let (Some(of_id), Some(of_key)) = (cluster_of_id(key_id), cluster_of_key(key))
        && of_id != of_key
    {
        return Some(format!("the key ID is of cluster {of_id} and the key of cluster {of_key}: they are of two keys"));
    }
    if cluster_of_key(key).is_some() && !is_key(key) {
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
        return Some(format!(
            "the key ID has {length} characters, where key IDs have {KEY_ID}: its name is not its ID"
        ));
    }
    if !is_key(key) {
        return Some(
            "the application key does not look like one: B2 shows it once, when it is made, and neither its name nor its ID \
             will do"
                .into(),
        );
    }
    None
}

/// Something in a value's place that is not the value.
#[derive(Clone, Copy)]
enum Stray {
    Quotes,
    Placeholder,
    Nothing,
    Reference,
    Path,
    Assignment,
    Base64,
    PercentEncoded,
}

impl Stray {
    fn of(value: &str) -> Option<Self> {
        let quote = |c: char| matches!(c, '"' | '\'' | '`');
        Some(if value.starts_with(quote) || value.ends_with(quote) {
            Self::Quotes
        } else if is_placeholder(value) {
            Self::Placeholder
        } else if ["null", "undefined", "none", "nil", "nan", "true", "false", "(null)", "[object"]
            .contains(&&*value.to_ascii_lowercase())
        {
            Self::Nothing
        } else if is_reference(value) {
            Self::Reference
        } else if is_path(value) {
            Self::Path
        } else if is_assignment(value) {
            Self::Assignment
        } else if is_percent_encoded(value) {
            Self::PercentEncoded
        } else if is_base64(value) {
            Self::Base64
        } else {
            return None;
        })
    }

    fn hint(self, name: &str) -> String {
        match self {
            Self::Quotes => format!("the {name} has quotation marks around it: give it without them"),
            Self::Placeholder => format!("the {name} is a placeholder that nothing has filled in"),
            Self::Nothing => format!("the {name} is a word for no value, as some program writes it"),
            Self::Reference => format!("the {name} is a reference to a secret, which nothing has resolved"),
            Self::Path => format!("the {name} looks like the path of a file: give what is in the file"),
            Self::Assignment => format!("the {name} begins with a name and an equals sign: give what follows them"),
            Self::Base64 => format!("the {name} is encoded in base64 once too often: give it decoded"),
            Self::PercentEncoded => format!("the {name} is percent-encoded once too often: give it decoded"),
        }
    }
}

/// `${B2_KEY}`, `$B2_KEY`, `$(…)`, `%B2_KEY%`, `{{ key }}`, `<your key>`, `YOUR_KEY`, `xxxxxxxx`.
fn is_placeholder(value: &str) -> bool {
    let within =
        |open: &str, close: &str| value.starts_with(open) && value.ends_with(close) && value.len() > open.len();
    let lower = value.to_ascii_lowercase();
    let is_filler = |c: char| matches!(c, 'x' | '*' | '.' | '#' | '-');
    within("${", "}")
        || within("$(", ")")
        || within("{{", "}}")
        || within("<", ">")
        || (within("%", "%") && value.len() > 2)
        || value.starts_with("$env:")
        || value.strip_prefix('$').is_some_and(is_name)
        || lower.starts_with("your")
        || ["changeme", "replaceme", "redacted", "todo", "secret", "applicationkey", "application_key"]
            .contains(&&*lower)
        || (value.len() > 3 && lower.chars().all(is_filler))
}

/// `op://…`, `arn:…`, `ENC[…]` and others that a tool replaces by the secret, if it is asked to.
fn is_reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    lower.contains("://")
        || lower.starts_with("enc[")
        || lower.starts_with("!vault")
        || ["arn:", "vault:", "ssm:", "env:", "file:", "secret:", "secretsmanager:", "kms:", "sops:", "op:"]
            .iter()
            .any(|scheme| lower.starts_with(scheme))
}

fn is_path(value: &str) -> bool {
    let drive = matches!(value.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    drive || (!is_key(value) && ["/", "./", "../", "~/", "\\\\"].iter().any(|start| value.starts_with(start)))
}

/// `B2_APPLICATION_KEY=…`; an equals sign at the end is base64's.
fn is_assignment(value: &str) -> bool {
    let assigned = value.split_once('=').filter(|(_, rest)| !rest.trim_end_matches('=').is_empty());
    assigned.is_some_and(|(name, _)| name.len() > 2 && is_name(name) && cluster_of_key(name).is_none())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_percent_encoded(value: &str) -> bool {
    let hex = |part: &str| part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    !is_key(value) && value.split('%').skip(1).any(hex)
}

/// It decodes to a key, an ID, or both.
fn is_base64(value: &str) -> bool {
    let Ok(decoded) = STANDARD.decode(value).map(Zeroizing::new) else { return false };
    let Ok(text) = std::str::from_utf8(&decoded) else { return false };
    let text = text.trim_ascii();
    let is_pair = text.split_once(':').is_some_and(|(key_id, key)| is_id(key_id) && is_key(key));
    is_new_key(text) || is_id(text) || is_pair
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0014aa9865d6f0000000000b0";
    const ACCOUNT: &str = "4aa9865d6f00";
    const KEY: &str = "K001abcdefghijklmnopqrstuvw+/AB";
    const OLD: &str = "0123456789abcdef0123456789abcdef0123456789";

    fn assert_hint(key_id: &str, key: &str, word: Option<&str>) {
        let hint = for_refused(key_id, key);
        let Some(word) = word else { return assert_eq!(hint, None, "{key_id} {key}") };
        let hint = hint.unwrap_or_default();
        assert!(hint.contains(word), "{hint} for {key_id} {key}");
        for value in [key_id, key].into_iter().filter(|value| value.len() > 4) {
            assert!(!hint.contains(value), "{hint}");
        }
    }

    #[test]
    fn each_mistake_has_its_hint() {
        let long = format!("{KEY}x");
        for (key_id, key, word) in [
            (KEY, ID, Some("swapped")),
            (KEY, ACCOUNT, Some("swapped")),
            (OLD, ID, Some("swapped")),
            (&OLD[..27], ACCOUNT, Some("swapped")),
            (KEY, OLD, Some("given as key ID looks like an application key")),
            (ID, ACCOUNT, Some("given as application key looks like a key ID")),
            (ID, ID, Some("same value")),
            (ID, &KEY[..30], Some("cut short: it has 30")),
            (ID, &*long, Some("too long: it has 32")),
            (ID, "K001", Some("cut short")),
            (ID, "K0", Some("does not look like one")),
            (ID, "my-backup-key", Some("neither its name nor its ID")),
            ("0034aa9865d6f0000000000b0", KEY, Some("of cluster 003 and the key of cluster 001")),
            (ACCOUNT, KEY, Some("master")),
            (ACCOUNT, OLD, Some("master")),
            (&ID[..24], KEY, Some("has 24 characters")),
            ("my-key", KEY, Some("its name is not its ID")),
            (ID, KEY, None),
            (ID, OLD, None),
            (ID, &OLD[..27], None),
            ("", "", Some("same value")),
        ] {
            assert_hint(key_id, key, word);
        }
    }

    #[test]
    fn what_is_not_the_value_is_named() {
        let in_base64 = STANDARD.encode(KEY);
        let pair = STANDARD.encode(format!("{ID}:{KEY}"));
        for (value, word) in [
            (&*format!("\"{KEY}\""), "quotation marks"),
            ("'0014aa9865d6f0000000000b0'", "quotation marks"),
            ("\"", "quotation marks"),
            ("${B2_KEY}", "placeholder"),
            ("$B2_KEY", "placeholder"),
            ("%KEY%", "placeholder"),
            ("{{key}}", "placeholder"),
            ("<your-key>", "placeholder"),
            ("YOUR_APPLICATION_KEY", "placeholder"),
            ("xxxxxxxxxxxx", "placeholder"),
            ("null", "no value"),
            ("undefined", "no value"),
            ("op://vault/b2/key", "reference"),
            ("arn:aws:secretsmanager:us-east-1:1:secret:b2", "reference"),
            ("ENC[AES256_GCM,data:x]", "reference"),
            ("/run/secrets/b2_key", "path"),
            ("C:\\b2\\key.txt", "path"),
            ("~/key", "path"),
            ("B2_APPLICATION_KEY=K001abcdefghijklmnopqrstuvw+/AB", "equals sign"),
            (&in_base64, "base64 once too often"),
            (&pair, "base64 once too often"),
            ("K001abcdefghijklmnopqrstuvw%2B%2FAB", "percent-encoded"),
        ] {
            assert_hint(ID, value, Some(word));
            assert_hint(ID, value, Some("the application key"));
            if !value.contains(':') {
                assert_hint(value, KEY, Some(word));
                assert_hint(value, KEY, Some("the key ID"));
            }
        }
    }

    /// No key that B2 makes is taken for anything else.
    #[test]
    fn keys_as_b2_makes_them_are_not_suspected() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut seed = 1_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet.as_bytes()[usize::try_from(seed >> 58).expect("six bits")])
        };
        for _ in 0..2_000 {
            let key: String = "K001".chars().chain((0..27).map(|_| next())).collect();
            assert_hint(ID, &key, None);
        }
    }
}
