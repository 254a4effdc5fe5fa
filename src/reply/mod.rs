//! Reads what B2 answers to an authorize request: bytes in, a grant or a refusal out, no I/O.
//!
//! v4 is what this library asks for; v1 to v3 are understood, since servers that speak B2's language differ in age.

mod object;
mod restrictions;
#[cfg(test)]
mod tests;
mod untrusted;

use std::fmt;

use zeroize::Zeroizing;

use crate::model::realm::Realm;

use crate::diag::sanitize;
pub(crate) use crate::json::error::Flaw;
use crate::json::{self, Value};
use object::Place;

/// What B2 grants to a key, checked: safe to hand through C and to use as it is.
pub(crate) struct Grant {
    pub(crate) account_id: String,
    pub(crate) token: Zeroizing<String>,
    pub(crate) api_url: String,
    pub(crate) download_url: String,
    pub(crate) s3_api_url: Option<String>,
    pub(crate) recommended_part_size: u64,
    pub(crate) absolute_minimum_part_size: u64,
    /// Empty also where B2 named none because it restricts nothing (`allowed` null, or v1's first form).
    pub(crate) capabilities: Vec<String>,
    /// `None`: every bucket. An empty list: no bucket.
    pub(crate) buckets: Option<Vec<Bucket>>,
    pub(crate) name_prefix: Option<String>,
    /// When the key ends, in milliseconds since 1970; `None` if it does not.
    pub(crate) key_expires_ms: Option<i64>,
}

/// A bucket that the key may touch. It has no name if it is gone or hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// What B2 says of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RefusalBody {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

/// The least part size before B2 began to say it.
const FIRST_MINIMUM: u64 = 5_000_000;

/// Members by which a reply without `apiInfo` shows that it is v1 or v2.
const FLAT: [&str; 5] = ["apiUrl", "downloadUrl", "allowed", "recommendedPartSize", "minimumPartSize"];

/// Reads the body of a 200. Unknown fields and the order of fields do not matter.
pub(crate) fn parse(body: &[u8], realm: &Realm) -> Result<Grant, Flaw> {
    let document = json::read(body)?;
    let root = Place::root(&document)?;
    let account_id = root.id("accountId")?.to_owned();
    let token = untrusted::token(&root, "authorizationToken")?;
    let flat = !root.has("apiInfo") && FLAT.iter().any(|name| root.has(name));
    let storage = if flat { root.clone() } else { storage_api(&root)? };
    // Only v1 has it, and v1's first form has neither of the sizes that replaced it.
    let v1 = flat && root.has("minimumPartSize");
    let first_form = v1 && !root.has("recommendedPartSize");
    let recommended = if first_form { "minimumPartSize" } else { "recommendedPartSize" };
    let recommended_part_size = storage.positive(recommended)?;
    let absolute_minimum_part_size = if first_form && !root.has("absoluteMinimumPartSize") {
        FIRST_MINIMUM.min(recommended_part_size)
    } else {
        storage.positive("absoluteMinimumPartSize")?
    };
    if absolute_minimum_part_size > recommended_part_size {
        return Err(Flaw::of(&storage.field("absoluteMinimumPartSize"), format!("is more than {recommended}")));
    }
    let restrictions = if flat { restrictions::flat(&root, v1)? } else { restrictions::grouped(&root, &storage)? };
    Ok(Grant {
        account_id,
        token,
        api_url: untrusted::url(&storage, "apiUrl", realm)?,
        download_url: untrusted::url(&storage, "downloadUrl", realm)?,
        s3_api_url: untrusted::url_if_any(&storage, "s3ApiUrl", realm)?,
        recommended_part_size,
        absolute_minimum_part_size,
        capabilities: restrictions.capabilities,
        buckets: restrictions.buckets,
        name_prefix: restrictions.name_prefix,
        key_expires_ms: key_expires_ms(&root)?,
    })
}

fn storage_api<'a>(root: &Place<'a>) -> Result<Place<'a>, Flaw> {
    let suites = root.object("apiInfo")?;
    if !suites.has("storageApi") && (suites.has("groupsApi") || suites.has("backupApi")) {
        return Err(Flaw::of(
            &suites.field("storageApi"),
            "is missing: the key is for other services of Backblaze, not for storage",
        ));
    }
    suites.object("storageApi")
}

/// The C border says seconds, and 0 for a key that never ends: a time in the first second would turn into that.
fn key_expires_ms(root: &Place<'_>) -> Result<Option<i64>, Flaw> {
    const NAME: &str = "applicationKeyExpirationTimestamp";
    if let None | Some(Value::Null) = root.get(NAME)? {
        return Ok(None);
    }
    let ms = root.positive(NAME)?;
    match i64::try_from(ms) {
        Ok(ms) if ms >= 1000 => Ok(Some(ms)),
        _ => Err(Flaw::of(NAME, "is no time in milliseconds")),
    }
}

/// The longest code kept. B2's own have at most about 30 characters.
const LONGEST_CODE: usize = 64;
/// The longest message kept, in characters.
const LONGEST_MESSAGE: usize = 300;

/// Reads the body of a refusal, which may have passed any proxy: what is unreadable or empty is `None`.
///
/// `mask` takes our own secrets out of the message. It must see the whole of it: the part of a secret that is left
/// where a long message is cut looks like none.
pub(crate) fn parse_refusal(body: &[u8], mask: impl Fn(&str) -> String) -> RefusalBody {
    let Ok(document) = json::read(body) else { return RefusalBody::default() };
    let Ok(root) = Place::root(&document) else { return RefusalBody::default() };
    let code = root.id("code").ok().filter(|code| code.len() <= LONGEST_CODE).map(str::to_owned);
    let message = match root.get("message") {
        Ok(Some(Value::Text(text))) => {
            Some(sanitize::shortened(mask(&readable(text)), LONGEST_MESSAGE)).filter(|text| !text.is_empty())
        }
        _ => None,
    };
    RefusalBody { code, message }
}

/// One line, without gaps.
fn readable(text: &str) -> String {
    sanitize::line(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
