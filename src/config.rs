//! Settings: from flags, environment, file and defaults to what the modules take.
//!
//! Each source is read into a [`layer::Layer`] of texts that know where they stand; the layers are
//! merged, flags over environment over file over defaults; [`resolve`] reads the texts. Everything
//! that is wrong is reported at once, each with its place.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::Flags;
use crate::rewrite;
use crate::{policy, proxy, telemetry, tls, upstream};

pub mod azure_key;
pub mod env;
pub mod file;
pub mod flags;
mod given;
pub mod key;
pub mod layer;
pub mod nearest;
pub mod problem;
pub mod resolve;
pub mod show;
pub mod value;

use azure_key::{CommandError, KeyCommand};
use env::Environment;
use key::Key;
use layer::{Layer, Origin, Raw};
use problem::{Fault, Invalid, Problem};

/// What the program runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; at least one address.
    pub listen: Vec<SocketAddr>,
    /// Where requests go and how they are rewritten.
    pub rewrite: rewrite::Settings,
    /// Host names, in lower case, whose tunnels are intercepted.
    pub intercept: Vec<String>,
    /// Host names, in lower case, in the certificate of our own listeners.
    pub tls_names: Vec<String>,
    /// A certificate for our own listeners that somebody else made.
    pub tls_files: Option<tls::own::Files>,
    /// The directory of the CA.
    pub certs: PathBuf,
    /// How origin servers are reached.
    pub upstream: upstream::Settings,
    /// What is allowed beyond the defaults.
    pub policy: policy::Settings,
    /// What one client can make us hold.
    pub limits: proxy::Limits,
    /// How to log.
    pub log: telemetry::Settings,
    /// The command that prints the Azure key; see [`Config::fetch_key`].
    pub key_command: Option<KeyCommand>,
}

/// The settings as they were written, and what they amount to.
pub struct Loaded {
    /// The merged layers.
    pub settings: Layer,
    /// The configuration, unless something is wrong.
    pub config: Result<Config, Invalid>,
    /// The file of settings, whether or not it is there, and the files that settings name.
    pub files: Vec<PathBuf>,
}

/// Reads all sources. The file of keys is read, the command that prints one is not run.
pub fn load(flags: &Flags, environment: &Environment) -> Loaded {
    let mut problems = Vec::new();
    let (path, from_file) = read_file(flags, environment, &mut problems);
    let settings = flags::layer(flags)
        .over(environment.layer(&mut problems))
        .over(from_file)
        .over(environment.conventions(&mut problems))
        .over(defaults(environment));
    let files = path.iter().cloned().chain(named_files(&settings)).collect();
    let config = resolve::resolve(&settings, path, environment, &mut problems);
    let config = config.filter(|_| problems.is_empty()).ok_or(Invalid(problems));
    Loaded { settings, config, files }
}

/// Reads all sources for a command that talks to no upstream: nothing that leads there has to be set.
pub fn load_local(flags: &Flags, environment: &Environment) -> Loaded {
    let flags = Flags { mode: Some("openai".into()), ..flags.clone() };
    load(&flags, environment)
}

/// The file's layer, and the file that was read or could have been.
fn read_file(
    flags: &Flags,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> (Option<PathBuf>, Layer) {
    let flag = flags.config.as_ref().map(|path| (path.clone(), Origin::Flag("--config".into())));
    let (path, named_by) = match flag.or_else(|| environment.config_file()) {
        Some((path, origin)) => (path, Some(origin)),
        None => match environment.default_config_file() {
            Some(path) => (path, None),
            None => return (None, Layer::default()),
        },
    };
    let layer = match (file::read(&path), named_by) {
        (Ok(text), _) => file::layer(&path, &text, problems),
        (Err(Fault::Unreadable { error, .. }), None) if error.kind() == io::ErrorKind::NotFound => {
            Layer::default()
        }
        (Err(fault), named_by) => {
            let is_quoted = named_by.is_some() && path.to_str().is_some_and(env::is_quoted);
            let fault = if is_quoted { Fault::Quoted } else { fault };
            problems.push(Problem { origin: named_by, key: None, fault });
            Layer::default()
        }
    };
    (Some(path), layer)
}

fn named_files(settings: &Layer) -> impl Iterator<Item = PathBuf> {
    let naming = settings.iter().filter(|(key, _)| key.names_files());
    naming.flat_map(|(_, raw)| raw.values.iter().map(|value| value.origin.path(&value.text)))
}

fn defaults(environment: &Environment) -> Layer {
    let mut defaults = Layer::defaults();
    if let Some(dir) = environment.data_dir().and_then(|dir| dir.to_str()) {
        defaults.set(Key::Certs, Raw::new(Origin::Default, [dir]));
    }
    defaults
}

// === impl Config ===

impl Config {
    /// Runs the command that prints the Azure key, where one is set; before serving, once.
    pub async fn fetch_key(&mut self) -> Result<(), CommandError> {
        if let Some(command) = &self.key_command {
            self.rewrite.mode.set_key(command.run().await?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
