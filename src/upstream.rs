//! The way to the origin server.

mod connection;
pub mod connector;
pub mod expect;
pub mod link;
pub mod parent;
pub mod phases;
mod pool;
pub mod send;
pub mod way;

use std::path::PathBuf;
use std::time::Duration;

use crate::net::dial::Override;

/// How origin servers are reached and trusted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// PEM files whose certificates are added to the platform's roots.
    pub ca_files: Vec<PathBuf>,
    /// Which HTTP is spoken there.
    pub http: Http,
    /// Destinations that are not looked up in DNS.
    pub resolve: Vec<Override>,
    /// The proxy that everything goes through, but for what is excepted.
    pub parent: Option<parent::Parent>,
    /// Destinations that are excepted, as [`parent::Exceptions::new`] takes them.
    pub no_parent: Vec<String>,
    /// Longest wait for DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest wait for the head of a response once the request is sent.
    pub first_byte_timeout: Duration,
    /// Longest silence inside a message or a tunnel.
    pub idle_timeout: Duration,
}

/// Which HTTP an origin server is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    /// HTTP/2 where the server takes it (ALPN, RFC 7301), else HTTP/1.1.
    #[default]
    Any,
    /// HTTP/1.1, one request at a time on each connection.
    Only1,
    /// HTTP/2 and nothing else.
    Only2,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self {
            ca_files: Vec::new(),
            http: Http::Any,
            resolve: Vec::new(),
            parent: None,
            no_parent: Vec::new(),
            connect_timeout: Duration::from_secs(15),
            first_byte_timeout: Duration::from_secs(900),
            idle_timeout: Duration::from_secs(3600),
        }
    }
}
