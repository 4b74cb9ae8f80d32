//! Responses that come before the final one (RFC 9110 §15.2): 100, 102, 103 and whatever will be.

use std::fmt;
use std::sync::Arc;

use super::response::ResponseHead;

/// Responses before the final one that are passed on for one request: a connection that sends more is up to no good.
pub const LIMIT: usize = 64;

/// Who is told of responses before the final one.
#[derive(Clone)]
pub struct Interim(Arc<dyn Fn(&ResponseHead) + Send + Sync>);

// === impl Interim ===

impl Interim {
    /// Tells this function, which must not block, and which does nothing once the final response has begun.
    pub fn new(told: impl Fn(&ResponseHead) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    /// Tells of such a response. A client for which there is no room for it is not told: they say nothing that it could
    /// not do without.
    pub fn tell(&self, head: &ResponseHead) {
        (self.0)(head);
    }
}

impl fmt::Debug for Interim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interim").finish_non_exhaustive()
    }
}
