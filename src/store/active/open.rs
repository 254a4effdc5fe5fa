//! Which store a call uses, and the engine for it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ring::digest::{SHA256, digest};

use super::apart;
use super::call::StoreCall;
use super::engine::{Engine, Trouble};
use super::seal::Keys;
use crate::diag::error::{Error, Status};
use crate::diag::level::Level;
use crate::model::store_url::{StorePlace, StoreUrl};
use crate::platform::file;
use crate::ports::limits::Limits;
use crate::store::choice;
use crate::store::record::Name;
use crate::store::request::StoreRequest;

/// Ten times the size of a system's bundle.
const MAX_CA_FILE: u64 = 4 * 1024 * 1024;

/// The digest of a file.
type Digest = [u8; 32];

/// The store that a request uses, if it uses one. It is not touched yet.
///
/// # Errors
/// If the environment names a store that is not valid, or one that this build has no engine for.
pub(crate) fn open(request: StoreRequest<'_>) -> Result<Option<StoreCall<'_>>, Error> {
    let Some(url) = choice::url(request.options)? else { return Ok(None) };
    let trust = match &request.options.ca_file {
        None => Vec::new(),
        Some(path) => match digest_of(path, &request.limits) {
            Some(digest) => digest.to_vec(),
            None if request.options.store_required => {
                return Err(Error::new(
                    Status::StoreError,
                    format!("the token store cannot be used: the CA file {} cannot be read", path.display()),
                ));
            }
            // The request itself will say what is wrong with it.
            None => {
                let line = format_args!("the token store is not used: the CA file {} cannot be read", path.display());
                (request.log)(Level::Warn, line);
                return Ok(None);
            }
        },
    };
    let keys = Keys::derive(request.application_key, request.realm, request.key_id, &trust);
    Ok(Some(StoreCall::new(request, url, keys)))
}

/// The engine for a name of that store, its folder looked at, its server not yet called.
pub(super) fn engine(
    url: &Arc<StoreUrl>,
    name: Name,
    ca_file: Option<&Path>,
    limits: &Limits<'_>,
) -> Result<Box<dyn Engine>, Trouble> {
    match &url.place {
        #[cfg(feature = "store-file")]
        StorePlace::Files(folder) => Ok(Box::new(super::files::Files::open(folder, name, limits)?)),
        #[cfg(feature = "store-redis")]
        StorePlace::Redis(_) => Ok(Box::new(super::redis::Redis::new(Arc::clone(url), name, ca_file))),
        #[allow(unreachable_patterns, reason = "one engine may be left out")]
        _ => {
            let _ = (name, ca_file, limits);
            Err(Trouble::lasting("this build has no engine for it"))
        }
    }
}

/// The digest of a CA file, on a thread that the caller can leave.
fn digest_of(path: &Path, limits: &Limits<'_>) -> Option<Digest> {
    let owned = path.to_owned();
    let read = move || {
        let mut bytes = Vec::new();
        let file: File = file::open(&owned)?;
        file.take(MAX_CA_FILE).read_to_end(&mut bytes).map(|_| digest(&SHA256, &bytes))
    };
    let found = apart::run(limits, move || read().map_err(|_| Trouble::lasting("it cannot be read")));
    found.ok()?.as_ref().try_into().ok()
}
