//! The proxy itself: connections in, exchanges and tunnels out.

use std::time::Duration;

/// Bounds on what one client can make us hold.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Octets of a request's content that are held back until its model is known.
    pub buffered_content: usize,
    /// Connections open at once, over all clients.
    pub connections: usize,
    /// Longest wait for the first octet, the TLS handshake and each request head.
    pub head_timeout: Duration,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self { buffered_content: 64 << 20, connections: 4096, head_timeout: Duration::from_secs(30) }
    }
}
