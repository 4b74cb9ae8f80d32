//! The content of a request: read piece by piece, noted by the recorder, limited, checked.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::time;

use super::errors::Refusal;
use super::multipart::{self, Form};
use super::recorder::Entry;

/// The limit of any content. It is counted and summed, not stored.
const MAX_CONTENT: u64 = 600 << 20;

/// The limit of content in JSON, which is held whole.
const MAX_JSON: u64 = 64 << 20;

/// How much is read, and thrown away, of the content of a request that is refused.
const MAX_DRAINED: u64 = 1 << 20;

/// How long that may take.
const DRAIN_DEADLINE: Duration = Duration::from_millis(500);

/// How long the next piece of content may take.
const IDLE_DEADLINE: Duration = Duration::from_secs(60);

/// Content that is being read.
pub(super) struct Content<'a> {
    incoming: Incoming,
    entry: &'a Entry,
    media_type: String,
    read: u64,
}

// === impl Content ===

impl<'a> Content<'a> {
    pub(super) fn new(fields: &HeaderMap, incoming: Incoming, entry: &'a Entry) -> Self {
        let media_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self { incoming, entry, media_type: media_type.into(), read: 0 }
    }

    /// Whether it says that it is a form.
    pub(super) fn is_form(&self) -> bool {
        self.essence().eq_ignore_ascii_case("multipart/form-data")
    }

    /// The media type without its parameters.
    fn essence(&self) -> &str {
        self.media_type.split(';').next().unwrap_or_default().trim()
    }

    /// The content as a JSON object.
    pub(super) async fn json(&mut self) -> Result<Map<String, Value>, Refusal> {
        if !self.essence().eq_ignore_ascii_case("application/json") {
            return Err(Refusal::Malformed("The content type must be application/json."));
        }
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next(MAX_JSON).await? {
            whole.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&whole).map_err(|_| Refusal::Malformed("The content is not a JSON object."))
    }

    /// The content as the fields and files of a form.
    pub(super) async fn form(&mut self) -> Result<Form, Refusal> {
        let mut reader = multipart::Reader::new(&self.media_type)?;
        while let Some(chunk) = self.next(MAX_CONTENT).await? {
            reader.feed(&chunk)?;
        }
        Ok(reader.finish()?)
    }

    /// Reads what a refusal left, so that a client that is still writing gets to see the answer.
    ///
    /// It gives up soon: a client that waits for the answer before it goes on must not wait in vain.
    pub(super) async fn drain(&mut self) {
        let drained =
            async { while self.read < MAX_DRAINED && matches!(self.next(MAX_CONTENT).await, Ok(Some(_))) {} };
        // Whatever is left then is lost with the connection.
        let _ = time::timeout(DRAIN_DEADLINE, drained).await;
    }

    async fn next(&mut self, limit: u64) -> Result<Option<Bytes>, Refusal> {
        loop {
            let frame = time::timeout(IDLE_DEADLINE, self.incoming.frame());
            let Some(frame) = frame.await.map_err(|_| Refusal::Timeout)? else { return Ok(None) };
            let frame =
                frame.map_err(|_| Refusal::Malformed("The content ended before its announced length."))?;
            let Ok(chunk) = frame.into_data() else { continue };
            self.entry.append(&chunk);
            self.read += chunk.len() as u64;
            return if self.read > limit { Err(Refusal::TooLarge(limit)) } else { Ok(Some(chunk)) };
        }
    }
}
