//! Values that are more than a number or a word.

use std::sync::Arc;

use super::{CacheMode, Diagnosed, Options};
use crate::diag::error::Error;
use crate::model::proxy::Proxy;
use crate::model::realm::Realm;
use crate::model::store_url::{StoreChoice, StoreUrl};
use crate::platform::environment;

/// Why a value is not valid.
pub(super) struct Invalid {
    pub(super) reason: String,
    pub(super) hint: Option<String>,
    /// The value is valid, but not for this build.
    pub(super) lacks_engine: bool,
}

impl Invalid {
    pub(super) fn with_hint(reason: impl Into<String>, hint: Option<String>) -> Self {
        Self { reason: reason.into(), hint, lacks_engine: false }
    }
}

impl From<&str> for Invalid {
    fn from(reason: &str) -> Self {
        Self::with_hint(reason, None)
    }
}

pub(super) fn reset_realm(options: &mut Options) {
    options.realm = default_realm();
    options.realm_is_default = !environment::is_set("B2_ENVIRONMENT");
}

/// What `B2_ENVIRONMENT` names. An invalid value there fails the call, not the making of its options.
fn default_realm() -> Result<Realm, Error> {
    let Some(value) = environment::raw("B2_ENVIRONMENT") else { return Ok(Realm::production()) };
    let invalid = |reason| Error::invalid(format!("B2_ENVIRONMENT in the environment is not a valid realm: {reason}"));
    let text = value.to_str().ok_or_else(|| invalid("it is not UTF-8"))?;
    if text.trim_ascii().is_empty() {
        return Ok(Realm::production());
    }
    Realm::parse(text).map_err(|error| invalid(error.reason).append_hint(error.hint))
}

pub(super) fn set_realm(options: &mut Options, value: &str) -> Result<(), Invalid> {
    let realm = Realm::parse(value).map_err(|error| Invalid::with_hint(error.reason, error.hint))?;
    options.realm = Ok(realm);
    options.realm_is_default = false;
    Ok(())
}

pub(super) fn set_profile(options: &mut Options, value: &str) -> Result<(), Invalid> {
    if options.account_info.is_some() {
        return Err("cannot be combined with account_info".into());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if value.len() > 64 || !value.bytes().all(is_plain) {
        return Err("must be 1 to 64 letters, digits, - or _".into());
    }
    options.profile = Some(value.to_owned());
    Ok(())
}

pub(super) fn set_account_info(options: &mut Options, value: &str) -> Result<(), Invalid> {
    if options.profile.is_some() {
        return Err("cannot be combined with profile".into());
    }
    options.account_info = Some(value.into());
    Ok(())
}

pub(super) fn set_cache(options: &mut Options, value: &str) {
    options.cache = match value {
        "refresh" => CacheMode::Refresh,
        "bypass" => CacheMode::Bypass,
        _ => CacheMode::Use,
    };
}

pub(super) fn set_diagnose(options: &mut Options, value: &str) {
    options.diagnose = match value {
        "store" => Diagnosed::Store,
        "purge" => Diagnosed::Purge,
        _ => Diagnosed::All,
    };
}

pub(super) fn set_store(options: &mut Options, value: &str) -> Result<(), Invalid> {
    options.store = match value {
        "none" => StoreChoice::None,
        text => {
            let url = StoreUrl::parse(text).map_err(Invalid::from)?;
            if let Some((reason, hint)) = url.missing_engine() {
                return Err(Invalid { lacks_engine: true, ..Invalid::with_hint(reason, Some(hint)) });
            }
            StoreChoice::At(Arc::new(url))
        }
    };
    Ok(())
}

pub(super) fn set_proxy(options: &mut Options, value: &str) -> Result<(), Invalid> {
    const FORM: &str = "a proxy's URL is http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT, percent-encoded";
    let invalid = |reason: &str| Invalid::with_hint(reason, Some(FORM.to_owned()));
    options.proxy = Proxy::parse(value).map_err(invalid)?;
    Ok(())
}

pub(super) fn set_ca_file(options: &mut Options, value: &str) -> Result<(), Invalid> {
    options.ca_file = Some(value.into());
    Ok(())
}

pub(super) fn set_user_agent(options: &mut Options, value: &str) -> Result<(), Invalid> {
    if value.len() > 256 || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("must be product/version in at most 256 visible ASCII characters".into());
    }
    options.user_agent = Some(value.to_owned());
    Ok(())
}
