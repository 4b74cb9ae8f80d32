//! The client's end of a connection: one request at a time, and its response.
//!
//! Nothing runs beside: whoever waits for a response, or reads its content, drives the connection.

mod content;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use http_body::Body;
use thiserror::Error;

use super::decoder::{ContentError, Decoder};
use super::encoder;
use super::framing::Framing;
use super::head::{self, Bounds, HeadError};
use super::sending::{Sending, SendingError};
use super::wire::{Wire, lock};
use crate::message::body::BoxError;
use crate::message::hop_by_hop::has_option;
use crate::message::interim::{self, Interim};
use crate::message::{Request, RequestHead, Response, ResponseHead};
use crate::net::stream::Stream;

pub use content::Content;

/// A connection to a server. Dropping it and the content of the last response closes it.
pub struct Connection(Arc<Mutex<Shared>>);

/// One connection and the response on it.
struct Shared {
    wire: Wire,
    decoder: Decoder,
    /// Octets of a head that have been looked at.
    seen: usize,
    /// Whether another request can follow.
    is_reusable: bool,
    /// Responses before the final one to this request.
    interim: usize,
}

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
    /// The connection was closed before.
    #[error("the connection was closed")]
    Closed,
    /// The connection failed.
    #[error("reading failed")]
    Io(#[from] std::io::Error),
    /// What came back is no HTTP response.
    #[error("no HTTP response: {0}")]
    Head(#[from] HeadError),
    /// The connection ended within the response's content, or that cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The request did not get out.
    #[error(transparent)]
    Sending(#[from] SendingError),
    /// No end of responses that are not final.
    #[error("too many responses before the final one")]
    TooManyInterim,
}

/// Bounds of a response's head.
const BOUNDS: Bounds = Bounds { size: 256 << 10, fields: 256 };

// === impl Connection ===

impl Connection {
    /// A connection on which nothing has been said.
    pub fn new(io: Stream) -> Self {
        Self(Arc::new(Mutex::new(Shared {
            wire: Wire::new(io),
            decoder: Decoder::new(Framing::Octets(0)),
            seen: 0,
            is_reusable: true,
            interim: 0,
        })))
    }

    /// Whether another request could follow, as far as the last exchange decides: response and request have come to
    /// their ends, and the server has said nothing that it was not asked.
    pub fn is_idle(&self) -> bool {
        lock(&self.0).is_idle()
    }

    /// Whether another request can follow: it is idle, and the server has not closed it.
    pub fn is_usable(&self) -> bool {
        let mut shared = lock(&self.0);
        if !shared.is_idle() {
            return false;
        }
        // Whoever sends the next request is woken then; to look needs nobody who is.
        let silent = shared.wire.poll_first(&mut Context::from_waker(Waker::noop())).is_pending();
        shared.wire.release();
        silent
    }

    /// Sends a request and waits for the head of its final response. The target is written as the URI has it.
    ///
    /// A response may come before all of the request is sent: reading its content sends the rest.
    pub async fn send<B>(&self, request: Request<B>) -> Result<Response<Content<B>>, Unanswered<B>>
    where
        B: Body<Data = Bytes, Error = BoxError> + Unpin,
    {
        if !self.is_usable() {
            return Err(Unanswered { error: AnswerError::Closed, unsent: Some(request) });
        }
        let (sending, method, interim) = self.begin(request);
        let (mut sending, mut stuck) = (Some(sending), None);
        let answered = std::future::poll_fn(|cx| {
            if let Some(Poll::Ready(sent)) = sending.as_mut().map(|sending| sending.poll(cx, &self.0)) {
                sending = None;
                match sent {
                    Ok(()) => {}
                    // A server that has heard enough may have said why before it closed.
                    Err(error @ SendingError::Io(_)) => stuck = Some(error),
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            lock(&self.0).poll_head(cx, &method, interim.as_ref())
        })
        .await;
        match answered {
            Ok(head) => {
                let content = Content::new(&self.0, sending, stuck.is_none() && allows_another(&head));
                Ok(Response { head, content })
            }
            Err(error) => {
                let error = stuck.map_or(error, AnswerError::from);
                Err(Unanswered { error, unsent: None })
            }
        }
    }

    /// Puts a request's head into the outbox: what is left of it then.
    fn begin<B>(&self, request: Request<B>) -> (Sending<B>, Method, Option<Interim>)
    where
        B: Body<Data = Bytes, Error = BoxError> + Unpin,
    {
        let Request { head, content } = request;
        let (hint, is_end) = (content.size_hint(), content.is_end_stream());
        let mut shared = lock(&self.0);
        shared.is_reusable = false;
        shared.interim = 0;
        let encoder = encoder::request_head(shared.wire.outbox.small(), &head, &hint, is_end);
        let RequestHead { method, interim, .. } = *head;
        (Sending::new(content, encoder), method, interim)
    }

    /// The connection, after a response that made it something else.
    pub fn take(&self) -> Option<Stream> {
        lock(&self.0).wire.take()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Whether the server lets another request follow this response (RFC 9112 §9.3).
fn allows_another(head: &ResponseHead) -> bool {
    match head.version {
        Version::HTTP_11 => !has_option(&head.fields, "close"),
        _ => has_option(&head.fields, "keep-alive"),
    }
}

// === impl Shared ===

impl AsMut<Wire> for Shared {
    fn as_mut(&mut self) -> &mut Wire {
        &mut self.wire
    }
}

impl Shared {
    fn is_idle(&self) -> bool {
        self.is_reusable && self.decoder.is_end() && self.wire.inbox.is_empty()
    }

    /// Reads the head of the final response to a request of this method; tells of those before it.
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        asked: &Method,
        interim: Option<&Interim>,
    ) -> Poll<Result<ResponseHead, AnswerError>> {
        loop {
            if let Some(head) = head::response(&mut self.wire.inbox, &mut self.seen, BOUNDS)? {
                let is_final =
                    !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS;
                if is_final {
                    let framing = Framing::of_response(asked, head.version, head.status, &head.fields);
                    self.decoder = Decoder::new(framing.map_err(HeadError::from)?);
                    return Poll::Ready(Ok(head));
                }
                self.interim += 1;
                if self.interim > interim::LIMIT {
                    return Poll::Ready(Err(AnswerError::TooManyInterim));
                }
                if let Some(interim) = interim {
                    interim.tell(&head);
                }
                continue;
            }
            let read = match self.wire.inbox.is_empty() {
                true => self.wire.poll_first(cx),
                false => self.wire.poll_fill(cx),
            };
            if ready!(read)? == 0 {
                return Poll::Ready(Err(AnswerError::Closed));
            }
        }
    }
}

#[cfg(test)]
mod tests;
