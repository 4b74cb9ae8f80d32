//! Bounds on what clients make us hold, and for how long.

use std::time::Duration;

use super::content;
use super::room::Room;
use crate::message::fields;

/// Bounds on what one client can make us hold.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Octets of a request's content that are held back until its model is known.
    pub buffered_content: usize,
    /// Octets of a request's head; see [`Limits::head_size`].
    pub head_size: usize,
    /// Fields in a request's head of HTTP/1, while HTTP/2 bounds its size alone; see [`Limits::head_fields`].
    pub head_fields: usize,
    /// Connections open at once, over all clients.
    pub connections: usize,
    /// Connections open at once from one address beyond loopback.
    pub connections_per_client: usize,
    /// Longest wait for the first octet and for the TLS handshake.
    pub head_timeout: Duration,
    /// Longest wait for the next request, its head included, on a connection that stays open.
    /// Above what clients themselves keep idle connections for, so that they close first and do
    /// not send into a connection that we are closing.
    pub keepalive_timeout: Duration,
    /// How long what is under way may take once the stop is asked for.
    pub drain_timeout: Duration,
}

// === impl Limits ===

impl Limits {
    /// Room for the content of all requests that is held back: sixteen of the largest, four of them of one client beyond
    /// loopback.
    pub fn store(&self) -> Room {
        let largest = self.buffered_content / content::SHELF;
        Room::new(largest.saturating_mul(16).max(16), largest.saturating_mul(4).max(4))
    }

    /// Octets of a request's head; more are 431. Parsers want 8 KiB at least.
    pub fn head_size(&self) -> usize {
        self.head_size.max(8 << 10)
    }

    /// Fields in a request's head of HTTP/1; more are 431. HTTP/2 upstream takes no more than [`fields::MOST`].
    pub fn head_fields(&self) -> usize {
        self.head_fields.min(fields::MOST)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            buffered_content: 64 << 20,
            head_size: 64 << 10,
            head_fields: 256,
            connections: 4096,
            connections_per_client: 512,
            head_timeout: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(100),
            drain_timeout: Duration::from_secs(30),
        }
    }
}
