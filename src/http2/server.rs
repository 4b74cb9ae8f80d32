//! The server's end of a connection: each request is answered in a task of its own, as many at a time as are allowed.

mod answering;
mod reply;

use std::pin::pin;
use std::time::Duration;

use h2::server::{Builder, Connection};
use thiserror::Error;

use super::content::Content;
use super::piece::Piece;
use super::pings::{self, Heard, Pace};
use super::streams::Streams;
use crate::message::body::Body;
use crate::message::{Request, Response};
use crate::net::activity::Activity;
use crate::net::stream::Stream;
use crate::shutdown::Shutdown;

use answering::Answering;

/// What a client is held to.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Octets of a head, as RFC 9113 §6.5.2 counts them.
    pub head_size: u32,
    /// How long the beginning of the connection may take.
    pub patience: Duration,
    /// How long the connection may be without a request under way.
    pub idle: Duration,
    /// How long a client may take nothing of an answer.
    pub unread: Duration,
    /// When it has to show that it is there.
    pub pace: Pace,
}

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The client broke the protocol, or the connection broke.
    #[error(transparent)]
    Connection(#[from] h2::Error),
    /// No preface in time.
    #[error("no HTTP/2 in time")]
    TooSlow,
    /// The client gave no sign of life.
    #[error("the client is silent")]
    Silent,
}

/// How much longer a client may leave a question unanswered that may not have read it yet: behind what it was sent, one
/// that has paused looks like one that is gone.
const PAUSE: Duration = Duration::from_secs(600);
/// Requests that one connection may have under way.
const MAX_STREAMS: u32 = 256;
/// Requests that a client may take back before we have begun with them (CVE-2023-44487).
const MAX_TAKEN_BACK: usize = 20;
/// Requests on one connection that we may have to reset for what is wrong with them.
const MAX_WRONG: usize = 256;
/// Octets that one stream, and all of a connection's streams together, may have in flight to us. The latter has room
/// for many uploads that their origins do not take: they must not hold up a request beside them.
const WINDOWS: (u32, u32) = (1 << 20, 64 << 20);

/// Serves requests until the client closes; when a shutdown is asked for, it is told so (GOAWAY) and those under way
/// are finished. It is told the same when none has been under way for too long, what a CONNECT became among them, and
/// is left if it does not close then.
///
/// `answer` is called for each request, and what it returns is dropped when the client takes the request back or is
/// gone.
pub async fn serve<A, R>(
    io: Stream,
    settings: Settings,
    mut shutdown: Shutdown,
    answer: A,
) -> Result<(), ServeError>
where
    A: Fn(Request<Content>) -> R,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let activity = Activity::start();
    let mut connection = begin(io, settings, &activity).await?;
    let pings = connection.ping_pong().expect("nobody has taken them yet");
    let streams = Streams::none();
    // A client that cannot write on what it reads reads no more, not even our question.
    let unread = || streams.may_be_unread(activity.last()).then_some(PAUSE.min(settings.unread));
    let mut silence = pin!(pings::unanswered(pings, activity.clone(), settings.pace, || true, unread));
    let mut idle = pin!(streams.none_for(settings.idle));
    let (mut stopping, mut leaving) = (false, false);
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            () = &mut silence => return Err(ServeError::Silent),
            () = shutdown.requested(), if !stopping => {
                stopping = true;
                connection.graceful_shutdown();
                continue;
            }
            () = &mut idle => {
                if leaving {
                    return Ok(());
                }
                leaving = true;
                connection.graceful_shutdown();
                // A request that was on its way is still answered, and has the client begin anew.
                idle.set(streams.none_for(settings.idle + settings.pace.answer));
                continue;
            }
        };
        let Some(accepted) = accepted else { return Ok(()) };
        let (request, respond) = match accepted {
            // Some clients are gone as soon as they are told, before they are told which request was the last.
            Err(error) if leaving && error.is_io() => return Ok(()),
            accepted => accepted?,
        };
        if let Some((request, answering)) = Answering::begin(request, respond, streams.one()) {
            // Boxed, or it would have two places in the task.
            tokio::spawn(answering.answer(Box::pin(answer(request)), settings.unread));
        }
    }
}

async fn begin(
    io: Stream,
    settings: Settings,
    activity: &Activity,
) -> Result<Connection<Heard, Piece>, ServeError> {
    let mut builder = Builder::new();
    builder
        .enable_connect_protocol()
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_TAKEN_BACK)
        .max_local_error_reset_streams(Some(MAX_WRONG))
        .max_header_list_size(settings.head_size)
        .initial_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1);
    let handshake = builder.handshake(Heard::new(io, activity));
    Ok(tokio::time::timeout(settings.patience, handshake).await.map_err(|_| ServeError::TooSlow)??)
}

#[cfg(test)]
mod tests;
