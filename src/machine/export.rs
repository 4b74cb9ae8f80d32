//! `env`: the variables for a shell to read.

use std::net::SocketAddr;

use thiserror::Error;

use super::environment::{self, Assignment, Kind, VARIABLES};
use super::files::{Files, FilesError};
use super::probe::{self, Found};
use super::shell::{self, Unwritable};
use super::warnings;
use crate::cli::{Dialect, Env};
use crate::config::Config;
use crate::config::env::Environment;
use crate::net::listen::client_address;

/// Why there is nothing for the shell.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The files that the variables point at cannot be made.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A value has no form in this shell.
    #[error(transparent)]
    Write(#[from] Unwritable),
}

/// What the shell is to read, and what its user is to be told.
#[derive(Debug)]
pub struct Export {
    /// For standard output: harmless in every case.
    pub text: String,
    /// For standard error.
    pub warnings: Vec<String>,
}

/// Writes the variables for the running proxy. While it does not run, nothing is set: a new shell works as before.
pub async fn export(asked: Env, config: &Config, user: &Environment) -> Result<Export, ExportError> {
    let quiet = |text| Export { text, warnings: Vec::new() };
    if asked.unset {
        let mut proxies: Vec<SocketAddr> = config.listen.iter().map(|&at| client_address(at)).collect();
        proxies.extend(probe::named(config, user).await.map(|(address, _)| address));
        let assignments = environment::unset(&proxies, &Files::named(&config.certs), user);
        return Ok(quiet(shell::write(asked.shell, &assignments)?));
    }
    let (address, found) = probe::running(config, user).await;
    if !asked.force {
        let why = match found {
            Found::Ours(_) => None,
            Found::Nobody => Some("is not running"),
            Found::Stranger(_) => Some("is not what is running, or it has another CA,"),
        };
        if let Some(why) = why {
            let text = format!("azure-openai-proxy {why} at {address}; nothing is set");
            return Ok(quiet(shell::comment(asked.shell, &text)));
        }
    }
    let (files, notes) = Files::prepare(&config.certs, user, asked.extras).await?;
    let mut assignments = environment::set(address, &files, user, asked.extras);
    let mut text = String::new();
    if asked.shell == Dialect::Docker {
        assignments.retain(works_in_container);
        text = shell::comment(asked.shell, &docker_usage(&files));
    }
    text.push_str(&shell::write(asked.shell, &assignments)?);
    Ok(Export { text, warnings: warnings(&notes, config, user) })
}

/// Two files are all that is worth mounting.
fn works_in_container(assignment: &Assignment) -> bool {
    let variable = VARIABLES.iter().find(|variable| variable.name == assignment.name);
    variable.is_some_and(|variable| !matches!(variable.kind, Kind::Wgetrc | Kind::PhpIni | Kind::Java))
}

/// In a network of its own, a container would reach neither loopback nor, as a stranger, any tunnel.
fn docker_usage(files: &Files) -> String {
    let mounts =
        [files.ca(), files.bundle()].map(|file| format!("-v {}", shell::word(&format!("{file}:{file}:ro"))));
    format!("docker run --network host --env-file THIS-FILE {} IMAGE", mounts.join(" "))
}
