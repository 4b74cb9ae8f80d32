//! The timeouts of an exchange, each over its own phase: none of them cuts a living stream.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use crate::message::body::{BoxError, Upload};
use crate::net::activity::Activity;

/// The origin server sent no response head in time.
#[derive(Debug, Error)]
#[error("no response within {0:?}")]
pub struct FirstByteTimeout(pub Duration);

/// A message stood still in the middle.
#[derive(Debug, Error)]
#[error("silent for {0:?} in the middle of the content")]
pub struct IdleTimeout(pub Duration);

/// Waits for a response; time counts from the last octet of the request that was taken.
pub async fn first_byte<F: Future>(
    responding: Pin<&mut F>,
    request: &Activity,
    longest: Duration,
) -> Result<F::Output, FirstByteTimeout> {
    tokio::select! {
        response = responding => Ok(response),
        () = request.quiet_for(longest) => Err(FirstByteTimeout(longest)),
    }
}

/// Request content that notes each frame as it is taken for sending.
#[derive(Debug)]
pub struct Noted {
    content: Upload,
    activity: Activity,
    /// Shared with whatever else may still be read of the request.
    unread: Arc<()>,
}

/// Whether nobody reads a request's content any more, because its end was sent or never will be.
#[derive(Debug)]
pub struct Over(Weak<()>);

/// Response content that breaks off after too long a silence.
pub struct Alive<B, E: FnOnce()> {
    content: B,
    idle: Duration,
    /// When the request's content last moved.
    request: Activity,
    /// Made when it first has to be waited.
    silence: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    at_end: Option<E>,
}

// === impl Noted ===

impl Noted {
    /// Watches over this content.
    pub fn new(content: Upload, activity: Activity) -> Self {
        Self { content, activity, unread: Arc::default() }
    }

    /// Tells when neither this content nor the same [`again`](Self::again) is read any more.
    pub fn over(&self) -> Over {
        Over(Arc::downgrade(&self.unread))
    }

    /// The same content to be sent once more, where all of it is there.
    pub fn again(&self) -> Option<Self> {
        let content = self.content.again()?;
        Some(Self { content, activity: self.activity.clone(), unread: Arc::clone(&self.unread) })
    }
}

impl HttpBody for Noted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.content).poll_frame(cx));
        self.activity.note();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

// === impl Over ===

impl Over {
    /// Whether it is so now.
    pub fn is_so(&self) -> bool {
        self.0.strong_count() == 0
    }
}

// === impl Alive ===

impl<B, E> Alive<B, E>
where
    B: HttpBody<Data = Bytes>,
    E: FnOnce(),
{
    /// Watches over this content; `idle` is the longest silence between two frames, be it of this content or of the
    /// request's.
    ///
    /// `at_end` is called when the content has come to its end, and only dropped when it has not.
    pub fn new(content: B, idle: Duration, request: Activity, at_end: E) -> Self {
        let mut alive = Self { content, idle, request, silence: None, waiting: false, at_end: Some(at_end) };
        if alive.content.is_end_stream() {
            alive.end();
        }
        alive
    }

    fn end(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end();
        }
    }
}

impl<B, E> HttpBody for Alive<B, E>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    E: FnOnce() + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.content).poll_frame(cx) {
            this.waiting = false;
            if frame.is_none() || this.content.is_end_stream() {
                this.end();
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let idle = this.idle;
        let silence = this.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        if !this.waiting {
            this.waiting = true;
            silence.as_mut().reset(Instant::now() + idle);
        }
        loop {
            ready!(silence.as_mut().poll(cx));
            // A server may answer first and go on reading.
            let end = this.request.last() + idle;
            if end <= Instant::now() {
                return Poll::Ready(Some(Err(IdleTimeout(idle).into())));
            }
            silence.as_mut().reset(end);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tokio::sync::mpsc;

    struct Queue(mpsc::Receiver<Bytes>);

    impl HttpBody for Queue {
        type Data = Bytes;
        type Error = BoxError;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn content_lives_as_long_as_it_moves() {
        let (send, receive) = mpsc::channel(1);
        let mut content = Alive::new(Queue(receive), Duration::from_secs(10), Activity::start(), || ());
        tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                send.send(Bytes::from_static(b"x")).await.unwrap();
            }
            tokio::time::sleep(Duration::from_secs(11)).await;
        });
        for _ in 0..5 {
            assert!(content.frame().await.unwrap().is_ok());
        }
        let broken = content.frame().await.unwrap().unwrap_err();
        assert!(broken.is::<IdleTimeout>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_still_moves_keeps_its_response() {
        let (_send, receive) = mpsc::channel(1);
        let (idle, request, begun) = (Duration::from_secs(10), Activity::start(), Instant::now());
        let mut content = Alive::new(Queue(receive), idle, request.clone(), || ());
        tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                request.note();
            }
        });
        assert!(content.frame().await.unwrap().unwrap_err().is::<IdleTimeout>());
        assert_eq!(begun.elapsed().as_secs(), 55);
    }

    #[tokio::test(start_paused = true)]
    async fn hours_of_a_stream_with_minutes_of_silence_are_not_cut() {
        let (send, receive) = mpsc::channel(1);
        let idle = crate::upstream::Settings::default().idle_timeout;
        let content = Alive::new(Queue(receive), idle, Activity::start(), || ());
        tokio::spawn(async move {
            for _ in 0..6 {
                tokio::time::sleep(Duration::from_secs(59 * 60)).await;
                send.send(Bytes::from_static(b"x")).await.unwrap();
            }
        });
        assert_eq!(content.collect().await.unwrap().to_bytes().len(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_counts_from_the_end_of_the_request() {
        let activity = Activity::start();
        let upload = activity.clone();
        let start = Instant::now();
        let responding = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(8)).await;
                upload.note();
            }
            std::future::pending::<()>().await;
        };
        let timeout = first_byte(std::pin::pin!(responding), &activity, Duration::from_secs(10)).await;
        assert!(timeout.is_err());
        assert_eq!(start.elapsed().as_secs(), 34);
    }
}
