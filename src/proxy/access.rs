//! One log line for each exchange, written when it is over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

use super::Peer;
use crate::error::Error;
use crate::message::body::{Body, BoxError};
use crate::rewrite::Route;

/// What the line will say. Never content, never a query, never a credential.
#[derive(Debug)]
pub struct Access {
    method: Method,
    path: String,
    peer: Peer,
    begun: Instant,
    operation: &'static str,
    model: Option<String>,
    deployment: Option<String>,
    upstream: Option<String>,
    reason: Option<&'static str>,
}

/// A response's content with the line that is written at its end.
struct Watched {
    content: Body,
    access: Access,
    status: StatusCode,
    first_byte: Duration,
    octets: u64,
    outcome: Outcome,
}

/// How the content ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Dropped before its end: the client went away.
    Cancelled,
    Complete,
    /// The upstream broke off.
    Broken,
}

// === impl Access ===

impl Access {
    /// Begins the line as the request arrives.
    pub fn begin(method: Method, path: &str, peer: Peer) -> Self {
        Self {
            method,
            path: path.to_owned(),
            peer,
            begun: Instant::now(),
            operation: "",
            model: None,
            deployment: None,
            upstream: None,
            reason: None,
        }
    }

    /// Notes where it goes.
    pub fn routed(&mut self, route: &Route) {
        self.operation = route.operation();
        self.model = route.model().map(str::to_owned);
        self.deployment = route.deployment().map(str::to_owned);
        self.upstream = route.uri().host().map(str::to_owned);
    }

    /// Notes why it goes nowhere.
    pub fn refused(&mut self, error: &Error) {
        self.reason = Some(error.kind().reason());
    }

    /// Writes the line when the response's content has ended or is dropped.
    pub fn watch(self, response: Response<Body>) -> Response<Body> {
        let (parts, content) = response.into_parts();
        let outcome = if content.is_end_stream() { Outcome::Complete } else { Outcome::Cancelled };
        let first_byte = self.begun.elapsed();
        let watched = Watched { content, access: self, status: parts.status, first_byte, octets: 0, outcome };
        Response::from_parts(parts, watched.boxed_unsync())
    }
}

// === impl Watched ===

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.content).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.octets += frame.data_ref().map_or(0, |data| data.len() as u64);
                if self.content.is_end_stream() {
                    self.outcome = Outcome::Complete;
                }
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "the upstream broke off in the middle of its content; the client's is aborted");
                self.outcome = Outcome::Broken;
            }
            None => self.outcome = Outcome::Complete,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Access { method, path, peer, begun, operation, model, deployment, upstream, reason } =
            &self.access;
        let (model, deployment) = (model.as_deref().unwrap_or(""), deployment.as_deref().unwrap_or(""));
        let way = match (deployment, upstream) {
            ("", None) => String::from("here"),
            ("", Some(upstream)) => upstream.clone(),
            (deployment, Some(upstream)) => format!("{upstream}:{deployment}"),
            (deployment, None) => deployment.to_owned(),
        };
        let outcome = match self.outcome {
            Outcome::Cancelled => "cancelled",
            Outcome::Complete => "complete",
            Outcome::Broken => "broken",
        };
        tracing::info!(
            client = %peer.address,
            operation,
            model,
            deployment,
            status = self.status.as_u16(),
            reason,
            ttfb_ms = self.first_byte.as_millis() as u64,
            total_ms = begun.elapsed().as_millis() as u64,
            octets = self.octets,
            outcome,
            "{method} {path} → {way} {}",
            self.status.as_u16(),
        );
    }
}
