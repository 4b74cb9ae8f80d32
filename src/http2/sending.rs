//! Writing a message's content to a stream as it comes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::{Body, Frame};
use thiserror::Error;

use super::piece::{Outgoing, Piece};
use super::streams::UnderWay;
use crate::message::body::BoxError;
use crate::message::trailers;
use crate::net::stall::Stall;

/// Content on its way out. Dropping it before its end resets the stream.
pub(super) struct Sending<B> {
    content: B,
    stream: SendStream<Piece>,
    outgoing: Outgoing,
    /// What waits for the other end to have room.
    held: Option<Bytes>,
    /// Why the content broke off, while what came before that is written.
    broken: Option<BoxError>,
    /// Whether all of it was handed over, and only its writing is waited for.
    ended: bool,
}

/// Why content did not get out.
#[derive(Debug, Error)]
pub enum SendingError {
    /// It broke off itself.
    #[error("{0}")]
    Content(BoxError),
    /// The other end wants no more of it.
    #[error("the stream was reset: {0}")]
    Reset(Reason),
    /// The other end takes nothing.
    #[error("nothing of it is taken")]
    Stalled,
    /// The connection is at its end.
    #[error(transparent)]
    Connection(#[from] h2::Error),
}

// === impl Sending ===

impl<B> Sending<B>
where
    B: Body<Data = Bytes, Error = BoxError> + Unpin,
{
    /// Content whose head was sent. The stream counts as under way until all of it is written.
    pub(super) fn new(content: B, stream: SendStream<Piece>, under_way: Option<UnderWay>) -> Self {
        Self { content, stream, outgoing: Outgoing::new(under_way), held: None, broken: None, ended: false }
    }

    /// Aborts the stream.
    pub(super) fn reset(&mut self, reason: Reason) {
        self.stream.send_reset(reason);
    }

    /// Does as [`Self::poll`] and is ready when all is written, or `stall` has lasted too long.
    pub(super) fn poll_written(
        &mut self,
        cx: &mut Context<'_>,
        stall: &mut Stall,
    ) -> Poll<Result<(), SendingError>> {
        if !self.ended {
            match self.poll(cx) {
                Poll::Ready(Ok(())) => self.ended = true,
                Poll::Ready(failed) => return Poll::Ready(failed),
                Poll::Pending => {}
            }
        }
        if self.ended && self.outgoing.poll_gone(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let waits = self.ended || self.held.is_some();
        stall.poll(cx, waits.then(|| self.outgoing.taken())).map(|()| Err(SendingError::Stalled))
    }

    /// Hands content to the connection as long as the other end has room for it; ready at its end.
    ///
    /// No more than one frame of it is held beyond that.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendingError>> {
        loop {
            if let Poll::Ready(reason) = self.stream.poll_reset(cx)? {
                return Poll::Ready(Err(SendingError::Reset(reason)));
            }
            if self.broken.is_some() {
                ready!(self.outgoing.poll_written(cx));
            }
            if let Some(broken) = self.broken.take() {
                return Poll::Ready(Err(SendingError::Content(broken)));
            }
            if self.held.is_some() {
                ready!(self.poll_room(cx))?;
            }
            if let Some(data) = self.held.take() {
                let is_end = self.content.is_end_stream();
                self.stream.send_data(self.outgoing.piece(data), is_end)?;
                if is_end {
                    return Poll::Ready(Ok(()));
                }
            }
            let frame = match self.content.is_end_stream() {
                true => None,
                false => ready!(Pin::new(&mut self.content).poll_frame(cx)),
            };
            match frame.transpose() {
                Ok(frame) => {
                    if self.put(frame)? {
                        return Poll::Ready(Ok(()));
                    }
                }
                Err(broken) => self.broken = Some(broken),
            }
        }
    }

    /// Waits for the other end to take more than nothing.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendingError>> {
        while self.stream.capacity() == 0 {
            // Without capacity to come the stream is at its end, and its reset is told next time.
            match ready!(self.stream.poll_capacity(cx)) {
                Some(room) => room?,
                None => return Poll::Ready(Err(SendingError::Reset(Reason::STREAM_CLOSED))),
            };
        }
        Poll::Ready(Ok(()))
    }

    /// Whether that was the end.
    fn put(&mut self, frame: Option<Frame<Bytes>>) -> Result<bool, SendingError> {
        match frame.map(Frame::into_data) {
            Some(Ok(data)) if data.is_empty() => {}
            Some(Ok(data)) => {
                // Room is asked for only once there is something to fill it, and no more than it takes to be noticed:
                // the crate asks for the rest when it has the data.
                self.stream.reserve_capacity(1);
                self.held = Some(data);
            }
            Some(Err(frame)) => {
                match trailers::kept(&frame.into_trailers().unwrap_or_default()) {
                    none if none.is_empty() => self.end()?,
                    trailers => self.stream.send_trailers(trailers)?,
                }
                return Ok(true);
            }
            None => {
                self.end()?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends the stream without trailers.
    fn end(&mut self) -> Result<(), h2::Error> {
        self.stream.send_data(self.outgoing.piece(Bytes::new()), true)
    }
}
