//! The CA's two files: `issuer.pem`, the single truth with the key in it, and `ca.pem` for people to trust.
//!
//! `issuer.pem` appears whole or not at all: it is written beside its place and then linked or renamed into it.
//! The permission rules are those of Unix; elsewhere the directory's access list is what protects the key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::tls;
use crate::tls::ca::CaError;

#[cfg_attr(not(unix), path = "files/no_permissions.rs")]
mod permissions;
use crate::tls::pem;

/// More than a key, two certificates and a list ever need.
const LARGEST: u64 = 64 * 1024;

/// Why the files of a CA are not used or not written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The directory cannot be made, or nothing can be written into it.
    #[error(
        "cannot {action} {}, which is where the CA is kept; name another directory with --certs \
         (AZURE_OPENAI_PROXY_CERTS)",
        path.display()
    )]
    Directory {
        /// What was tried, as a verb.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A symbolic link, a directory or a device stands where the key should be.
    #[error("{} is not a regular file", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// The key can be read by the group or by everybody.
    #[error("{} can be used by others (mode {mode:04o}); run: chmod 600 '{}'", path.display(), path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others can write to the directory, and so replace the CA.
    #[error("others can write to {} (mode {mode:04o}); run: chmod go-w '{}'", path.display(), path.display())]
    DirectoryExposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs neither to the directory's owner nor to the administrator.
    #[error("{} belongs to user {owner}, its directory to user {directory_owner}", path.display())]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// Who owns the file.
        owner: u32,
        /// Who owns the directory.
        directory_owner: u32,
    },
}

/// A file that vanishes when dropped.
struct Temporary(PathBuf);

/// The file with the key.
pub(super) fn issuer(dir: &Path) -> PathBuf {
    dir.join("issuer.pem")
}

/// Makes `dir` for its owner alone, or checks that others cannot write to the one that is there.
pub(super) fn prepare(dir: &Path) -> Result<(), FileError> {
    match fs::metadata(dir) {
        Ok(_) => permissions::check_directory(dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_directory(dir),
        Err(source) => Err(unusable("look at", dir, source)),
    }
}

/// Reads `issuer.pem` if it is as private as a key must be.
pub(super) fn read(dir: &Path) -> Result<Zeroizing<Vec<u8>>, CaError> {
    let path = issuer(dir);
    let kind = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if dir.exists() {
                permissions::check_directory(dir)?;
            }
            refuse_foreign(dir)?;
            return Err(CaError::Absent { path });
        }
        Err(source) => return Err(unusable("look into", dir, source).into()),
    };
    if !kind.is_file() {
        return Err(FileError::NotRegular { path }.into());
    }
    permissions::check_directory(dir)?;
    let file = File::open(&path).map_err(|source| failed("open", &path, source))?;
    permissions::check_key(dir, &path, &file)?;
    // All the room at once: growing would leave copies of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LARGEST as usize));
    file.take(LARGEST).read_to_end(&mut text).map_err(|source| failed("read", &path, source))?;
    Ok(text)
}

/// An error where a root stands without a key: somebody has fetched it, and a new one would take its place.
///
/// Ours never does, not even while it is made: its key is there first.
pub(super) fn refuse_foreign(dir: &Path) -> Result<(), CaError> {
    let path = dir.join("ca.pem");
    let is_root = fs::read(&path).is_ok_and(|text| pem::certificates(&text).is_ok());
    let has_key = || fs::symlink_metadata(issuer(dir)).is_ok();
    if is_root && !has_key() { Err(CaError::Foreign { path }) } else { Ok(()) }
}

/// Puts `text` at `issuer.pem` unless something is there.
pub(super) fn create(dir: &Path, text: &str) -> Result<(), CaError> {
    let path = issuer(dir);
    let written = write_beside(dir, text, 0o600)?;
    match fs::hard_link(&written.0, &path) {
        Ok(()) => Ok(sync_directory(dir)?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(CaError::Exists { path }),
        Err(source) => Err(failed("create", &path, source).into()),
    }
}

/// Puts `text` at `issuer.pem` whatever is there.
pub(super) fn replace(dir: &Path, text: &str) -> Result<(), FileError> {
    rename_into(dir, &issuer(dir), text, 0o600)
}

/// Makes the file `name` in `dir` hold `text`, for everybody to read, in one step; writes only if it does not.
pub fn publish(dir: &Path, name: &str, text: &str) -> Result<(), FileError> {
    let path = dir.join(name);
    match holds(&path, text) {
        Ok(true) => Ok(()),
        _ => rename_into(dir, &path, text, 0o644),
    }
}

fn holds(path: &Path, text: &str) -> io::Result<bool> {
    let mut found = Vec::new();
    File::open(path)?.take(text.len() as u64 + 1).read_to_end(&mut found)?;
    Ok(found == text.as_bytes())
}

fn make_directory(dir: &Path) -> Result<(), FileError> {
    let failed = |source| unusable("create", dir, source);
    if let Some(parent) = dir.parent() {
        permissions::private_directories(parent).map_err(failed)?;
    }
    match permissions::private_directory(dir) {
        Ok(()) => Ok(()),
        // Somebody else was first; it is then for us to judge.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => permissions::check_directory(dir),
        Err(source) => Err(failed(source)),
    }
}

fn rename_into(dir: &Path, path: &Path, text: &str, mode: u32) -> Result<(), FileError> {
    let written = write_beside(dir, text, mode)?;
    fs::rename(&written.0, path).map_err(|source| failed("replace", path, source))?;
    sync_directory(dir)
}

/// Writes a new file of a random name to the disk, its mode right from the start.
fn write_beside(dir: &Path, text: &str, mode: u32) -> Result<Temporary, FileError> {
    let random: [u8; 8] =
        tls::random().map_err(|_| failed("name a file in", dir, io::Error::other("no randomness")))?;
    let path = dir.join(format!(".{}.tmp", HEXLOWER.encode(&random)));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    permissions::with_mode(&mut options, mode);
    let mut file = options.open(&path).map_err(|source| unusable("write into", dir, source))?;
    let written = Temporary(path);
    permissions::set_mode(&file, mode)
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .map_err(|source| failed("write", &written.0, source))?;
    Ok(written)
}

/// Makes a new name in `dir` survive a crash of the machine.
fn sync_directory(dir: &Path) -> Result<(), FileError> {
    if cfg!(unix) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| failed("sync", dir, source))?;
    }
    Ok(())
}

fn unusable(action: &'static str, dir: &Path, source: io::Error) -> FileError {
    FileError::Directory { action, path: dir.to_owned(), source }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> FileError {
    FileError::Io { action, path: path.to_owned(), source }
}

// === impl Temporary ===

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename it is gone; otherwise a leftover is private and harmless.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests;
