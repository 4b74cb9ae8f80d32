//! Connections that become something else: after a CONNECT that succeeds, and after 101.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tokio::sync::oneshot;

use super::stream::Stream;

/// An extension of a request that asks its connection to become something else.
#[derive(Clone)]
pub struct Switching(Arc<Mutex<Option<oneshot::Receiver<Stream>>>>);

/// The connection did not become what was asked for, or its client is gone.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the client left before the connection was handed over")]
pub struct NotSwitched;

// === impl Switching ===

impl Switching {
    /// An end that asks and one where the connection is handed over.
    pub fn channel() -> (oneshot::Sender<Stream>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(Arc::new(Mutex::new(Some(receiver)))))
    }

    /// Waits for the connection, which is handed over as soon as the response that says so is written.
    ///
    /// Whoever waits first gets it.
    pub async fn switched(self) -> Result<Stream, NotSwitched> {
        // Only ever taken from: there is nothing half done.
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(NotSwitched)?;
        receiver.await.map_err(|_| NotSwitched)
    }
}

impl fmt::Debug for Switching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switching").finish_non_exhaustive()
    }
}
