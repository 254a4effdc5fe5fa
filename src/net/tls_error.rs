//! Why a server is not trusted, in words for whoever has to fix it.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{AlertDescription, CertificateError, Error};

use crate::ports::transport::{Failure, FailureKind};

use super::failure::{WRONG_SERVER, hinted};

const MIDDLEBOX: &str = "if a TLS-intercepting middlebox (a company's proxy, a virus scanner) sits in between, give its CA \
                         certificate by the option ca_file";
const CLOCK: &str = "check this machine's clock";

/// The TLS error that an I/O error carries.
pub(super) fn inside(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What a TLS error means for a connection to `host`.
pub(super) fn explain(host: &str, error: &Error, issuer: Option<&str>) -> Failure {
    let tls = |message: String, hint: &str| hinted(FailureKind::Tls, message, hint);
    match error {
        Error::InvalidCertificate(reason) => {
            let about = format!("the certificate of {host}");
            match reason {
                CertificateError::UnknownIssuer => {
                    let issuer = issuer.map_or_else(|| "somebody".to_owned(), |name| format!("\"{name}\""));
                    tls(format!("{about} is signed by {issuer}, whom this machine does not trust"), MIDDLEBOX)
                }
                CertificateError::BadSignature => {
                    let issuer = issuer.map_or_else(String::new, |name| format!(" in the name of \"{name}\""));
                    tls(format!("{about} is signed{issuer}, but not with a key that this machine trusts"), MIDDLEBOX)
                }
                CertificateError::Expired => tls(format!("{about} has expired"), CLOCK),
                CertificateError::ExpiredContext { time, not_after } => {
                    let (now, end) = (date(*time), date(*not_after));
                    tls(format!("{about} expired at {end}, and this machine's clock says {now}"), CLOCK)
                }
                CertificateError::NotValidYet => tls(format!("{about} is not valid yet"), CLOCK),
                CertificateError::NotValidYetContext { time, not_before } => {
                    let (now, start) = (date(*time), date(*not_before));
                    tls(format!("{about} is not valid before {start}, and this machine's clock says {now}"), CLOCK)
                }
                CertificateError::NotValidForName => tls(format!("{about} is for another name"), OTHER_NAME),
                CertificateError::NotValidForNameContext { presented, .. } => {
                    // rustls has them in its own notation, with the name itself in quotation marks.
                    let names = presented.iter().take(3).map(|name| name.split('"').nth(1).unwrap_or(name));
                    let names = names.map(printable).collect::<Vec<_>>().join(", ");
                    tls(format!("{about} is for another name: {names}"), OTHER_NAME)
                }
                other => {
                    let signer = issuer.map(|name| format!(", signed by \"{name}\",")).unwrap_or_default();
                    tls(format!("{about}{signer} is not valid: {other}"), MIDDLEBOX)
                }
            }
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => tls(
            format!("{host} offers no version of TLS that can be spoken here: {error}"),
            "TLS 1.2 or newer is needed",
        ),
        Error::AlertReceived(alert) => {
            let hint = match alert {
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => NO_CIPHER,
                AlertDescription::CertificateRequired => NO_CLIENT,
                _ => WRONG_SERVER,
            };
            tls(format!("{host} broke off the TLS handshake: {alert:?}"), hint)
        }
        Error::InvalidMessage(_) => tls(
            format!("{host} does not answer in TLS"),
            "check that the realm's port is one for https, and that no other program sits in between",
        ),
        other => tls(format!("TLS with {host} failed: {other}"), WRONG_SERVER),
    }
}

const NO_CIPHER: &str = "the server may know no cipher of these days: TLS 1.2 or newer is needed";
const NO_CLIENT: &str = "the server demands a certificate of its clients, which B2 never does: check the realm";
const OTHER_NAME: &str = "check the realm's host, and that its name leads to the right machine";

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
const LONGEST_NAME: usize = 253;

/// What a stranger wrote, made fit to show: whole or not at all, as a secret in it is masked later, and half of one would
/// look like none.
fn printable(text: &str) -> String {
    if text.len() > LONGEST_NAME {
        return "a very long one".to_owned();
    }
    text.chars().filter(|c| !c.is_control() && *c != '"').collect()
}

fn date(time: UnixTime) -> String {
    // Years past 9999 have no such form.
    let time = UNIX_EPOCH + Duration::from_secs(time.as_secs().min(253_402_300_799));
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_from_der_of_any_shape() {
        let name = |bytes: &[u8]| attribute(bytes, 3);
        assert_eq!(name(&[0x30, 0, 6, 3, 0x55, 4, 3, 12, 2, b'C', b'A']).as_deref(), Some("CA"));
        for bad in [[].as_slice(), &[6, 3, 0x55, 4, 3], &[6, 3, 0x55, 4, 3, 12], &[6, 3, 0x55, 4, 3, 12, 9, b'C']] {
            assert_eq!(name(bad), None);
        }
        assert_eq!(name(&[6, 3, 0x55, 4, 3, 12, 0x81, 1, b'C']), None);
        assert_eq!(issuer(&CertificateDer::from(vec![0x30, 0])), None);
    }

    #[test]
    fn what_a_stranger_wrote_is_made_fit_to_show() {
        assert_eq!(printable("A\n\"B\"\u{1b}[0m"), "AB[0m");
        assert_eq!(printable(&"x".repeat(253)).len(), 253);
        assert_eq!(printable(&"x".repeat(254)), "a very long one");
    }
}
