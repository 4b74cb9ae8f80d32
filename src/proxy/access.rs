//! One log line for each exchange, written when it is over, and its record in the journal.

mod line;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

use super::Peer;
use super::usage::UsageReader;
use crate::admin::Admin;
use crate::admin::journal::{Journal, Outcome, Record};
use crate::admin::metrics::{Measured, Metrics};
use crate::error::Error;
use crate::message::Response;
use crate::message::body::{Body, BoxError};
use crate::net::relay::Tally;
use crate::policy::client_keys::ClientKey;
use crate::rewrite::{self, Route};
use crate::shutdown::Shutdown;
use line::Line;

/// The target of these lines.
pub const TARGET: &str = module_path!();

/// The field that says it all: as `{}` to people, as `{:#}` to machines, to whom it is the members of a JSON object, each
/// after a comma.
pub const FIELD: &str = "exchange";

/// The end of a stream of OpenAI's.
const DONE: &[u8] = b"data: [DONE]";

/// What the line will say. It is written when this is dropped, also where no answer was ever made.
#[derive(Debug)]
pub struct Access {
    record: Record,
    journal: Journal,
    metrics: Metrics,
    /// How the request came in.
    route: &'static str,
    peer: Peer,
    key: Option<ClientKey>,
    begun: Instant,
    /// The part of the time in which somebody else was waited for.
    waited: Duration,
    /// For exchanges that were sent on; a WebSocket's time says nothing.
    measured: Option<Measured>,
    outcome: Outcome,
    /// Whether it asks for a page of our own.
    own_page: bool,
}

/// The line of a WebSocket, written when it is over, with what its tally counts by then.
pub struct Session(Access, Tally);

/// A response's content, observed as it passes.
struct Watched {
    content: Body,
    access: Access,
    usage: Option<UsageReader>,
}

// === impl Access ===

impl Access {
    /// Begins the line as the request arrives, which it does on this route.
    pub fn begin(admin: &Admin, method: &Method, path: &str, route: &'static str, peer: Peer) -> Self {
        Self {
            record: admin.journal.begin(method.as_str(), path),
            journal: admin.journal.clone(),
            metrics: admin.metrics.clone(),
            route,
            peer,
            key: None,
            begun: Instant::now(),
            waited: Duration::ZERO,
            measured: None,
            outcome: Outcome::Cancelled,
            own_page: false,
        }
    }

    /// For a WebSocket, which outlives its request; see [`Peer::apart`].
    pub fn stand_apart(&mut self, version: Version) -> Result<(), Error> {
        self.peer = self.peer.clone().apart(version)?;
        Ok(())
    }

    /// Notes by whose key it is let in, where one was shown.
    pub fn admitted(&mut self, key: Option<ClientKey>) {
        self.key = key;
    }

    /// Notes that it asks who is here, as our own commands do all the time: it is told to whoever looks for it in the
    /// log, and counts for nothing.
    pub fn asks_who_is_here(&mut self) {
        self.own_page = true;
    }

    /// Notes where it goes.
    pub fn routed(&mut self, route: &Route, settings: &rewrite::Settings) {
        let known_model = route.model().is_some_and(|model| settings.models.names(model));
        self.measured = Some(Measured::begin(settings.mode.provider(), known_model));
        self.record.routed(route.operation(), route.model(), route.deployment(), route.uri().host());
        self.journal.open(&self.record);
    }

    /// Who asks.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Learns when what is logged here has to end.
    pub fn shutdown(&self) -> Shutdown {
        self.peer.shutdown.clone()
    }

    /// Notes that somebody else was waited for.
    pub fn waited(&mut self, time: Duration) {
        self.waited += time;
    }

    /// Notes why it goes nowhere.
    pub fn refused(&mut self, error: &Error) {
        self.record.reason = Some(error.kind().reason());
    }

    /// Observes the response until its content has ended or is dropped.
    pub fn watch(mut self, response: Response<Body>) -> Response<Body> {
        let Response { head, content } = response;
        let media_type = head.fields.get(CONTENT_TYPE).unwrap_or_default();
        let stream = media_type.starts_with(b"text/event-stream");
        let elapsed = self.begun.elapsed();
        self.record.answered(head.status.as_u16(), stream, elapsed);
        if let Some(measured) = &mut self.measured {
            measured.own = elapsed.saturating_sub(self.waited);
        }
        // What has no content by definition (RFC 9110 §9.3.2, §15.3.5, §15.4.5) may say how long it would be.
        let bare = &*self.record.method == "HEAD"
            || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if bare || content.is_end_stream() {
            self.outcome = Outcome::Complete;
        } else if stream {
            self.journal.open(&self.record);
        }
        let usage = UsageReader::for_content(&head.fields);
        Response { head, content: Watched { content, access: self, usage }.boxed_unsync() }
    }

    /// Observes the WebSocket that was opened with this status, and counts here, until it is over.
    pub fn session(mut self, status: StatusCode, tally: Tally) -> Session {
        self.measured = None;
        self.record.answered(status.as_u16(), true, self.begun.elapsed());
        self.journal.open(&self.record);
        Session(self, tally)
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let total = self.begun.elapsed();
        self.record.ended(self.outcome, total);
        let answered = self.measured.filter(|_| self.record.status.is_some());
        let measured = answered.map(|measured| Measured { total, ..measured });
        let record = std::mem::take(&mut self.record);
        let line = Line {
            client: self.peer.address,
            client_key: self.key.as_ref().map(ClientKey::name),
            route: self.route,
            own_us: measured.map(|measured| u64::try_from(measured.own.as_micros()).unwrap_or(u64::MAX)),
            record: &record,
        };
        let outcome = record.outcome.as_str();
        if self.own_page {
            tracing::debug!(target: TARGET, status = record.status, outcome, exchange = %line);
            return;
        }
        self.metrics.exchange(&record, measured.as_ref());
        tracing::info!(target: TARGET, status = record.status, outcome, exchange = %line);
        self.journal.close(record);
    }
}

// === impl Session ===

impl Session {
    /// Notes that both sides are done.
    pub fn complete(&mut self) {
        self.0.outcome = Outcome::Complete;
    }

    /// Notes that one of them broke off or said nothing for too long.
    pub fn broken(&mut self) {
        self.0.outcome = Outcome::Broken;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.record.octets = self.1.carried().down;
    }
}

// === impl Watched ===

impl Watched {
    fn passes(&mut self, data: &[u8]) {
        let Access { record, measured, begun, .. } = &mut self.access;
        if let (true, 0, Some(measured)) = (record.stream, record.octets, measured) {
            measured.first_token = Some(begun.elapsed());
        }
        record.octets += data.len() as u64;
        // Many clients leave as soon as they have read it.
        if record.stream && data.trim_ascii_end().ends_with(DONE) {
            self.access.outcome = Outcome::Complete;
        }
        if let Some(usage) = &mut self.usage {
            usage.push(data);
            self.access.record.tokens = usage.tokens();
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let begun = Instant::now();
        let polled = Pin::new(&mut self.content).poll_frame(cx);
        if let Some(measured) = &mut self.access.measured {
            measured.own += begun.elapsed();
        }
        match ready!(polled) {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.passes(data);
                }
                if self.content.is_end_stream() {
                    self.access.outcome = Outcome::Complete;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "the upstream broke off in the middle of its answer; the client's is aborted too");
                self.access.outcome = Outcome::Broken;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.access.outcome = Outcome::Complete;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
