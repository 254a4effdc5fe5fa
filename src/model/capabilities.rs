//! What a key may do, by B2's names. Nearly every name is one of a few, so a list holds no text of its own for those.

use std::ffi::CStr;

use serde::{Serialize, Serializer};

use super::c_text::CText;

/// The names that B2 documents.
const KNOWN: [&CStr; 30] = [
    c"bypassGovernance",
    c"deleteBuckets",
    c"deleteFiles",
    c"deleteKeys",
    c"listAllBucketNames",
    c"listBuckets",
    c"listFiles",
    c"listKeys",
    c"readBucketEncryption",
    c"readBucketLifecycleRules",
    c"readBucketLogging",
    c"readBucketNotifications",
    c"readBucketReplications",
    c"readBucketRetentions",
    c"readBuckets",
    c"readFileLegalHolds",
    c"readFileRetentions",
    c"readFiles",
    c"shareFiles",
    c"writeBucketEncryption",
    c"writeBucketLifecycleRules",
    c"writeBucketLogging",
    c"writeBucketNotifications",
    c"writeBucketReplications",
    c"writeBucketRetentions",
    c"writeBuckets",
    c"writeFileLegalHolds",
    c"writeFileRetentions",
    c"writeFiles",
    c"writeKeys",
];

/// A list of names, in B2's order.
#[derive(Default)]
pub(crate) struct Capabilities {
    /// An index into [`KNOWN`], or past its end into `others`.
    indices: Box<[u32]>,
    others: Box<[CText]>,
}

impl Capabilities {
    pub(crate) fn len(&self) -> usize {
        self.indices.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&CStr> {
        let name = *self.indices.get(index)? as usize;
        match KNOWN.get(name) {
            Some(known) => Some(known),
            None => self.others.get(name - KNOWN.len()).map(CText::as_c_str),
        }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| {
            let name = self.get(index).and_then(|name| name.to_str().ok());
            name.expect("every index is within the list, and every name was made from a str")
        })
    }
}

impl From<Vec<CText>> for Capabilities {
    fn from(names: Vec<CText>) -> Self {
        let mut others = Vec::new();
        let indices = names.into_iter().map(|name| {
            let index = KNOWN.binary_search(&name.as_c_str()).unwrap_or_else(|_| {
                others.push(name);
                KNOWN.len() + others.len() - 1
            });
            u32::try_from(index).expect("a reply has far fewer names")
        });
        Self { indices: indices.collect(), others: others.into() }
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_known_or_not() {
        assert!(KNOWN.is_sorted(), "they are searched");
        let names = ["writeKeys", "a new one", "bypassGovernance", "", "a new one"];
        let list = Capabilities::from(names.map(CText::new).to_vec());
        assert!(list.iter().eq(names));
        assert_eq!((list.others.len(), list.get(5)), (3, None));
        assert!(KNOWN.iter().all(|known| {
            let list = Capabilities::from(vec![CText::new(known.to_str().expect("it is ASCII"))]);
            list.others.is_empty() && list.get(0) == Some(known)
        }));
    }
}
