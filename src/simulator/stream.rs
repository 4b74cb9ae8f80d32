//! The forms of an answer: JSON, server-sent events, and content that comes at a pace.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::{task, time};

use crate::message::body::{self, Body, BoxError};

/// One piece of a streamed answer, or the error at which the stream breaks off.
pub(super) type Piece = Result<Bytes, BoxError>;

/// The pieces of a streamed answer, each made when its turn comes.
pub(super) type Pieces = Box<dyn Iterator<Item = Piece> + Send>;

/// Content that hands over one piece at a time, with a pause between two of them.
struct Paced {
    pieces: Pieces,
    pace: Duration,
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// An answer in JSON.
pub(super) fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    typed(status, "application/json", body::full(value.to_string()))
}

/// An answer of server-sent events.
pub(super) fn event_stream(pace: Duration, events: Pieces) -> Response<Body> {
    let mut response = typed(StatusCode::OK, "text/event-stream; charset=utf-8", paced(pace, events));
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// An answer of the given media type.
pub(super) fn typed(status: StatusCode, media_type: &'static str, content: Body) -> Response<Body> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Content in pieces, each produced when the one before it has been handed over and the pause is past.
pub(super) fn paced(pace: Duration, pieces: Pieces) -> Body {
    Paced { pieces, pace, pause: None }.boxed_unsync()
}

/// `data: {…}`, as chat streams have it.
pub(super) fn data(value: &Value) -> Piece {
    Ok(format!("data: {value}\n\n").into())
}

/// `event: <type>` and `data: {…}`, as response streams have it; the name is the value's `type`.
pub(super) fn named(value: &Value) -> Piece {
    let name = value["type"].as_str().unwrap_or("message");
    Ok(format!("event: {name}\ndata: {value}\n\n").into())
}

/// `data: [DONE]`, the end of a chat stream.
pub(super) fn done() -> Piece {
    Ok(Bytes::from_static(b"data: [DONE]\n\n"))
}

/// Lets the time pass; no time at all still lets the connection write out what it has.
async fn pause(pace: Duration) {
    if pace.is_zero() { task::yield_now().await } else { time::sleep(pace).await }
}

// === impl Paced ===

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
        }
        self.pause = Some(Box::pin(pause(self.pace)));
        Poll::Ready(self.pieces.next().map(|piece| piece.map(Frame::data)))
    }
}
