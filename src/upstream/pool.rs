//! Open connections to origin servers, kept for the next request.
//!
//! A request takes the HTTP/1.1 connection that was used last, or joins others on an HTTP/2 connection. Servers allow
//! about a hundred requests on one of those (RFC 9113 §6.5.2 recommends no fewer), and long streams fill that soon:
//! what comes after would wait for one of them to end, so another connection is opened before.

mod kept;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use http::Uri;
use http::uri::{Authority, Scheme};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;

use super::connection::{Connection, Content, Unanswered};
use super::connector::Connector;
use super::phases::Noted;
use crate::http2::client::{self, Place};
use crate::message::body::BoxError;
use crate::message::{Request, Response};
use kept::{IDLE, Kept, Shared, Turn};

/// The connections that one connector has opened; clones share them.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    connector: Connector,
    kept: Mutex<Kept>,
}

/// A connection in the hands of one request. If it is dropped, a connection of HTTP/1.1 is closed.
pub(super) struct Taken {
    connection: Connection,
    to: Destination,
    pool: Weak<Inner>,
    reused: bool,
    /// On HTTP/2.
    place: Option<Place>,
}

#[derive(Clone)]
struct Destination {
    over_tls: bool,
    authority: Authority,
}

/// Why there is no response.
#[derive(Debug, Error)]
pub(super) enum PoolError {
    /// There is no connection.
    #[error("no connection")]
    Connect(#[source] BoxError),
    /// The connection broke, or what came back is no HTTP response.
    #[error("no response")]
    Broken(#[source] BoxError),
}

// === impl Pool ===

impl Pool {
    /// A pool of what this connector opens.
    pub(super) fn new(connector: Connector) -> Self {
        Self(Arc::new(Inner { connector, kept: Mutex::default() }))
    }

    /// Sends a request, whose URI is absolute, and waits for the head of the response.
    ///
    /// A request of which nothing has left is sent again: when the connection on which it was to go had been closed in
    /// the meantime. One that was sent goes a second time, and no more, if the origin has said that it processed nothing
    /// of it, and all of its content is there.
    pub(super) async fn send(
        &self,
        mut request: Request<Noted>,
    ) -> Result<(Response<Content>, Taken), PoolError> {
        let uri = request.head.uri.clone();
        let mut is_second = false;
        loop {
            let mut taken = self.take(&uri).await.map_err(PoolError::Connect)?;
            let again = if is_second { None } else { taken.again(&request) };
            match taken.connection.send(request).await {
                Ok(response) => return Ok((response, taken)),
                Err(Unanswered { unsent: Some(unsent), .. }) if taken.reused => request = unsent,
                Err(Unanswered { is_refused: true, error, .. }) => {
                    request = again.ok_or(PoolError::Broken(error))?;
                    is_second = true;
                }
                Err(Unanswered { error, .. }) => return Err(PoolError::Broken(error)),
            }
            self.0.forget(&taken);
            request.head.uri = uri.clone();
        }
    }

    async fn take(&self, uri: &Uri) -> Result<Taken, BoxError> {
        let authority = uri.authority().cloned().ok_or("the upstream URI has no authority")?;
        let to = Destination { over_tls: uri.scheme() != Some(&Scheme::HTTP), authority };
        if let Some((connection, place)) = self.0.kept().find(&to) {
            return Ok(self.taken(connection, place, to, true));
        }
        // Boxed: most requests find a connection, and none should be moved about with room for this.
        Box::pin(self.open(uri, to)).await
    }

    /// Opens a connection. Many may come to that at once when an HTTP/2 connection is at its end: one of them opens
    /// another, and most of the others have room on it.
    async fn open(&self, uri: &Uri, to: Destination) -> Result<Taken, BoxError> {
        let turn = self.0.kept().turn(&to);
        let _opening = match turn {
            Turn::Open(opening) => opening,
            Turn::Wait(mut opened) => {
                // Nothing is ever said: it ends.
                let _ = opened.changed().await;
                if let Some((connection, place)) = self.0.kept().find(&to) {
                    return Ok(self.taken(connection, place, to, true));
                }
                None
            }
        };
        match Connection::open(&self.0.connector, uri).await? {
            Connection::Http2(connection) => {
                let (connection, place) = self.share(&to, connection);
                Ok(self.taken(Connection::Http2(connection), Some(place), to, false))
            }
            connection => Ok(self.taken(connection, None, to, false)),
        }
    }

    fn taken(&self, connection: Connection, place: Option<Place>, to: Destination, reused: bool) -> Taken {
        Taken { connection, to, pool: Arc::downgrade(&self.0), reused, place }
    }

    /// Lets others join on a new connection. Where many were opened at once, one is enough for most.
    fn share(&self, to: &Destination, connection: client::Connection) -> (client::Connection, Place) {
        let mut kept = self.0.kept();
        if let Some((Connection::Http2(connection), Some(place))) = kept.find(to) {
            return (connection, place);
        }
        let place = connection.place();
        let origin = kept.origin(to);
        origin.shared.push(Shared { connection: connection.clone(), used: Instant::now() });
        origin.opening.get_or_insert_with(|| watch::channel(()).1);
        self.0.look_after(&mut kept);
        (connection, place)
    }
}

// === impl Inner ===

impl Inner {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is one insertion or removal: there is nothing half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never offers a shared connection again that has refused a request.
    fn forget(&self, taken: &Taken) {
        let Some(place) = &taken.place else { return };
        self.kept().origin(&taken.to).shared.retain(|shared| !shared.connection.has(place));
    }

    /// Sees to it that what nobody uses is closed in time.
    fn look_after(self: &Arc<Self>, kept: &mut Kept) {
        if std::mem::replace(&mut kept.looked_after, true) {
            return;
        }
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(IDLE / 2).await;
                let Some(pool) = pool.upgrade() else { return };
                let mut kept = pool.kept();
                if kept.close_idle(Instant::now()) {
                    kept.looked_after = false;
                    return;
                }
            }
        });
    }
}

// === impl Taken ===

impl Taken {
    /// The request to be sent a second time, where the origin can refuse the first: on HTTP/2.
    fn again(&self, request: &Request<Noted>) -> Option<Request<Noted>> {
        self.place.as_ref()?;
        Some(Request { content: request.content.again()?, head: request.head.clone() })
    }

    /// Keeps the connection for another request, if request and response have come to their ends.
    pub(super) fn give_back(self) {
        let Self { connection, to, pool, place: None, .. } = self else { return };
        let Some(pool) = pool.upgrade() else { return };
        if !connection.is_idle() {
            return;
        }
        let mut kept = pool.kept();
        kept.keep(&to, connection);
        pool.look_after(&mut kept);
    }
}

#[cfg(test)]
mod tests;
