//! The environment: the only place that reads it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::key::{ENV_PREFIX, Key};
use super::layer::{Layer, Origin, Raw};
use super::nearest::nearest;
use super::problem::{Fault, Problem};
use crate::upstream::parent::Parent;

const CONFIG_VARIABLE: &str = "AZURE_OPENAI_PROXY_CONFIG";

/// Everybody's variables, the one that wins first (as in Go and curl, but for plain HTTP there is no other).
const CONVENTIONS: [(Key, &[&str]); 2] = [
    (Key::UpstreamProxy, &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
    (Key::NoUpstreamProxy, &["NO_PROXY", "no_proxy"]),
];

/// The variables that name a proxy to clients.
const PROXIES: [&str; 6] =
    ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// Variables and directories as they were at start. It has no `Debug`, because it holds keys.
#[derive(Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    config_dir: Option<PathBuf>,
    data_dir: Option<PathBuf>,
}

// === impl Environment ===

impl Environment {
    /// That of this process, and the platform's directories (XDG's, on Windows those of Windows).
    pub fn of_process() -> Self {
        let base = etcetera::choose_base_strategy().ok();
        Self {
            config_dir: base.as_ref().map(|base| base.config_dir().join("azure-openai-proxy")),
            data_dir: base.as_ref().map(|base| base.data_dir().join("azure-openai-proxy")),
            ..Self::new(std::env::vars_os())
        }
    }

    /// These variables and no directories. An empty variable counts as unset: compose files and shells
    /// pass those that nobody filled in.
    pub fn new<N: Into<OsString>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let named = variables.into_iter().filter_map(|(name, value)| {
            let (name, value) = (name.into().into_string().ok()?, value.into());
            (!value.is_empty()).then(|| (spelt(&name).into_owned(), value))
        });
        Self { variables: named.collect(), ..Self::default() }
    }

    fn get(&self, name: &str) -> Option<&OsString> {
        self.variables.get(&*spelt(name))
    }

    /// The file that is named instead of the platform's, and by what.
    pub fn config_file(&self) -> Option<(PathBuf, Origin)> {
        let path = self.get(CONFIG_VARIABLE)?;
        Some((path.into(), Origin::Env(CONFIG_VARIABLE.to_owned())))
    }

    /// The file that is read if it exists and none is named.
    pub fn default_config_file(&self) -> Option<PathBuf> {
        self.config_dir.as_ref().map(|dir| dir.join("config.toml"))
    }

    /// Where the CA is kept unless a directory is given.
    pub fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// Whether colours are unwelcome (<https://no-color.org>).
    pub fn no_color(&self) -> bool {
        self.get("NO_COLOR").is_some()
    }

    /// What a variable that is no setting of ours holds, if that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str()
    }

    /// The path that a variable holds.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// The paths that a variable lists, as `PATH` does.
    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        self.get(name).map(|list| std::env::split_paths(list).collect()).unwrap_or_default()
    }

    /// The user's own directory.
    pub fn home(&self) -> Option<PathBuf> {
        self.path(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
    }

    /// The settings in it. A variable that has our prefix and is not ours is a problem: it is a
    /// setting with a typing mistake, and nobody would notice.
    pub fn layer(&self, problems: &mut Vec<Problem>) -> Layer {
        let mut layer = Layer::default();
        for &key in Key::ALL {
            let Some((name, value)) = self.first_of(key) else { continue };
            let origin = Origin::Env(name);
            match value.to_str() {
                // A command's words may be quoted, the first and the last among them.
                Some(text) if is_quoted(text) && key != Key::ApiKeyCommand => {
                    problems.push(Problem::at(&origin, key, Fault::Quoted));
                }
                Some(text) => layer.set(key, Raw::from_text(key, origin, text)),
                None => problems.push(Problem::at(&origin, key, Fault::NotText)),
            }
        }
        problems.extend(self.unknown());
        layer
    }

    /// What variables that are not ours say about how the network is reached. It stands below the file: it was
    /// not written for this program.
    pub fn conventions(&self, problems: &mut Vec<Problem>) -> Layer {
        let mut layer = Layer::default();
        for (key, names) in CONVENTIONS {
            let found = names.iter().find_map(|&name| Some((name, self.get(name)?)));
            let Some((name, value)) = found else { continue };
            let origin = Origin::Env(name.to_owned());
            match value.to_str() {
                Some(text) => layer.set(key, Raw::from_text(key, origin, text)),
                None => problems.push(Problem::at(&origin, key, Fault::NotText)),
            }
        }
        layer
    }

    /// The variables that lead clients to one of these listeners: the shell was set up for a proxy of ours.
    pub fn proxies_at(&self, listeners: &[SocketAddr]) -> Vec<&'static str> {
        let leads_there = |name: &&str| {
            let parent = self.text(name).and_then(|url| url.parse::<Parent>().ok());
            parent.is_some_and(|parent| parent.is_at(listeners))
        };
        PROXIES.into_iter().filter(leads_there).collect()
    }

    fn first_of(&self, key: Key) -> Option<(String, &OsString)> {
        key.variables().find_map(|name| self.get(&name).map(|value| (name, value)))
    }

    fn unknown(&self) -> impl Iterator<Item = Problem> {
        let ours = || Key::ALL.iter().flat_map(|key| key.variables()).chain([CONFIG_VARIABLE.to_owned()]);
        let prefixed = self.variables.iter().filter(|(name, _)| name.starts_with(ENV_PREFIX));
        prefixed
            .filter(move |(name, value)| !ours().any(|own| own == **name) && !is_service_link(name, value))
            .map(move |(name, _)| {
                let meant = nearest(bare(name), ours().map(|own| bare(&own).to_owned()));
                let nearest = ours().find(|own| meant.as_deref() == Some(bare(own)));
                let fault = Fault::UnknownVariable { nearest };
                Problem::elsewhere(Origin::Env(name.clone()), fault)
            })
    }
}

/// A variable's name as it is compared: Windows has `Path`, and finds it as `PATH`.
fn spelt(name: &str) -> Cow<'_, str> {
    if cfg!(windows) { name.to_ascii_uppercase().into() } else { name.into() }
}

/// Whether a text begins and ends with the same quote.
pub fn is_quoted(text: &str) -> bool {
    let text = text.trim();
    ['"', '\''].iter().any(|&quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote))
}

/// Whether a setting stands in a variable of everybody's, and was not written for this program.
pub fn is_convention(origin: &Origin) -> bool {
    let named = |name: &str| CONVENTIONS.iter().any(|(_, names)| names.contains(&name));
    matches!(origin, Origin::Env(name) if named(name))
}

/// A variable's name without what it begins with, which is not the same for all of ours.
fn bare(name: &str) -> &str {
    let beginnings = [ENV_PREFIX, "AZURE_OPENAI_", "OPENAI_"];
    beginnings.into_iter().find_map(|beginning| name.strip_prefix(beginning)).unwrap_or(name)
}

/// Kubernetes describes a Service called `azure-openai-proxy` to every pod in variables of this form
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
fn is_service_link(name: &str, value: &OsString) -> bool {
    let rest = name.strip_prefix(ENV_PREFIX).unwrap_or(name);
    let of_port = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    rest == "SERVICE_HOST"
        || rest == "SERVICE_PORT"
        || rest.starts_with("SERVICE_PORT_")
        || rest.strip_prefix("PORT_").is_some_and(of_port)
        || rest == "PORT" && value.to_str().is_some_and(|value| value.contains("://"))
}

#[cfg(test)]
mod tests;
