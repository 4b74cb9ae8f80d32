//! The client's end of a connection: many requests at a time, each on a stream of its own.
//!
//! A task drives the connection. What belongs to one request is moved by whoever waits for its response or reads it, so
//! dropping that takes the request back.

mod content;
mod sent;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::{Builder, SendRequest};
use http_body::Body;
use thiserror::Error;

use super::piece::Piece;
use super::pings::{self, Heard, Pace};
use super::sending::SendingError;
use crate::message::body::BoxError;
use crate::message::{Request, Response};
use crate::net::activity::Activity;
use crate::net::stream::Stream;

pub use content::Content;
use sent::Sent;

/// A connection to a server; clones share it. It is closed when the last of them is gone and nothing is under way.
#[derive(Clone)]
pub struct Connection {
    sender: SendRequest<Piece>,
    under_way: Arc<AtomicUsize>,
}

/// A request's place on a connection, free again when this is dropped.
pub struct Place(Arc<AtomicUsize>);

/// A request that nothing came of.
#[derive(Debug)]
pub struct Unanswered<B> {
    /// Why.
    pub error: AnswerError,
    /// The request, where nothing of it has left.
    pub unsent: Option<Request<B>>,
}

/// Why there is no response.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[source] std::io::Error),
    /// The server, or what it said, ended the stream or the connection.
    #[error("{0}")]
    Http2(#[source] h2::Error),
    /// The request did not get out.
    #[error(transparent)]
    Sending(#[from] SendingError),
    /// No end of responses that are not final.
    #[error("too many responses before the final one")]
    TooManyInterim,
}

/// Octets of a response's head, as RFC 9113 §6.5.2 counts them.
const HEAD: u32 = 256 << 10;
/// Octets that one stream, and all of a connection's streams together, may have in flight to us. The latter has room
/// for more streams than the pool puts on one: a client that does not read its answer must not hold up others'.
const WINDOWS: (u32, u32) = (512 << 10, 64 << 20);
/// Octets of one stream that may wait to be written.
const QUEUED: usize = 1 << 20;
/// Streams that the server may have us reset for what is wrong with them.
const MAX_WRONG: usize = 1024;
/// A connection with requests on it is asked for a sign of life.
const PACE: Pace = Pace { silence: Duration::from_secs(30), answer: Duration::from_secs(20) };

// === impl Connection ===

impl Connection {
    /// Begins HTTP/2 on a connection. The server's settings are not waited for.
    pub async fn open(io: Stream) -> Result<Self, AnswerError> {
        let activity = Activity::start();
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .max_header_list_size(HEAD)
            .max_send_buffer_size(QUEUED)
            .max_local_error_reset_streams(Some(MAX_WRONG))
            .initial_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1);
        let (sender, connection) = builder.handshake(Heard::new(io, &activity)).await?;
        let under_way = Arc::new(AtomicUsize::new(0));
        tokio::spawn(drive(connection, activity, Arc::clone(&under_way)));
        Ok(Self { sender, under_way })
    }

    /// Takes a place on it. While one is held, the server has to show that it is there.
    pub fn place(&self) -> Place {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Place(Arc::clone(&self.under_way))
    }

    /// How many places are taken.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// How many streams the server allows at once.
    pub fn allowed(&self) -> usize {
        self.sender.current_max_send_streams()
    }

    /// Whether this place is one on it.
    pub fn has(&self, place: &Place) -> bool {
        Arc::ptr_eq(&self.under_way, &place.0)
    }

    /// Whether no request can be sent on it any more: it is at its end, or the server has said that it will be.
    pub fn is_closed(&self) -> bool {
        // To look, nobody has to be woken.
        let mut sender = self.sender.clone();
        matches!(sender.poll_ready(&mut Context::from_waker(Waker::noop())), std::task::Poll::Ready(Err(_)))
    }

    /// Sends a request, whose URI is absolute, and waits for the head of its final response. Whoever does holds a
    /// [`Place`] until the exchange is over.
    ///
    /// A response may come before all of the request is sent: reading its content sends the rest. Where the server
    /// allows no more streams, this waits for one to end.
    pub async fn send<B>(&mut self, request: Request<B>) -> Result<Response<Content<B>>, Unanswered<B>>
    where
        B: Body<Data = Bytes, Error = BoxError> + Unpin,
    {
        if let Err(error) = std::future::poll_fn(|cx| self.sender.poll_ready(cx)).await {
            return Err(Unanswered { error: error.into(), unsent: Some(request) });
        }
        let sent = Sent::begin(&mut self.sender, request);
        let sent = async { sent?.answered(&mut self.sender).await };
        sent.await.map_err(|error| Unanswered { error, unsent: None })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Drives a connection to its end; whoever waits for something on it learns of what goes wrong.
async fn drive(
    mut connection: h2::client::Connection<Heard, Piece>,
    activity: Activity,
    under_way: Arc<AtomicUsize>,
) {
    let pings = connection.ping_pong().expect("nobody has taken them yet");
    let silence = pings::unanswered(pings, activity, PACE, || under_way.load(Ordering::Relaxed) > 0, || None);
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%error, "a connection to an upstream ended");
        },
        () = silence => tracing::debug!("a connection to an upstream is silent"),
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl AnswerError ===

impl AnswerError {
    /// Whether the server has said that it processed nothing of the request: it may be sent again, whatever its method
    /// (RFC 9113 §8.7).
    pub fn is_refusal(&self) -> bool {
        let Self::Http2(error) = self else { return false };
        // The crate ends a stream with the server's GOAWAY only where that leaves the stream out (§6.8).
        error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM))
    }
}

impl From<h2::Error> for AnswerError {
    fn from(error: h2::Error) -> Self {
        if error.is_io() {
            return Self::Io(error.into_io().unwrap_or_else(|| std::io::ErrorKind::BrokenPipe.into()));
        }
        Self::Http2(error)
    }
}

#[cfg(test)]
mod tests;
