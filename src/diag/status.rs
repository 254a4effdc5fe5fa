//! The kinds of outcome, numbered for ever.

use std::ffi::CStr;

/// What became of a call. The numbers are part of the C border: new ones are appended, none is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// All is well.
    Ok = 0,
    /// An argument, option or environment variable is not what it must be.
    InvalidArgument = 1,
    /// Nothing was given and no default source has a key.
    NoCredentials = 2,
    /// B2 refused the key.
    BadCredentials = 3,
    /// The key is good, but not for this version of the API.
    KeyNotSupported = 4,
    /// A spending or storage cap of the account is reached.
    CapExceeded = 5,
    /// B2 refused for another reason (403).
    AccessDenied = 6,
    /// Too many authorize requests: B2's limit or the local one.
    RateLimited = 7,
    /// B2 is not able to answer now (408, 5xx).
    ServiceUnavailable = 8,
    /// Name look-up, connect, reset, early close.
    NetworkError = 9,
    /// A certificate or the TLS handshake.
    TlsError = 10,
    /// An attempt or the whole call ran out of time.
    Timeout = 11,
    /// The caller's cancel was triggered.
    Cancelled = 12,
    /// The answer is not what B2 documents.
    ProtocolError = 13,
    /// A shared token store was asked for and cannot be used.
    StoreError = 14,
    /// A bug in this library, caught.
    InternalError = 15,
}

/// Every status with its name and what it means, in the order of their numbers.
const TABLE: [(Status, &CStr, &CStr); 16] = [
    (Status::Ok, c"B2_OK", c"success"),
    (Status::InvalidArgument, c"B2_INVALID_ARGUMENT", c"an argument, option or environment variable is not valid"),
    (Status::NoCredentials, c"B2_NO_CREDENTIALS", c"no application key was given and none was found"),
    (Status::BadCredentials, c"B2_BAD_CREDENTIALS", c"B2 refused the application key"),
    (
        Status::KeyNotSupported,
        c"B2_KEY_NOT_SUPPORTED",
        c"B2 does not serve the application key by this version of its API",
    ),
    (Status::CapExceeded, c"B2_CAP_EXCEEDED", c"a cap of the B2 account is reached"),
    (Status::AccessDenied, c"B2_ACCESS_DENIED", c"B2 denied access"),
    (Status::RateLimited, c"B2_RATE_LIMITED", c"too many authorize requests"),
    (Status::ServiceUnavailable, c"B2_SERVICE_UNAVAILABLE", c"B2 is not able to answer now"),
    (Status::NetworkError, c"B2_NETWORK_ERROR", c"the network failed"),
    (Status::TlsError, c"B2_TLS_ERROR", c"the TLS connection could not be trusted or made"),
    (Status::Timeout, c"B2_TIMEOUT", c"time ran out"),
    (Status::Cancelled, c"B2_CANCELLED", c"the call was cancelled"),
    (Status::ProtocolError, c"B2_PROTOCOL_ERROR", c"the answer is not what B2 documents"),
    (Status::StoreError, c"B2_STORE_ERROR", c"the shared token store cannot be used"),
    (Status::InternalError, c"B2_INTERNAL_ERROR", c"a bug in b2auth"),
];

impl Status {
    /// The status of that number, if there is one.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        usize::try_from(number).ok().and_then(|index| TABLE.get(index)).map(|row| row.0)
    }

    /// Its name at the C border, such as `B2_BAD_CREDENTIALS`.
    #[must_use]
    pub fn name(self) -> &'static CStr {
        TABLE[self as usize].1
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn message(self) -> &'static CStr {
        TABLE[self as usize].2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_numbers() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index);
            assert_eq!(Status::from_number(row.0 as i32), Some(row.0));
        }
        assert_eq!(Status::from_number(-1), None);
        assert_eq!(Status::from_number(16), None);
    }
}
