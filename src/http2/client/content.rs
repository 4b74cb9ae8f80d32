//! A response's content, as it comes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::AnswerError;
use crate::http2::content;
use crate::http2::sending::{Sending, SendingError};
use crate::message::body::BoxError;

/// The content of one response, and what is still to be sent of its request. Dropping it before both have ended resets
/// the stream.
pub struct Content<B> {
    received: content::Content,
    sending: Option<Sending<B>>,
}

// === impl Content ===

impl<B> Content<B> {
    pub(super) fn new(received: content::Content, sending: Option<Sending<B>>) -> Self {
        Self { received, sending }
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
        if self.received.is_end_stream() {
            // What is left of the request concerns nobody any more.
            return Poll::Ready(None);
        }
        if let Some(Poll::Ready(sent)) = self.sending.as_mut().map(|sending| sending.poll(cx)) {
            self.sending = None;
            // Otherwise the response comes all the same: it may say why.
            if let Err(error @ SendingError::Content(_)) = sent {
                return Poll::Ready(Some(Err(error.into())));
            }
        }
        let frame = ready!(Pin::new(&mut self.received).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.received.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.received.size_hint()
    }
}

impl<B> fmt::Debug for Content<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("received", &self.received).finish_non_exhaustive()
    }
}
