//! Telling every part of the process that it is time to stop: first to finish, then to be gone.

use tokio::sync::watch;

/// Asks for the stop. Dropping it asks too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Phase>);

/// Learns of the stop; clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Phase>);

/// How far a stop has got. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// Nothing new is begun, what is under way may finish.
    Draining,
    /// What is still under way ends here.
    Over,
}

/// A pair of which one end asks and the other learns.
pub fn channel() -> (Stopper, Shutdown) {
    let (send, receive) = watch::channel(Phase::Running);
    (Stopper(send), Shutdown(receive))
}

// === impl Stopper ===

impl Stopper {
    /// Asks every holder of the other end to finish what it is doing and begin nothing new.
    pub fn stop(&self) {
        self.reach(Phase::Draining);
    }

    /// Ends the time for finishing: whoever is still at it is to drop it.
    pub fn cut(&self) {
        self.reach(Phase::Over);
    }

    fn reach(&self, phase: Phase) {
        self.0.send_if_modified(|reached| {
            let forward = *reached < phase;
            *reached = phase.max(*reached);
            forward
        });
    }
}

// === impl Shutdown ===

impl Shutdown {
    /// Resolves when the stop has been asked for.
    pub async fn requested(&mut self) {
        // An error means that the asking end is gone, which asks as well.
        let _ = self.0.wait_for(|phase| *phase >= Phase::Draining).await;
    }

    /// Whether the stop has been asked for.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() >= Phase::Draining || self.0.has_changed().is_err()
    }

    /// Does this work unless the time for finishing ends first; `None` if it did, the work is dropped then.
    ///
    /// The work has a place of its own in memory: in the future returned it would have two.
    pub fn unless_over<W: Future>(mut self, work: W) -> impl Future<Output = Option<W::Output>> {
        let work = Box::pin(work);
        async move {
            tokio::select! {
                done = work => Some(done),
                _ = self.0.wait_for(|phase| *phase >= Phase::Over) => None,
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_goes_on_through_the_stop_and_ends_at_the_cut() {
        let (stopper, shutdown) = channel();
        assert!(!shutdown.is_requested());
        stopper.stop();
        assert!(shutdown.is_requested());
        shutdown.clone().requested().await;
        assert_eq!(shutdown.clone().unless_over(async { 7 }).await, Some(7));
        stopper.cut();
        stopper.stop();
        assert_eq!(shutdown.unless_over(std::future::pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn an_asking_end_that_is_gone_has_asked() {
        let (stopper, mut shutdown) = channel();
        drop(stopper);
        shutdown.requested().await;
        assert!(shutdown.is_requested());
    }
}
