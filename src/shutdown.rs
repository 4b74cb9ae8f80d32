//! Telling every part of the process that it is time to stop.

use tokio::sync::watch;

/// Asks for the stop. Dropping it asks too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Learns of the stop; clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// A pair of which one end asks and the other learns.
pub fn channel() -> (Stopper, Shutdown) {
    let (send, receive) = watch::channel(false);
    (Stopper(send), Shutdown(receive))
}

// === impl Stopper ===

impl Stopper {
    /// Asks every holder of the other end to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

// === impl Shutdown ===

impl Shutdown {
    /// Resolves when the stop has been asked for.
    pub async fn requested(&mut self) {
        // An error means that the asking end is gone, which asks as well.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// Resolves on SIGINT, and on Unix on SIGTERM.
pub async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! { () = interrupt => {}, _ = terminate.recv() => {} },
            Err(_) => interrupt.await,
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
