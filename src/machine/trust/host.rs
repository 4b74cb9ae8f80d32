//! The machine whose stores are meant: this one, or in tests a directory that looks like one.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::{Holds, Other};
use crate::config::env::Environment;
use crate::machine::command;
use crate::machine::files::{self, FilesError};
use crate::tls::{certificate, pem};

/// A machine, its user, and the root that is about to be trusted.
pub struct Host {
    /// What paths begin at.
    pub base: PathBuf,
    /// Whose variables and home count.
    pub user: Environment,
    /// What runs there.
    pub platform: Platform,
    /// The root.
    pub root: Root,
}

/// An operating system, as far as stores differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux, or another Unix that is laid out like one.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// Our root certificate, by all that stores know certificates by.
#[derive(Clone, Debug)]
pub struct Root {
    /// The file that holds it.
    pub file: PathBuf,
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its subject's common name, unique to the CA.
    pub name: String,
    /// Its SHA-256 digest in lower-case hex.
    pub fingerprint: String,
    /// Its serial number in hex.
    pub serial: String,
}

// === impl Host ===

impl Host {
    /// This machine, with the root of the CA in `certs`.
    pub fn this(certs: &Path, user: Environment) -> Result<Self, FilesError> {
        let platform = match () {
            () if cfg!(target_os = "macos") => Platform::MacOs,
            () if cfg!(windows) => Platform::Windows,
            () => Platform::Linux,
        };
        Ok(Self { base: PathBuf::from("/"), user, platform, root: Root::of(certs)? })
    }

    /// Where a path of the machine really is.
    pub fn at(&self, path: &str) -> PathBuf {
        self.base.join(path.trim_start_matches('/'))
    }

    /// A program, also where only the administrator's `PATH` leads.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let elsewhere = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
        command::find(program, &self.user).or_else(|| {
            elsewhere.iter().map(|directory| self.at(directory).join(program)).find(|path| path.is_file())
        })
    }

    /// Whether a directory is there.
    pub fn has(&self, path: &str) -> bool {
        self.at(path).exists()
    }

    /// Notes a certificate found at `at`, if it is of this program's making.
    pub fn note(&self, holds: &mut Holds, at: &str, found: &CertificateDer<'_>) {
        if *found == self.root.certificate {
            holds.ours.push(at.to_owned());
        } else if certificate::is_root_of_this_program(found) {
            holds.others.push(Other { at: at.to_owned(), fingerprint: certificate::fingerprint(found) });
        }
    }
}

// === impl Root ===

impl Root {
    /// That of the CA in `certs`.
    pub fn of(certs: &Path) -> Result<Self, FilesError> {
        let certs = std::path::absolute(certs).unwrap_or_else(|_| certs.to_owned());
        let certificate = files::root(&certs)?;
        Ok(Self {
            file: certs.join("ca.pem"),
            name: certificate::common_name(&certificate).unwrap_or_default(),
            fingerprint: certificate::fingerprint(&certificate),
            serial: certificate::serial(&certificate).unwrap_or_default(),
            certificate,
        })
    }

    /// As it is written into stores.
    pub fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.certificate)
    }

    /// A name for files and aliases: that of the subject, without spaces.
    pub fn slug(&self) -> String {
        self.name.replace(' ', "-")
    }
}
