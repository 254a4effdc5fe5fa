//! The trust settings of Apple's systems: the system's own roots, an administrator's, and the user's, with what each says
//! about TLS servers.

use security_framework::trust_settings::{Domain, TrustSettings, TrustSettingsForCertificate};

use super::TrustStore;

pub(crate) const IS_COMPLETE: bool = true;

/// Of two domains that speak of one certificate the later counts.
const DOMAINS: [Domain; 3] = [Domain::System, Domain::Admin, Domain::User];

pub(crate) fn read() -> Option<TrustStore> {
    let mut verdicts = std::collections::HashMap::new();
    for domain in DOMAINS {
        let settings = TrustSettings::new(domain);
        let Ok(certificates) = settings.iter() else { continue };
        for certificate in certificates {
            let Ok(verdict) = settings.tls_trust_settings_for_certificate(&certificate) else { continue };
            // A certificate that is in the store, with nothing said about TLS, is trusted.
            let verdict = verdict.unwrap_or(TrustSettingsForCertificate::TrustRoot);
            verdicts.insert(certificate.to_der(), verdict);
        }
    }
    let (mut trusted, mut distrusted) = (Vec::new(), Vec::new());
    for (certificate, verdict) in verdicts {
        match verdict {
            TrustSettingsForCertificate::TrustRoot | TrustSettingsForCertificate::TrustAsRoot => {
                trusted.push(certificate);
            }
            TrustSettingsForCertificate::Deny => distrusted.push(certificate),
            TrustSettingsForCertificate::Invalid | TrustSettingsForCertificate::Unspecified => {}
        }
    }
    Some(TrustStore::new(trusted, distrusted))
}
