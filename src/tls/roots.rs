//! Whom we believe upstream: the platform's roots and the files added to them, but never our own CA.
//!
//! A machine prepared for this proxy trusts its CA, often through `SSL_CERT_FILE`. A proxy started there must
//! not take that for a statement about origin servers: it would trust itself, and perhaps only itself.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};
use thiserror::Error;
use time::OffsetDateTime;

use crate::tls::pem::{self, PemError};
use crate::tls::provider;
use crate::tls::strict::{Strict, is_over};

/// The largest file of roots that is read; the platforms' have a quarter of a megabyte.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Where Linux distributions, the BSDs and macOS keep all roots in one file.
const WELL_KNOWN: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The roots, and what was remarkable about finding them.
#[derive(Debug)]
pub struct UpstreamRoots {
    /// For [`client_config`].
    pub store: RootCertStore,
    /// For the log, in the order of happening.
    pub notes: Vec<Note>,
}

/// A fact about where roots came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A part of the platform's store could not be read; the rest is used.
    PlatformTrouble(String),
    /// The platform's store, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` put in its place, holds our own CA.
    OwnCaInPlatform,
    /// A given file holds our own CA.
    OwnCaInFile(PathBuf),
    /// A given file holds so many roots that are over.
    ExpiredInFile(PathBuf, usize),
    /// The platform gave no roots but perhaps our own, so those of its usual file are used.
    WellKnownFile(PathBuf),
    /// The platform has no roots anywhere, so Mozilla's, which are built in, are used.
    BuiltIn,
}

/// Why there are no roots: always a file that somebody asked for.
#[derive(Debug, Error)]
pub enum RootsError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not PEM text with certificates.
    #[error("{} is not a file of certificates", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PemError,
    },
    /// A certificate of the file cannot be a root.
    #[error("{} holds a certificate that cannot be used", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
}

/// Roots under construction.
struct Collector {
    store: RootCertStore,
    /// Public keys that are never believed, as anchors keep them.
    own: Vec<Vec<u8>>,
    notes: Vec<Note>,
}

/// A client of origin servers that believes `roots`.
///
/// It offers TLS 1.2 and 1.3, resumes sessions and sends no early data. A CA in the chain that must not sign is refused,
/// which rustls alone would not do. ALPN is left to the connector.
pub fn client_config(roots: RootCertStore) -> ClientConfig {
    let roots = Arc::new(roots);
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
        .with_root_certificates(Arc::clone(&roots))
        .with_no_client_auth();
    // An error means that there are no roots, and then no certificate is good already.
    if let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(roots, provider()).build() {
        config.dangerous().set_certificate_verifier(Arc::new(Strict(verifier)));
    }
    config
}

/// The platform's own roots as certificates; none where it has none.
///
/// `overridden` says that `SSL_CERT_FILE` or `SSL_CERT_DIR` stand for something else in this process: the
/// platform's usual file then comes before its interface, as it does where that file is the whole truth anyway.
/// Blocks on files.
pub fn platform_certificates(overridden: bool) -> Vec<CertificateDer<'static>> {
    let file_is_all = cfg!(all(unix, not(target_os = "macos")));
    let native = || load_native_certs().certs;
    let first = if overridden || file_is_all { Vec::new() } else { native() };
    let usual = WELL_KNOWN.iter().map(|path| certificates_at(Path::new(path)));
    let found = std::iter::once(first).chain(usual).find(|certificates| !certificates.is_empty());
    found.unwrap_or_else(native)
}

/// The certificates of a file, or of all files of a directory; what cannot be read is left out. Blocks on files.
pub fn certificates_at(path: &Path) -> Vec<CertificateDer<'static>> {
    let (file, directory) = if path.is_dir() { (None, Some(path)) } else { (Some(path), None) };
    load_certs_from_paths(file, directory).certs
}

// === impl UpstreamRoots ===

impl UpstreamRoots {
    /// The platform's roots and those of `files`, without the CA certificates `own`, known by their keys.
    ///
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` stand for the platform's store where they are set. Blocks on files.
    pub fn load(files: &[PathBuf], own: &[&CertificateDer<'static>]) -> Result<Self, RootsError> {
        let found = load_native_certs();
        let troubles = found.errors.iter().map(|error| Note::PlatformTrouble(error.to_string())).collect();
        let mut roots = Collector::new(own, troubles);
        roots.add_platform(found.certs, WELL_KNOWN.iter().map(Path::new));
        for file in files {
            roots.add_file(file)?;
        }
        Ok(Self { store: roots.store, notes: roots.notes })
    }
}

// === impl Collector ===

impl Collector {
    fn new(own: &[&CertificateDer<'static>], notes: Vec<Note>) -> Self {
        let mut anchors = RootCertStore::empty();
        anchors.add_parsable_certificates(own.iter().map(|&certificate| certificate.clone()));
        let own = anchors.roots.iter().map(|anchor| anchor.subject_public_key_info.to_vec()).collect();
        Self { store: RootCertStore::empty(), own, notes }
    }

    fn add_platform<'a>(
        &mut self,
        certificates: Vec<CertificateDer<'static>>,
        well_known: impl Iterator<Item = &'a Path>,
    ) {
        self.store.add_parsable_certificates(living(certificates));
        if self.drop_own() {
            self.notes.push(Note::OwnCaInPlatform);
        }
        for path in well_known {
            if !self.store.is_empty() {
                return;
            }
            self.store.add_parsable_certificates(living(load_certs_from_paths(Some(path), None).certs));
            self.drop_own();
            if !self.store.is_empty() {
                self.notes.push(Note::WellKnownFile(path.to_owned()));
            }
        }
        if self.store.is_empty() {
            self.store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            self.notes.push(Note::BuiltIn);
        }
    }

    fn add_file(&mut self, path: &Path) -> Result<(), RootsError> {
        let text = read(path).map_err(|source| RootsError::Read { path: path.to_owned(), source })?;
        let certificates =
            pem::certificates(&text).map_err(|source| RootsError::Pem { path: path.to_owned(), source })?;
        let given = certificates.len();
        let certificates = living(certificates);
        if certificates.len() < given {
            self.notes.push(Note::ExpiredInFile(path.to_owned(), given - certificates.len()));
        }
        for certificate in certificates {
            self.store
                .add(certificate)
                .map_err(|source| RootsError::Certificate { path: path.to_owned(), source })?;
        }
        if self.drop_own() {
            self.notes.push(Note::OwnCaInFile(path.to_owned()));
        }
        Ok(())
    }

    /// Takes our own CA out again; says whether it was there.
    fn drop_own(&mut self) -> bool {
        let before = self.store.len();
        self.store.roots.retain(|anchor| !self.own.iter().any(|own| *own == *anchor.subject_public_key_info));
        self.store.len() < before
    }
}

/// Those that are not over: nobody vouches for anything with an expired root, which rustls would not notice.
fn living(mut certificates: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    let now = OffsetDateTime::now_utc();
    certificates.retain(|certificate| !is_over(certificate, now));
    certificates
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

// === impl Note ===

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlatformTrouble(trouble) => write!(f, "part of the platform's root certificates cannot be read: {trouble}"),
            Self::OwnCaInPlatform => {
                f.write_str("the platform's root certificates (or SSL_CERT_FILE, SSL_CERT_DIR) hold our own CA; ignored upstream")
            }
            Self::OwnCaInFile(path) => write!(f, "{} holds our own CA; ignored upstream", path.display()),
            Self::ExpiredInFile(path, count) => write!(f, "{} holds {count} root certificates that have expired; ignored", path.display()),
            Self::WellKnownFile(path) => write!(f, "the platform gave no other root certificates; using {}", path.display()),
            Self::BuiltIn => f.write_str("the platform has no root certificates; using Mozilla's, which are built in"),
        }
    }
}

#[cfg(test)]
mod tests;
