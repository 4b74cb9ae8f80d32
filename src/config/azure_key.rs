//! Where the Azure key, or an Entra token in its place, comes from: a variable, a file or a command.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::env::{Environment, is_quoted};
use super::file;
use super::key::Key;
use super::layer::{Layer, Raw};
use super::problem::{Fault, Problem};
use crate::message::redact::Secret;
use crate::rewrite::credential::entra;

/// Longest wait for the command: a password manager may ask a person.
const DEADLINE: Duration = Duration::from_secs(30);

/// Octets that are read of what the command prints.
const LIMIT: u64 = 64 << 10;

/// How the proxy comes to its Azure key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AzureKey {
    /// Not at all: clients send their own.
    #[default]
    None,
    /// It is here.
    Known(Secret),
    /// This shell command prints it; it may hold a secret itself.
    Command(Secret),
}

/// A shell command that prints the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCommand {
    /// For the platform's shell.
    line: Secret,
    /// Variables that it does not get: those that lead to our own listeners, where nobody answers before it is done.
    without: Vec<&'static str>,
}

/// Why the command gives no key.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The shell cannot be run, or not be read from.
    #[error("api_key_command cannot be run")]
    Io(#[from] io::Error),
    /// It runs too long.
    #[error("api_key_command has not finished within {} s", DEADLINE.as_secs())]
    Deadline,
    /// It failed.
    #[error("api_key_command failed: {0}")]
    Failed(ExitStatus),
    /// It printed no key.
    #[error("what api_key_command printed is no key")]
    Unusable(#[from] KeyError),
}

/// Why a text is no key. No variant holds any of it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// A key that no header field can carry.
    #[error("the key is empty or has a character that no key has")]
    Characters,
    /// As JSON has it, or a file of variables.
    #[error("the key has quotes around it; write it without (az prints it so with -o tsv)")]
    Quoted,
    /// Two of them, or a sentence.
    #[error("a key has no spaces in it, nor several lines")]
    Spaces,
}

// === impl AzureKey ===

impl AzureKey {
    /// Picks the source that wins, and reads the key unless a command prints it.
    pub(super) fn find(settings: &Layer) -> Result<Self, Problem> {
        let sources = [Key::ApiKey, Key::ApiKeyFile, Key::ApiKeyCommand];
        let mut given: Vec<(Key, &Raw)> =
            sources.iter().filter_map(|&key| Some((key, settings.get(key)?))).collect();
        given.sort_by(|(_, a), (_, b)| a.origin.cmp(&b.origin));
        let Some(&(key, raw)) = given.first() else { return Ok(Self::None) };
        if let Some((other, _)) =
            given.iter().skip(1).find(|(_, other)| other.origin.same_source(&raw.origin))
        {
            return Err(Problem::at(&raw.origin, key, Fault::KeyGivenTwice(*other)));
        }
        Self::read(key, raw).map_err(|fault| Problem::at(&raw.origin, key, fault))
    }

    fn read(key: Key, raw: &Raw) -> Result<Self, Fault> {
        let text = raw.values.first().map_or("", |value| &value.text);
        match key {
            Key::ApiKeyCommand if text.is_empty() => Err(KeyError::Characters.into()),
            Key::ApiKeyCommand => Ok(Self::Command(Secret::new(text))),
            Key::ApiKeyFile => {
                let path: PathBuf = raw.origin.path(text);
                Ok(Self::Known(usable(&file::read(&path)?)?))
            }
            _ => Ok(Self::Known(usable(text)?)),
        }
    }
}

// === impl KeyCommand ===

impl KeyCommand {
    /// For a proxy that will listen there.
    pub(super) fn new(line: Secret, environment: &Environment, listeners: &[SocketAddr]) -> Self {
        Self { line, without: environment.proxies_at(listeners) }
    }

    /// Runs it, and takes what it prints for the key. Its standard error is ours, so that it can say what is wrong.
    pub async fn run(&self) -> Result<Secret, CommandError> {
        self.run_within(DEADLINE).await
    }

    async fn run_within(&self, deadline: Duration) -> Result<Secret, CommandError> {
        let mut shell = self.shell();
        let mut child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().expect("standard output is piped");
        let finished = async {
            let mut printed = String::new();
            // Reading no further than the limit closes the pipe, which ends a command that goes on.
            stdout.take(LIMIT).read_to_string(&mut printed).await?;
            Ok::<_, io::Error>((child.wait().await?, printed))
        };
        let (status, printed) = timeout(deadline, finished).await.map_err(|_| CommandError::Deadline)??;
        if !status.success() {
            return Err(CommandError::Failed(status));
        }
        Ok(usable(&printed)?)
    }

    fn shell(&self) -> Command {
        let (program, option) = if cfg!(windows) { ("cmd", "/C") } else { ("/bin/sh", "-c") };
        let mut shell = Command::new(program);
        shell.arg(option).arg(self.line.expose());
        for name in &self.without {
            shell.env_remove(name);
        }
        shell
    }
}

/// When this key expires, if it is an Entra token.
pub fn expiry(key: &Secret) -> Option<SystemTime> {
    entra::expiry(key.expose())
}

/// A key that a header field can carry: no server takes another than ASCII (RFC 9110 §5.5), and an ellipsis is what an
/// example has in its place. Editors of Windows begin files with a byte order mark, and people copy the field whole.
fn usable(text: &str) -> Result<Secret, KeyError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if is_quoted(text) {
        return Err(KeyError::Quoted);
    }
    let (first, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let key = Secret::new(if first.eq_ignore_ascii_case("bearer") { rest } else { text });
    let plain = |c: char| c.is_ascii_graphic() || c.is_ascii_whitespace();
    if key.is_empty() || !key.expose().chars().all(plain) {
        return Err(KeyError::Characters);
    }
    if key.expose().contains(char::is_whitespace) { Err(KeyError::Spaces) } else { Ok(key) }
}

#[cfg(test)]
mod tests;
