//! TLS on both sides: our certificate authority and leaves downstream, roots upstream.
//!
//! The private key of the CA has one holder, [`ca::Authority`]: nothing else reads, writes or signs with it.

pub mod accept;
pub mod ca;
pub mod certificate;
pub mod leaf;
pub mod own;
pub mod pem;
pub mod problem;
pub mod resolver;
pub mod roots;
mod strict;
#[cfg(test)]
mod testing;

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::DnsName;

use crate::message::host_port::Host;

/// The cryptography that both sides use, the same one for the whole process.
///
/// It is passed explicitly everywhere, so no configuration depends on what is installed process-wide.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(default_provider()));
    Arc::clone(&PROVIDER)
}

/// Makes [`provider`]'s cryptography the process default, for libraries that ask for one.
///
/// Does nothing when a default is installed already.
pub fn install_provider() {
    // The refusal only says that one is there.
    let _ = default_provider().install_default();
}

/// `text` in lower case if it is one DNS name that a certificate can hold: no address, no wildcard, no trailing
/// dot left.
fn dns_name(text: &str) -> Option<Box<str>> {
    match Host::parse(text) {
        Ok(Host::Name(name)) => DnsName::try_from(&*name).is_ok().then_some(name),
        Ok(Host::Ip(_)) | Err(_) => None,
    }
}

/// The SHA-256 digest of `bytes` in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}

/// A token of 128 random bits in hex, to be guessed by nobody.
///
/// # Errors
///
/// The operating system has no randomness.
pub fn random_token() -> Result<String, rustls::Error> {
    Ok(HEXLOWER.encode(&random::<16>()?))
}

/// 128 random bits that are used once.
///
/// # Errors
///
/// The operating system has no randomness.
pub fn nonce() -> Result<[u8; 16], rustls::Error> {
    Ok(random()?)
}

/// `N` random bytes from the operating system's generator.
fn random<const N: usize>() -> Result<[u8; N], rustls::crypto::GetRandomFailed> {
    let mut bytes = [0; N];
    provider().secure_random.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_fips_180_says() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn installing_twice_is_harmless() {
        install_provider();
        install_provider();
        assert!(CryptoProvider::get_default().is_some());
    }
}
