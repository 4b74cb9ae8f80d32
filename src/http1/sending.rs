//! Writing a message's content as it comes.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use thiserror::Error;

use super::encoder::{Encoder, Mismatch};
use super::outbox::Outbox;
use super::wire::{Wire, lock};
use crate::message::body::BoxError;

/// Content on its way out.
#[derive(Debug)]
pub(super) struct Sending<B> {
    content: B,
    encoder: Encoder,
    /// Whether everything is in the outbox that is going to be.
    ended: bool,
    /// Why that is not all of it.
    broken: Option<SendingError>,
}

/// Why content did not get out.
#[derive(Debug, Error)]
pub enum SendingError {
    /// It broke off itself.
    #[error("{0}")]
    Content(BoxError),
    /// It is not what its head says.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The connection took no more.
    #[error("writing failed")]
    Io(#[source] std::io::Error),
}

// === impl Sending ===

impl<B> Sending<B>
where
    B: Body<Data = Bytes, Error = BoxError> + Unpin,
{
    /// Content whose head is in the outbox.
    pub(super) fn new(content: B, encoder: Encoder) -> Self {
        Self { content, encoder, ended: false, broken: None }
    }

    /// Moves content into the outbox as long as there is room, and writes it; ready when all of it is written.
    ///
    /// Content that breaks off is told once what came before it was written.
    pub(super) fn poll<T: AsMut<Wire>>(
        &mut self,
        cx: &mut Context<'_>,
        shared: &Mutex<T>,
    ) -> Poll<Result<(), SendingError>> {
        loop {
            let gathered = self.gather(cx, shared);
            let flushed = lock(shared).as_mut().poll_flush(cx).map_err(SendingError::Io)?;
            match flushed {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if self.ended => return Poll::Ready(self.broken.take().map_or(Ok(()), Err)),
                Poll::Ready(()) if gathered == Gathered::All => return Poll::Pending,
                // There is room again, and there may be more.
                Poll::Ready(()) => {}
            }
        }
    }

    fn gather<T: AsMut<Wire>>(&mut self, cx: &mut Context<'_>, shared: &Mutex<T>) -> Gathered {
        while !self.ended {
            if !lock(shared).as_mut().outbox.has_room() {
                return Gathered::Full;
            }
            let frame = match self.content.is_end_stream() {
                true => Poll::Ready(None),
                false => Pin::new(&mut self.content).poll_frame(cx),
            };
            let Poll::Ready(frame) = frame else { return Gathered::All };
            if let Err(error) = self.put(frame, &mut lock(shared).as_mut().outbox) {
                self.ended = true;
                self.broken = Some(error);
            }
        }
        Gathered::All
    }

    fn put(
        &mut self,
        frame: Option<Result<Frame<Bytes>, BoxError>>,
        outbox: &mut Outbox,
    ) -> Result<(), SendingError> {
        let trailers = match frame.transpose().map_err(SendingError::Content)?.map(Frame::into_data) {
            Some(Ok(data)) => return Ok(self.encoder.data(data, outbox)?),
            Some(Err(frame)) => frame.into_trailers().ok(),
            None => None,
        };
        self.ended = true;
        Ok(self.encoder.end(trailers.as_ref(), outbox)?)
    }
}

/// What there is of the content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gathered {
    /// All that has come is in the outbox.
    All,
    /// There is no room for more.
    Full,
}
