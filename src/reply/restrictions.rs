//! What a key may do, wherever in the reply that stands.
//!
//! v1 and v2 have it in a top-level `allowed`, v3 in `storageApi` itself, v4 in `storageApi.allowed`. A parser that looks
//! in one of them misses a restriction written in another, so all are read and must agree: an object that restricts
//! overrides one that does not, and two that restrict differently make the reply unusable.

use std::collections::BTreeSet;

use super::object::Object;
use crate::json::Value;
use crate::json::error::JsonError;
use crate::model::c_text::CText;
use crate::model::grant::Bucket;

/// What the reply as a whole allows.
pub(super) struct Restrictions {
    pub(super) capabilities: Vec<CText>,
    pub(super) buckets: Option<Vec<Bucket>>,
    pub(super) name_prefix: Option<CText>,
}

/// What one object says. The outer `None` means that the field is missing, the inner one that it restricts nothing.
#[derive(Default)]
struct Partial {
    capabilities: Option<Vec<CText>>,
    buckets: Option<Option<Vec<Bucket>>>,
    name_prefix: Option<Option<CText>>,
}

/// Reads a grouped reply (v3, v4).
pub(super) fn grouped(root: &Object<'_>, storage: &Object<'_>) -> Result<Restrictions, JsonError> {
    let allowed = Allowed::of(storage)?;
    let outside = Partial::read(storage, true)?;
    // No version has these beside `apiInfo`; a server that does means them.
    let stray = Allowed::of(root)?.read(true)?.and(Partial::read(root, true)?, root)?;
    let (incomplete, list) = match &allowed {
        Allowed::Object(object) => (object.clone(), "buckets"),
        // Only v3 has these here, so a missing field is reported where v3 has it.
        _ if storage.has("infoType") || !outside.is_empty() => (storage.clone(), "bucketId"),
        _ => (storage.clone(), "buckets"),
    };
    let merged = allowed.read(true)?.and(outside, storage)?.and(stray, root)?;
    match allowed {
        Allowed::Null => Ok(merged.or_unrestricted()),
        Allowed::Missing if merged.is_empty() && list == "buckets" => Err(storage.missing("allowed")),
        _ => merged.require_all(&incomplete, list),
    }
}

/// Reads a flat reply (v1, v2). The first form of v1 knew no restricted keys and had no `allowed`.
pub(super) fn flat(root: &Object<'_>, may_lack_allowed: bool) -> Result<Restrictions, JsonError> {
    let allowed = Allowed::of(root)?;
    let merged = allowed.read(false)?.and(Partial::read(root, false)?, root)?;
    match allowed {
        Allowed::Object(object) => merged.require_all(&object, "bucketId"),
        Allowed::Null => Ok(merged.or_unrestricted()),
        Allowed::Missing if may_lack_allowed => Ok(merged.or_unrestricted()),
        Allowed::Missing => Err(root.missing("allowed")),
    }
}

/// The member `allowed` of some object.
enum Allowed<'a> {
    Missing,
    Null,
    Object(Object<'a>),
}

impl<'a> Allowed<'a> {
    fn of(parent: &Object<'a>) -> Result<Self, JsonError> {
        match parent.get("allowed")? {
            None => Ok(Self::Missing),
            Some(Value::Null) => Ok(Self::Null),
            Some(_) => parent.object("allowed").map(Self::Object),
        }
    }

    fn read(&self, names: bool) -> Result<Partial, JsonError> {
        match self {
            Self::Object(object) => Partial::read(object, names),
            Self::Missing | Self::Null => Ok(Partial::default()),
        }
    }
}

/// v4's list. An empty one allows no bucket, which is not the same as null.
fn buckets(object: &Object<'_>) -> Result<Option<Vec<Bucket>>, JsonError> {
    if let Some(Value::Null) = object.get("buckets")? {
        return Ok(None);
    }
    let read = |bucket: Object<'_>| {
        let name = bucket.text_or_null("name")?.map(CText::new);
        Ok(Bucket { id: bucket.id("id")?.into(), name })
    };
    object.list_of_objects("buckets")?.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// The one bucket of v1 to v3. With `names` it must have a member for its name (v1 had none).
fn bucket(object: &Object<'_>, names: bool) -> Result<Option<Option<Vec<Bucket>>>, JsonError> {
    let has_name = object.has("bucketName");
    let name = if has_name { object.text_or_null("bucketName")?.map(CText::new) } else { None };
    match object.get("bucketId")? {
        None | Some(Value::Null) if name.is_some() => {
            Err(JsonError::of(&object.field("bucketId"), "is missing although bucketName is given"))
        }
        None => Ok(None),
        Some(_) if names && !has_name => Err(object.missing("bucketName")),
        Some(Value::Null) => Ok(Some(None)),
        Some(_) => Ok(Some(Some(vec![Bucket { id: object.id("bucketId")?.into(), name }]))),
    }
}

impl Partial {
    /// Reads one object. With `names` a bucket must have a member for its name (v1 had none).
    fn read(object: &Object<'_>, names: bool) -> Result<Self, JsonError> {
        let capabilities = object.has("capabilities").then(|| object.list_of_texts("capabilities")).transpose()?;
        let name_prefix = object.has("namePrefix").then(|| object.text_or_null("namePrefix")).transpose()?;
        let listed = object.has("buckets").then(|| buckets(object)).transpose()?;
        let buckets = merge(listed, bucket(object, names)?, |one, two| ids(one) == ids(two))
            .ok_or_else(|| contradiction(object, "buckets", "bucketId"))?;
        Ok(Self { capabilities, buckets, name_prefix: name_prefix.map(|prefix| prefix.map(CText::new)) })
    }

    fn is_empty(&self) -> bool {
        self.capabilities.is_none() && self.buckets.is_none() && self.name_prefix.is_none()
    }

    /// Both together, where `other` was read from `object`.
    fn and(self, other: Self, object: &Object<'_>) -> Result<Self, JsonError> {
        let refuse = |name| move || contradiction(object, name, "another part of the reply");
        let capabilities =
            merge(self.capabilities.map(Some), other.capabilities.map(Some), |one, two| set(one) == set(two))
                .ok_or_else(refuse("capabilities"))?
                .flatten();
        let buckets =
            merge(self.buckets, other.buckets, |one, two| ids(one) == ids(two)).ok_or_else(refuse("bucketId"))?;
        let name_prefix = merge(self.name_prefix, other.name_prefix, CText::eq).ok_or_else(refuse("namePrefix"))?;
        Ok(Self { capabilities, buckets, name_prefix })
    }

    /// For a reply that may leave fields out: a missing restriction is none, a missing list of capabilities is empty.
    fn or_unrestricted(self) -> Restrictions {
        Restrictions {
            capabilities: self.capabilities.unwrap_or_default(),
            buckets: self.buckets.flatten(),
            name_prefix: self.name_prefix.flatten(),
        }
    }

    /// For a reply that must have every field: one that is missing is reported at `object`, whose member for buckets is
    /// called `buckets`.
    fn require_all(self, object: &Object<'_>, buckets: &str) -> Result<Restrictions, JsonError> {
        Ok(Restrictions {
            capabilities: self.capabilities.ok_or_else(|| object.missing("capabilities"))?,
            buckets: self.buckets.ok_or_else(|| object.missing(buckets))?,
            name_prefix: self.name_prefix.ok_or_else(|| object.missing("namePrefix"))?,
        })
    }
}

/// What two objects say together, or `None` if they contradict each other.
fn merge<T>(
    one: Option<Option<T>>,
    two: Option<Option<T>>,
    same: impl FnOnce(&T, &T) -> bool,
) -> Option<Option<Option<T>>> {
    match (one, two) {
        (Some(Some(one)), Some(Some(two))) => same(&one, &two).then_some(Some(Some(one))),
        (Some(Some(one)), _) | (_, Some(Some(one))) => Some(Some(Some(one))),
        (Some(None), _) | (_, Some(None)) => Some(Some(None)),
        (None, None) => Some(None),
    }
}

fn ids(buckets: &[Bucket]) -> BTreeSet<&str> {
    buckets.iter().map(|bucket| bucket.id.as_str()).collect()
}

fn set(texts: &[CText]) -> BTreeSet<&str> {
    texts.iter().map(CText::as_str).collect()
}

fn contradiction(object: &Object<'_>, name: &str, other: &str) -> JsonError {
    JsonError::of(&object.field(name), format!("contradicts {other}"))
}
