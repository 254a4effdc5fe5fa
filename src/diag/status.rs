//! The statuses of calls. This list is the only one: the enum of Rust, the enum of the C header, the names and the
//! documentation all come from it.

use std::ffi::CStr;

/// One status as tools and documentation need it.
#[derive(Clone, Copy, Debug)]
pub struct StatusRow {
    /// Its number, permanent.
    pub number: i32,
    /// Its name in C.
    pub name: &'static CStr,
    /// What it means, in a few words.
    pub message: &'static CStr,
    /// When a call returns it: one or more lines.
    pub doc: &'static [&'static str],
}

macro_rules! statuses {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $message:literal;)+) => {
        /// What became of a call. The numbers are part of the C border: new ones are appended, none is changed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Status {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        /// Every status, in the order of their numbers.
        #[doc(hidden)]
        pub static STATUSES: &[StatusRow] = &[$(StatusRow {
            number: $number,
            name: $name,
            message: $message,
            doc: &[$($doc),+],
        }),+];

        impl Status {
            /// The status of that number, if there is one.
            #[must_use]
            pub fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Success.
    Ok = 0, c"B2_OK", c"success";
    /// A NULL out-parameter, an unknown option, a value out of range, a key with an invalid character, a broken JSON
    /// request, a CA file that cannot be used, or an invalid proxy in the environment.
    InvalidArgument = 1, c"B2_INVALID_ARGUMENT", c"an argument, option or environment variable is not valid";
    /// No key was given, and no default source has one. The message names every source that was tried.
    NoCredentials = 2, c"B2_NO_CREDENTIALS", c"no application key was given and none was found";
    /// B2 refused the key (401).
    BadCredentials = 3, c"B2_BAD_CREDENTIALS", c"B2 refused the application key";
    /// The key is valid, but this version of B2's API does not serve it (401 unsupported, or a 400 that says so).
    KeyNotSupported = 4, c"B2_KEY_NOT_SUPPORTED", c"this version of B2's API does not serve the application key";
    /// A spending or storage cap of the account is exceeded (403 or 400 with a code that ends in cap_exceeded).
    CapExceeded = 5, c"B2_CAP_EXCEEDED", c"a cap of the B2 account is exceeded";
    /// Any other 403.
    AccessDenied = 6, c"B2_ACCESS_DENIED", c"B2 denied access";
    /// 429 after the last attempt, or a wait for the local rate limit or for B2's Retry-After that could not end before
    /// the deadline.
    RateLimited = 7, c"B2_RATE_LIMITED", c"too many authorize requests";
    /// 408 or 5xx after the last attempt (501: after the first).
    ServiceUnavailable = 8, c"B2_SERVICE_UNAVAILABLE", c"B2 cannot serve the request now";
    /// Name look-up, connect, reset, early close; a proxy that refused; no file descriptor or thread left.
    NetworkError = 9, c"B2_NETWORK_ERROR", c"the network failed";
    /// A certificate or the TLS handshake. Never retried.
    TlsError = 10, c"B2_TLS_ERROR", c"the TLS connection could not be made or trusted";
    /// The last attempt ran out of time (connecting included), or the whole call did during an attempt.
    Timeout = 11, c"B2_TIMEOUT", c"time ran out";
    /// The caller's cancel was triggered, even if the session was in the cache.
    Cancelled = 12, c"B2_CANCELLED", c"the call was cancelled";
    /// The response is not what B2 documents: not JSON, a field missing or of the wrong type, too large, a redirect, or
    /// any other HTTP status.
    ProtocolError = 13, c"B2_PROTOCOL_ERROR", c"the response is not what B2 documents";
    /// The token store cannot be used, and the option store_required says that B2 is not asked then; or this build or
    /// system has no engine for it.
    StoreError = 14, c"B2_STORE_ERROR", c"the shared token store cannot be used";
    /// A bug in this library, caught.
    InternalError = 15, c"B2_INTERNAL_ERROR", c"a bug in b2auth";
}

impl Status {
    /// Its name in C, such as `B2_BAD_CREDENTIALS`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.c_name().to_str().expect("the list is ASCII")
    }

    pub(crate) fn c_name(self) -> &'static CStr {
        STATUSES[self as usize].name
    }

    pub(crate) fn c_message(self) -> &'static CStr {
        STATUSES[self as usize].message
    }

    /// True if the verdict is on the key itself: a token granted to it earlier is not trusted any more.
    pub(crate) fn is_about_the_key(self) -> bool {
        matches!(self, Self::BadCredentials | Self::KeyNotSupported | Self::AccessDenied)
    }

    /// True if a later call may succeed, as far as the status alone says.
    pub(crate) fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::ServiceUnavailable | Self::NetworkError | Self::Timeout | Self::StoreError
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_numbers() {
        for (index, row) in (0..).zip(STATUSES) {
            assert_eq!(row.number, index);
            let status = Status::from_number(index).expect("each row has a status");
            assert_eq!(status as i32, index);
            assert_eq!(status.c_name(), row.name);
        }
        for number in [-1, 16, i32::MAX] {
            assert_eq!(Status::from_number(number), None);
        }
    }
}
