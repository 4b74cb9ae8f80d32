//! Responses that come before the final one (RFC 9110 §15.2): 100, 102, 103 and whatever will be.

use std::fmt;
use std::sync::Arc;

use http::response::Parts;

/// Responses before the final one that are passed on for one request: a connection that sends more is up to no good.
pub const LIMIT: usize = 64;

/// An extension of a request that was received: where responses before the final one can be written to its client.
#[derive(Clone)]
pub struct Interim(Told);

/// An extension of a request that is sent: who is told of responses before the final one.
#[derive(Clone)]
pub struct OnInterim(Told);

type Told = Arc<dyn Fn(&Parts) + Send + Sync>;

// === impl Interim ===

impl Interim {
    /// Writes by this function, which must not block, and does nothing once the final response has begun.
    pub fn new(write: impl Fn(&Parts) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// Writes such a response, unless the final one has begun. One for which there is no room is dropped: they say
    /// nothing that a client could not do without.
    pub fn send(&self, parts: &Parts) {
        (self.0)(parts);
    }
}

impl fmt::Debug for Interim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interim").finish_non_exhaustive()
    }
}

// === impl OnInterim ===

impl OnInterim {
    /// Tells this function, which must not block.
    pub fn new(told: impl Fn(&Parts) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    /// Tells of such a response.
    pub fn tell(&self, parts: &Parts) {
        (self.0)(parts);
    }
}

impl fmt::Debug for OnInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnInterim").finish_non_exhaustive()
    }
}
