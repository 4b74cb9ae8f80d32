//! What a certificate says about itself, as far as people are told.

use data_encoding::HEXLOWER;
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::tls::sha256_hex;

/// What the subjects of this program's roots begin with.
const OURS: &str = "azure-openai-proxy CA ";

/// The SHA-256 digest of a certificate in lower-case hex, by which people tell certificates apart.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    sha256_hex(certificate)
}

/// The common name of a certificate's subject.
pub fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_owned())
}

/// The serial number of a certificate in lower-case hex, two digits an octet.
pub fn serial(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(HEXLOWER.encode(parsed.raw_serial()))
}

/// When a certificate stops being valid.
pub fn not_after(certificate: &CertificateDer<'_>) -> Option<OffsetDateTime> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.validity().not_after.to_datetime())
}

/// Whether a certificate is the root of a CA that this program made, here or elsewhere, now or before.
pub fn is_root_of_this_program(certificate: &CertificateDer<'_>) -> bool {
    common_name(certificate).is_some_and(|name| name.starts_with(OURS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::ca::Authority;

    #[test]
    fn tells_our_roots_from_everything_else() {
        let authority = Authority::in_memory(&["openai.com".into()]).unwrap();
        let root = authority.root_der();
        assert!(is_root_of_this_program(root));
        assert!(!is_root_of_this_program(authority.intermediate_der()), "clients are not to trust that one");
        assert!(!is_root_of_this_program(&CertificateDer::from(b"no certificate".as_slice())));
        assert_eq!(fingerprint(root), authority.fingerprint());
        // In DER a number whose first bit is set has a zero octet before it.
        let serial = serial(root).unwrap();
        assert_eq!(serial.strip_prefix("00").unwrap_or(&serial).len(), 32);
        assert_eq!(not_after(root), Some(authority.not_after()));
    }
}
