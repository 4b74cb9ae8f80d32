//! What rustls leaves out when it verifies an origin server's certificate, and every browser looks at.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Verifies as rustls does, and then that no CA in the chain lacks the right to sign (RFC 5280 §4.2.1.3).
///
/// Of a chain, every certificate that is sent counts, also one that would not have been needed.
#[derive(Debug)]
pub(in crate::tls) struct Strict(pub(in crate::tls) Arc<WebPkiServerVerifier>);

/// Whether a certificate says that it is a CA's and that its key may not sign certificates.
fn is_ca_that_must_not_sign(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let usage = certificate.key_usage().ok().flatten();
    certificate.is_ca() && usage.is_some_and(|usage| !usage.value.key_cert_sign())
}

/// Whether a certificate was over at `now`; rustls asks that of all but roots.
pub(in crate::tls) fn is_over(certificate: &CertificateDer<'_>, now: time::OffsetDateTime) -> bool {
    let parsed = X509Certificate::from_der(certificate);
    parsed.is_ok_and(|(_, certificate)| certificate.validity().not_after.to_datetime() < now)
}

// === impl Strict ===

impl ServerCertVerifier for Strict {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.0.verify_server_cert(leaf, intermediates, name, ocsp, now)?;
        match intermediates.iter().any(is_ca_that_must_not_sign) {
            true => Err(CertificateError::ApplicationVerificationFailure.into()),
            false => Ok(verified),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
