use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::Arc;

use super::boundary::{bytes, catch_panic, pointer};
use crate::api::rust;
use crate::model::c_text::CText;
use crate::model::grant::Bucket;
use crate::model::session::Session;

/// What B2 granted: an immutable, reference-counted snapshot. Any thread may
/// read it; a refresh makes a new one, and this one stays readable until it is
/// freed.
pub struct b2_session {
    _opaque: [u8; 0],
}

/// A handle is a cast of `Arc::into_raw`, so that a cache hit allocates nothing.
impl b2_session {
    /// Gives the caller a reference of its own.
    pub(super) fn into_raw(session: Arc<Session>) -> *mut Self {
        Arc::into_raw(session).cast::<Self>().cast_mut()
    }

    /// The session behind a handle; none for NULL.
    ///
    /// # Safety
    /// `handle` is NULL, or came from `into_raw` and is valid for `'a`.
    pub(super) unsafe fn get<'a>(handle: *const Self) -> Option<&'a Session> {
        // SAFETY: the caller vouches for it.
        unsafe { handle.cast::<Session>().as_ref() }
    }
}

/// What a getter returns for a session; `none` for NULL.
///
/// # Safety
/// As [`b2_session::get`].
unsafe fn field<'a, T>(session: *const b2_session, none: T, field: impl FnOnce(&'a Session) -> T) -> T {
    // SAFETY: the caller vouches for the handle.
    unsafe { b2_session::get(session) }.map_or(none, field)
}

/// # Safety
/// As [`b2_session::get`].
unsafe fn text<'a>(session: *const b2_session, field: impl FnOnce(&'a Session) -> Option<&'a CText>) -> *const c_char {
    // SAFETY: the caller vouches for the handle.
    pointer(unsafe { b2_session::get(session) }.and_then(field))
}

fn bucket(session: &Session, index: usize) -> Option<&Bucket> {
    session.grant().buckets.as_ref()?.get(index)
}

/// Returns the account's ID, as B2 returned it (accountId of
/// b2_authorize_account's reply). Belongs to the session. NULL for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_account_id(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| Some(&session.grant().account_id)) }
}

/// Returns the key ID, as the call used it. Belongs to the session. NULL for
/// NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_key_id(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| Some(session.key_id_c_text())) }
}

/// Returns the realm that granted the session: a base URL, normalised. Belongs
/// to the session. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_realm(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| Some(session.realm_c_text())) }
}

/// Returns the token (authorizationToken of the reply). Send it as the complete
/// value of the Authorization header; no "Bearer" or "Basic" prefix. A secret.
/// Belongs to the session, and is wiped when its last reference is freed. NULL
/// for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_authorization_token(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| Some(&session.grant().token)) }
}

/// Returns the base URL of all calls but uploads and downloads, without a
/// trailing slash (apiInfo.storageApi.apiUrl of the reply). Belongs to the
/// session. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_api_url(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| Some(&session.grant().api_url)) }
}

/// Returns the base URL of downloads, without a trailing slash
/// (apiInfo.storageApi.downloadUrl of the reply). Belongs to the session. NULL
/// for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_download_url(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| Some(&session.grant().download_url)) }
}

/// Returns the base URL of the S3-compatible API; NULL if B2 returned none
/// (apiInfo.storageApi.s3ApiUrl of the reply). Belongs to the session. NULL for
/// NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_s3_api_url(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| session.grant().s3_api_url.as_ref()) }
}

/// Returns the S3 region, such as "us-west-004"; NULL if the S3 URL does not
/// contain it. Belongs to the session. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_s3_region(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    catch_panic(ptr::null(), || unsafe { text(session, Session::s3_region_c_text) })
}

/// Returns B2's recommended size for the parts of a large file, in bytes
/// (apiInfo.storageApi.recommendedPartSize of the reply). 0 for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_recommended_part_size(session: *const b2_session) -> u64 {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, 0, Session::recommended_part_size) }
}

/// Returns the minimum size for the parts of a large file but the last, in
/// bytes (apiInfo.storageApi.absoluteMinimumPartSize of the reply). 0 for NULL.
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_absolute_minimum_part_size(session: *const b2_session) -> u64 {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, 0, Session::absolute_minimum_part_size) }
}

/// Returns how many capabilities the key has (allowed.capabilities of the
/// reply). 0 for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_capability_count(session: *const b2_session) -> usize {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, 0, |session| session.grant().capabilities.len()) }
}

/// Returns a capability by its index, such as "readFiles". Belongs to the
/// session. NULL for NULL, and past the end. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_capability(session: *const b2_session, index: usize) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, None, |session| session.grant().capabilities.get(index)) }.map_or(ptr::null(), CStr::as_ptr)
}

/// Returns 1 if the key has that capability, else 0. 0 if either is NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_has_capability(session: *const b2_session, capability: *const c_char) -> c_int {
    // SAFETY: the caller's string and handle are NULL or valid.
    let (wanted, session) = unsafe { (bytes(capability), b2_session::get(session)) };
    let has = session.is_some_and(|session| session.capabilities().any(|one| one.as_bytes() == wanted));
    c_int::from(has && !capability.is_null())
}

/// Returns 1 if the key is restricted to some buckets (allowed.buckets of the
/// reply), even if their list is empty, else 0. -1 for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_is_bucket_restricted(session: *const b2_session) -> c_int {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, -1, |session| c_int::from(session.grant().buckets.is_some())) }
}

/// Returns how many buckets a restricted key may use; 0 for a key that is not
/// restricted. 0 for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_bucket_count(session: *const b2_session) -> usize {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, 0, |session| session.grant().buckets.as_ref().map_or(0, Vec::len)) }
}

/// Returns the ID of a bucket by its index. Belongs to the session. NULL for
/// NULL, and past the end. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_bucket_id(session: *const b2_session, index: usize) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| bucket(session, index).map(|bucket| &bucket.id)) }
}

/// Returns the name of a bucket by its index; NULL if the bucket is gone or its
/// name is hidden from the key. Belongs to the session. NULL for NULL, and past
/// the end. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_bucket_name(session: *const b2_session, index: usize) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| bucket(session, index).and_then(|bucket| bucket.name.as_ref())) }
}

/// Returns the prefix that the names of all files must have that the key may use
/// (allowed.namePrefix of the reply); NULL if there is no such restriction.
/// Belongs to the session. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_name_prefix(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { text(session, |session| session.grant().name_prefix.as_ref()) }
}

/// Returns when the token expires, in Unix seconds: 24 hours after it was
/// requested, since B2 documents a token as valid for at most that, or with the
/// key if that is sooner. B2 may end it before. -1 for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_expires_at(session: *const b2_session) -> i64 {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, -1, Session::expires_at) }
}

/// Returns when the application key itself expires, in Unix seconds
/// (applicationKeyExpirationTimestamp of the reply, which is in milliseconds);
/// 0 for never. -1 for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_key_expires_at(session: *const b2_session) -> i64 {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, -1, |session| session.key_expires_at().unwrap_or(0)) }
}

/// Returns the seconds until the token expires: the smaller of the wall-clock and
/// the boot-clock value (the boot clock counts while the machine sleeps).
/// Returns 0 from 60 s before expiry on (10 % of the lifetime if that is under
/// ten minutes). -1 for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_seconds_left(session: *const b2_session) -> i64 {
    // SAFETY: the caller's handle is NULL or valid.
    unsafe { field(session, -1, |session| i64::try_from(rust::seconds_left(session)).unwrap_or(i64::MAX)) }
}

/// Returns all of the above as one flat JSON object under the names of B2's v4
/// reply, with allowed{} and with expiresAt in seconds. It contains the token:
/// a secret. Belongs to the session. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_json(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or valid.
    catch_panic(ptr::null(), || unsafe { text(session, |session| Some(session.json_c_text())) })
}

/// Forgets this session's token: the next call for its key asks B2. Does
/// nothing if the cache has a newer one, or for NULL. A request in flight for
/// the key is returned to its callers, but not cached. The session stays
/// readable. If the token is in a shared store (the option store), it is
/// removed from there too, so that no other process takes it: that may block,
/// for at most one second. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_invalidate(session: *const b2_session) {
    // SAFETY: the caller's handle is NULL or valid.
    catch_panic((), || unsafe { field(session, (), rust::invalidate) });
}

/// Returns another reference to the same session. Caller frees it with
/// b2_session_free(). NULL for NULL. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_retain(session: *const b2_session) -> *mut b2_session {
    if !session.is_null() {
        // SAFETY: the handle came from Arc::into_raw, and the caller has a reference during the call.
        unsafe { Arc::increment_strong_count(session.cast::<Session>()) };
    }
    session.cast_mut()
}

/// Frees one reference; with the last one the token is wiped, unless the cache
/// has it too. NULL is ignored. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_free(session: *mut b2_session) {
    if !session.is_null() {
        // SAFETY: the handle came from Arc::into_raw, and the caller gives up its reference.
        drop(unsafe { Arc::from_raw(session.cast_const().cast::<Session>()) });
    }
}
