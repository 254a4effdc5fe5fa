//! Certificates in PEM files, as OpenSSL reads them: with a byte order mark, with older labels, and with trust settings.
//!
//! What is wrong with a file is said without any of its bytes: it may be a private key.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

const BEGIN: &str = "-----BEGIN ";
/// The label that rustls knows.
const LABEL: &str = "CERTIFICATE-----";
/// OpenSSL's own form: the certificate, and behind it the purposes that it is trusted or rejected for.
const TRUSTED: &str = "TRUSTED CERTIFICATE-----";
/// The label of the first versions.
const X509: &str = "X509 CERTIFICATE-----";

/// 1.3.6.1.5.5.7.3.1, in DER: a server's identity in TLS.
const SERVER_AUTH: &[u8] = &[0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
/// 2.5.29.37.0, in DER: any purpose.
const ANY_PURPOSE: &[u8] = &[0x06, 4, 0x55, 29, 37, 0];
const SEQUENCE: u8 = 0x30;
const REJECTED: u8 = 0xa0;

/// The certificates of a file, at least one.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = String::from_utf8_lossy(text);
    // A large file of something else is not read line by line.
    if !text.contains(BEGIN) {
        return Err("it is not in PEM format");
    }
    let is_plain = !text.contains(TRUSTED) && !text.contains(X509);
    let normal = if is_plain { text } else { text.replace(TRUSTED, LABEL).replace(X509, LABEL).into() };
    let mut found = Vec::new();
    let mut is_broken = false;
    for section in CertificateDer::pem_slice_iter(normal.as_bytes()) {
        match section.map(|der| trusted_part(&der)) {
            Ok(Some(certificate)) => found.push(certificate),
            Ok(None) => {}
            Err(_) => is_broken = true,
        }
    }
    match found.is_empty() {
        false => Ok(found),
        true if normal.contains("PRIVATE KEY-----") => Err("it contains a private key and no certificate"),
        true if is_broken => Err("its certificates are damaged"),
        true => Err("it has no certificate that is trusted for servers"),
    }
}

/// The certificate without OpenSSL's trust settings; `None` if those exclude servers.
fn trusted_part(der: &CertificateDer<'_>) -> Option<CertificateDer<'static>> {
    let Some((_, settings)) = element(der, SEQUENCE) else {
        // Not a certificate: for rustls to reject.
        return Some(CertificateDer::from(der.to_vec()));
    };
    let length = der.len() - settings.len();
    let whole = CertificateDer::from(der[..length].to_vec());
    let Some((settings, _)) = element(settings, SEQUENCE) else { return Some(whole) };
    let allows = |list: &[u8]| has(list, SERVER_AUTH) || has(list, ANY_PURPOSE);
    let (trusted, rest) = element(settings, SEQUENCE).map_or((None, settings), |(list, rest)| (Some(list), rest));
    let rejected = element(rest, REJECTED).map(|(list, _)| list);
    let is_trusted = trusted.is_none_or(allows) && !rejected.is_some_and(allows);
    is_trusted.then_some(whole)
}

fn has(list: &[u8], purpose: &[u8]) -> bool {
    list.windows(purpose.len()).any(|window| window == purpose)
}

/// The content of the DER element with this tag that `der` begins with, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (bytes, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::super::testing::authority::Authority;
    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
    }

    #[test]
    fn older_labels_and_a_byte_order_mark_are_read() {
        let authority = Authority::new();
        let plain = certificates(authority.pem.as_bytes()).expect("a certificate");
        assert_eq!(plain.len(), 1);
        let x509 = authority.pem.replace("CERTIFICATE", "X509 CERTIFICATE");
        let marked = format!("\u{feff}{}", authority.pem);
        for text in [x509, marked, format!("# a comment\n{}", authority.pem)] {
            assert_eq!(certificates(text.as_bytes()).expect("a certificate"), plain, "{text}");
        }
    }

    #[test]
    fn trust_settings_are_honoured() {
        let authority = Authority::new();
        let plain = certificates(authority.pem.as_bytes()).expect("a certificate");
        let der = plain[0].to_vec();
        let sequence = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
        let email: &[u8] = &[0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 4];
        for (settings, is_trusted) in [
            (Vec::new(), true),
            (sequence(SEQUENCE, &[]), true),
            (sequence(SEQUENCE, &sequence(SEQUENCE, SERVER_AUTH)), true),
            (sequence(SEQUENCE, &sequence(SEQUENCE, &[email, SERVER_AUTH].concat())), true),
            (sequence(SEQUENCE, &sequence(SEQUENCE, ANY_PURPOSE)), true),
            (sequence(SEQUENCE, &sequence(SEQUENCE, email)), false),
            (sequence(SEQUENCE, &sequence(REJECTED, SERVER_AUTH)), false),
            (sequence(SEQUENCE, &sequence(REJECTED, email)), true),
            (sequence(SEQUENCE, &[sequence(SEQUENCE, SERVER_AUTH), sequence(REJECTED, ANY_PURPOSE)].concat()), false),
        ] {
            let text = pem("TRUSTED CERTIFICATE", &[der.clone(), settings.clone()].concat());
            match certificates(text.as_bytes()) {
                Ok(found) => assert!(is_trusted && found == plain, "{settings:?}"),
                Err(problem) => assert!(!is_trusted && problem.contains("trusted for servers"), "{settings:?}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_any_byte_of_the_file() {
        let key = pem("PRIVATE KEY", b"marked");
        let cut = &Authority::new().pem[..200];
        for (text, problem) in [
            ("", "not in PEM format"),
            ("MARKED", "not in PEM format"),
            (&key, "a private key"),
            (cut, "damaged"),
            ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "damaged"),
            ("-----BEGIN X-----\nAAAA\n-----END X-----\n", "no certificate"),
        ] {
            let found = certificates(text.as_bytes()).expect_err("no certificate");
            assert!(found.contains(problem) && !found.contains("MARKED"), "{text}: {found}");
        }
    }
}
