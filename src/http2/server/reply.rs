//! Where a request's responses are written: those before the final one by whoever hears of them, and that one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::CONTENT_LENGTH;

use crate::http2::fields;
use crate::http2::piece::Piece;
use crate::message::ResponseHead;
use crate::message::interim::{self, Interim};

/// The way back. Dropping it without a final response resets the stream.
pub(super) struct Reply(Arc<Mutex<State>>);

struct State {
    /// Gone once the final response has begun, or never will.
    respond: Option<SendResponse<Piece>>,
    /// Octets that responses before the final one may still have: the connection holds them until they are written.
    room: usize,
    /// How many there may still be.
    left: usize,
}

/// Octets of fields of all responses before the final one.
const ROOM: usize = 64 << 10;

// === impl Reply ===

impl Reply {
    pub(super) fn new(respond: SendResponse<Piece>) -> Self {
        Self(Arc::new(Mutex::new(State { respond: Some(respond), room: ROOM, left: interim::LIMIT })))
    }

    /// Where responses before the final one are written. It does not keep the stream open.
    pub(super) fn interim(&self) -> Interim {
        let state = Arc::downgrade(&self.0);
        Interim::new(move |early| {
            if let Some(state) = state.upgrade() {
                lock(&state).send(early);
            }
        })
    }

    /// Resolves when the client takes the request back or is gone.
    pub(super) fn poll_left(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut lock(&self.0).respond {
            Some(respond) => respond.poll_reset(cx).map(|_| ()),
            None => Poll::Ready(()),
        }
    }

    /// Sends the final response's head.
    pub(super) fn finally(self, head: &ResponseHead, is_end: bool) -> Result<SendStream<Piece>, h2::Error> {
        let respond = lock(&self.0).respond.take();
        let Some(mut respond) = respond else { return Err(Reason::STREAM_CLOSED.into()) };
        respond
            .send_response(fields::response(head), is_end)
            .inspect_err(|_| respond.send_reset(Reason::INTERNAL_ERROR))
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // Somebody may be writing a response before it at this moment.
        lock(&self.0).respond = None;
    }
}

// === impl State ===

impl State {
    fn send(&mut self, early: &ResponseHead) {
        let octets = early.fields.iter().map(|(name, value)| name.as_bytes().len() + value.len() + 32).sum();
        let (Some(respond), Some(room), Some(left)) =
            (&mut self.respond, self.room.checked_sub(octets), self.left.checked_sub(1))
        else {
            return;
        };
        (self.room, self.left) = (room, left);
        let mut head = early.clone();
        fields::without_connection(&mut head.fields);
        head.fields.remove(CONTENT_LENGTH);
        if let Err(error) = respond.send_informational(fields::response(&head)) {
            tracing::debug!(%error, "a response before the final one was not sent");
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Each change is whole: there is nothing half done.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
