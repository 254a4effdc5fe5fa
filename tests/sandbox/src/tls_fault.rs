//! What can go wrong before the first byte of HTTP.

use serde::{Deserialize, Serialize};

/// An https listener that is not to be trusted, or not to be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsFault {
    /// A good certificate by an authority that nobody knows.
    UnknownCa,
    /// A certificate whose time is over.
    Expired,
    /// A certificate for another host.
    WrongName,
    /// Accepts, and never says a word.
    NoHandshake,
    /// Resets the connection at the client's hello.
    Reset,
}

impl TlsFault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::UnknownCa, Self::Expired, Self::WrongName, Self::NoHandshake, Self::Reset];

    /// The name in the ready line and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownCa => "unknown_ca",
            Self::Expired => "expired",
            Self::WrongName => "wrong_name",
            Self::NoHandshake => "no_handshake",
            Self::Reset => "reset",
        }
    }
}
