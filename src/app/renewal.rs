//! An Entra token in place of the Azure key: the command that prints it is run again before it expires.

use std::time::{Duration, SystemTime};

use crate::config::azure_key::{self, KeyCommand};
use crate::proxy::Proxy;

/// How long before its end a token is replaced. The Azure CLI hands out the one that it has until five minutes before.
const AHEAD: Duration = Duration::from_secs(4 * 60);

/// How soon after one run the next may be.
const AGAIN: Duration = Duration::from_secs(30);

/// How often the clock is looked at: a timer would sleep while the laptop does.
const INTERVAL: Duration = Duration::from_secs(2);

/// Replaces the token of one proxy in time.
pub struct Renewal {
    proxy: Proxy,
    command: Option<KeyCommand>,
    not_before: SystemTime,
}

// === impl Renewal ===

impl Renewal {
    /// For a proxy whose key this command has printed.
    pub(super) fn new(proxy: Proxy, command: Option<KeyCommand>) -> Self {
        Self { proxy, command, not_before: SystemTime::UNIX_EPOCH }
    }

    /// Says on the log that there is a token, and what becomes of it.
    pub(super) fn announce(&self) {
        let Some(expiry) = self.expiry() else { return };
        match &self.command {
            Some(_) => tracing::info!("{} and then renewed", until("the key is an Entra token", expiry)),
            None => tracing::warn!(
                "{}; only api_key_command, or a new text in api_key_file, brings another",
                until("the key is an Entra token", expiry)
            ),
        }
    }

    /// Goes on with another command, which has been run.
    pub(super) fn follow(&mut self, command: Option<KeyCommand>) {
        self.command = command;
    }

    /// Replaces tokens for as long as the proxy runs.
    pub async fn keep(mut self) {
        loop {
            self.due().await;
            self.renew().await;
        }
    }

    /// Resolves when the token in force is about to expire; never where there is no command or no token.
    pub async fn due(&self) {
        while !self.is_due(SystemTime::now()) {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn is_due(&self, now: SystemTime) -> bool {
        let expiry = self.expiry().filter(|_| self.command.is_some());
        expiry.is_some_and(|expiry| now + AHEAD >= expiry && now >= self.not_before)
    }

    /// When the token in force expires.
    fn expiry(&self) -> Option<SystemTime> {
        self.proxy.latest().key().and_then(azure_key::expiry)
    }

    /// Runs the command, and puts what it prints in force. If it fails, the token from before stays.
    pub async fn renew(&mut self) {
        let Some(command) = &self.command else { return };
        match command.run().await {
            Ok(key) => {
                self.proxy.renew_key(key);
                match self.expiry() {
                    Some(expiry) => tracing::info!("{}", until("api_key_command printed a token", expiry)),
                    None => tracing::info!("api_key_command printed a key"),
                }
            }
            Err(error) => {
                let error = anyhow::Error::from(error);
                let expiry = self.expiry().unwrap_or(SystemTime::UNIX_EPOCH);
                tracing::error!("{error:#}; {}", until("the token from before stays in force", expiry));
            }
        }
        self.not_before = SystemTime::now() + AGAIN;
    }
}

fn until(what: &str, expiry: SystemTime) -> String {
    format!("{what}, valid until {}", httpdate::fmt_http_date(expiry))
}
