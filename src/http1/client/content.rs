//! A response's content, as it comes.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{AnswerError, Shared};
use crate::http1::decoder::Piece;
use crate::http1::sending::{Sending, SendingError};
use crate::http1::wire::lock;
use crate::message::body::BoxError;

/// The content of one response, and what is still to be sent of its request.
pub struct Content<B> {
    shared: Arc<Mutex<Shared>>,
    sending: Option<Sending<B>>,
    /// Whether another request may follow once both have ended.
    is_last: bool,
    ended: bool,
}

// === impl Content ===

impl<B> Content<B> {
    pub(super) fn new(shared: &Arc<Mutex<Shared>>, sending: Option<Sending<B>>, goes_on: bool) -> Self {
        let mut content = Self { shared: Arc::clone(shared), sending, is_last: !goes_on, ended: false };
        if lock(shared).decoder.is_end() {
            content.end();
        }
        content
    }

    /// What follows the end is no part of this response, and another request can be answered.
    fn end(&mut self) {
        self.ended = true;
        lock(&self.shared).is_reusable = !self.is_last && self.sending.is_none();
    }
}

impl<B> Drop for Content<B> {
    /// Nobody holds a part of the last buffer any more, and it may be long until the next request.
    fn drop(&mut self) {
        lock(&self.shared).wire.release();
    }
}

impl<B> Content<B>
where
    B: Body<Data = Bytes, Error = BoxError> + Unpin,
{
    /// Sends what is left of the request.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), SendingError> {
        let Some(Poll::Ready(sent)) = self.sending.as_mut().map(|sending| sending.poll(cx, &self.shared))
        else {
            return Ok(());
        };
        self.sending = None;
        self.is_last |= sent.is_err();
        match sent {
            // The response comes all the same: it may say why.
            Ok(()) | Err(SendingError::Io(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, AnswerError>> {
        let shared = &mut *lock(&self.shared);
        loop {
            let piece = shared.decoder.next(&mut shared.wire.inbox)?;
            if piece != Piece::More {
                return Poll::Ready(Ok(piece));
            }
            if ready!(shared.wire.poll_fill(cx))? == 0 {
                self.is_last = true;
                shared.decoder.closed()?;
                return Poll::Ready(Ok(Piece::End));
            }
        }
    }
}

impl<B> Body for Content<B>
where
    B: Body<Data = Bytes, Error = BoxError> + Unpin,
{
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.poll_send(cx)?;
        let piece = ready!(self.poll_piece(cx))?;
        if lock(&self.shared).decoder.is_end() {
            self.end();
        }
        Poll::Ready(match piece {
            Piece::Data(data) => Some(Ok(Frame::data(data))),
            Piece::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Piece::End | Piece::More => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        let left = if self.ended { Some(0) } else { lock(&self.shared).decoder.left() };
        left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl<B> fmt::Debug for Content<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("ended", &self.ended).finish_non_exhaustive()
    }
}
