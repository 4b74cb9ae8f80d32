//! What arrived at the simulator, for tests to check and for `demo` to show.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::watch;

use super::crc32::Crc32;
use crate::message::body::{Body, BoxError};

/// Requests remembered; the oldest are forgotten first.
const MAX_REQUESTS: usize = 256;

/// Bytes of content remembered of one request.
const MAX_CONTENT: usize = 1 << 20;

/// Bytes of content remembered of all requests together.
const MAX_TOTAL: usize = 32 << 20;

/// The requests that arrived, oldest first. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub struct Recorder {
    ring: Arc<watch::Sender<Ring>>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Counts the requests of one simulator from 0.
    pub number: u64,
    /// The method.
    pub method: Method,
    /// `:authority` or `Host`, byte for byte; empty if neither came.
    pub authority: String,
    /// The path and query, byte for byte.
    pub path_and_query: String,
    /// The HTTP version spoken.
    pub version: Version,
    /// The field lines. Credentials are there, but marked as sensitive, so that `Debug` hides them.
    pub fields: HeaderMap,
    /// The beginning of the content, up to 1 MiB; of a WebSocket its messages, each with a line feed.
    pub content: Vec<u8>,
    /// The length of all content that arrived so far.
    pub length: u64,
    /// The CRC-32 of all content that arrived so far.
    pub checksum: Crc32,
    /// How far the exchange got.
    pub progress: Progress,
}

/// How far an exchange got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The request is being read or worked on.
    Asked,
    /// The answer is on its way.
    Answering(StatusCode),
    /// The answer was handed over whole.
    Answered(StatusCode),
    /// The client went away, or a `[broken]` answer broke off.
    Abandoned,
}

/// The place of one request in the recorder; dropping it before the answer's end abandons the exchange.
#[derive(Debug)]
pub(super) struct Entry {
    recorder: Recorder,
    number: u64,
}

/// Content of an answer that notes when it ends.
struct Noted {
    inner: Body,
    entry: Entry,
    status: StatusCode,
}

#[derive(Debug, Default)]
struct Ring {
    seen: VecDeque<Seen>,
    next: u64,
    bytes: usize,
}

// === impl Recorder ===

impl Recorder {
    pub(super) fn new() -> Self {
        Self { ring: Arc::new(watch::Sender::new(Ring::default())) }
    }

    /// What arrived up to now: at most the last 256 requests, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.ring.borrow().seen.iter().cloned().collect()
    }

    /// Waits until a request fits `wanted` and returns it; the caller sets the deadline.
    pub async fn wait_for(&self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let mut changes = self.ring.subscribe();
        loop {
            if let Some(found) = changes.borrow_and_update().seen.iter().find(|seen| wanted(seen)) {
                return found.clone();
            }
            changes.changed().await.expect("self holds the sender");
        }
    }

    pub(super) fn begin(&self, head: &Parts) -> Entry {
        let mut number = 0;
        self.ring.send_modify(|ring| number = ring.push(head));
        Entry { recorder: self.clone(), number }
    }
}

// === impl Entry ===

impl Entry {
    pub(super) fn append(&self, chunk: &[u8]) {
        self.recorder.ring.send_modify(|ring| ring.append(self.number, chunk));
    }

    /// Follows the answer's content to its end.
    pub(super) fn follow(self, status: StatusCode, inner: Body) -> Body {
        self.set(if inner.is_end_stream() {
            Progress::Answered(status)
        } else {
            Progress::Answering(status)
        });
        Noted { inner, entry: self, status }.boxed_unsync()
    }

    pub(super) fn set(&self, progress: Progress) {
        self.recorder.ring.send_modify(|ring| {
            if let Some(seen) = ring.get(self.number) {
                seen.progress = progress;
            }
        });
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.recorder.ring.send_modify(|ring| match ring.get(self.number) {
            Some(seen) if !matches!(seen.progress, Progress::Answered(_)) => {
                seen.progress = Progress::Abandoned
            }
            _ => {}
        });
    }
}

// === impl Noted ===

impl http_body::Body for Noted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let broken = matches!(frame, Some(Err(_)));
        if !broken && (frame.is_none() || self.inner.is_end_stream()) {
            self.entry.set(Progress::Answered(self.status));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

// === impl Ring ===

impl Ring {
    fn push(&mut self, head: &Parts) -> u64 {
        let number = self.next;
        self.next += 1;
        self.seen.push_back(Seen {
            number,
            method: head.method.clone(),
            authority: authority(head),
            path_and_query: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            version: head.version,
            fields: hide_credentials(head.headers.clone()),
            content: Vec::new(),
            length: 0,
            checksum: Crc32::default(),
            progress: Progress::Asked,
        });
        self.forget();
        number
    }

    fn append(&mut self, number: u64, chunk: &[u8]) {
        let Some(seen) = self.get(number) else { return };
        let kept = chunk.len().min(MAX_CONTENT - seen.content.len());
        seen.content.extend_from_slice(&chunk[..kept]);
        seen.length += chunk.len() as u64;
        seen.checksum.update(chunk);
        self.bytes += kept;
        self.forget();
    }

    fn forget(&mut self) {
        while self.seen.len() > MAX_REQUESTS || self.bytes > MAX_TOTAL {
            let Some(oldest) = self.seen.pop_front() else { return };
            self.bytes -= oldest.content.len();
        }
    }

    fn get(&mut self, number: u64) -> Option<&mut Seen> {
        // Numbers are consecutive, so the place follows from the first one.
        let first = self.seen.front()?.number;
        self.seen.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }
}

fn authority(head: &Parts) -> String {
    let host =
        || head.headers.get(header::HOST).map(|value| String::from_utf8_lossy(value.as_bytes()).into());
    head.uri.authority().map(ToString::to_string).or_else(host).unwrap_or_default()
}

fn hide_credentials(mut fields: HeaderMap) -> HeaderMap {
    for (name, value) in &mut fields {
        if *name == header::AUTHORIZATION || name == "api-key" {
            value.set_sensitive(true);
        }
    }
    fields
}
