//! The files that the variables point at. They stand beside the CA and are made anew when what they are made of changed.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use thiserror::Error;

use super::bundle;
use super::java::{self, JavaError};
use crate::cli::Extras;
use crate::config::env::Environment;
use crate::tls::ca::{FileError, publish};
use crate::tls::pem::{self, PemError};

/// The directory of the CA, and which of the files are there.
#[derive(Clone, Debug)]
pub struct Files {
    directory: PathBuf,
    /// What sets the names of those that are made of the user's roots apart.
    mark: String,
    has_wgetrc: bool,
    /// That for the JVMs of one JDK, if it was asked for.
    trust_store: Option<PathBuf>,
}

/// Why the files are not there.
#[derive(Debug, Error)]
pub enum FilesError {
    /// There is no root certificate to trust.
    #[error("cannot read {}; the first start of the proxy makes it, or: azure-openai-proxy ca init", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The root certificate cannot be read.
    #[error("{} is not a certificate", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// The trust store for JVMs cannot be made.
    #[error("cannot make a trust store for Java")]
    Java(#[from] JavaError),
}

/// What the user should know about the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// There is no root in the bundle but ours.
    NoOtherRoots,
    /// A file that the user's variable names holds no certificates.
    Unreadable(&'static str, PathBuf),
    /// The user has a wgetrc, which is left alone; the bundle that it lacks.
    OwnWgetrc(PathBuf, String),
}

/// The directory of PHP ini files within ours.
const PHP: &str = "php";

/// The root that clients have to trust, from `ca.pem`.
pub fn root(directory: &Path) -> Result<CertificateDer<'static>, FilesError> {
    let path = directory.join("ca.pem");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(FilesError::Root { path, source }),
    };
    match pem::certificates(&text) {
        Ok(mut found) => Ok(found.swap_remove(0)),
        Err(source) => Err(FilesError::Pem { path, source }),
    }
}

// === impl Files ===

impl Files {
    /// The files by name only, whether they are there or not.
    pub fn named(directory: &Path) -> Self {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        Self { directory, mark: String::new(), has_wgetrc: true, trust_store: None }
    }

    /// Makes the files right. Blocks on files; for Java also on `keytool`, for a second or two the first time.
    pub async fn prepare(
        directory: &Path,
        user: &Environment,
        extras: Extras,
    ) -> Result<(Self, Vec<Note>), FilesError> {
        let mut files = Self::named(directory);
        let bundle = bundle::build(&root(&files.directory)?, user, &files.directory);
        files.mark = bundle.mark;
        publish(&files.directory, &files.marked("bundle", ".pem"), &bundle.pem)?;
        let mut notes: Vec<Note> =
            bundle.unreadable.into_iter().map(|(name, path)| Note::Unreadable(name, path)).collect();
        if !bundle.has_others {
            notes.push(Note::NoOtherRoots);
        }
        files.write_php()?;
        match files.users_wgetrc(user) {
            Some(own) => {
                files.has_wgetrc = false;
                notes.push(Note::OwnWgetrc(own, files.bundle()));
            }
            None => {
                let text = format!("ca_certificate = {}\n", files.bundle());
                publish(&files.directory, &files.marked("wgetrc", ""), &text)?;
            }
        }
        if extras.java {
            let root = files.directory.join("ca.pem");
            files.trust_store = Some(java::trust_store(user, &root, &files.directory).await?);
        }
        Ok((files, notes))
    }

    /// The root alone.
    pub fn ca(&self) -> String {
        self.path("ca.pem")
    }

    /// The root and all others.
    pub fn bundle(&self) -> String {
        self.path(&self.marked("bundle", ".pem"))
    }

    /// Whether a variable names a file that holds other roots than ours.
    pub fn has_others(&self, user: &Environment, variable: &str) -> bool {
        bundle::has_others(user, variable, &self.directory)
    }

    /// Whether a path is that of one of these files.
    pub fn contains(&self, path: &str) -> bool {
        Path::new(path).parent() == Some(&self.directory)
    }

    /// The wgetrc, unless the user has one.
    pub fn wgetrc(&self) -> Option<String> {
        self.has_wgetrc.then(|| self.path(&self.marked("wgetrc", "")))
    }

    /// The directories that PHP scans for ini files: those in `users`, else the built-in ones, and ours.
    pub fn php_scan(&self, users: Option<&str>) -> String {
        let users = users.and_then(|users| self.php_scan_without(users)).unwrap_or_default();
        format!("{users}{}{}", LIST, self.path(&self.marked(PHP, "")))
    }

    /// Such a list without our directory; nothing if that was all.
    pub fn php_scan_without(&self, list: &str) -> Option<String> {
        let others: Vec<&str> = list.split(LIST).filter(|directory| !self.contains(directory)).collect();
        Some(others.join(LIST)).filter(|rest| !rest.is_empty())
    }

    /// The options that JVMs start with: those in `users`, and ours.
    pub fn java_options(&self, users: Option<&str>, proxy: SocketAddr) -> Option<String> {
        let users = users.and_then(java::options_without).map(|users| users + " ").unwrap_or_default();
        let store = self.trust_store.as_ref()?;
        Some(users + &java::options(proxy, &store.display().to_string()))
    }

    fn marked(&self, name: &str, end: &str) -> String {
        format!("{name}{}{end}", self.mark)
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    fn write_php(&self) -> Result<(), FilesError> {
        let directory = self.directory.join(self.marked(PHP, ""));
        let failed = |source| FileError::Io { action: "create", path: directory.clone(), source };
        std::fs::create_dir_all(&directory).map_err(failed)?;
        let bundle = self.bundle();
        let text = format!("curl.cainfo = \"{bundle}\"\nopenssl.cafile = \"{bundle}\"\n");
        Ok(publish(&directory, "azure-openai-proxy.ini", &text)?)
    }

    /// What wget reads at present, if that is not ours: it may hold passwords, and is not copied for that.
    fn users_wgetrc(&self, user: &Environment) -> Option<PathBuf> {
        let named = user.path("WGETRC").filter(|path| path.parent() != Some(&self.directory));
        named.or_else(|| user.home().map(|home| home.join(".wgetrc")).filter(|path| path.is_file()))
    }
}

/// What stands between the entries of a list of paths.
const LIST: &str = if cfg!(windows) { ";" } else { ":" };

// === impl Note ===

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOtherRoots => f.write_str(
                "this machine has no root certificates; clients that read SSL_CERT_FILE reach intercepted hosts only",
            ),
            Self::Unreadable(name, path) => {
                write!(f, "{name} names {}, which holds no certificates", path.display())
            }
            Self::OwnWgetrc(path, bundle) => {
                write!(f, "wget keeps reading {}; write into it: ca_certificate = {bundle}", path.display())
            }
        }
    }
}

#[cfg(test)]
mod tests;
