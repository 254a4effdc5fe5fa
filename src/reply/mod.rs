//! Parses replies to an authorize request: bytes in, a grant or a refusal out. Pure, and fuzzed.
//!
//! This library asks for API version 4; versions 1 to 3 are understood too, since other servers that implement B2's API
//! differ in age.

mod object;
#[cfg(not(loom))]
mod refusal_code;
mod restrictions;
#[cfg(test)]
mod tests;
mod untrusted;

use crate::diag::sanitize;
pub(crate) use crate::json::error::JsonError;
use crate::json::{self, Value};
use crate::model::grant::Grant;
use crate::model::realm::Realm;

use object::Object;
#[cfg(not(loom))]
pub(crate) use refusal_code::refusal_code;

/// The body of a refusal: what B2 says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RefusalBody {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    /// It has the form of B2's own, and so is B2's verdict; otherwise something on the way may have written it.
    pub(crate) is_b2: bool,
}

/// The minimum part size before replies had a field for it.
const FIRST_MINIMUM: u64 = 5_000_000;

/// Members that show that a reply without `apiInfo` is of version 1 or 2.
const FLAT: [&str; 5] = ["apiUrl", "downloadUrl", "allowed", "recommendedPartSize", "minimumPartSize"];

/// Parses the body of a 200. Unknown fields and the order of fields do not matter.
pub(crate) fn parse(body: &[u8], realm: &Realm) -> Result<Grant, JsonError> {
    let document = json::read(body)?;
    let root = Object::root(&document)?;
    let account_id = root.id("accountId")?.into();
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
        return Err(JsonError::of(&storage.field("absoluteMinimumPartSize"), format!("is more than {recommended}")));
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
        capabilities: restrictions.capabilities.into(),
        buckets: restrictions.buckets,
        name_prefix: restrictions.name_prefix,
        key_expires_ms: key_expires_ms(&root)?,
    })
}

fn storage_api<'a>(root: &Object<'a>) -> Result<Object<'a>, JsonError> {
    let suites = root.object("apiInfo")?;
    if !suites.has("storageApi") && (suites.has("groupsApi") || suites.has("backupApi")) {
        return Err(JsonError::of(
            &suites.field("storageApi"),
            "is missing: the key is for other services of Backblaze, not for storage",
        ));
    }
    suites.object("storageApi")
}

/// The C border has seconds, and 0 for a key that never expires: a time within the first second would become that.
fn key_expires_ms(root: &Object<'_>) -> Result<Option<i64>, JsonError> {
    const NAME: &str = "applicationKeyExpirationTimestamp";
    if let None | Some(Value::Null) = root.get(NAME)? {
        return Ok(None);
    }
    let ms = root.positive(NAME)?;
    match i64::try_from(ms) {
        Ok(ms) if ms >= 1000 => Ok(Some(ms)),
        _ => Err(JsonError::of(NAME, "is not a time in milliseconds")),
    }
}

/// Longer codes are dropped. B2's own have at most about 30 characters.
const MAX_CODE: usize = 64;
/// Longer messages are truncated; in characters.
const MAX_MESSAGE: usize = 300;

/// Parses the body of a refusal, which any proxy may have written: whatever is unreadable or empty is `None`.
///
/// `redact` removes our own secrets.
pub(crate) fn parse_refusal(body: &[u8], redact: impl Fn(&str) -> String) -> RefusalBody {
    let Ok(document) = json::read(body) else { return RefusalBody::default() };
    let Ok(root) = Object::root(&document) else { return RefusalBody::default() };
    let code = root.id("code").ok().filter(|code| code.len() <= MAX_CODE).map(str::to_owned);
    let text = match root.get("message") {
        Ok(Some(Value::Text(text))) => Some(text),
        _ => None,
    };
    let has_status = matches!(root.get("status"), Ok(Some(Value::Whole(_))));
    let is_b2 = code.is_some() && (text.is_some() || has_status);
    // More than is shown, since redacting makes it shorter.
    let message = text.map(|text| sanitize::truncate(readable(text), 10 * MAX_MESSAGE));
    let message = message.map(|text| sanitize::truncate(redact(&text), MAX_MESSAGE));
    RefusalBody { code, message: message.filter(|text| !text.is_empty()), is_b2 }
}

/// One line, with single spaces.
fn readable(text: &str) -> String {
    sanitize::single_line(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
