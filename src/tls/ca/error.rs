//! What keeps a certificate authority from being used or made.

use std::path::PathBuf;

use thiserror::Error;

use super::{AuthorityError, FileError};

/// Why there is no authority.
#[derive(Debug, Error)]
pub enum CaError {
    /// A CA is in the directory already.
    #[error("there is a CA already: {}", path.display())]
    Exists {
        /// The file that holds it.
        path: PathBuf,
    },
    /// No CA is in the directory.
    #[error(
        "there is no CA yet: {} does not exist; it is made on the first start, or by: azure-openai-proxy ca init",
        path.display()
    )]
    Absent {
        /// The file that would hold it.
        path: PathBuf,
    },
    /// The root of a CA is there whose key is not: that of a proxy which another user runs.
    #[error(
        "{} is the root of another proxy, whose key is not here; for a CA of your own name another directory with \
         --certs, or replace it: azure-openai-proxy ca init --replace",
        path.display()
    )]
    Foreign {
        /// The file that holds the root.
        path: PathBuf,
    },
    /// A CA without names could sign for nothing.
    #[error("a CA needs at least one name that it may sign for")]
    NoNames,
    /// Not a DNS name; addresses are never signed for.
    #[error("{name:?} is not a DNS name")]
    BadName {
        /// What was given.
        name: String,
    },
    /// Reading or writing failed, or the files are not private enough.
    #[error(transparent)]
    File(#[from] FileError),
    /// What the file holds is no CA that can be used.
    #[error("the CA in {} cannot be used (azure-openai-proxy ca init --replace makes a new one)", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: AuthorityError,
    },
    /// A CA could not be made.
    #[error("cannot make a CA")]
    Make(#[source] AuthorityError),
}
