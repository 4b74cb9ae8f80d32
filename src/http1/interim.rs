//! Responses that come before the final one (RFC 9110 §15.2): 100, 102, 103 and whatever will be.

use std::fmt;
use std::sync::{Arc, Mutex};

use http::response::Parts;

use super::encoder;
use super::server::Shared;
use super::wire::lock;

/// An extension of a request that was received: where responses before the final one can be written to its client.
#[derive(Clone)]
pub struct Interim {
    shared: Arc<Mutex<Shared>>,
    number: u64,
}

/// An extension of a request that is sent: who is told of responses before the final one.
#[derive(Clone)]
pub struct OnInterim(Arc<dyn Fn(&Parts) + Send + Sync>);

// === impl Interim ===

impl Interim {
    pub(super) fn new(shared: &Arc<Mutex<Shared>>, number: u64) -> Self {
        Self { shared: Arc::clone(shared), number }
    }

    /// Writes such a response, unless the final one has begun. One for which there is no room is dropped: they say
    /// nothing that a client could not do without.
    pub fn send(&self, parts: &Parts) {
        let mut shared = lock(&self.shared);
        if shared.is_unanswered(self.number) && shared.as_mut().outbox.has_room() {
            encoder::interim_head(shared.as_mut().outbox.small(), parts);
            shared.wake();
        }
    }
}

impl fmt::Debug for Interim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interim").field("number", &self.number).finish_non_exhaustive()
    }
}

// === impl OnInterim ===

impl OnInterim {
    /// Tells this function, which must not block.
    pub fn new(told: impl Fn(&Parts) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    pub(super) fn tell(&self, parts: &Parts) {
        (self.0)(parts);
    }
}

impl fmt::Debug for OnInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnInterim").finish_non_exhaustive()
    }
}
