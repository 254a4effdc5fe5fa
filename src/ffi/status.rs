use std::ffi::{c_char, c_int};

use crate::diag::error::Status;

/// What became of a call. 0 is success. A number is permanent: new ones are
/// appended, none is changed, so a program built with an old header may
/// receive a number it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum b2_status {
    /// All is well.
    B2_OK = 0,
    /// A NULL out-parameter, an unknown option, a value out of range, a key with a
    /// hidden character.
    B2_INVALID_ARGUMENT = 1,
    /// Nothing was given and no default source has a key; the message names every
    /// place that was looked at.
    B2_NO_CREDENTIALS = 2,
    /// B2 refused the key (401).
    B2_BAD_CREDENTIALS = 3,
    /// The key is good, but B2 does not serve it by this version of its API.
    B2_KEY_NOT_SUPPORTED = 4,
    /// A cap of the account is reached (403 with a code that ends in
    /// cap_exceeded).
    B2_CAP_EXCEEDED = 5,
    /// Any other 403.
    B2_ACCESS_DENIED = 6,
    /// 429 after the last attempt, or a wait for the local budget that can't end
    /// before the caller's deadline.
    B2_RATE_LIMITED = 7,
    /// 408 or 5xx after the last attempt (501: after the first).
    B2_SERVICE_UNAVAILABLE = 8,
    /// Name look-up, connect, reset, early close.
    B2_NETWORK_ERROR = 9,
    /// A certificate or the TLS handshake; never retried.
    B2_TLS_ERROR = 10,
    /// The last attempt ran out of time, or the whole call did during one.
    B2_TIMEOUT = 11,
    /// The caller's cancel was triggered, even where the answer was in the cache.
    B2_CANCELLED = 12,
    /// The answer is not what B2 documents.
    B2_PROTOCOL_ERROR = 13,
    /// A shared token store was asked for and cannot be used.
    B2_STORE_ERROR = 14,
    /// A bug in this library, caught.
    B2_INTERNAL_ERROR = 15,
    /// Not a status: makes room for those to come.
    B2_STATUS_MAX_ENUM = 0x7fff_ffff,
}

impl From<Status> for b2_status {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::B2_OK,
            Status::InvalidArgument => Self::B2_INVALID_ARGUMENT,
            Status::NoCredentials => Self::B2_NO_CREDENTIALS,
            Status::BadCredentials => Self::B2_BAD_CREDENTIALS,
            Status::KeyNotSupported => Self::B2_KEY_NOT_SUPPORTED,
            Status::CapExceeded => Self::B2_CAP_EXCEEDED,
            Status::AccessDenied => Self::B2_ACCESS_DENIED,
            Status::RateLimited => Self::B2_RATE_LIMITED,
            Status::ServiceUnavailable => Self::B2_SERVICE_UNAVAILABLE,
            Status::NetworkError => Self::B2_NETWORK_ERROR,
            Status::TlsError => Self::B2_TLS_ERROR,
            Status::Timeout => Self::B2_TIMEOUT,
            Status::Cancelled => Self::B2_CANCELLED,
            Status::ProtocolError => Self::B2_PROTOCOL_ERROR,
            Status::StoreError => Self::B2_STORE_ERROR,
            Status::InternalError => Self::B2_INTERNAL_ERROR,
        }
    }
}

/// The name of a status, such as "B2_OK"; "B2_UNKNOWN" for a number that this
/// library does not know. Static, never NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_status_name(status: c_int) -> *const c_char {
    Status::from_number(status).map_or(c"B2_UNKNOWN", Status::name).as_ptr()
}

/// What a status means, in a few words of English. Static, never NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_status_message(status: c_int) -> *const c_char {
    Status::from_number(status).map_or(c"a status that this library does not know", Status::message).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_enums_have_the_same_numbers_and_names() {
        for number in 0.. {
            let Some(status) = Status::from_number(number) else {
                assert_eq!(number, 16);
                break;
            };
            let border = b2_status::from(status);
            assert_eq!(border as i32, number);
            assert_eq!(format!("{border:?}").as_bytes(), status.name().to_bytes());
        }
    }
}
