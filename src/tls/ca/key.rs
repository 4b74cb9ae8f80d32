//! The key of a CA certificate, which is erased when it is dropped.

use rcgen::{Error, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls::pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

/// What signs certificates and lists. Has no `Debug`.
pub(super) struct IssuerKey(Zeroizing<KeyPair>);

// === impl IssuerKey ===

impl IssuerKey {
    /// A fresh P-256 key.
    pub(super) fn generate() -> Result<Self, Error> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map(Zeroizing::new).map(Self)
    }

    /// The key that a file holds.
    pub(super) fn read(der: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        KeyPair::try_from(der).map(Zeroizing::new).map(Self)
    }

    /// What a file would hold: PKCS #8.
    pub(super) fn serialized_der(&self) -> &[u8] {
        self.0.serialized_der()
    }
}

impl PublicKeyData for IssuerKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl SigningKey for IssuerKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign(message)
    }
}
