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
    /// A certificate whose time is to come.
    NotYetValid,
    /// A certificate for another host.
    WrongName,
    /// A good certificate, and a demand for one of the client's.
    ClientCertificate,
    /// Accepts, and never says a word.
    NoHandshake,
    /// Says half of what it has to say to the client's hello, and no more.
    HalfHandshake,
    /// Resets the connection at the client's hello.
    Reset,
}

impl TlsFault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::UnknownCa,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::ClientCertificate,
        Self::NoHandshake,
        Self::HalfHandshake,
        Self::Reset,
    ];

    /// The name in the ready line and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownCa => "unknown_ca",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongName => "wrong_name",
            Self::ClientCertificate => "client_certificate",
            Self::NoHandshake => "no_handshake",
            Self::HalfHandshake => "half_handshake",
            Self::Reset => "reset",
        }
    }
}
