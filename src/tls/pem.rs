//! PEM text (RFC 7468) in and out; the only user of `rustls-pemfile`.

use std::io;

use data_encoding::BASE64;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use thiserror::Error;

/// Why a text does not hold what was looked for.
#[derive(Debug, Error)]
pub enum PemError {
    /// A section does not end, or its content is not base64.
    #[error("the PEM text is malformed")]
    Syntax(#[source] io::Error),
    /// There is no `CERTIFICATE` section.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// There is no section with an unencrypted private key.
    #[error("there is no private key in it")]
    NoPrivateKey,
    /// The private key takes a password, which nobody would be there to type.
    #[error("the private key in it is encrypted; decrypt it, as with: openssl pkey -in KEY -out DECRYPTED")]
    Encrypted,
}

/// All certificates of a text in their order, at least one; other sections are skipped.
pub fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let found =
        rustls_pemfile::certs(&mut &*text).collect::<Result<Vec<_>, _>>().map_err(PemError::Syntax)?;
    if found.is_empty() { Err(PemError::NoCertificate) } else { Ok(found) }
}

/// The first private key of a text; other sections are skipped.
pub fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    match rustls_pemfile::private_key(&mut &*text) {
        Ok(Some(key)) => Ok(key),
        // RFC 5958 §3 in PEM, and what OpenSSL wrote before (RFC 1421 §4.6.1.1).
        _ if holds(text, b"BEGIN ENCRYPTED PRIVATE KEY") || holds(text, b"Proc-Type: 4,ENCRYPTED") => {
            Err(PemError::Encrypted)
        }
        Ok(None) => Err(PemError::NoPrivateKey),
        Err(error) => Err(PemError::Syntax(error)),
    }
}

fn holds(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

/// The first list of revoked certificates of a text, if there is one; other sections are skipped.
pub fn revocation_list(text: &[u8]) -> Result<Option<CertificateRevocationListDer<'static>>, PemError> {
    rustls_pemfile::crls(&mut &*text).next().transpose().map_err(PemError::Syntax)
}

/// One section: 64 columns, newlines at the ends of lines on every platform.
pub fn encode(label: &str, der: &[u8]) -> String {
    let mut text = String::with_capacity(room(label, der));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in der.chunks(48) {
        BASE64.encode_append(line, &mut text);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// Room for all of a section at once: a key must not leave copies behind as the text grows.
fn room(label: &str, der: &[u8]) -> usize {
    der.len().div_ceil(48) * 65 + 2 * label.len() + 40
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encodes_the_vectors_of_rfc_4648() {
        for (bytes, body) in
            [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(
                encode("X", bytes.as_bytes()),
                format!("-----BEGIN X-----\n{body}\n-----END X-----\n")
            );
        }
    }

    #[test]
    fn tells_what_is_missing() {
        assert!(matches!(certificates(b"no PEM"), Err(PemError::NoCertificate)));
        assert!(matches!(private_key(b""), Err(PemError::NoPrivateKey)));
        let old = encode("RSA PRIVATE KEY", b"key").replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1);
        for encrypted in [encode("ENCRYPTED PRIVATE KEY", b"key"), old] {
            assert!(matches!(private_key(encrypted.as_bytes()), Err(PemError::Encrypted)), "{encrypted}");
        }
        for broken in [
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        ] {
            assert!(matches!(certificates(broken.as_bytes()), Err(PemError::Syntax(_))), "{broken}");
        }
    }

    #[test]
    fn skips_the_sections_it_was_not_asked_for() {
        let text =
            [encode("PRIVATE KEY", b"key"), encode("CERTIFICATE", b"one"), encode("CERTIFICATE", b"two")]
                .concat();
        let found = certificates(text.as_bytes()).unwrap();
        assert_eq!(found.iter().map(|c| c.as_ref()).collect::<Vec<_>>(), [b"one", b"two"]);
        assert_eq!(private_key(text.as_bytes()).unwrap().secret_der(), b"key");
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote_without_growing(der in prop::collection::vec(any::<u8>(), 1..300)) {
            let text = encode("CERTIFICATE", &der);
            prop_assert!(text.len() <= room("CERTIFICATE", &der));
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            prop_assert_eq!(certificates(text.as_bytes()).unwrap(), [CertificateDer::from(der)]);
        }
    }
}
