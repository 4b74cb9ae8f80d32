//! One request on its way, until its response begins.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use http::Method;
use http::header::HOST;
use http_body::Body;

use super::{AnswerError, Content};
use crate::http2::piece::Piece;
use crate::http2::sending::{Sending, SendingError};
use crate::http2::{content, fields};
use crate::message::body::BoxError;
use crate::message::interim::{self, Interim};
use crate::message::{Request, Response, ResponseHead};

/// A request whose head was handed over.
pub(super) struct Sent<B> {
    response: ResponseFuture,
    /// What of its content is still to be sent.
    sending: Option<Sending<B>>,
    interim: Option<Interim>,
    /// Responses before the final one so far.
    told: usize,
}

// === impl Sent ===

impl<B> Sent<B>
where
    B: Body<Data = Bytes, Error = BoxError> + Unpin,
{
    /// Opens a stream, for which `sender` is ready.
    pub(super) fn begin(sender: &mut SendRequest<Piece>, request: Request<B>) -> Result<Self, AnswerError> {
        let Request { head, content } = request;
        let mut head = *head;
        fields::without_connection(&mut head.fields);
        // `:authority` says it (RFC 9113 §8.3.1).
        head.fields.remove(HOST);
        let is_end = content.is_end_stream();
        let has_none = matches!(head.method, Method::GET | Method::HEAD | Method::DELETE | Method::CONNECT);
        match content.size_hint().exact() {
            Some(length) if length > 0 || !has_none => fields::declare(&mut head.fields, length),
            _ => {}
        }
        let mut asked = http::Request::new(());
        (*asked.method_mut(), *asked.uri_mut(), *asked.headers_mut()) =
            (head.method, head.uri, head.fields.to_map());
        let (response, stream) = sender.send_request(asked, is_end)?;
        let sending = (!is_end).then(|| Sending::new(content, stream, None));
        Ok(Self { response, sending, interim: head.interim, told: 0 })
    }

    /// Waits for the head of the final response.
    pub(super) async fn answered(
        mut self,
        sender: &mut SendRequest<Piece>,
    ) -> Result<Response<Content<B>>, AnswerError> {
        // The server may not allow another stream yet; content would wait in memory till then.
        // If it has gone away by now, the stream itself says whether it is answered all the same.
        let _ = std::future::poll_fn(|cx| sender.poll_ready(cx)).await;
        let response = std::future::poll_fn(|cx| {
            if let Some(Poll::Ready(sent)) = self.sending.as_mut().map(|sending| sending.poll(cx)) {
                self.sending = None;
                if let Err(error @ SendingError::Content(_)) = sent {
                    return Poll::Ready(Err(error.into()));
                }
                // A server that has heard enough may have said why before it reset the stream.
            }
            self.poll_response(cx)
        })
        .await?;
        let (parts, stream) = response.into_parts();
        let head = ResponseHead::from(parts);
        let received = content::Content::of(stream, &head.fields);
        Ok(Response { head, content: Content::new(received, self.sending) })
    }

    fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<http::Response<RecvStream>, AnswerError>> {
        // Asking for the final one would drop those before it.
        while let Some(early) = ready!(self.response.poll_informational(cx)).transpose()? {
            // HTTP/2 has no 101 (RFC 9113 §8.6), and a client of HTTP/1.1 would take it for its own.
            if early.status() == http::StatusCode::SWITCHING_PROTOCOLS {
                return Poll::Ready(Err(h2::Error::from(h2::Reason::PROTOCOL_ERROR).into()));
            }
            self.told += 1;
            if self.told > interim::LIMIT {
                return Poll::Ready(Err(AnswerError::TooManyInterim));
            }
            if let Some(interim) = &self.interim {
                interim.tell(&early.into_parts().0.into());
            }
        }
        std::pin::pin!(&mut self.response).poll(cx).map_err(Into::into)
    }
}
