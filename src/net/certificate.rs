//! What a certificate that was accepted says of itself: its names' common parts and its dates.

use rustls::pki_types::CertificateDer;

use crate::model::rfc3339;

use super::tls_error::{self, Issuer};

/// Of a server's certificate, what a person wants to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The name of who signed it.
    pub(crate) issuer: Option<String>,
    /// Unix seconds.
    pub(crate) not_before: i64,
    /// Unix seconds.
    pub(crate) not_after: i64,
}

impl Certificate {
    /// `None` if it is not such a certificate.
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (not_before, not_after) = validity(der)?;
        let issuer = match tls_error::issuer(der) {
            Some(Issuer::Named(name)) => Some(name),
            Some(Issuer::Itself) => Some("itself".to_owned()),
            None => None,
        };
        Some(Self { issuer, not_before, not_after })
    }
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// The version, which a certificate of version 1 leaves out.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The dates of a certificate (RFC 5280, section 4.1). rustls has checked the rest.
fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let mut certificate = Der(Der(der).take(SEQUENCE)?);
    let mut body = Der(certificate.take(SEQUENCE)?);
    if body.0.first() == Some(&VERSION) {
        body.take(VERSION)?;
    }
    body.take(INTEGER)?; // the serial number
    body.take(SEQUENCE)?; // the algorithm
    body.take(SEQUENCE)?; // the issuer
    let mut dates = Der(body.take(SEQUENCE)?);
    Some((dates.time()?, dates.time()?))
}

/// The rest of a DER encoding.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, if it has that tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content) = self.next()?;
        (found == tag).then_some(content)
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn time(&mut self) -> Option<i64> {
        let (tag, text) = self.next()?;
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (year, rest) = match (tag, text.len()) {
            (UTC_TIME, 12) => {
                let (year, rest) = text.split_at(2);
                // Two digits stand for 1950 to 2049.
                let century = if year < "50" { "20" } else { "19" };
                (format!("{century}{year}"), rest)
            }
            (GENERALIZED_TIME, 14) => (text[..4].to_owned(), &text[4..]),
            _ => return None,
        };
        let part = |index: usize| &rest[2 * index..2 * index + 2];
        let text = format!("{year}-{}-{}T{}:{}:{}Z", part(0), part(1), part(2), part(3), part(4));
        rfc3339::to_seconds(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::authority::Authority;
    use super::*;

    #[test]
    fn the_dates_of_real_certificates_are_read() {
        let authority = Authority::new();
        let pem = super::super::pem::certificates(authority.pem.as_bytes()).expect("a certificate");
        let found = Certificate::read(&pem[0]).expect("it is one");
        // What rcgen gives them: 1975 to 4096.
        assert_eq!(rfc3339::from_seconds(found.not_before.unsigned_abs()), "1975-01-01T00:00:00Z");
        assert_eq!(rfc3339::from_seconds(found.not_after.unsigned_abs()), "4096-01-01T00:00:00Z");
    }

    #[test]
    fn both_forms_of_a_time_are_read() {
        let time = |tag: u8, text: &str| {
            let mut der = vec![tag, u8::try_from(text.len()).expect("short")];
            der.extend_from_slice(text.as_bytes());
            Der(&der).time()
        };
        assert_eq!(time(UTC_TIME, "260921141320Z"), Some(1_790_000_000));
        assert_eq!(time(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(UTC_TIME, "991231235959Z"), Some(946_684_799));
        assert_eq!(time(GENERALIZED_TIME, "20260921141320Z"), Some(1_790_000_000));
        for (tag, text) in [
            (UTC_TIME, "260921141320"),
            (UTC_TIME, "2609211413Z"),
            (UTC_TIME, "20260921141320Z"),
            (GENERALIZED_TIME, "260921141320Z"),
            (GENERALIZED_TIME, "20261321141320Z"),
            (UTC_TIME, "2609211413\u{e9}Z"),
            (0x04, "260921141320Z"),
        ] {
            assert_eq!(time(tag, text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_dates() {
        let authority = Authority::new();
        let pem = super::super::pem::certificates(authority.pem.as_bytes()).expect("a certificate");
        for length in 0..pem[0].len() {
            // Cut anywhere, it is none; and nothing panics.
            assert_eq!(validity(&pem[0][..length]), None);
        }
        for bad in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x85, 0, 0, 0, 0, 0], &[0x30, 0x84, 255, 255, 255, 255]] {
            assert_eq!(validity(bad), None);
        }
    }
}
