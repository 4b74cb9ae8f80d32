//! A proxy in service: it serves, reloads and stops as it is told.

use std::io;
use std::sync::Arc;

use tokio::sync::Notify;

use super::Bound;
use super::reload::{Due, Reloader, Source};
use super::service::{self, State};
use super::signals::{Request, Signals};
use crate::shutdown;

/// How service came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What was under way is finished, or was cut at its deadline.
    Drained,
    /// A second signal came: the process is to end at once.
    AtOnce,
}

/// Serves until a signal says otherwise.
pub async fn serve(bound: Bound, source: Source) -> io::Result<Ended> {
    let mut signals = Signals::listen()?;
    // From here on a signal is heard, so from here on somebody may know that we are here.
    bound.announce();
    service::tell(State::Ready);
    let asked = Arc::new(Notify::new());
    let reloading = tokio::spawn(reload_when_due(bound.reloader(source), Arc::clone(&asked)));
    let (stopper, stopping) = shutdown::channel();
    let mut running = std::pin::pin!(bound.run(stopping.clone()));
    loop {
        tokio::select! {
            () = &mut running => return Ok(Ended::Drained),
            request = signals.next() => match request {
                Request::Reload => asked.notify_one(),
                Request::Stop if stopping.is_requested() => return Ok(Ended::AtOnce),
                Request::Stop => {
                    tracing::info!("stopping; a second signal stops at once");
                    reloading.abort();
                    service::tell(State::Stopping);
                    stopper.stop();
                }
            },
        }
    }
}

/// Reloads when asked to and when a file was changed, and renews the token, one after the other.
async fn reload_when_due(mut reloader: Reloader, asked: Arc<Notify>) {
    loop {
        let due = tokio::select! {
            due = reloader.due() => due,
            () = asked.notified() => Due::Settings,
        };
        match due {
            Due::Token => reloader.renew().await,
            Due::Settings => {
                service::tell(State::Reloading);
                reloader.reload().await;
                service::tell(State::Ready);
            }
        }
    }
}
