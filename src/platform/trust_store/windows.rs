//! The certificate stores of Windows, as the user of this process sees them: the user's own, the machine's, and those that a
//! domain hands out.

use std::ptr::{null, null_mut};
use std::slice;

use windows_sys::Win32::Foundation::{CRYPT_E_NOT_FOUND, GetLastError};
use windows_sys::Win32::Security::Cryptography::{
    CERT_CONTEXT, CERT_STORE_OPEN_EXISTING_FLAG, CERT_STORE_PROV_SYSTEM_W, CERT_STORE_READONLY_FLAG,
    CERT_SYSTEM_STORE_CURRENT_USER, CERT_SYSTEM_STORE_LOCAL_MACHINE, CTL_USAGE, CertCloseStore,
    CertEnumCertificatesInStore, CertGetEnhancedKeyUsage, CertOpenStore, CertVerifyTimeValidity, HCERTSTORE,
};

use super::TrustStore;

/// Windows loads a root of its own program when it first needs it, so its store never has them all.
pub(crate) const IS_COMPLETE: bool = false;

/// The purpose "server authentication".
const SERVER: &[u8] = b"1.3.6.1.5.5.7.3.1";

/// What a store may hold beyond what can be a certificate of a CA.
const MAX_DER: u32 = 1 << 20;

pub(crate) fn read() -> Option<TrustStore> {
    Some(TrustStore::new(certificates("ROOT", may_vouch_for_servers), certificates("Disallowed", |_| true)))
}

/// The certificates of a store that are wanted; none if it cannot be opened.
fn certificates(name: &str, is_wanted: fn(&CERT_CONTEXT) -> bool) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let Some(store) = Store::open(name) else { return all };
    let mut context: *const CERT_CONTEXT = null();
    loop {
        // SAFETY: it frees the context that it gave last, and returns the next or null.
        context = unsafe { CertEnumCertificatesInStore(store.0, context) };
        // SAFETY: a context that is not null is valid until the next call.
        let Some(certificate) = (unsafe { context.as_ref() }) else { return all };
        if certificate.pbCertEncoded.is_null() || certificate.cbCertEncoded > MAX_DER || !is_wanted(certificate) {
            continue;
        }
        // SAFETY: the context has so many bytes there.
        let der = unsafe { slice::from_raw_parts(certificate.pbCertEncoded, certificate.cbCertEncoded as usize) };
        all.push(der.to_vec());
    }
}

/// True for a certificate that has not expired, and whose purposes include TLS servers: those in the certificate, less what
/// an administrator took away.
fn may_vouch_for_servers(certificate: &CERT_CONTEXT) -> bool {
    // SAFETY: the context is valid, and no time means now.
    let when = unsafe { CertVerifyTimeValidity(null(), certificate.pCertInfo) };
    when <= 0 && has_purpose(certificate)
}

fn has_purpose(certificate: &CERT_CONTEXT) -> bool {
    let mut length = 0;
    // SAFETY: without a buffer it writes the length that it needs.
    if unsafe { CertGetEnhancedKeyUsage(certificate, 0, null_mut(), &raw mut length) } == 0 {
        return false;
    }
    // It begins with a CTL_USAGE, which is aligned as a pointer is.
    let mut buffer = vec![0_usize; (length as usize).max(size_of::<CTL_USAGE>()).div_ceil(size_of::<usize>())];
    let usage = buffer.as_mut_ptr().cast::<CTL_USAGE>();
    // SAFETY: the buffer has `length` bytes at least. On success it holds a CTL_USAGE, whose strings lie in it too and end
    // with NUL. With no purpose in it, the last error tells "all" from "none".
    unsafe {
        if CertGetEnhancedKeyUsage(certificate, 0, usage, &raw mut length) == 0 {
            return false;
        }
        let usage = &*usage;
        if usage.cUsageIdentifier == 0 || usage.rgpszUsageIdentifier.is_null() {
            return GetLastError() == CRYPT_E_NOT_FOUND as u32;
        }
        let purposes = slice::from_raw_parts(usage.rgpszUsageIdentifier, usage.cUsageIdentifier as usize);
        purposes.iter().any(|purpose| std::ffi::CStr::from_ptr(purpose.cast()).to_bytes() == SERVER)
    }
}

/// An open store.
struct Store(HCERTSTORE);

impl Store {
    /// The user's view contains the machine's store; a user may have none yet.
    fn open(name: &str) -> Option<Self> {
        let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
        [CERT_SYSTEM_STORE_CURRENT_USER, CERT_SYSTEM_STORE_LOCAL_MACHINE].into_iter().find_map(|whose| {
            let flags = whose | CERT_STORE_READONLY_FLAG | CERT_STORE_OPEN_EXISTING_FLAG;
            // SAFETY: for this provider the last argument is a name in UTF-16 that ends with NUL.
            let store = unsafe { CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, name.as_ptr().cast()) };
            (!store.is_null()).then_some(Self(store))
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the store is open, and nothing of it is in use any more.
        unsafe { CertCloseStore(self.0, 0) };
    }
}
