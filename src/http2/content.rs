//! A message's content, as it comes on a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};

use crate::message::interim::Interim;
use crate::message::{Fields, ResponseHead, content, trailers};

/// The content of one message. The other end may send more as this is read, and is told to stop if it is dropped
/// before its end.
pub struct Content {
    /// Nothing where there cannot be content.
    stream: Option<RecvStream>,
    /// What the head says that is still to come.
    left: Option<u64>,
    /// Whether only trailers can follow.
    data_ended: bool,
    /// Where to say that the content is wanted, if the other end waits for that (RFC 9110 §10.1.1).
    asks: Option<Interim>,
}

// === impl Content ===

impl Content {
    /// Content of a message with these fields.
    pub(super) fn of(stream: RecvStream, fields: &Fields) -> Self {
        Self {
            left: content::length(fields).ok().flatten(),
            stream: Some(stream),
            data_ended: false,
            asks: None,
        }
    }

    /// That of a request whose stream is to become something else.
    pub(super) fn nothing() -> Self {
        Self { stream: None, left: Some(0), data_ended: true, asks: None }
    }

    /// Has the other end told that it may go on, as soon as more is waited for.
    pub(super) fn asking(mut self, client: Interim) -> Self {
        self.asks = Some(client);
        self
    }

    fn ask(&mut self) {
        if let Some(client) = self.asks.take() {
            client.tell(&ResponseHead::of(StatusCode::CONTINUE));
        }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else { return Poll::Ready(None) };
        if !this.data_ended {
            let Poll::Ready(data) = stream.poll_data(cx) else {
                this.ask();
                return Poll::Pending;
            };
            if let Some(data) = data.transpose()? {
                this.asks = None;
                this.left = this.left.map(|left| left.saturating_sub(data.len() as u64));
                // It fails for octets that never came.
                let _ = stream.flow_control().release_capacity(data.len());
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            this.data_ended = true;
        }
        let trailers = ready!(stream.poll_trailers(cx))?;
        let kept = trailers.map(|trailers| trailers::kept(&trailers)).filter(|kept| !kept.is_empty());
        Poll::Ready(kept.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.as_ref().is_none_or(RecvStream::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let left = if self.is_end_stream() { Some(0) } else { self.left };
        left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("left", &self.left).finish_non_exhaustive()
    }
}
