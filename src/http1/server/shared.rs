//! What the serving of a connection shares with whoever reads a request's content.

use std::io;
use std::task::{Context, Poll, Waker, ready};

use http::StatusCode;

use super::{Asked, ServeError};
use crate::http1::decoder::{ContentError, Decoder, Piece};
use crate::http1::encoder;
use crate::http1::framing::Framing;
use crate::http1::head::{self, Bounds};
use crate::http1::server::ReceiveError;
use crate::http1::wire::Wire;
use crate::message::{RequestHead, ResponseHead};

/// One connection and the request on it.
pub(super) struct Shared {
    pub(super) wire: Wire,
    decoder: Decoder,
    /// The number of the request: content of an earlier one reads nothing any more.
    number: u64,
    /// Whether the final response to it has begun.
    is_answered: bool,
    /// Whether the client waits to be told that its content is wanted.
    expects_continue: bool,
    /// Whether nobody will read the rest of the content.
    is_abandoned: bool,
    /// Who waits for the answer, and for the client to leave.
    waiter: Option<Waker>,
}

/// Octets that are read ahead of a response, to learn when the client leaves.
const AHEAD: usize = 64 << 10;

// === impl Shared ===

impl AsMut<Wire> for Shared {
    fn as_mut(&mut self) -> &mut Wire {
        &mut self.wire
    }
}

impl Shared {
    pub(super) fn new(io: crate::net::stream::Stream) -> Self {
        Self {
            wire: Wire::new(io),
            decoder: Decoder::new(Framing::Octets(0)),
            number: 0,
            is_answered: true,
            expects_continue: false,
            is_abandoned: false,
            waiter: None,
        }
    }

    /// Begins the next request, and returns its number.
    pub(super) fn begin(&mut self, framing: Framing, expects_continue: bool) -> u64 {
        self.decoder = Decoder::new(framing);
        self.number += 1;
        self.is_answered = false;
        self.expects_continue = expects_continue && !self.decoder.is_end();
        self.is_abandoned = false;
        self.number
    }

    /// Writes a response that comes before the final one to this request, if that has not begun and there is room.
    pub(super) fn interim(&mut self, number: u64, early: &ResponseHead) {
        if self.number == number && !self.is_answered && self.wire.outbox.has_room() {
            encoder::interim_head(self.wire.outbox.small(), early);
            self.wake();
        }
    }

    /// The final response begins.
    pub(super) fn answered(&mut self) {
        self.is_answered = true;
    }

    /// Whether nothing has come of a next request.
    pub(super) fn is_idle(&self) -> bool {
        self.wire.inbox.is_empty()
    }

    /// Whether the request has been read to its end, so that another can follow.
    pub(super) fn is_over(&self) -> bool {
        self.decoder.is_end()
    }

    /// Whether another request can follow, as far as this one's octets decide. What has come of content that nobody
    /// will read is dropped; more of it is not waited for.
    ///
    /// Octets that came before the answer to a request for another protocol may have been meant for that; taken for a
    /// request, they would be one that nobody wrote. A client that waits to be told to send its content, or has it
    /// refused while it sends it, may send none of the rest (RFC 9110 §10.1.1).
    pub(super) fn may_go_on(&mut self, asked: &Asked, status: StatusCode) -> bool {
        while self.is_abandoned && !self.decoder.is_end() {
            if !matches!(self.decoder.next(&mut self.wire.inbox), Ok(Piece::Data(_) | Piece::Trailers(_))) {
                return false;
            }
        }
        let refused = status.is_client_error() || status.is_server_error();
        if !self.decoder.is_end() && (self.expects_continue || refused) {
            return false;
        }
        asked.taker.is_none() || !self.decoder.is_end() || self.wire.inbox.is_empty()
    }

    /// Wakes whoever serves the connection.
    fn wake(&self) {
        if let Some(waiter) = &self.waiter {
            waiter.wake_by_ref();
        }
    }

    /// Reads a request's head; `None` where the connection ends instead.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        seen: &mut usize,
        bounds: Bounds,
    ) -> Poll<Result<Option<(RequestHead, Framing)>, ServeError>> {
        loop {
            if let Some(head) = head::request(&mut self.wire.inbox, seen, bounds)? {
                return Poll::Ready(Ok(Some(head)));
            }
            let count = match self.wire.inbox.is_empty() {
                true => {
                    self.wire.release();
                    ready!(self.wire.poll_first(cx))?
                }
                false => ready!(self.wire.poll_fill(cx))?,
            };
            if count == 0 {
                let clean = self.wire.inbox.is_empty();
                return Poll::Ready(if clean { Ok(None) } else { Err(ServeError::Left) });
            }
        }
    }

    /// Reads content of the request with this number; `None` at its end.
    pub(super) fn poll_content(
        &mut self,
        cx: &mut Context<'_>,
        number: u64,
    ) -> Poll<Result<Option<Piece>, ReceiveError>> {
        if self.number != number {
            return Poll::Ready(Err(ReceiveError::Over));
        }
        loop {
            match self.decoder.next(&mut self.wire.inbox)? {
                Piece::More => {}
                Piece::End => return Poll::Ready(Ok(self.content_ended(cx, None))),
                piece => {
                    self.expects_continue = false;
                    return Poll::Ready(Ok(self.content_ended(cx, Some(piece))));
                }
            }
            self.ask_for_content(cx)?;
            if ready!(self.wire.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(ContentError::Truncated.into()));
            }
        }
    }

    /// Whether the request's content has been read to its end.
    pub(super) fn content_left(&self, number: u64) -> Option<u64> {
        if self.number == number { self.decoder.left() } else { Some(0) }
    }

    /// Nobody will read more of this request's content.
    pub(super) fn abandon(&mut self, number: u64) {
        self.is_abandoned |= self.number == number && !self.decoder.is_end();
    }

    /// Resolves when the client has left. Writes what is in the outbox meanwhile.
    ///
    /// Only where the whole request has been read can this be seen.
    pub(super) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waiter.as_ref().is_some_and(|waiter| waiter.will_wake(cx.waker())) {
            self.waiter = Some(cx.waker().clone());
        }
        if let Poll::Ready(Err(_)) = self.wire.poll_flush(cx) {
            return Poll::Ready(());
        }
        while self.decoder.is_end() && self.wire.inbox.len() < AHEAD {
            let read = match self.wire.inbox.is_empty() {
                true => self.wire.poll_first(cx),
                false => self.wire.poll_fill(cx),
            };
            if let Ok(0) | Err(_) = ready!(read) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Tells a client that waits for it that its content is wanted.
    fn ask_for_content(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if std::mem::take(&mut self.expects_continue) && !self.is_answered {
            self.wire.outbox.small().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        match self.wire.poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Where content ends in another task than the one that serves, that one has to look for the client from now on.
    fn content_ended(&mut self, cx: &Context<'_>, piece: Option<Piece>) -> Option<Piece> {
        if self.decoder.is_end() && self.waiter.as_ref().is_some_and(|waiter| !waiter.will_wake(cx.waker())) {
            self.wake();
        }
        piece
    }
}
