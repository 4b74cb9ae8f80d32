//! A response on its way to the client: its head made ready, and its content where clients would break.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::message::body::{self, Body, BoxError};
use crate::message::{Response, ResponseHead};
use crate::rewrite::response::{self, Treatment, error};
use crate::rewrite::{Route, Settings, sse};

/// Longest wait for the whole content of an error; past it, it goes on as it is.
const ERROR_DEADLINE: Duration = Duration::from_secs(10);

/// Events on their way through a normaliser.
struct EventStream {
    content: Body,
    /// Nothing more comes once it is taken.
    normaliser: Option<sse::Normaliser>,
    /// What comes then.
    last: Option<Result<Frame<Bytes>, BoxError>>,
}

/// Content whose beginning was read.
struct Resumed {
    read: VecDeque<Result<Frame<Bytes>, BoxError>>,
    rest: Body,
}

/// Makes a response ready for the client, which may be a browser's page.
///
/// Only an error's content, which is short, is waited for; everything else goes on as it arrives.
pub async fn normalise(
    settings: &Settings,
    route: &Route,
    response: Response<Body>,
    from_page: bool,
) -> Response<Body> {
    let Response { mut head, content } = response;
    response::normalise(route, &mut head, from_page);
    // After HEAD, and with 204 and 304, the fields speak of content that does not follow.
    if content.is_end_stream() {
        return Response { head, content };
    }
    match response::treatment(settings, route, &head) {
        Treatment::Pass => Response { head, content },
        Treatment::Events(events) => {
            response::fit_fields(&mut head.fields, None);
            let normaliser = Some(sse::Normaliser::new(events));
            let content = EventStream { content, normaliser, last: None }.boxed_unsync();
            Response { head, content }
        }
        Treatment::Error => complete(head, content, route).await,
    }
}

/// Completes an error, if it is short and comes whole and soon.
async fn complete(mut head: ResponseHead, mut content: Body, route: &Route) -> Response<Body> {
    let deadline = Instant::now() + ERROR_DEADLINE;
    let mut whole = BytesMut::new();
    let unread = loop {
        match timeout_at(deadline, content.frame()).await {
            Ok(None) => break None,
            Ok(Some(frame)) => match frame.map(Frame::into_data) {
                Ok(Ok(data)) => whole.extend_from_slice(&data),
                Ok(Err(trailers)) => break Some(Resumed::new([Ok(trailers)], content)),
                Err(broken) => break Some(Resumed::new([Err(broken)], content)),
            },
            Err(_) => break Some(Resumed::new([], content)),
        }
        if whole.len() > error::LONGEST_ERROR {
            break Some(Resumed::new([], content));
        }
    };
    if let Some(mut resumed) = unread {
        resumed.read.push_front(Ok(Frame::data(whole.freeze())));
        return Response { head, content: resumed.boxed_unsync() };
    }
    let whole = match error::complete(&whole, head.status, route) {
        Some(completed) => {
            response::fit_fields(&mut head.fields, Some(completed.len()));
            completed.into()
        }
        None => whole.freeze(),
    };
    Response { head, content: body::full(whole) }
}

// === impl EventStream ===

impl HttpBody for EventStream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            let Some(normaliser) = &mut this.normaliser else {
                return Poll::Ready(this.last.take());
            };
            let ready = match ready!(Pin::new(&mut this.content).poll_frame(cx)) {
                // A stream that breaks off is not made to look whole, but nothing of it is kept back.
                Some(Err(broken)) => {
                    this.last = Some(Err(broken));
                    this.normaliser.take().map_or_else(Bytes::new, |mut normaliser| normaliser.broken())
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => normaliser.push(data),
                    Err(trailers) => {
                        this.last = Some(Ok(trailers));
                        this.normaliser.take().map_or_else(Bytes::new, |mut normaliser| normaliser.end())
                    }
                },
                None => this.normaliser.take().map_or_else(Bytes::new, |mut normaliser| normaliser.end()),
            };
            if !ready.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(ready))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.normaliser.is_none() && self.last.is_none()
    }
}

// === impl Resumed ===

impl Resumed {
    fn new(read: impl Into<VecDeque<Result<Frame<Bytes>, BoxError>>>, rest: Body) -> Self {
        Self { read: read.into(), rest }
    }
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.read.pop_front() {
            Some(read) => Poll::Ready(Some(read)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}
