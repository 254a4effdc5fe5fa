//! What a key may do, wherever in the reply it is said.
//!
//! v1 and v2 say it in `allowed` at the top, v3 in `storageApi` itself, v4 in `storageApi.allowed`. A reader that looks
//! in one place takes a restriction said in another for none at all, so all of them are read and must agree: a place
//! that restricts stands against one that does not, and two that restrict differently make the reply unusable.

use std::collections::BTreeSet;

use super::Bucket;
use super::object::Place;
use crate::json::Value;
use crate::json::error::Flaw;

/// What the reply as a whole allows.
pub(super) struct Restrictions {
    pub(super) capabilities: Vec<String>,
    pub(super) buckets: Option<Vec<Bucket>>,
    pub(super) name_prefix: Option<String>,
}

/// What one place says. The outer `None` is silence, the inner one says that there is no such restriction.
#[derive(Default)]
struct Said {
    capabilities: Option<Vec<String>>,
    buckets: Option<Option<Vec<Bucket>>>,
    name_prefix: Option<Option<String>>,
}

/// Reads a grouped reply (v3, v4).
pub(super) fn grouped(root: &Place<'_>, storage: &Place<'_>) -> Result<Restrictions, Flaw> {
    let allowed = Allowed::of(storage)?;
    let outside = said_at(storage, true)?;
    // No version says it there beside `apiInfo`; a server that does means something by it.
    let stray = Allowed::of(root)?.said(true)?.and(said_at(root, true)?, root)?;
    let (silent, list) = match &allowed {
        Allowed::At(place) => (place.clone(), "buckets"),
        // Only v3 has these here, so what it lacks is looked for where v3 has it.
        _ if storage.has("infoType") || !outside.is_silent() => (storage.clone(), "bucketId"),
        _ => (storage.clone(), "buckets"),
    };
    let said = allowed.said(true)?.and(outside, storage)?.and(stray, root)?;
    match allowed {
        Allowed::Null => Ok(said.or_free()),
        Allowed::Missing if said.is_silent() && list == "buckets" => Err(storage.missing("allowed")),
        _ => said.complete(&silent, list),
    }
}

/// Reads a flat reply (v1, v2). The first form of v1 knew no restricted keys and had no `allowed`.
pub(super) fn flat(root: &Place<'_>, may_lack_allowed: bool) -> Result<Restrictions, Flaw> {
    let allowed = Allowed::of(root)?;
    let said = allowed.said(false)?.and(said_at(root, false)?, root)?;
    match allowed {
        Allowed::At(place) => said.complete(&place, "bucketId"),
        Allowed::Null => Ok(said.or_free()),
        Allowed::Missing if may_lack_allowed => Ok(said.or_free()),
        Allowed::Missing => Err(root.missing("allowed")),
    }
}

/// The member `allowed` of some object.
enum Allowed<'a> {
    Missing,
    Null,
    At(Place<'a>),
}

impl<'a> Allowed<'a> {
    fn of(place: &Place<'a>) -> Result<Self, Flaw> {
        match place.get("allowed")? {
            None => Ok(Self::Missing),
            Some(Value::Null) => Ok(Self::Null),
            Some(_) => place.object("allowed").map(Self::At),
        }
    }

    fn said(&self, names: bool) -> Result<Said, Flaw> {
        match self {
            Self::At(place) => said_at(place, names),
            Self::Missing | Self::Null => Ok(Said::default()),
        }
    }
}

/// What this very object says. `names`: a bucket must have a member for its name (v1 had none).
fn said_at(place: &Place<'_>, names: bool) -> Result<Said, Flaw> {
    let capabilities = place.has("capabilities").then(|| place.list_of_texts("capabilities")).transpose()?;
    let name_prefix = place.has("namePrefix").then(|| place.text_or_null("namePrefix")).transpose()?;
    let listed = place.has("buckets").then(|| buckets(place)).transpose()?;
    let buckets = agreed(listed, bucket(place, names)?, |one, two| ids(one) == ids(two))
        .ok_or_else(|| contradiction(place, "buckets", "bucketId"))?;
    Ok(Said { capabilities, buckets, name_prefix: name_prefix.map(|prefix| prefix.map(str::to_owned)) })
}

/// v4's list. An empty one allows no bucket, which is not the same as null.
fn buckets(place: &Place<'_>) -> Result<Option<Vec<Bucket>>, Flaw> {
    if let Some(Value::Null) = place.get("buckets")? {
        return Ok(None);
    }
    let read = |bucket: Place<'_>| {
        let name = bucket.text_or_null("name")?.map(str::to_owned);
        Ok(Bucket { id: bucket.id("id")?.to_owned(), name })
    };
    place.list_of_objects("buckets")?.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// The one bucket of v1 to v3.
fn bucket(place: &Place<'_>, names: bool) -> Result<Option<Option<Vec<Bucket>>>, Flaw> {
    let has_name = place.has("bucketName");
    let name = if has_name { place.text_or_null("bucketName")?.map(str::to_owned) } else { None };
    match place.get("bucketId")? {
        None | Some(Value::Null) if name.is_some() => {
            Err(Flaw::of(&place.field("bucketId"), "is missing although bucketName is given"))
        }
        None => Ok(None),
        Some(_) if names && !has_name => Err(place.missing("bucketName")),
        Some(Value::Null) => Ok(Some(None)),
        Some(_) => Ok(Some(Some(vec![Bucket { id: place.id("bucketId")?.to_owned(), name }]))),
    }
}

impl Said {
    fn is_silent(&self) -> bool {
        self.capabilities.is_none() && self.buckets.is_none() && self.name_prefix.is_none()
    }

    /// Both together, `other` being what was said at `place`.
    fn and(self, other: Self, place: &Place<'_>) -> Result<Self, Flaw> {
        let refuse = |name| move || contradiction(place, name, "another place of the answer");
        let capabilities =
            agreed(self.capabilities.map(Some), other.capabilities.map(Some), |one, two| set(one) == set(two))
                .ok_or_else(refuse("capabilities"))?
                .flatten();
        let buckets =
            agreed(self.buckets, other.buckets, |one, two| ids(one) == ids(two)).ok_or_else(refuse("bucketId"))?;
        let name_prefix = agreed(self.name_prefix, other.name_prefix, String::eq).ok_or_else(refuse("namePrefix"))?;
        Ok(Self { capabilities, buckets, name_prefix })
    }

    /// For a reply that may leave this out: silence is no restriction, and no list of capabilities an empty one.
    fn or_free(self) -> Restrictions {
        Restrictions {
            capabilities: self.capabilities.unwrap_or_default(),
            buckets: self.buckets.flatten(),
            name_prefix: self.name_prefix.flatten(),
        }
    }

    /// For a reply that must say it all: silence is a fault of `place`, where buckets go by the name `buckets`.
    fn complete(self, place: &Place<'_>, buckets: &str) -> Result<Restrictions, Flaw> {
        Ok(Restrictions {
            capabilities: self.capabilities.ok_or_else(|| place.missing("capabilities"))?,
            buckets: self.buckets.ok_or_else(|| place.missing(buckets))?,
            name_prefix: self.name_prefix.ok_or_else(|| place.missing("namePrefix"))?,
        })
    }
}

/// What two places say together, or `None` if they contradict each other.
fn agreed<T>(
    one: Option<Option<T>>,
    two: Option<Option<T>>,
    same: impl FnOnce(&T, &T) -> bool,
) -> Option<Option<Option<T>>> {
    match (one, two) {
        (Some(Some(one)), Some(Some(two))) => same(&one, &two).then_some(Some(Some(one))),
        (Some(Some(said)), _) | (_, Some(Some(said))) => Some(Some(Some(said))),
        (Some(None), _) | (_, Some(None)) => Some(Some(None)),
        (None, None) => Some(None),
    }
}

fn ids(buckets: &[Bucket]) -> BTreeSet<&str> {
    buckets.iter().map(|bucket| bucket.id.as_str()).collect()
}

fn set(texts: &[String]) -> BTreeSet<&str> {
    texts.iter().map(String::as_str).collect()
}

fn contradiction(place: &Place<'_>, name: &str, other: &str) -> Flaw {
    Flaw::of(&place.field(name), format!("contradicts {other}"))
}
