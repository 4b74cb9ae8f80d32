//! Owners and permission bits, as Unix has them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{FileError, failed};

/// What is missing is made as the XDG Base Directory Specification has it: for its owner alone.
pub(super) fn private_directories(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

pub(super) fn private_directory(dir: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)?;
    fs::set_permissions(dir, Permissions::from_mode(0o700))
}

pub(super) fn with_mode(options: &mut OpenOptions, mode: u32) {
    options.mode(mode);
}

/// Undoes what the umask took away.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

pub(super) fn check_directory(dir: &Path) -> Result<(), FileError> {
    let mode = fs::metadata(dir).map_err(|source| failed("look at", dir, source))?.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(FileError::DirectoryExposed { path: dir.to_owned(), mode });
    }
    Ok(())
}

pub(super) fn check_key(dir: &Path, path: &Path, file: &File) -> Result<(), FileError> {
    let found = file.metadata().map_err(|source| failed("look at", path, source))?;
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::KeyExposed { path: path.to_owned(), mode });
    }
    // A file of mode 0600 opens for its owner and for root only, so only root can meet a stranger's file here.
    let owner = found.uid();
    let directory_owner = fs::metadata(dir).map_err(|source| failed("look at", dir, source))?.uid();
    if owner != directory_owner && owner != 0 {
        return Err(FileError::ForeignOwner { path: path.to_owned(), owner, directory_owner });
    }
    Ok(())
}
