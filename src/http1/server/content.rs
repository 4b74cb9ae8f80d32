//! A request's content, as it comes.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;

use super::Shared;
use crate::http1::decoder::{ContentError, Piece};
use crate::http1::framing::Framing;
use crate::http1::wire::lock;
use crate::message::RequestHead;
use crate::message::interim::Interim;

/// The content of one request. Reading it reads the connection: what nobody reads is not taken from the client.
pub struct Content {
    shared: Arc<Mutex<Shared>>,
    number: u64,
    ended: bool,
}

/// Why a request's content broke off.
#[derive(Debug, Error)]
pub enum ReceiveError {
    /// The connection failed.
    #[error("reading failed")]
    Io(#[from] std::io::Error),
    /// The connection ended before the content, or it cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The request is over: it was answered, and another has begun.
    #[error("the request is over")]
    Over,
}

// === impl Content ===

impl Content {
    /// Begins a request on a connection; it learns where responses before the final one can be written.
    pub(super) fn begin(
        shared: &Arc<Mutex<Shared>>,
        head: &mut RequestHead,
        framing: Framing,
        expects_continue: bool,
    ) -> Self {
        let number = lock(shared).begin(framing, expects_continue);
        if head.version == Version::HTTP_11 {
            let client = Arc::clone(shared);
            head.interim = Some(Interim::new(move |early| lock(&client).interim(number, early)));
        }
        Self { shared: Arc::clone(shared), number, ended: framing == Framing::Octets(0) }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = ReceiveError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReceiveError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let (piece, left) = {
            let mut shared = lock(&self.shared);
            (ready!(shared.poll_content(cx, self.number)), shared.content_left(self.number))
        };
        self.ended = left == Some(0);
        Poll::Ready(match piece {
            Ok(Some(Piece::Data(data))) => Some(Ok(Frame::data(data))),
            Ok(Some(Piece::Trailers(trailers))) => Some(Ok(Frame::trailers(trailers))),
            Ok(Some(Piece::End | Piece::More) | None) => None,
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        let left = if self.ended { Some(0) } else { lock(&self.shared).content_left(self.number) };
        left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        if !self.ended {
            lock(&self.shared).abandon(self.number);
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("number", &self.number)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
