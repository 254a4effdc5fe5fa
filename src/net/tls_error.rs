//! TLS errors in words for the person who has to fix them.

use std::io;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use crate::model::rfc3339;
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{
    CHECK_CLOCK, CHECK_HOST, CLIENT_CERTIFICATE, KNOWN_CA_FILE, KNOWN_CERT_FILE, MIDDLEBOX, NO_RANDOMNESS,
    SERVER_SETUP, TLS_VERSION, WRONG_PORT, WRONG_SERVER, with_hint,
};
use super::tls::TrustSource;

/// What is known of a handshake that failed.
pub(super) struct Handshake<'a> {
    /// The server as messages name it.
    pub(super) server: &'a str,
    pub(super) source: TrustSource,
    /// Who issued the certificate that was rejected.
    pub(super) issuer: Option<Issuer>,
    /// The first bytes that the server sent.
    pub(super) first_bytes: &'a [u8],
}

/// The issuer of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Issuer {
    Itself,
    Named(String),
}

/// The TLS error that an I/O error carries.
pub(super) fn rustls_error_in(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

impl<'a> Handshake<'a> {
    /// Nothing but the name of the server.
    pub(super) fn of(server: &'a str) -> Self {
        Self { server, source: TrustSource::System, issuer: None, first_bytes: b"" }
    }

    /// What a TLS error means.
    pub(super) fn explain(&self, error: &Error) -> Failure {
        let server = self.server;
        let (message, hint) = match error {
            Error::InvalidCertificate(reason) => self.certificate(reason),
            Error::NoCertificatesPresented => (format!("{server} sent no certificate"), SERVER_SETUP),
            Error::AlertReceived(AlertDescription::ProtocolVersion) => {
                (format!("{server} offers no supported version of TLS"), TLS_VERSION)
            }
            Error::PeerIncompatible(what) => (incompatible(server, what), TLS_VERSION),
            Error::AlertReceived(alert) => {
                let hint = match alert {
                    AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => TLS_VERSION,
                    AlertDescription::CertificateRequired => CLIENT_CERTIFICATE,
                    AlertDescription::UnrecognisedName => CHECK_HOST,
                    _ => WRONG_SERVER,
                };
                (format!("{server} aborted the TLS handshake: {}", alert_name(*alert)), hint)
            }
            Error::InvalidMessage(_) => match status_line(self.first_bytes) {
                Some(line) => {
                    (format!("{server} does not speak TLS on this port, but plain HTTP: \"{line}\""), WRONG_PORT)
                }
                None => (format!("{server} does not speak TLS"), WRONG_PORT),
            },
            Error::FailedToGetCurrentTime => {
                ("this machine's clock is before 1970, so that no certificate is valid".to_owned(), CHECK_CLOCK)
            }
            Error::FailedToGetRandomBytes => {
                ("the operating system has no random bytes for TLS".to_owned(), NO_RANDOMNESS)
            }
            Error::PeerSentOversizedRecord | Error::DecryptError => {
                (format!("{server} sent a TLS record that cannot be read: it was damaged on the way"), WRONG_SERVER)
            }
            _ => (format!("{server} violates the TLS protocol"), WRONG_SERVER),
        };
        with_hint(FailureKind::Tls, message, hint)
    }

    fn certificate(&self, reason: &CertificateError) -> (String, &'static str) {
        let about = format!("the certificate of {}", self.server);
        match reason {
            CertificateError::UnknownIssuer => match &self.issuer {
                Some(Issuer::Itself) => (format!("{about} is signed by itself alone"), self.unknown_ca()),
                Some(Issuer::Named(name)) => {
                    (format!("{about} is signed by an unknown CA (\"{name}\")"), self.unknown_ca())
                }
                None => (format!("{about} is signed by an unknown CA"), self.unknown_ca()),
            },
            CertificateError::BadSignature => {
                let name = match &self.issuer {
                    Some(Issuer::Named(name)) => format!(" in the name of \"{name}\""),
                    Some(Issuer::Itself) | None => String::new(),
                };
                (format!("{about} is signed{name}, but not with the key of a trusted CA"), self.unknown_ca())
            }
            CertificateError::Expired => (format!("{about} has expired"), CHECK_CLOCK),
            CertificateError::ExpiredContext { time, not_after } => {
                let (now, end) = (date(*time), date(*not_after));
                (format!("{about} expired at {end}, and this machine's clock says {now}"), CHECK_CLOCK)
            }
            CertificateError::NotValidYet => (format!("{about} is not valid yet"), CHECK_CLOCK),
            CertificateError::NotValidYetContext { time, not_before } => {
                let (now, start) = (date(*time), date(*not_before));
                (format!("{about} is not valid before {start}, and this machine's clock says {now}"), CHECK_CLOCK)
            }
            CertificateError::NotValidForName => (format!("{about} is for another name"), CHECK_HOST),
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                (format!("{about} names no host"), CHECK_HOST)
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                // rustls has them in its own notation, with the name itself in quotation marks.
                let names = presented.iter().take(3).map(|name| name.split('"').nth(1).unwrap_or(name));
                let names = names.map(printable).collect::<Vec<_>>().join(", ");
                (format!("{about} is for another name: {names}"), CHECK_HOST)
            }
            other => {
                let signer = match &self.issuer {
                    Some(Issuer::Named(name)) => format!(" (signed by \"{name}\")"),
                    Some(Issuer::Itself) => " (signed by itself)".to_owned(),
                    None => String::new(),
                };
                (format!("{about}{signer} {}", unusable(other)), SERVER_SETUP)
            }
        }
    }

    /// Advice that is not what was done already.
    fn unknown_ca(&self) -> &'static str {
        match self.source {
            TrustSource::CaFile => KNOWN_CA_FILE,
            TrustSource::CertFile => KNOWN_CERT_FILE,
            TrustSource::System => MIDDLEBOX,
        }
    }
}

/// Why a certificate cannot be used, where neither its dates, nor its names, nor its issuer are the reason.
fn unusable(reason: &CertificateError) -> &'static str {
    match reason {
        CertificateError::BadEncoding => "is not a valid X.509 certificate",
        CertificateError::Revoked => "was revoked",
        CertificateError::ApplicationVerificationFailure => {
            "is one that this system distrusts, or is signed by such a one"
        }
        CertificateError::UnhandledCriticalExtension => "has a critical extension that is not supported",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not for servers (its extended key usage lacks serverAuth)"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "is signed by an algorithm that is not supported, such as SHA-1 or RSA of less than 2048 bits"
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::CaUsedAsEndEntity) => "is the certificate of a CA, which no server may use as its own",
            Some(webpki::Error::UnsupportedCertVersion) => "is not an X.509 certificate of version 3",
            Some(webpki::Error::NameConstraintViolation) => "is for a name that its CA may not sign",
            Some(webpki::Error::PathLenConstraintViolated | webpki::Error::EndEntityUsedAsCa) => {
                "is signed by a certificate that may not sign others"
            }
            _ => "does not pass the checks of X.509",
        },
        _ => "does not pass the checks of X.509",
    }
}

fn incompatible(server: &str, what: &PeerIncompatible) -> String {
    match what {
        PeerIncompatible::NoCipherSuitesInCommon => format!("{server} offers no supported cipher suite"),
        PeerIncompatible::NoKxGroupsInCommon => format!("{server} offers no supported key exchange"),
        PeerIncompatible::NoSignatureSchemesInCommon => format!("{server} offers no supported signature scheme"),
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => {
            format!("{server} offers TLS 1.2 without the extended master secret")
        }
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => format!("{server} offers no supported version of TLS"),
        _ => format!("{server} offers no form of TLS that is supported"),
    }
}

/// The name of an alert as RFC 8446 writes it.
fn alert_name(alert: AlertDescription) -> String {
    let name = match alert {
        AlertDescription::CloseNotify => "close_notify",
        AlertDescription::UnexpectedMessage => "unexpected_message",
        AlertDescription::BadRecordMac => "bad_record_mac",
        AlertDescription::RecordOverflow => "record_overflow",
        AlertDescription::HandshakeFailure => "handshake_failure",
        AlertDescription::BadCertificate => "bad_certificate",
        AlertDescription::UnsupportedCertificate => "unsupported_certificate",
        AlertDescription::CertificateRevoked => "certificate_revoked",
        AlertDescription::CertificateExpired => "certificate_expired",
        AlertDescription::CertificateUnknown => "certificate_unknown",
        AlertDescription::IllegalParameter => "illegal_parameter",
        AlertDescription::UnknownCA => "unknown_ca",
        AlertDescription::AccessDenied => "access_denied",
        AlertDescription::DecodeError => "decode_error",
        AlertDescription::DecryptError => "decrypt_error",
        AlertDescription::InsufficientSecurity => "insufficient_security",
        AlertDescription::InternalError => "internal_error",
        AlertDescription::UserCanceled => "user_canceled",
        AlertDescription::UnrecognisedName => "unrecognized_name",
        AlertDescription::CertificateRequired => "certificate_required",
        AlertDescription::NoApplicationProtocol => "no_application_protocol",
        other => return format!("alert {}", u8::from(other)),
    };
    name.to_owned()
}

/// The status line of an HTTP server that was spoken to in TLS.
fn status_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().filter(|line| line.starts_with(b"HTTP/1."))?;
    let printed = line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { ' ' });
    Some(printed.filter(|c| *c != '"').collect())
}

/// Who issued a certificate: itself, or the common name, or else the organisation.
pub(super) fn issuer(certificate: &CertificateDer<'_>) -> Option<Issuer> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let name = certificate.issuer();
    if !name.is_empty() && name == certificate.subject() {
        return Some(Issuer::Itself);
    }
    let name = attribute(name, 3).or_else(|| attribute(name, 10)).map(|name| printable(&name));
    name.filter(|name| !name.is_empty()).map(Issuer::Named)
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
    use std::sync::Arc;

    use rustls::OtherError;

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

    /// No message has the notation of another library in it.
    #[test]
    fn every_error_has_words_of_its_own() {
        let other =
            |error: webpki::Error| Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))));
        let errors = [
            other(webpki::Error::CaUsedAsEndEntity),
            other(webpki::Error::BadDerTime),
            Error::InvalidCertificate(CertificateError::BadEncoding),
            Error::InvalidCertificate(CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1, 2, 3],
                supported_algorithms: Vec::new(),
            }),
            Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                expected: "host".try_into().expect("a name"),
                presented: Vec::new(),
            }),
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::AlertReceived(AlertDescription::HandshakeFailure),
            Error::AlertReceived(AlertDescription::from(255)),
            Error::FailedToGetRandomBytes,
            Error::FailedToGetCurrentTime,
            Error::General("Some(Thing)".to_owned()),
        ];
        let mut messages = Vec::new();
        for error in errors {
            let failure = Handshake::of("host").explain(&error);
            let text = failure.message.replace("(its extended key usage lacks serverAuth)", "");
            assert!(!text.contains(['{', '}', '[', '(']) && !text.contains("Error"), "{text}");
            assert!(failure.hint.is_some_and(|hint| !hint.is_empty()));
            messages.push(text);
        }
        assert_eq!(messages[4], "the certificate of host names no host");
        assert_eq!(messages[6], "host aborted the TLS handshake: handshake_failure");
        assert_eq!(messages[7], "host aborted the TLS handshake: alert 255");
    }

    #[test]
    fn the_advice_is_not_what_was_done_already() {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let hint = |source| Handshake { source, ..Handshake::of("host") }.explain(&unknown).hint.unwrap_or_default();
        assert!(hint(TrustSource::System).contains("set the option ca_file"));
        assert!(!hint(TrustSource::CaFile).contains("set the option"));
        assert!(!hint(TrustSource::CertFile).contains("set the option"));
    }

    #[test]
    fn the_status_line_of_plain_http_is_quoted() {
        let invalid = Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let message = |first_bytes| Handshake { first_bytes, ..Handshake::of("host") }.explain(&invalid).message;
        assert!(message(b"HTTP/1.1 400 Bad\x1b\"Request\r\nServer: x").ends_with("\"HTTP/1.1 400 Bad Request\""));
        assert_eq!(message(b"SSH-2.0-OpenSSH\r\n"), "host does not speak TLS");
    }
}
