use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::Arc;

use super::boundary::{bytes, caught, pointer};
use crate::model::session::{Bucket, Session};
use crate::process;

/// What B2 granted: an immutable, reference-counted snapshot. Any thread may
/// read it; a refresh makes a new one, and this stays as it is until it is
/// freed.
pub struct b2_session {
    _opaque: [u8; 0],
}

impl b2_session {
    /// Gives the caller a reference of its own.
    pub(super) fn hand_out(session: Arc<Session>) -> *mut Self {
        Arc::into_raw(session).cast::<Self>().cast_mut()
    }

    /// The session behind a handle; none for NULL.
    ///
    /// # Safety
    /// `handle` is NULL, or came from `hand_out` and lives for `'a`.
    pub(super) unsafe fn read<'a>(handle: *const Self) -> Option<&'a Session> {
        // SAFETY: the caller vouches for it.
        unsafe { handle.cast::<Session>().as_ref() }
    }
}

/// What a getter answers for a session: `none` for NULL.
///
/// # Safety
/// As [`b2_session::read`].
unsafe fn get<'a, T>(session: *const b2_session, none: T, field: impl FnOnce(&'a Session) -> T) -> T {
    // SAFETY: the caller vouches for the handle.
    unsafe { b2_session::read(session) }.map_or(none, field)
}

/// # Safety
/// As [`b2_session::read`].
unsafe fn get_text<'a>(
    session: *const b2_session,
    field: impl FnOnce(&'a Session) -> Option<&'a CStr>,
) -> *const c_char {
    // SAFETY: the caller vouches for the handle.
    pointer(unsafe { b2_session::read(session) }.and_then(field))
}

/// The account's id, as B2 answered it (accountId of b2_authorize_account's
/// reply). Belongs to the session. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_account_id(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| Some(session.account_id())) }
}

/// The key id, as the call used it. Belongs to the session. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_key_id(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| Some(session.key_id())) }
}

/// The realm that granted the session: a base URL, normalised. Belongs to the
/// session. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_realm(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| Some(session.realm())) }
}

/// The token (authorizationToken of the reply): the whole value of the
/// Authorization header of B2's other calls, without a word before it. A
/// secret. Belongs to the session, and is wiped when the last reference to it
/// goes. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_authorization_token(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| Some(session.authorization_token())) }
}

/// Base URL of all calls but uploads and downloads, without a trailing slash
/// (apiInfo.storageApi.apiUrl of the reply). Belongs to the session. NULL for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_api_url(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| Some(session.api_url())) }
}

/// Base URL of downloads, without a trailing slash
/// (apiInfo.storageApi.downloadUrl of the reply). Belongs to the session. NULL
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_download_url(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| Some(session.download_url())) }
}

/// Base URL of the S3-compatible API; NULL if B2 gave none
/// (apiInfo.storageApi.s3ApiUrl of the reply). Belongs to the session. NULL
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_s3_api_url(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, Session::s3_api_url) }
}

/// The S3 region, such as "us-west-004"; NULL if the S3 URL does not tell it.
/// Belongs to the session. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_s3_region(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, Session::s3_region) }
}

/// B2's recommended size of a large file's parts, in bytes
/// (apiInfo.storageApi.recommendedPartSize of the reply). 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_recommended_part_size(session: *const b2_session) -> u64 {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, 0, Session::recommended_part_size) }
}

/// The least size of a large file's parts but the last, in bytes
/// (apiInfo.storageApi.absoluteMinimumPartSize of the reply). 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_absolute_minimum_part_size(session: *const b2_session) -> u64 {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, 0, Session::absolute_minimum_part_size) }
}

/// How many capabilities the key has (allowed.capabilities of the reply). 0
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_capability_count(session: *const b2_session) -> usize {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, 0, |session| session.capabilities().len()) }
}

/// A capability in B2's words, such as "readFiles". Belongs to the session.
/// NULL for NULL, and past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_capability(session: *const b2_session, index: usize) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| session.capabilities().get(index).map(CString::as_c_str)) }
}

/// 1 if the key has that capability, else 0; 0 if either is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_has_capability(session: *const b2_session, capability: *const c_char) -> c_int {
    // SAFETY: the caller's string and handle are NULL or live.
    let (wanted, session) = unsafe { (bytes(capability), b2_session::read(session)) };
    let has = session.is_some_and(|session| session.capabilities().iter().any(|one| one.as_bytes() == wanted));
    c_int::from(has && !capability.is_null())
}

/// 1 if the key is restricted to some buckets (allowed.buckets of the reply),
/// even where their list is empty, else 0. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_is_bucket_restricted(session: *const b2_session) -> c_int {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, -1, |session| c_int::from(session.buckets().is_some())) }
}

/// How many buckets a restricted key may use; 0 for a key that is not
/// restricted. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_bucket_count(session: *const b2_session) -> usize {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, 0, |session| session.buckets().map_or(0, <[Bucket]>::len)) }
}

/// The id of a bucket. Belongs to the session. NULL for NULL, and past the
/// end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_bucket_id(session: *const b2_session, index: usize) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| bucket(session, index).map(|bucket| bucket.id.as_c_str())) }
}

/// The name of a bucket; NULL if the bucket is gone or its name is hidden from
/// the key. Belongs to the session. NULL for NULL, and past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_bucket_name(session: *const b2_session, index: usize) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, |session| bucket(session, index).and_then(|bucket| bucket.name.as_deref())) }
}

fn bucket(session: &Session, index: usize) -> Option<&Bucket> {
    session.buckets().and_then(|buckets| buckets.get(index))
}

/// What the names of all files that the key may use begin with
/// (allowed.namePrefix of the reply); NULL if they may begin with anything.
/// Belongs to the session. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_name_prefix(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(session, Session::name_prefix) }
}

/// When the token ends, in Unix seconds: 24 hours after it was asked for,
/// since B2 documents a token as valid for at most that, or with the key, the
/// sooner. B2 may end it before. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_expires_at(session: *const b2_session) -> i64 {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, -1, Session::expires_at) }
}

/// When the application key itself ends, in Unix seconds
/// (applicationKeyExpirationTimestamp of the reply, which has milliseconds); 0
/// for never. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_key_expires_at(session: *const b2_session) -> i64 {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, -1, |session| session.key_expires_at().unwrap_or(0)) }
}

/// Seconds until the token ends, by the wall clock or by the clock that counts
/// while the machine sleeps, whichever says less; 0 once it counts as dead, a
/// minute before its end (of a life under ten minutes: a tenth before). -1 for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_seconds_left(session: *const b2_session) -> i64 {
    let left = |session: &Session| {
        let left = session.seconds_left(process::WORLD.clock.now());
        i64::try_from(left).unwrap_or(i64::MAX)
    };
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get(session, -1, left) }
}

/// All of the above as one flat JSON object under the names of B2's v4 reply,
/// with allowed{} and with expiresAt in seconds. It holds the token: a secret.
/// Belongs to the session. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_json(session: *const b2_session) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    caught(std::ptr::null(), || unsafe { get_text(session, |session| Some(session.json())) })
}

/// Forgets this session's token: the next call for its key asks B2. Does
/// nothing if the cache has moved on to another, or for NULL. What is in the
/// air for the key at that moment is handed out, but not kept. The session
/// stays readable. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_invalidate(session: *const b2_session) {
    // SAFETY: the caller's handle is NULL or lives.
    caught((), || unsafe { get(session, (), |session| process::shared().invalidate(session)) });
}

/// Another reference to the same session, to be freed by itself. NULL for
/// NULL. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_retain(session: *const b2_session) -> *mut b2_session {
    if !session.is_null() {
        // SAFETY: the handle came from Arc::into_raw and the caller holds a reference through the call.
        unsafe { Arc::increment_strong_count(session.cast::<Session>()) };
    }
    session.cast_mut()
}

/// Gives up one reference; with the last one the token is wiped, unless the
/// cache holds it too. NULL is fine. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_session_free(session: *mut b2_session) {
    if !session.is_null() {
        // SAFETY: the handle came from Arc::into_raw, and the caller gives up its reference.
        drop(unsafe { Arc::from_raw(session.cast_const().cast::<Session>()) });
    }
}
