//! Which connections there are, by origin server, and who opens another.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::super::connection::Connection;
use super::Destination;
use crate::http2::client::{self, Place};

/// How long a connection is kept that nobody uses.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// Connections of HTTP/1.1 that are kept over TLS, and as many in clear: clients that may go anywhere name the origins.
pub(super) const MOST: usize = 1024;

/// Requests under way at which an HTTP/2 connection counts as full, unless its server allows fewer: below what servers
/// usually allow.
pub(super) const FULL: usize = 90;

/// All of them.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) over_tls: Origins,
    pub(super) in_clear: Origins,
    /// Whether a task looks after those that are idle.
    pub(super) looked_after: bool,
}

/// Those that are spoken to in one way.
#[derive(Default)]
pub(super) struct Origins {
    /// In two spellings if clients spell it in two ways.
    by_authority: BTreeMap<Box<str>, Origin>,
    /// Connections of HTTP/1.1 in all of them.
    pub(super) idle: usize,
}

/// Those to one origin server.
#[derive(Default)]
pub(super) struct Origin {
    /// HTTP/1.1, the one used last at the end.
    idle: Vec<(Connection, Instant)>,
    pub(super) shared: Vec<Shared>,
    /// Where it speaks HTTP/2: what ends when whoever opened a connection last has done so, or given up.
    pub(super) opening: Option<watch::Receiver<()>>,
}

/// What one who found no connection does.
pub(super) enum Turn {
    /// Opens one, and holds this meanwhile, if others are to wait for it.
    Open(Option<watch::Sender<()>>),
    /// Waits for that of another, until this ends.
    Wait(watch::Receiver<()>),
}

/// An HTTP/2 connection.
pub(super) struct Shared {
    pub(super) connection: client::Connection,
    pub(super) used: Instant,
}

// === impl Kept ===

impl Kept {
    /// A connection that is good for another request, unless it turns out to be closed.
    pub(super) fn find(&mut self, to: &Destination) -> Option<(Connection, Option<Place>)> {
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
    pub(super) fn turn(&mut self, to: &Destination) -> Turn {
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

    pub(super) fn origin(&mut self, to: &Destination) -> &mut Origin {
        let origins = &mut self.origins(to).by_authority;
        // Looked up by a borrowed key first: an owned one is made once for each origin.
        if !origins.contains_key(to.authority.as_str()) {
            origins.insert(to.authority.as_str().into(), Origin::default());
        }
        origins.get_mut(to.authority.as_str()).expect("it was put there if it was missing")
    }

    /// Keeps a connection of HTTP/1.1, unless there are too many.
    pub(super) fn keep(&mut self, to: &Destination, connection: Connection) {
        if self.origins(to).idle < MOST {
            self.origins(to).idle += 1;
            self.origin(to).idle.push((connection, Instant::now()));
        }
    }

    /// Drops what nobody has used for too long. Returns whether nothing is left.
    pub(super) fn close_idle(&mut self, now: Instant) -> bool {
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
