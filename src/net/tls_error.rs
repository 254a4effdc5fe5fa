//! TLS errors in words for the person who has to fix them.

use std::io;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{AlertDescription, CertificateError, Error};

use crate::ports::transport::{Failure, FailureKind};

use super::failure::{CHECK_CLOCK, CHECK_HOST, CLIENT_CERTIFICATE, MIDDLEBOX, TLS_VERSION, WRONG_SERVER, with_hint};
use crate::model::rfc3339;

/// The TLS error that an I/O error carries.
pub(super) fn rustls_error_in(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What a TLS error means for a connection to `host`.
pub(super) fn explain(host: &str, error: &Error, issuer: Option<&str>) -> Failure {
    let tls = |message: String, hint: &str| with_hint(FailureKind::Tls, message, hint);
    match error {
        Error::InvalidCertificate(reason) => {
            let about = format!("the certificate of {host}");
            match reason {
                CertificateError::UnknownIssuer => {
                    let issuer = issuer.map_or_else(String::new, |name| format!(" (\"{name}\")"));
                    tls(format!("{about} is signed by an unknown CA{issuer}"), MIDDLEBOX)
                }
                CertificateError::BadSignature => {
                    let issuer = issuer.map_or_else(String::new, |name| format!(" in the name of \"{name}\""));
                    tls(format!("{about} is signed{issuer}, but not with the key of a trusted CA"), MIDDLEBOX)
                }
                CertificateError::Expired => tls(format!("{about} has expired"), CHECK_CLOCK),
                CertificateError::ExpiredContext { time, not_after } => {
                    let (now, end) = (date(*time), date(*not_after));
                    tls(format!("{about} expired at {end}, and this machine's clock says {now}"), CHECK_CLOCK)
                }
                CertificateError::NotValidYet => tls(format!("{about} is not valid yet"), CHECK_CLOCK),
                CertificateError::NotValidYetContext { time, not_before } => {
                    let (now, start) = (date(*time), date(*not_before));
                    tls(
                        format!("{about} is not valid before {start}, and this machine's clock says {now}"),
                        CHECK_CLOCK,
                    )
                }
                CertificateError::NotValidForName => tls(format!("{about} is for another name"), CHECK_HOST),
                CertificateError::NotValidForNameContext { presented, .. } => {
                    // rustls has them in its own notation, with the name itself in quotation marks.
                    let names = presented.iter().take(3).map(|name| name.split('"').nth(1).unwrap_or(name));
                    let names = names.map(printable).collect::<Vec<_>>().join(", ");
                    tls(format!("{about} is for another name: {names}"), CHECK_HOST)
                }
                other => {
                    let signer = issuer.map(|name| format!(", signed by \"{name}\",")).unwrap_or_default();
                    tls(format!("{about}{signer} is not valid: {other}"), MIDDLEBOX)
                }
            }
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => {
            tls(format!("{host} offers no supported version of TLS: {error}"), TLS_VERSION)
        }
        Error::AlertReceived(alert) => {
            let hint = match alert {
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => TLS_VERSION,
                AlertDescription::CertificateRequired => CLIENT_CERTIFICATE,
                _ => WRONG_SERVER,
            };
            tls(format!("{host} aborted the TLS handshake: {alert:?}"), hint)
        }
        Error::InvalidMessage(_) => tls(
            format!("{host} does not speak TLS"),
            "check that the realm's port is one for https, and that no other program answers on it",
        ),
        other => tls(format!("TLS with {host} failed: {other}"), WRONG_SERVER),
    }
}

/// The name of a certificate's issuer: the common name, or else the organisation.
pub(super) fn issuer(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let name = certificate.issuer();
    attribute(name, 3).or_else(|| attribute(name, 10)).map(|name| printable(&name)).filter(|name| !name.is_empty())
}

/// The last attribute 2.5.4.`kind` of a DER name, which is short enough for its length to be one byte.
fn attribute(name: &[u8], kind: u8) -> Option<String> {
    let at = name.windows(5).rposition(|window| window == [6, 3, 0x55, 4, kind])?;
    let (_tag, rest) = name.get(at + 5..)?.split_first()?;
    let (length, rest) = rest.split_first()?;
    let value = rest.get(..usize::from(*length)).filter(|_| *length < 0x80)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// No name in the DNS is longer.
const MAX_NAME: usize = 253;

/// A name from a certificate, printable: in full or not at all, since a secret in it is redacted later, and half of one would
/// not be recognised.
fn printable(text: &str) -> String {
    if text.len() > MAX_NAME {
        return "a very long name".to_owned();
    }
    text.chars().filter(|c| !c.is_control() && *c != '"').collect()
}

fn date(time: UnixTime) -> String {
    rfc3339::from_seconds(time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_from_any_der() {
        let name = |bytes: &[u8]| attribute(bytes, 3);
        assert_eq!(name(&[0x30, 0, 6, 3, 0x55, 4, 3, 12, 2, b'C', b'A']).as_deref(), Some("CA"));
        for bad in [[].as_slice(), &[6, 3, 0x55, 4, 3], &[6, 3, 0x55, 4, 3, 12], &[6, 3, 0x55, 4, 3, 12, 9, b'C']] {
            assert_eq!(name(bad), None);
        }
        assert_eq!(name(&[6, 3, 0x55, 4, 3, 12, 0x81, 1, b'C']), None);
        assert_eq!(issuer(&CertificateDer::from(vec![0x30, 0])), None);
    }

    #[test]
    fn names_are_printable() {
        assert_eq!(printable("A\n\"B\"\u{1b}[0m"), "AB[0m");
        assert_eq!(printable(&"x".repeat(253)).len(), 253);
        assert_eq!(printable(&"x".repeat(254)), "a very long name");
    }
}
