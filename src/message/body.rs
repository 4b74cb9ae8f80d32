//! The content of a message as it is passed between the layers.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};

/// Why content broke off; shown in the log, never to a client.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Content of any origin: a client, an origin server, or ourselves.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A request's content on its way to an origin server.
#[derive(Debug)]
pub enum Upload {
    /// All of it is there, and none was taken yet or only what is missing here.
    Whole {
        /// What is still to be taken.
        frames: VecDeque<Frame<Bytes>>,
        /// How many octets these have, where that is declared.
        declared: Option<u64>,
    },
    /// It is taken as it comes.
    Streamed(Body),
}

/// No content.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Content that is already whole.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

// === impl Upload ===

impl Upload {
    /// No content.
    pub fn empty() -> Self {
        Self::Whole { frames: VecDeque::new(), declared: Some(0) }
    }

    /// The same content, where all of it is there. Its octets are shared, not copied; with trailers it is not had again.
    pub fn again(&self) -> Option<Self> {
        let Self::Whole { frames, declared } = self else { return None };
        let again = frames.iter().map(|frame| frame.data_ref().cloned().map(Frame::data));
        Some(Self::Whole { frames: again.collect::<Option<_>>()?, declared: *declared })
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Whole { frames, declared } => {
                let frame = frames.pop_front();
                let taken = frame.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
                *declared = declared.map(|declared| declared.saturating_sub(taken as u64));
                Poll::Ready(frame.map(Ok))
            }
            Self::Streamed(content) => Pin::new(content).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { frames, .. } => frames.is_empty(),
            Self::Streamed(content) => content.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { declared, .. } => declared.map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Streamed(content) => content.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_whole_can_be_had_again_and_what_comes_as_it_comes_cannot() {
        let frames = || ["one", "two"].map(|part| Frame::data(Bytes::from_static(part.as_bytes())));
        let content = Upload::Whole { frames: frames().into(), declared: Some(6) };
        let again = content.again().unwrap();
        assert_eq!(content.collect().await.unwrap().to_bytes(), "onetwo");
        assert_eq!(again.size_hint().exact(), Some(6));
        assert_eq!(again.collect().await.unwrap().to_bytes(), "onetwo");
        assert!(Upload::empty().again().is_some_and(|again| again.is_end_stream()));

        let trailers = frames().into_iter().chain([Frame::trailers(http::HeaderMap::new())]).collect();
        assert!(Upload::Whole { frames: trailers, declared: None }.again().is_none());
        assert!(Upload::Streamed(full("x")).again().is_none());
    }
}
