//! One request and its response.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Method;
use http::header::CONTENT_LENGTH;
use http_body::Body as _;
use tokio::sync::oneshot;

use super::reply::Reply;
use crate::http2::content::Content;
use crate::http2::fields;
use crate::http2::piece::Piece;
use crate::http2::sending::{Sending, SendingError};
use crate::http2::streams::UnderWay;
use crate::http2::tunnel::Tunnel;
use crate::message::body::Body;
use crate::message::content::{self, is_without_content};
use crate::message::{Request, RequestHead, Response};
use crate::net::stall::Stall;
use crate::net::stream::Stream;
use crate::net::switching::Switching;

/// What has to be known of a request while it is answered.
pub(super) struct Answering {
    method: Method,
    reply: Reply,
    /// What a CONNECT's stream brings, and where the stream goes.
    taker: Option<(RecvStream, oneshot::Sender<Stream>)>,
    under_way: UnderWay,
}

// === impl Answering ===

impl Answering {
    /// Takes a request apart, and puts it together for whoever answers it. None of one that is refused: a CONNECT that
    /// declares content, or whose length could be read in two ways.
    pub(super) fn begin(
        request: http::Request<RecvStream>,
        mut respond: SendResponse<Piece>,
        under_way: UnderWay,
    ) -> Option<(Request<Content>, Self)> {
        let (parts, stream) = request.into_parts();
        let mut head = RequestHead::from(parts);
        fields::join_cookies(&mut head.fields);
        let method = head.method.clone();
        let length = content::length(&head.fields);
        if length.is_err() || method == Method::CONNECT && matches!(length, Ok(Some(1..))) {
            respond.send_reset(Reason::PROTOCOL_ERROR);
            return None;
        }
        if method == Method::CONNECT {
            let (taker, switching) = Switching::channel();
            head.extensions.insert(switching);
            let (reply, taker) = (Reply::new(respond), Some((stream, taker)));
            let answering = Self { method, reply, taker, under_way };
            return Some((Request { head: Box::new(head), content: Content::nothing() }, answering));
        }
        let reply = Reply::new(respond);
        // Its end says so here. On HTTP/1 a request that is expected to have content says that it has none
        // (RFC 9110 §8.6).
        let expected = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        if expected && stream.is_end_stream() {
            fields::declare(&mut head.fields, 0);
        }
        let mut content = Content::of(stream, &head.fields);
        if content::expects_continue(&head.fields) {
            content = content.asking(reply.interim());
        }
        head.interim = Some(reply.interim());
        Some((Request { head: Box::new(head), content }, Self { method, reply, taker: None, under_way }))
    }

    /// Waits for the response and writes it, unless the client leaves.
    pub(super) async fn answer(
        self,
        mut making: Pin<Box<impl Future<Output = Response<Body>>>>,
        unread: Duration,
    ) {
        let response = std::future::poll_fn(|cx| {
            if let Poll::Ready(response) = making.as_mut().poll(cx) {
                return Poll::Ready(Some(response));
            }
            self.reply.poll_left(cx).map(|()| None)
        })
        .await;
        // With it goes what it still holds of the request.
        drop(making);
        let Some(response) = response else { return };
        if let Err(error) = self.respond(response, unread).await {
            tracing::debug!(%error, "a response broke off");
        }
    }

    async fn respond(self, response: Response<Body>, unread: Duration) -> Result<(), SendingError> {
        let Response { mut head, content } = response;
        let without = is_without_content(&self.method, head.status);
        let switches = self.method == Method::CONNECT && head.status.is_success();
        let length = http_body::Body::size_hint(&content).exact().filter(|_| !content.is_end_stream());
        fields::without_connection(&mut head.fields);
        match length {
            _ if switches || head.status == 204 => head.fields.remove(CONTENT_LENGTH),
            Some(length) if !without => fields::declare(&mut head.fields, length),
            _ => {}
        }
        fields::date(&mut head.fields);
        let is_end = !switches && (without || content.is_end_stream());
        let stream = self.reply.finally(&head, is_end)?;
        if let Some((incoming, taker)) = self.taker.filter(|_| switches) {
            // Whoever wanted it may be gone, and then it is reset.
            let _ = taker.send(Box::new(Tunnel::new(incoming, stream, self.under_way)));
            return Ok(());
        }
        if is_end {
            return Ok(());
        }
        let mut sending = Sending::new(content, stream, Some(self.under_way));
        let mut stall = Stall::new(unread);
        let sent = std::future::poll_fn(|cx| sending.poll_written(cx, &mut stall)).await;
        match &sent {
            // Some clients take CANCEL, which dropping it would send, for an end.
            Err(SendingError::Content(_)) => sending.reset(Reason::INTERNAL_ERROR),
            // Dropping it would not take back an end that was handed over.
            Err(SendingError::Stalled) => sending.reset(Reason::CANCEL),
            _ => {}
        }
        sent
    }
}
