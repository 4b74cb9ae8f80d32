//! No owners and no bits: the directory's access list is inherited.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::FileError;

pub(super) fn private_directories(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

pub(super) fn private_directory(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)
}

pub(super) fn with_mode(_: &mut OpenOptions, _: u32) {}

pub(super) fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

pub(super) fn check_directory(_: &Path) -> Result<(), FileError> {
    Ok(())
}

pub(super) fn check_key(_: &Path, _: &Path, _: &File) -> Result<(), FileError> {
    Ok(())
}
