//! Open connections to origin servers, kept for the next request.
//!
//! A request takes the HTTP/1.1 connection that was used last, or joins others on an HTTP/2 connection. Servers allow
//! about a hundred requests on one of those (RFC 9113 §6.5.2 recommends no fewer), and long streams fill that soon:
//! what comes after would wait for one of them to end, so another connection is opened before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

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

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);

/// Connections of HTTP/1.1 that are kept over TLS, and as many in clear: clients that may go anywhere name the origins.
const MOST: usize = 1024;

/// Requests under way at which an HTTP/2 connection counts as full, unless its server allows fewer: below what servers
/// usually allow.
const FULL: usize = 90;

/// The connections that one connector has opened; clones share them.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    connector: Connector,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    over_tls: Origins,
    in_clear: Origins,
    /// Whether a task looks after those that are idle.
    looked_after: bool,
}

#[derive(Default)]
struct Origins {
    /// In two spellings if clients spell it in two ways.
    by_authority: BTreeMap<Box<str>, Origin>,
    /// Connections of HTTP/1.1 in all of them.
    idle: usize,
}

#[derive(Default)]
struct Origin {
    /// HTTP/1.1, the one used last at the end.
    idle: Vec<(Connection, Instant)>,
    shared: Vec<Shared>,
    /// Where it speaks HTTP/2: what ends when whoever opened a connection last has done so, or given up.
    opening: Option<watch::Receiver<()>>,
}

/// What one who found no connection does.
enum Turn {
    /// Opens one, and holds this meanwhile, if others are to wait for it.
    Open(Option<watch::Sender<()>>),
    /// Waits for that of another, until this ends.
    Wait(watch::Receiver<()>),
}

/// An HTTP/2 connection.
struct Shared {
    connection: client::Connection,
    used: Instant,
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

// === impl Kept ===

impl Kept {
    /// A connection that is good for another request, unless it turns out to be closed.
    fn find(&mut self, to: &Destination) -> Option<(Connection, Option<Place>)> {
        let origins = self.origins(to);
        let origin = origins.by_authority.get_mut(to.authority.as_str())?;
        let now = Instant::now();
        while let Some((connection, since)) = origin.idle.pop() {
            origins.idle -= 1;
            // Whether it was closed in the meantime is seen when it is used, not under this lock.
            if now - since < IDLE {
                return Some((connection, None));
            }
        }
        let roomy =
            origin.shared.iter_mut().find(|shared| !shared.connection.is_closed() && !shared.is_full())?;
        roomy.used = now;
        Some((Connection::Http2(roomy.connection.clone()), Some(roomy.connection.place())))
    }

    /// Who opens a connection, where none was found, and who waits for it.
    fn turn(&mut self, to: &Destination) -> Turn {
        let origin = self.origins(to).by_authority.get_mut(to.authority.as_str());
        match origin.and_then(|origin| origin.opening.as_mut()) {
            None => Turn::Open(None),
            Some(opening) if opening.has_changed().is_ok() => Turn::Wait(opening.clone()),
            Some(opening) => {
                let (sender, ended) = watch::channel(());
                *opening = ended;
                Turn::Open(Some(sender))
            }
        }
    }

    fn origins(&mut self, to: &Destination) -> &mut Origins {
        if to.over_tls { &mut self.over_tls } else { &mut self.in_clear }
    }

    fn origin(&mut self, to: &Destination) -> &mut Origin {
        let origins = &mut self.origins(to).by_authority;
        // Looked up by a borrowed key first: an owned one is made once for each origin.
        if !origins.contains_key(to.authority.as_str()) {
            origins.insert(to.authority.as_str().into(), Origin::default());
        }
        origins.get_mut(to.authority.as_str()).expect("it was put there if it was missing")
    }

    /// Keeps a connection of HTTP/1.1, unless there are too many.
    fn keep(&mut self, to: &Destination, connection: Connection) {
        if self.origins(to).idle < MOST {
            self.origins(to).idle += 1;
            self.origin(to).idle.push((connection, Instant::now()));
        }
    }

    /// Drops what nobody has used for too long. Returns whether nothing is left.
    fn close_idle(&mut self, now: Instant) -> bool {
        for origins in [&mut self.over_tls, &mut self.in_clear] {
            origins.idle = 0;
            origins.by_authority.retain(|_, origin| {
                origin.idle.retain(|(connection, since)| !connection.is_closed() && now - *since < IDLE);
                origins.idle += origin.idle.len();
                origin.shared.retain(|shared| shared.is_of_use(now));
                !origin.idle.is_empty() || !origin.shared.is_empty()
            });
        }
        self.over_tls.by_authority.is_empty() && self.in_clear.by_authority.is_empty()
    }
}

// === impl Shared ===

impl Shared {
    fn is_full(&self) -> bool {
        self.connection.under_way() >= self.connection.allowed().clamp(1, FULL)
    }

    fn is_of_use(&self, now: Instant) -> bool {
        let busy = self.connection.under_way() > 0;
        !self.connection.is_closed() && (busy || now - self.used < IDLE)
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
