//! What the run is asked to do.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::contender::Kind;

/// The command line.
pub(crate) struct Options {
    /// The proxy's program.
    pub(crate) ours: PathBuf,
    /// Where the peers' programs are.
    pub(crate) peers: Option<PathBuf>,
    /// Where all rounds are written.
    pub(crate) json: Option<PathBuf>,
    /// Fewer and shorter rounds.
    pub(crate) quick: bool,
    only: Vec<String>,
    with: Vec<String>,
}

impl Options {
    /// Reads it.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Self {
            ours: PathBuf::new(),
            peers: None,
            json: None,
            quick: false,
            only: Vec::new(),
            with: Vec::new(),
        };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{name} wants a value"));
            let list = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
            match name.as_str() {
                "--quick" => options.quick = true,
                "--ours" => options.ours = value()?.into(),
                "--peers" => options.peers = Some(value()?.into()),
                "--json" => options.json = Some(value()?.into()),
                "--only" => options.only = list(value()?),
                "--with" => options.with = list(value()?),
                _ => bail!(
                    "no such option: {name}; there are --quick, --only {} and --with CONTENDERS",
                    crate::rounds::LOADS.join(",")
                ),
            }
        }
        if let Some(unknown) = options.only.iter().find(|only| !crate::rounds::LOADS.contains(&&***only)) {
            bail!("no such load: {unknown}; there are {}", crate::rounds::LOADS.join(", "));
        }
        Ok(options)
    }

    /// Whether this load is to be run.
    pub(crate) fn runs(&self, load: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == load)
    }

    /// Whether this contender takes part; two always do.
    pub(crate) fn wants(&self, kind: Kind) -> bool {
        let named = self.with.iter().any(|name| name == kind.name());
        matches!(kind, Kind::Direct | Kind::Ours) || self.with.is_empty() || named
    }
}
