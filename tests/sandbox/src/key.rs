//! Application keys: what they may do, and how they come to be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Every capability that B2 is known to name.
const ALL_CAPABILITIES: [&str; 30] = [
    "listKeys",
    "writeKeys",
    "deleteKeys",
    "listAllBucketNames",
    "listBuckets",
    "readBuckets",
    "writeBuckets",
    "deleteBuckets",
    "readBucketEncryption",
    "writeBucketEncryption",
    "readBucketLifecycleRules",
    "writeBucketLifecycleRules",
    "readBucketLogging",
    "writeBucketLogging",
    "readBucketNotifications",
    "writeBucketNotifications",
    "readBucketReplications",
    "writeBucketReplications",
    "readBucketRetentions",
    "writeBucketRetentions",
    "listFiles",
    "readFiles",
    "shareFiles",
    "writeFiles",
    "deleteFiles",
    "readFileLegalHolds",
    "writeFileLegalHolds",
    "readFileRetentions",
    "writeFileRetentions",
    "bypassGovernance",
];

/// A bucket that a key is restricted to. Its name is `None` when the bucket is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// 24 hexadecimal digits.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
}

/// An application key that the sandbox accepts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// What stands before the colon.
    pub key_id: String,
    /// What stands after it.
    pub key: String,
    /// What the key is for, in a word.
    #[serde(default)]
    pub label: String,
    /// The account; drawn from the key id if empty.
    #[serde(default)]
    pub account_id: String,
    /// What the key may do.
    #[serde(default = "all_capabilities")]
    pub capabilities: Vec<String>,
    /// `None` for every bucket, an empty list for none at all.
    #[serde(default)]
    pub buckets: Option<Vec<Bucket>>,
    /// The start that file names must have.
    #[serde(default)]
    pub name_prefix: Option<String>,
    /// True for keys that only version 4 understands, as B2 now makes them.
    #[serde(default)]
    pub v4_only: bool,
    /// When the key ends, in milliseconds since 1970.
    #[serde(default)]
    pub expiration_timestamp: Option<u64>,
    /// The same, counted from the moment the key is added; goes before the timestamp.
    #[serde(default, skip_serializing)]
    pub expires_in_ms: Option<u64>,
    /// How long its tokens last; 24 hours if absent.
    #[serde(default)]
    pub token_life_ms: Option<u64>,
    /// True if answers also tell of the Partner API.
    #[serde(default)]
    pub partner: bool,
}

fn all_capabilities() -> Vec<String> {
    ALL_CAPABILITIES.map(str::to_owned).to_vec()
}

impl Key {
    /// The account's own key, that may do everything everywhere.
    pub fn master(key_id: &str, key: &str) -> Self {
        Self::new(key_id, key).label("master")
    }

    /// A key that may do everything everywhere, until it is restricted.
    pub fn new(key_id: &str, key: &str) -> Self {
        Self {
            key_id: key_id.to_owned(),
            key: key.to_owned(),
            label: String::new(),
            account_id: account_of(key_id),
            capabilities: all_capabilities(),
            buckets: None,
            name_prefix: None,
            v4_only: false,
            expiration_timestamp: None,
            expires_in_ms: None,
            token_life_ms: None,
            partner: false,
        }
    }

    /// Says what the key is for.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// Puts the key into another account.
    #[must_use]
    pub fn account(mut self, account_id: &str) -> Self {
        account_id.clone_into(&mut self.account_id);
        self
    }

    /// Replaces what the key may do.
    #[must_use]
    pub fn capabilities<'a>(mut self, capabilities: impl IntoIterator<Item = &'a str>) -> Self {
        self.capabilities = capabilities.into_iter().map(str::to_owned).collect();
        self
    }

    /// Restricts the key to this bucket too. `None` as name: the bucket is gone.
    #[must_use]
    pub fn bucket(mut self, id: &str, name: Option<&str>) -> Self {
        let bucket = Bucket { id: id.to_owned(), name: name.map(str::to_owned) };
        self.buckets.get_or_insert_default().push(bucket);
        self
    }

    /// Restricts the key to a list of buckets with nothing in it.
    #[must_use]
    pub fn no_buckets(mut self) -> Self {
        self.buckets = Some(Vec::new());
        self
    }

    /// Restricts the key to files whose names start so.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.name_prefix = Some(prefix.to_owned());
        self
    }

    /// Has versions 1 to 3 refuse the key, as B2 does for restricted keys made by version 4.
    #[must_use]
    pub fn v4_only(mut self) -> Self {
        self.v4_only = true;
        self
    }

    /// Ends the key this long after it is added.
    #[must_use]
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.expires_in_ms = Some(millis(life));
        self
    }

    /// Gives the key's tokens a life of their own.
    #[must_use]
    pub fn token_life(mut self, life: Duration) -> Self {
        self.token_life_ms = Some(millis(life));
        self
    }

    /// Has answers also tell of the Partner API.
    #[must_use]
    pub fn partner(mut self) -> Self {
        self.partner = true;
        self
    }

    pub(crate) fn settled(mut self) -> Self {
        if let Some(life) = self.expires_in_ms.take() {
            self.expiration_timestamp = Some(now_ms() + life);
        }
        if self.account_id.is_empty() {
            self.account_id = account_of(&self.key_id);
        }
        self
    }

    pub(crate) fn has_expired(&self) -> bool {
        self.expiration_timestamp.is_some_and(|end| end <= now_ms())
    }

    /// A list of any length but one has no place in the older shapes.
    pub(crate) fn needs_v4(&self) -> bool {
        self.v4_only || self.buckets.as_ref().is_some_and(|buckets| buckets.len() != 1)
    }

    /// The account id stands for a key that has no limits.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.buckets.is_none() && self.name_prefix.is_none() && self.may("writeKeys")
    }

    pub(crate) fn may(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|had| had == capability)
    }

    pub(crate) fn may_touch(&self, bucket_id: &str) -> bool {
        match &self.buckets {
            None => true,
            Some(buckets) => buckets.iter().any(|bucket| bucket.id == bucket_id),
        }
    }

    pub(crate) fn token_life_or_default(&self) -> Duration {
        self.token_life_ms.map_or(Duration::from_secs(24 * 3600), Duration::from_millis)
    }

    /// The keys of a sandbox that was told of none.
    pub(crate) fn defaults() -> Vec<Self> {
        let key = |last: char, secret: &str, label: &str| {
            Self::new(&format!("0014aa9865d6f0000000000b{last}"), secret).label(label)
        };
        let read = ["listBuckets", "listFiles", "readFiles"];
        let mine = ("d0f1e2c3b4a5968778695a4b", Some("my-bucket"));
        let photos = ("e0f1e2c3b4a5968778695a4c", Some("photos"));
        let gone = ("f0f1e2c3b4a5968778695a4d", None);
        vec![
            key('0', "K0014pbwo1zxcIVMnqSNTfWHReU/O3s", "master"),
            key('1', "K001restricted/1+bucket00000000", "restricted").capabilities(read).bucket(mine.0, mine.1),
            key('2', "K001restricted/2+buckets0000000", "several").bucket(mine.0, mine.1).bucket(photos.0, photos.1),
            key('3', "K001restricted/v4+only000000000", "v4-only")
                .capabilities(read)
                .bucket(photos.0, photos.1)
                .v4_only(),
            key('4', "K001restricted/prefix0000000000", "prefix").bucket(photos.0, photos.1).prefix("holidays/"),
            key('5', "K001restricted/lost+bucket00000", "lost-bucket").bucket(gone.0, gone.1),
            key('6', "K001restricted/no+bucket0000000", "no-bucket").no_buckets(),
            key('7', "K001expiring/in+an+hour00000000", "expiring").expires_in(Duration::from_secs(3600)),
            key('8', "K001short/tokens+30s00000000000", "short-tokens").token_life(Duration::from_secs(30)),
            key('9', "K001writes/but+never+lists00000", "no-list").capabilities(["writeFiles"]),
        ]
    }
}

/// A 25-character key id has its account's 12 digits after the cluster's 3.
fn account_of(key_id: &str) -> String {
    match key_id.len() {
        25 if key_id.is_ascii() => key_id[3..15].to_owned(),
        12 => key_id.to_owned(),
        _ => "0123456789ab".to_owned(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn now_ms() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_keys_look_like_real_ones() {
        for key in Key::defaults() {
            assert_eq!(key.key_id.len(), 25, "{}", key.label);
            assert_eq!(key.key.len(), 31, "{}", key.label);
            assert_eq!(key.account_id, "4aa9865d6f00");
        }
    }

    #[test]
    fn a_key_file_needs_no_more_than_an_id_and_a_key() {
        let key: Key = serde_json::from_str(r#"{"keyId":"i","key":"k","expiresInMs":5}"#)
            .expect("the two fields without default are there");
        let key = key.settled();
        assert!(key.may("listBuckets") && key.may_touch("any"));
        assert!(key.expiration_timestamp.is_some_and(|end| end >= now_ms()));
        assert_eq!(key.account_id, "0123456789ab");
    }
}
