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
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Layer, Vec<String>) {
        let mut problems = Vec::new();
        let layer = Environment::new(variables.iter().copied()).layer(&mut problems);
        (layer, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_variable_of_the_table_is_read() {
        for &key in Key::ALL {
            for name in key.variables() {
                let (layer, problems) = read(&[(&name, "x=y")]);
                let raw = layer.get(key).unwrap();
                assert_eq!((&raw.origin, &*raw.values[0].text), (&Origin::Env(name), "x=y"));
                assert_eq!(problems, [""; 0]);
            }
        }
    }

    #[test]
    fn a_variable_that_leads_to_our_listeners_is_known() {
        let listeners = ["0.0.0.0:8080".parse().unwrap()];
        for (url, ours) in [
            ("http://user:pass@127.0.0.1:8080", true),
            ("https://localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("http://127.0.0.1:3128", false),
            ("http://proxy.example:8080", false),
            ("no url", false),
        ] {
            let variables = [("https_proxy", url), ("ALL_PROXY", url), ("NO_PROXY", url), ("HTTP_PROXY", "")];
            let expected: &[&str] = if ours { &["https_proxy", "ALL_PROXY"] } else { &[] };
            assert_eq!(Environment::new(variables).proxies_at(&listeners), expected, "{url}");
        }
    }

    #[test]
    fn the_first_alias_that_is_not_empty_wins() {
        let (layer, _) = read(&[
            ("AZURE_OPENAI_PROXY_API_VERSION", ""),
            ("AZURE_OPENAI_API_VERSION", "2024-10-21"),
            ("AZURE_OPENAI_APIVERSION", "preview"),
            ("OPENAI_API_VERSION", "2024-10-21"),
        ]);
        assert_eq!(layer.get(Key::ApiVersion).unwrap().values[0].text, "preview");
        let (layer, _) = read(&[("AZURE_OPENAI_API_VERSION", "2024-10-21")]);
        assert_eq!(layer.get(Key::ApiVersion).unwrap().values[0].text, "2024-10-21");
        assert_eq!(read(&[("AZURE_OPENAI_TOKEN", "")]).0.get(Key::ApiKey), None);
    }

    #[test]
    fn quotes_around_a_value_are_refused_and_the_value_is_not_shown() {
        for name in ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_PROXY_CLIENT_KEYS"] {
            for value in ["\"secret\"", "'secret'", " 'secret' ", "\"\""] {
                let (layer, problems) = read(&[(name, value)]);
                let told = "has quotes around it, which docker --env-file keeps; write it without".to_owned();
                assert_eq!(problems, [format!("{name}: {told}")]);
                assert_eq!(layer, Layer::default());
            }
            for value in ["\"", "a'b'", "'a\""] {
                assert_eq!(read(&[(name, value)]).1, [""; 0], "{value}");
            }
        }
        let command = ("AZURE_OPENAI_PROXY_API_KEY_COMMAND", "'/my tools/print' 'key'");
        assert_eq!(read(&[command]).1, [""; 0]);
    }

    #[test]
    fn a_misspelt_variable_is_a_problem() {
        let (_, problems) = read(&[("AZURE_OPENAI_PROXY_LISTENS", "1"), ("AZURE_OPENAI_PROXY_CONFIG", "x")]);
        assert_eq!(
            problems,
            ["AZURE_OPENAI_PROXY_LISTENS: unknown variable; did you mean AZURE_OPENAI_PROXY_LISTEN?"]
        );
        for (name, meant) in [
            ("AZURE_OPENAI_PROXY_TOKEN", "AZURE_OPENAI_TOKEN"),
            ("AZURE_OPENAI_PROXY_MODEL_MAPER", "AZURE_OPENAI_MODEL_MAPPER"),
            ("AZURE_OPENAI_PROXY_CONFG", "AZURE_OPENAI_PROXY_CONFIG"),
            ("AZURE_OPENAI_PROXY_API_KEYS", "AZURE_OPENAI_PROXY_API_KEY"),
        ] {
            let problem = format!("{name}: unknown variable; did you mean {meant}?");
            assert_eq!(read(&[(name, "1")]).1, [problem]);
        }
        assert_eq!(
            read(&[("AZURE_OPENAI_PROXY_COLOUR", "1")]).1,
            ["AZURE_OPENAI_PROXY_COLOUR: unknown variable"]
        );
        assert_eq!(read(&[("AZURE_OPENAI_OTHER", "1")]).1, [""; 0], "other programs' variables");
    }

    #[test]
    fn what_kubernetes_says_of_a_service_of_our_name_is_no_setting() {
        let links = [
            ("AZURE_OPENAI_PROXY_SERVICE_HOST", "10.0.0.1"),
            ("AZURE_OPENAI_PROXY_SERVICE_PORT_HTTP", "8080"),
            ("AZURE_OPENAI_PROXY_PORT", "tcp://10.0.0.1:8080"),
            ("AZURE_OPENAI_PROXY_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ];
        assert_eq!(read(&links).1, [""; 0]);
        assert_eq!(read(&[("AZURE_OPENAI_PROXY_PORT", "8080")]).1.len(), 1, "a port alone is a mistake");
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_a_problem() {
        use std::os::unix::ffi::OsStringExt;
        let variables = [("AZURE_OPENAI_ENDPOINT", OsString::from_vec(vec![0xff]))];
        let mut problems = Vec::new();
        Environment::new(variables).layer(&mut problems);
        assert_eq!(problems[0].to_string(), "AZURE_OPENAI_ENDPOINT: the value is not UTF-8 text");
    }
}
