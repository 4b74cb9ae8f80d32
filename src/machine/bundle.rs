//! `bundle.pem`: all roots that a client of this user believes, and ours, for variables that replace a client's own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::environment::{Kind, VARIABLES};
use crate::config::env::Environment;
use crate::tls::{self, certificate, pem, roots};

/// The bundle of those who have no roots of their own.
const OF_THE_SYSTEM: &str = "bundle.pem";
/// As many digits of a digest as set the bundles of one user apart.
const MARK: usize = 16;

/// Files that a variable of the user's names and that hold no certificates.
type Unreadable = Vec<(&'static str, PathBuf)>;

/// Certificates in PEM, each once, and what was remarkable about finding them.
#[derive(Debug)]
pub struct Bundle {
    /// Certificates only: a key that stood beside them in a user's file stays there.
    pub pem: String,
    /// What sets its name apart: nothing, unless there are other roots than the system's and ours.
    ///
    /// Shells with other roots must not share a file: what one of them writes the others read.
    pub mark: String,
    /// Files that are not what their variables take them for.
    pub unreadable: Vec<(&'static str, PathBuf)>,
    /// Whether there is any root but ours.
    pub has_others: bool,
}

/// Puts `root` beside the roots that the user has.
///
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` stand for the system's roots where they are set, as they do for OpenSSL; what
/// the user's other variables name is added. Where a variable names a bundle of ours, the roots that it was made of
/// stay; files that hold nothing but roots of this program's making do not count.
pub fn build(root: &CertificateDer<'static>, user: &Environment, own: &Path) -> Bundle {
    let (base, is_systems) = base(user, own);
    let (added, unreadable) = added(user, own);
    let mut seen = HashSet::from([root.as_ref().to_vec()]);
    let mut text = |certificates: Vec<CertificateDer<'static>>| -> String {
        let new = certificates.iter().filter(|certificate| seen.insert(certificate.to_vec()));
        new.map(|certificate| pem::encode("CERTIFICATE", certificate)).collect()
    };
    let (base, added) = (text(base), text(added));
    let is_usual = is_systems && added.is_empty();
    let others = base + &added;
    let mark = if is_usual { String::new() } else { mark(others.as_bytes()) };
    let has_others = !others.is_empty();
    // At the end, where a reader looks for what was added.
    Bundle { pem: others + &pem::encode("CERTIFICATE", root), mark, unreadable, has_others }
}

/// What sets the name of a file apart from those that are made of something else.
pub(super) fn mark(made_of: &[u8]) -> String {
    let digest = tls::sha256_hex(made_of);
    format!("-{}", &digest[..MARK])
}

/// Whether the variable names a file that holds other roots than ours.
pub fn has_others(user: &Environment, name: &str, own: &Path) -> bool {
    let others = user.path(name).and_then(|path| others_at(&path, own));
    others.is_some_and(|others| !others.is_empty())
}

/// What the system believes, or what the user put in its place; and whether it is the system's.
fn base(user: &Environment, own: &Path) -> (Vec<CertificateDer<'static>>, bool) {
    let file = user.path("SSL_CERT_FILE");
    let chosen = file.as_deref().and_then(|path| others_at(path, own)).unwrap_or_default();
    if let (Some(path), false) = (&file, chosen.is_empty()) {
        return (chosen, path.file_name() == Some(OF_THE_SYSTEM.as_ref()) && is_in(path, own));
    }
    let directories = user.paths("SSL_CERT_DIR");
    let found = at_all(&directories);
    match found.is_empty() {
        false => (found, false),
        true => (roots::platform_certificates(file.is_some() || !directories.is_empty()), true),
    }
}

/// What the user's other variables name, and the files among it that hold no certificates.
fn added(user: &Environment, own: &Path) -> (Vec<CertificateDer<'static>>, Unreadable) {
    let roots = VARIABLES.iter().filter(|variable| matches!(variable.kind, Kind::Roots(_)));
    let others = roots.map(|variable| variable.name).filter(|name| *name != "SSL_CERT_FILE");
    let (mut found, mut unreadable) = (at_all(&user.paths("SSL_CERT_DIR")), Vec::new());
    for (name, path) in others.filter_map(|name| Some((name, user.path(name)?))) {
        match others_at(&path, own) {
            Some(others) => found.extend(others),
            None => unreadable.push((name, path)),
        }
    }
    (found, unreadable)
}

fn at_all(paths: &[PathBuf]) -> Vec<CertificateDer<'static>> {
    paths.iter().flat_map(|path| roots::certificates_at(path)).collect()
}

/// The roots in a file, as far as it is not our doing that they are there; nothing if it holds no certificates.
fn others_at(path: &Path, own: &Path) -> Option<Vec<CertificateDer<'static>>> {
    if is_in(path, own) {
        let text = std::fs::read(path).unwrap_or_default();
        let mut found = pem::certificates(&text).unwrap_or_default();
        // Ours is at the end, whichever it was when the file was written. Others of the kind were the user's.
        found.pop_if(|last| certificate::is_root_of_this_program(last));
        return Some(found);
    }
    let found = roots::certificates_at(path);
    let none_else = found.iter().all(certificate::is_root_of_this_program);
    (!found.is_empty()).then(|| if none_else { Vec::new() } else { found })
}

/// Whether a file is one of those that we write.
fn is_in(path: &Path, own: &Path) -> bool {
    let directory = path.parent().and_then(|parent| parent.canonicalize().ok());
    directory.is_some() && directory == own.canonicalize().ok()
}

#[cfg(test)]
mod tests;
