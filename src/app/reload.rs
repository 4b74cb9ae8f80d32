//! Reading the settings again while the proxy runs.

use std::sync::Arc;

use thiserror::Error;
use tokio::task::spawn_blocking;

use super::StartError;
use super::compose::{Standing, compose, leaf_names};
use super::renewal::Renewal;
use super::watch::Watch;
use crate::cli::Flags;
use crate::config::azure_key::CommandError;
use crate::config::env::Environment;
use crate::config::key::Key;
use crate::config::layer::Layer;
use crate::config::problem::Invalid;
use crate::config::{self, Config, Loaded};
use crate::proxy::{Parts, Proxy};
use crate::tls::resolver::Leaves;

/// Where settings come from, and what was read there last.
pub struct Source {
    given: Arc<Given>,
    /// Those in force.
    settings: Layer,
    /// Over the files that were read, in force or not.
    watch: Watch,
}

/// What stays as it was at the start.
struct Given {
    flags: Flags,
    environment: Environment,
}

/// Puts new settings in place of old ones, all or none.
pub struct Reloader {
    source: Source,
    proxy: Proxy,
    standing: Arc<Standing>,
    renewal: Renewal,
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The settings are to be read again.
    Settings,
    /// The Entra token is about to expire.
    Token,
}

/// Why the settings stay as they were.
#[derive(Debug, Error)]
pub enum ReloadError {
    /// They are not valid.
    #[error("the settings are not valid")]
    Invalid(#[from] Invalid),
    /// The command that prints the Azure key gave none.
    #[error(transparent)]
    Key(#[from] CommandError),
    /// They are valid, but what they name cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The process is about to end.
    #[error("interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

// === impl Source ===

impl Source {
    /// Reads all settings. Blocks on files.
    pub fn read(flags: Flags, environment: Environment) -> (Self, Result<Config, Invalid>) {
        let given = Arc::new(Given { flags, environment });
        let Loaded { settings, config, files } = given.load();
        // Before anything else is done: the command that prints the key may take its time.
        (Self { given, settings, watch: Watch::over(files) }, config)
    }
}

// === impl Given ===

impl Given {
    fn load(&self) -> Loaded {
        config::load(&self.flags, &self.environment)
    }
}

// === impl Reloader ===

impl Reloader {
    /// For a proxy that runs with what `source` gave.
    pub(super) fn new(source: Source, proxy: Proxy, standing: Arc<Standing>) -> Self {
        let renewal = Renewal::new(proxy.clone(), standing.config.key_command.clone());
        Self { source, proxy, standing, renewal }
    }

    /// Resolves when one of the files that settings come from was changed, or the token is about to expire.
    pub async fn due(&mut self) -> Due {
        tokio::select! {
            () = self.source.watch.changed() => Due::Settings,
            () = self.renewal.due() => Due::Token,
        }
    }

    /// Runs the command again that has printed the token.
    pub async fn renew(&mut self) {
        self.renewal.renew().await;
    }

    /// Reads the settings and puts them in force, or keeps those that are and says why on the log.
    pub async fn reload(&mut self) {
        match self.try_reload().await {
            Ok(changed) if changed.is_empty() => tracing::info!("read the settings again"),
            Ok(changed) => tracing::info!(changed, "read the settings again"),
            Err(ReloadError::Invalid(Invalid(problems))) => {
                for problem in &problems {
                    tracing::error!("{problem}");
                }
                tracing::error!("the settings are not valid; those from before stay in force");
            }
            Err(error) => {
                let error = anyhow::Error::from(error);
                tracing::error!("{error:#}; the settings from before stay in force");
            }
        }
    }

    /// The names of the settings that have changed.
    async fn try_reload(&mut self) -> Result<String, ReloadError> {
        let source = &mut self.source;
        source.watch.look().await;
        let given = Arc::clone(&source.given);
        let Loaded { settings, config, files } = spawn_blocking(move || given.load()).await?;
        source.watch.follow(files).await;
        let mut config = config?;
        config.fetch_key().await?;
        let command = config.key_command.clone();
        let (standing, leaves) = (Arc::clone(&self.standing), self.proxy.latest().leaves().clone());
        let parts = spawn_blocking(move || recompose(config, &standing, &leaves)).await??;
        self.proxy.replace(parts);
        self.renewal.follow(command);
        let changed: Vec<_> = settings.differences(&source.settings).map(Key::name).collect();
        source.settings = settings;
        Ok(changed.join(", "))
    }
}

/// As [`compose`], but for a proxy that runs. Leaves that are in use stay in use.
fn recompose(config: Config, standing: &Standing, leaves: &Leaves) -> Result<Parts, StartError> {
    let leaves = leaves.with_names(leaf_names(&config)).map_err(|error| StartError::leaf(error, &config))?;
    standing.note_what_waits(&config);
    compose(config, standing, leaves)
}

// === impl Standing ===

impl Standing {
    /// Says on the log which settings take no effect before the next start.
    fn note_what_waits(&self, config: &Config) {
        let started = &self.config;
        for (name, differs) in [
            ("listen", config.listen != started.listen),
            ("certs", config.certs != started.certs),
            ("max_connections", config.limits.connections != started.limits.connections),
            (
                "max_connections_per_client",
                config.limits.connections_per_client != started.limits.connections_per_client,
            ),
            ("log or log_format", config.log != started.log),
        ] {
            if differs {
                tracing::warn!("{name} has changed, which takes effect at the next start");
            }
        }
    }
}
