//! `bundle.pem`: all roots that a client of this user believes, and ours, for variables that replace a client's own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::environment::{Kind, VARIABLES};
use crate::config::env::Environment;
use crate::tls::{certificate, pem, roots};

/// Certificates in PEM, each once, and what was remarkable about finding them.
#[derive(Debug)]
pub struct Bundle {
    /// Certificates only: a key that stood beside them in a user's file stays there.
    pub pem: String,
    /// Files that a variable of the user's names and that hold no certificates.
    pub unreadable: Vec<(&'static str, PathBuf)>,
    /// Whether there is any root but ours.
    pub has_others: bool,
}

/// Puts `root` beside the roots that the user has.
///
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` stand for the system's roots where they are set, as they do for OpenSSL; what
/// the user's other variables name is added. Files that hold nothing but our own do not count as the user's: the
/// environment may be one that we made.
pub fn build(root: &CertificateDer<'static>, user: &Environment, own: &Path) -> Bundle {
    let mut unreadable = Vec::new();
    let mut others = base(user, own);
    for (name, path) in users_files(user, own).filter(|(name, _)| *name != "SSL_CERT_FILE") {
        let found = roots::certificates_at(&path);
        if found.is_empty() {
            unreadable.push((name, path));
        }
        others.extend(found);
    }
    let mut seen = HashSet::from([root.as_ref().to_vec()]);
    let mut pem = String::new();
    for certificate in others {
        if seen.insert(certificate.to_vec()) {
            pem.push_str(&pem::encode("CERTIFICATE", &certificate));
        }
    }
    let has_others = !pem.is_empty();
    // At the end, where a reader looks for what was added.
    pem.push_str(&pem::encode("CERTIFICATE", root));
    Bundle { pem, unreadable, has_others }
}

/// The variable names a file of roots that the user chose, not one of ours.
pub fn is_users_own(user: &Environment, name: &str, own: &Path) -> bool {
    user.path(name).is_some_and(|path| !is_ours(&path, own))
}

fn users_files(user: &Environment, own: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let roots = VARIABLES.iter().filter(|variable| matches!(variable.kind, Kind::Roots(_)));
    let named = roots.filter_map(|variable| Some((variable.name, user.path(variable.name)?)));
    named.filter(move |(_, path)| !is_ours(path, own))
}

/// What the system believes, or what the user put in its place.
fn base(user: &Environment, own: &Path) -> Vec<CertificateDer<'static>> {
    let file = user.path("SSL_CERT_FILE");
    let chosen = file.clone().filter(|path| !is_ours(path, own));
    let directories = user.paths("SSL_CERT_DIR");
    let found: Vec<_> =
        chosen.iter().chain(&directories).flat_map(|path| roots::certificates_at(path)).collect();
    if !found.is_empty() {
        return found;
    }
    roots::platform_certificates(file.is_some() || !directories.is_empty())
}

/// Whether a file is one of those that we write, or holds nothing but roots of this program's making.
fn is_ours(path: &Path, own: &Path) -> bool {
    let directory = path.parent().and_then(|parent| parent.canonicalize().ok());
    if directory.is_some() && directory == own.canonicalize().ok() {
        return true;
    }
    let found = roots::certificates_at(path);
    !found.is_empty() && found.iter().all(certificate::is_root_of_this_program)
}

#[cfg(test)]
mod tests;
