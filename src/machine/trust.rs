//! `trust` and `untrust`: our root in the stores of this machine, each on its own terms.
//!
//! What is there is surveyed first; what to do follows from that alone ([`plan`]); then it is done, store by store,
//! because the system's store feeds others. No store's failure keeps the next from its turn.

pub mod apply;
pub mod host;
pub mod java;
pub mod nss;
pub mod plan;
pub mod system;

use std::fmt;
use std::path::PathBuf;

use crate::cli::Store;
use host::Host;

/// What is to become of our root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Believed.
    Trust,
    /// Gone.
    Untrust,
}

/// One place that clients take roots from, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What kind of store it is.
    pub store: Store,
    /// Which one of its kind: a directory, a file, a name.
    pub name: String,
    /// How roots come into it.
    pub way: Way,
    /// What of ours is in it.
    pub holds: Holds,
}

/// How roots come into a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A directory of files, and a command that makes the system's bundle of them.
    Anchors {
        /// The directory.
        directory: PathBuf,
        /// How its files have to end.
        extension: &'static str,
        /// The command, unless it is not installed.
        refresh: Option<(PathBuf, &'static [&'static str])>,
    },
    /// macOS: the user's keychain, with trust settings beside it.
    Keychain(PathBuf),
    /// Windows: the current user's Root store.
    Windows,
    /// A database of NSS, by `certutil`.
    Nss {
        /// The program.
        certutil: PathBuf,
    },
    /// A trust store of Java, by `keytool`.
    Java {
        /// The program.
        keytool: PathBuf,
    },
    /// There is none that we could write to.
    Closed(String),
}

/// Our root and others of this program's making, in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Under which files, names or aliases our root is there.
    pub ours: Vec<String>,
    /// Whether it is believed there: a file that no bundle was made of does nothing.
    pub effective: bool,
    /// Roots of other CAs that this program made: orphans of ours, or another user's.
    pub others: Vec<Other>,
}

/// A root of this program's making that is not the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The file, name or alias.
    pub at: String,
    /// Its SHA-256 digest in hex.
    pub fingerprint: String,
}

/// What became of the wish in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is so now.
    Done,
    /// It was as wished before.
    Already(Wish),
    /// Not for this machine.
    Skipped(String),
    /// It did not work; why, and what to run instead where that is known.
    Failed(String),
    /// What would be run.
    Would(Vec<String>),
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What kind of store it is about.
    pub store: Store,
    /// Which one of its kind.
    pub name: String,
    /// What became of the wish.
    pub outcome: Outcome,
    /// What else was found there.
    pub others: Vec<Other>,
}

/// Brings the wish about in these stores, one after the other, or says what it would take.
pub async fn run(host: &Host, stores: &[Store], wish: Wish, dry: bool) -> Vec<Report> {
    let mut reports = Vec::new();
    for &store in stores {
        for place in survey(host, store).await {
            let outcome = apply::apply(host, wish, plan::plan(&place, wish, &host.root), dry).await;
            reports.push(Report { store, name: place.name, outcome, others: place.holds.others });
        }
    }
    reports
}

/// What is on this machine of one kind of store.
pub async fn survey(host: &Host, store: Store) -> Vec<Place> {
    match store {
        Store::System => system::survey(host).await,
        Store::Nss => nss::survey(host).await,
        Store::Java => vec![java::survey(host).await],
    }
}

// === impl Place ===

impl Place {
    /// One that cannot be written to.
    pub fn closed(store: Store, name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { store, name: name.into(), way: Way::Closed(why.into()), holds: Holds::default() }
    }
}

// === impl Outcome ===

impl Outcome {
    /// Whether somebody has to do something about it.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Already(Wish::Trust) => f.write_str("already there"),
            Self::Already(Wish::Untrust) => f.write_str("not there"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Would(commands) => write!(f, "would run: {}", commands.join(" && ")),
        }
    }
}

// === impl Report ===

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:6}  {}: {}", self.store.name(), self.name, self.outcome)?;
        for Other { at, fingerprint } in &self.others {
            writeln!(f, "        there is another CA of azure-openai-proxy: {at} (SHA-256 {fingerprint})")?;
        }
        Ok(())
    }
}
