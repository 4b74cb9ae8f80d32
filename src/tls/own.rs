//! The listener's certificate that somebody else made: for a public name, from a public CA.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::tls::pem::{self, PemError};
use crate::tls::{provider, resolver};

/// The largest file that is read.
const LARGEST: u64 = 1024 * 1024;

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and after it the intermediates that clients need, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM and not encrypted.
    pub key: PathBuf,
}

/// A certificate with its key, ready to be shown.
#[derive(Clone, Debug)]
pub struct OwnCertificate {
    leaf: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

/// Why the files cannot be used.
#[derive(Debug, Error)]
pub enum OwnError {
    /// One cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One does not hold what it should.
    #[error("{} cannot be used", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// Certificate and key do not go together.
    #[error("{} is not the key of {}", files.key.display(), files.certificate.display())]
    Pair {
        /// Both files.
        files: Files,
        /// What rustls says.
        source: rustls::Error,
    },
    /// One is of a kind that is not supported.
    #[error("the {what} in {} is of a kind that is not supported", path.display())]
    Unsupported {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

// === impl OwnCertificate ===

impl OwnCertificate {
    /// Reads both files. Blocks on them.
    pub fn load(files: &Files) -> Result<Self, OwnError> {
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |source| OwnError::Pem { path, source }
        };
        let chain = pem::certificates(&read(&files.certificate)?).map_err(unusable(&files.certificate))?;
        let key = pem::private_key(&read(&files.key)?).map_err(unusable(&files.key))?;
        let pair = |source| OwnError::of(files, source);
        let leaf =
            chain.first().cloned().ok_or(PemError::NoCertificate).map_err(unusable(&files.certificate))?;
        let certified = Arc::new(CertifiedKey::from_der(chain, key, &provider()).map_err(pair)?);
        let config = Arc::new(resolver::configure(certified).map_err(pair)?);
        Ok(Self { leaf, config })
    }

    /// Whether it is for this name.
    pub fn is_for(&self, name: &str) -> bool {
        let (Ok(name), Ok(leaf)) = (ServerName::try_from(name), ParsedCertificate::try_from(&self.leaf))
        else {
            return false;
        };
        verify_server_name(&leaf, &name).is_ok()
    }

    /// What a handshake that shows it needs.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

// === impl OwnError ===

impl OwnError {
    /// What is to be made of rustls's word about the two.
    fn of(files: &Files, source: rustls::Error) -> Self {
        let (what, path) = match source {
            rustls::Error::InconsistentKeys(_) => return Self::Pair { files: files.clone(), source },
            rustls::Error::InvalidCertificate(_) => {
                ("certificate, which has to be X.509 version 3,", &files.certificate)
            }
            _ => ("private key", &files.key),
        };
        Self::Unsupported { what, path: path.clone(), source }
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, OwnError> {
    // Room for all of it at once: a key must not leave copies behind as the text grows.
    let read = File::open(path).and_then(|file| {
        let length = file.metadata()?.len().min(LARGEST);
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1));
        file.take(LARGEST).read_to_end(&mut text)?;
        Ok(text)
    });
    read.map_err(|source| OwnError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};
    use tempfile::TempDir;

    use super::*;

    fn write(dir: &TempDir, name: &str) -> Files {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["proxy.example".into(), "*.apps.example".into()]).unwrap();
        let [certificate, key_file] = ["pem", "key"].map(|end| dir.path().join(format!("{name}.{end}")));
        fs::write(&certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();
        Files { certificate, key: key_file }
    }

    #[test]
    fn is_for_the_names_in_it() {
        let dir = TempDir::new().unwrap();
        let own = OwnCertificate::load(&write(&dir, "a")).unwrap();
        for (name, is) in [
            ("proxy.example", true),
            ("PROXY.example", true),
            ("x.apps.example", true),
            ("apps.example", false),
            ("localhost", false),
            ("not a name", false),
        ] {
            assert_eq!(own.is_for(name), is, "{name}");
        }
        assert_eq!(own.server_config().alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    }

    /// `openssl req -x509` makes one where it finds no settings of its own.
    #[test]
    fn a_certificate_of_a_version_that_clients_refuse_is_told_from_one_of_another_key() {
        let dir = TempDir::new().unwrap();
        let files = write(&dir, "old");
        let mut der = pem::certificates(&fs::read(&files.certificate).unwrap()).unwrap().remove(0).to_vec();
        // version [0] EXPLICIT INTEGER: v3 is 2, v1 is 0 (RFC 5280 §4.1).
        let version = der.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap();
        der[version + 4] = 0;
        fs::write(&files.certificate, pem::encode("CERTIFICATE", &der)).unwrap();
        let error = OwnCertificate::load(&files).unwrap_err();
        assert!(
            matches!(&error, OwnError::Unsupported { path, .. } if *path == files.certificate),
            "{error}"
        );
        assert!(
            error.to_string().starts_with("the certificate, which has to be X.509 version 3, in "),
            "{error}"
        );
    }

    #[test]
    fn a_key_that_takes_a_password_is_told() {
        let dir = TempDir::new().unwrap();
        let files = write(&dir, "encrypted");
        fs::write(&files.key, pem::encode("ENCRYPTED PRIVATE KEY", b"key")).unwrap();
        let error = OwnCertificate::load(&files).unwrap_err();
        assert!(matches!(&error, OwnError::Pem { source: PemError::Encrypted, .. }), "{error:?}");
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let dir = TempDir::new().unwrap();
        let (one, other) = (write(&dir, "one"), write(&dir, "other"));
        let mixed = Files { certificate: one.certificate.clone(), key: other.key };
        assert!(matches!(OwnCertificate::load(&mixed), Err(OwnError::Pair { .. })));
        assert!(OwnCertificate::load(&mixed).unwrap_err().to_string().contains("is not the key of"));
        let swapped = Files { certificate: one.key.clone(), key: one.certificate.clone() };
        assert!(matches!(OwnCertificate::load(&swapped), Err(OwnError::Pem { .. })));
        let absent = Files { certificate: dir.path().join("absent"), ..one };
        assert!(matches!(OwnCertificate::load(&absent), Err(OwnError::Read { .. })));
    }
}
