//! The way to the origin server.

pub mod connector;
pub mod phases;
pub mod send;

use std::path::PathBuf;
use std::time::Duration;

use crate::net::dial::Override;

/// How origin servers are reached and trusted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// PEM files whose certificates are added to the platform's roots.
    pub ca_files: Vec<PathBuf>,
    /// Destinations that are not looked up in DNS.
    pub resolve: Vec<Override>,
    /// Longest wait for DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest wait for the head of a response once the request is sent.
    pub first_byte_timeout: Duration,
    /// Longest silence inside a message or a tunnel.
    pub idle_timeout: Duration,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self {
            ca_files: Vec::new(),
            resolve: Vec::new(),
            connect_timeout: Duration::from_secs(15),
            first_byte_timeout: Duration::from_secs(900),
            idle_timeout: Duration::from_secs(3600),
        }
    }
}
