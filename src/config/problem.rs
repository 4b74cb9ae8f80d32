//! What is wrong with the settings, where, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error as ThisError;

use super::azure_key::KeyError;
use super::key::Key;
use super::layer::Origin;
use super::value::ValueError;
use crate::error::chain;
use crate::policy::client_keys::ClientKeyError;

/// Everything that is wrong, so that one run suffices to see it all.
#[derive(Debug, ThisError)]
pub struct Invalid(pub Vec<Problem>);

/// One thing that is wrong.
#[derive(Debug, ThisError)]
pub struct Problem {
    /// Where it stands; `None` where something is missing or settings contradict each other.
    pub origin: Option<Origin>,
    /// The setting, where it is known.
    pub key: Option<Key>,
    /// What is wrong with it; shown as part of this problem.
    pub fault: Fault,
}

/// What can be wrong. No variant prints the value of a secret.
#[derive(Debug, ThisError)]
pub enum Fault {
    /// The file is not TOML; the parser's words, without the line they are about.
    #[error("{0}")]
    Syntax(String),
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A name that no setting has.
    #[error("unknown setting {name:?}{}", suggestion(nearest.as_deref()))]
    UnknownKey {
        /// The name.
        name: String,
        /// The setting that was probably meant.
        nearest: Option<String>,
    },
    /// A variable with our prefix that is none of ours.
    #[error("unknown variable{}", suggestion(nearest.as_deref()))]
    UnknownVariable {
        /// The variable that was probably meant.
        nearest: Option<String>,
    },
    /// A TOML value of another type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the setting takes.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A setting in a table, where it is taken for one of the table's names.
    #[error("stands below [{0}], and so is read as a model's name; move it above that line")]
    Below(Key),
    /// A name with dots in a map, which TOML takes for one name below another.
    #[error("a name with dots needs quotes: {0:?} = …")]
    Unquoted(String),
    /// A name in a map that would be read as another name once it is written `name=value`.
    #[error("the name {0:?} must not have \"=\" in it")]
    EqualsInName(String),
    /// The value is not UTF-8.
    #[error("the value is not UTF-8 text")]
    NotText,
    /// The value is not of the form that it must have.
    #[error("{text:?} is {error}")]
    Value {
        /// The value.
        text: String,
        /// What it must be.
        error: ValueError,
    },
    /// The module that takes the value refuses it.
    #[error("{}", chain(&**.0))]
    Refused(Box<dyn Error + Send + Sync>),
    /// A key stands in the file, which is made to be shared.
    #[error(
        "keys do not belong in the file: give {0}_file there, or set {variable} in the environment",
        variable = .0.variables().next().unwrap_or_default()
    )]
    SecretInFile(Key),
    /// A text that is no key.
    #[error(transparent)]
    UnusableKey(#[from] KeyError),
    /// A variable's value has quotes around it, which shells take off and other readers do not.
    #[error("has quotes around it, which docker --env-file keeps; write it without")]
    Quoted,
    /// Two sources of the key at the same level.
    #[error("given together with {0}: leave one of them")]
    KeyGivenTwice(Key),
    /// One of two settings that only make sense together.
    #[error("missing, and {0} is of no use without it")]
    NeededBeside(Key),
    /// Azure mode without a resource.
    #[error(
        "no Azure OpenAI resource is named. Either set AZURE_OPENAI_ENDPOINT=https://NAME.openai.azure.com \
         (or pass --endpoint{}), or run `azure-openai-proxy demo`, which needs no account",
        file.as_ref().map_or(String::new(), |file| format!(", or write `endpoint = …` into {}", file.display()))
    )]
    NoEndpoint {
        /// The file in which it could stand.
        file: Option<PathBuf>,
    },
    /// No address to listen on.
    #[error("nothing to listen on: give at least one address")]
    NoListener,
    /// No place for the CA.
    #[error("there is no home directory to keep the CA in: name a directory with --certs")]
    NoDirectory,
    /// A line of a file of client keys.
    #[error("{}:{line}: {error}", path.display())]
    ClientKey {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        error: ClientKeyError,
    },
    /// Everybody needs a key, and there is none.
    #[error(
        "no client could be served: there is no client key in client_keys_file or AZURE_OPENAI_PROXY_CLIENT_KEYS"
    )]
    NoClientKeys,
    /// Anyone who reaches the listener could use the key.
    #[error(
        "{listener} can be reached from other machines, and whoever reaches it would use the proxy's Azure key. \
         {}",
        ways_out(*by_variable)
    )]
    Anonymous {
        /// The listener beyond loopback.
        listener: SocketAddr,
        /// Whether variables are what its user sets.
        by_variable: bool,
    },
}

/// What lets a proxy that holds a key listen for other machines, in the words in which its settings are given.
fn ways_out(by_variable: bool) -> &'static str {
    match by_variable {
        true => {
            "Give clients keys of their own (AZURE_OPENAI_PROXY_CLIENT_KEYS=NAME=KEY; `azure-openai-proxy client-key \
             NAME` makes one), name the networks that may use it (AZURE_OPENAI_PROXY_TRUSTED_CLIENTS), listen on \
             127.0.0.1 or [::1] only, or set AZURE_OPENAI_PROXY_ALLOW_ANONYMOUS=true if everybody may"
        }
        false => {
            "Give clients keys of their own (--client-keys-file; `azure-openai-proxy client-key NAME` makes one), name \
             the networks that may use it (--trusted-clients), listen on 127.0.0.1 or [::1] only, or pass \
             --allow-anonymous if everybody may"
        }
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |nearest| format!("; did you mean {nearest}?"))
}

// === impl Invalid ===

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

// === impl Problem ===

impl Problem {
    /// A problem with a setting, where it stands.
    pub fn at(origin: &Origin, key: Key, fault: Fault) -> Self {
        Self { origin: Some(origin.clone()), key: Some(key), fault }
    }

    /// A problem with a place that is no setting.
    pub fn elsewhere(origin: Origin, fault: Fault) -> Self {
        Self { origin: Some(origin), key: None, fault }
    }

    /// Whether nothing in the file of settings was read because of it.
    pub fn is_of_whole_file(&self) -> bool {
        self.key.is_none()
            && matches!(self.fault, Fault::Syntax(_) | Fault::Unreadable { .. } | Fault::Quoted)
    }

    /// A setting that is missing.
    pub fn missing(key: Key, fault: Fault) -> Self {
        Self { origin: None, key: Some(key), fault }
    }
}

impl fmt::Display for Problem {
    /// `config.toml:7: endpoint: what is wrong`; flags and variables name their setting themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        match (&self.key, &self.origin) {
            (None, _) | (_, Some(Origin::Flag(_) | Origin::Env(_))) => {}
            (Some(key), _) => write!(f, "{key}: ")?,
        }
        self.fault.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_file_line_and_key_or_the_name_of_flag_or_variable() {
        let file = Origin::File { path: "config.toml".into(), line: 7 };
        for (origin, shown) in [
            (file, "config.toml:7: endpoint: the value is not UTF-8 text"),
            (
                Origin::Env("AZURE_OPENAI_ENDPOINT".into()),
                "AZURE_OPENAI_ENDPOINT: the value is not UTF-8 text",
            ),
            (Origin::Flag("--endpoint".into()), "--endpoint: the value is not UTF-8 text"),
        ] {
            assert_eq!(Problem::at(&origin, Key::Endpoint, Fault::NotText).to_string(), shown);
        }
        let missing = Problem::missing(Key::Listen, Fault::NoListener);
        assert_eq!(missing.to_string(), "listen: nothing to listen on: give at least one address");
    }
}
