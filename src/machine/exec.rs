//! `exec`: one command with everything set, against the running proxy or one of its own.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use thiserror::Error;

use super::files::{Files, FilesError};
use super::probe::{self, Found};
use super::{child, environment, warnings};
use crate::app::{self, StartError};
use crate::cli::{Exec, Exit, Flags};
use crate::config::azure_key::CommandError;
use crate::config::env::{self, Environment};
use crate::config::flags::written;
use crate::config::key::Key;
use crate::config::layer::Origin;
use crate::config::problem::Invalid;
use crate::config::{self, Config};
use crate::net::listen::client_address;
use crate::shutdown::{self, Stopper};
use crate::telemetry::{self, gathering};
use crate::tls;

/// Why the command was not run.
#[derive(Debug, Error)]
pub enum ExecError {
    /// The settings are not valid.
    #[error(transparent)]
    Settings(#[from] Invalid),
    /// The command that prints the Azure key failed.
    #[error(transparent)]
    Key(#[from] CommandError),
    /// The proxy does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A proxy of this command's own would turn the command away.
    #[error(
        "require_client_key is set, and a command under exec has no key to show; run the proxy and use its URL"
    )]
    KeyRequired,
    /// The files that the variables point at cannot be made.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The command cannot be started.
    #[error("cannot run {}", command.display())]
    Command {
        /// The command.
        command: OsString,
        /// What the system said.
        source: io::Error,
    },
}

/// A running proxy; one of our own stops when this is dropped.
struct Running {
    address: SocketAddr,
    own: Option<Stopper>,
}

/// Runs the command to its end; its exit code, or 128 and the signal that ended it.
///
/// Against a proxy that is running already, on Unix this process becomes the command and never returns.
pub async fn exec(asked: &Exec, flags: &Flags, user: &Environment) -> Result<u8, ExecError> {
    let config = config::load_local(flags, user).config?;
    let running = find_or_start(&config, flags, user).await?;
    let (files, notes) = Files::prepare(&config.certs, user, asked.extras).await?;
    for warning in warnings(&notes, &config, user) {
        gathering::say(&format!("azure-openai-proxy: {warning}"));
    }
    let [program, arguments @ ..] = &*asked.command else { return Ok(0) };
    let mut command = Command::new(program);
    command.args(arguments);
    for assignment in environment::set(running.address, &files, user, asked.extras) {
        if let Some(value) = assignment.value {
            command.env(assignment.name, value);
        }
    }
    let ended = match running.own {
        Some(_) => child::run(command).await,
        None => child::become_it(command).await,
    };
    ended.map_err(|source| ExecError::Command { command: program.clone(), source })
}

async fn find_or_start(config: &Config, flags: &Flags, user: &Environment) -> Result<Running, ExecError> {
    let (configured, found) = probe::running(config, user).await;
    match found {
        Found::Ours(_) => {
            if let Some(ignored) = ignored(flags) {
                gathering::say(&format!(
                    "azure-openai-proxy: a proxy runs at {configured}, and its own settings hold: not {ignored}"
                ));
            }
            return Ok(Running { address: configured, own: None });
        }
        Found::Nobody => {}
        Found::Stranger(_) => {
            gathering::say(&format!(
                "azure-openai-proxy: {configured} is in use by something else, or by a proxy with another CA; starting a proxy for this command"
            ));
        }
    }
    let loaded = config::load(flags, user);
    let mut config = loaded.config?;
    let everybodys = |key| loaded.settings.get(key).is_some_and(|raw| env::is_convention(&raw.origin));
    if let Some(parent) = &config.upstream.parent
        && everybodys(Key::UpstreamProxy)
        && parent.is_at(&config.listen)
        && nobody_listens(&config.listen).await
    {
        // This shell was set up for a proxy of ours that has stopped since.
        config.upstream.parent = None;
    }
    // The terminal is the command's.
    let said = loaded.settings.get(Key::Log).is_some_and(|log| log.origin != Origin::Default);
    if !said {
        config.log.filter = telemetry::Filter::warnings();
    }
    telemetry::init(&config.log);
    tls::install_provider();
    if config.policy.require_client_key {
        return Err(ExecError::KeyRequired);
    }
    config.fetch_key().await?;
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(free).map_err(|source| StartError::Listen { address: free, source })?;
    // The configured address stays: a CA that is made now is made for the proxies that will listen there.
    let bound = app::bind_with(config, vec![listener])?;
    let address = bound.addresses()[0];
    let (stopper, stopping) = shutdown::channel();
    tokio::spawn(bound.renewal().keep());
    tokio::spawn(bound.run(stopping));
    Ok(Running { address, own: Some(stopper) })
}

/// The flags that only a proxy of this command's own would have heeded.
fn ignored(flags: &Flags) -> Option<String> {
    const OURS: &[&str] = &["--config", "--listen", "--certs", "--intercept", "--log", "--log-format"];
    let given = written(flags).map(|(flag, _)| flag);
    let ignored: Vec<String> = given.filter(|flag| !OURS.contains(&&**flag)).collect();
    (!ignored.is_empty()).then(|| ignored.join(", "))
}

async fn nobody_listens(listeners: &[SocketAddr]) -> bool {
    for &listener in listeners {
        if probe::in_clear(client_address(listener)).await != Found::Nobody {
            return false;
        }
    }
    true
}

// === impl ExecError ===

impl ExecError {
    /// How the program ends because of it, as env(1) does.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Command { source, .. } if source.kind() == io::ErrorKind::NotFound => Exit::NotFound,
            Self::Command { .. } => Exit::NotExecutable,
            Self::Settings(_) | Self::Key(_) | Self::Start(_) | Self::KeyRequired | Self::Files(_) => {
                Exit::NotRun
            }
        }
    }
}
