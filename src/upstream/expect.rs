//! `Expect: 100-continue` (RFC 9110 §10.1.1): content that waits until the origin server asks for it.
//!
//! The client's content is not read before that, so its own 100 comes when the origin server's has come, and
//! not at all where a final response comes in its place.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::sync::watch;

use crate::message::Fields;
use crate::message::body::{self, Body, BoxError, Upload};
use crate::message::content::expects_continue;

/// Longest wait for a 100, as curl has it: a server need not send one, and some never do.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the origin server's word reaches the content. Once the last clone is gone, the exchange is over.
#[derive(Clone, Debug)]
pub struct Said(Arc<watch::Sender<Word>>);

/// What the origin server has said about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Nothing,
    Continue,
    Final,
}

/// The origin server answered without asking for the content.
#[derive(Clone, Copy, Debug, Error)]
#[error("the content was not asked for")]
struct Unwanted;

/// Content that is not read before its time.
struct Expectant {
    content: Body,
    state: State,
}

enum State {
    /// Resolves to whether the content is wanted.
    Waiting(Pin<Box<dyn Future<Output = bool> + Send>>, watch::Receiver<Word>),
    Wanted,
    /// Resolves when the exchange is over: an error before that would end it.
    Unwanted(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// Holds the content back where the request's fields expect a 100.
pub fn expecting(fields: &Fields, content: Upload) -> (Upload, Option<Said>) {
    if !expects_continue(fields) {
        return (content, None);
    }
    let (sender, heard) = watch::channel(Word::Nothing);
    let waiting = Box::pin(is_wanted(heard.clone()));
    let content = Expectant { content: content.boxed_unsync(), state: State::Waiting(waiting, heard) };
    (Upload::Streamed(content.boxed_unsync()), Some(Said(Arc::new(sender))))
}

/// Waits for the origin server's word, as long as there can be one.
async fn is_wanted(mut heard: watch::Receiver<Word>) -> bool {
    let word =
        async { heard.wait_for(|word| *word != Word::Nothing).await.map_or(Word::Final, |word| *word) };
    // In the end the content goes without having been asked for.
    !matches!(tokio::time::timeout(PATIENCE, word).await, Ok(Word::Final))
}

// === impl Said ===

impl Said {
    /// Notes that the content is asked for: it goes at once.
    pub fn go_on(&self) {
        self.0.send_replace(Word::Continue);
    }

    /// Notes that a final response has come; the result is kept until its content has ended.
    pub fn finally(self) -> Self {
        self.0.send_if_modified(|word| {
            let unasked = *word == Word::Nothing;
            if unasked {
                *word = Word::Final;
            }
            unasked
        });
        self
    }
}

// === impl Expectant ===

impl HttpBody for Expectant {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            match &mut self.state {
                State::Waiting(is_wanted, heard) => {
                    if ready!(is_wanted.as_mut().poll(cx)) {
                        self.state = State::Wanted;
                        continue;
                    }
                    let mut heard = heard.clone();
                    let over = async move { while heard.changed().await.is_ok() {} };
                    self.state = State::Unwanted(Box::pin(over));
                    // The client is not waited for either.
                    self.content = body::empty();
                }
                State::Wanted => return Pin::new(&mut self.content).poll_frame(cx),
                State::Unwanted(over) => {
                    ready!(over.as_mut().poll(cx));
                    return Poll::Ready(Some(Err(Unwanted.into())));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Wanted) && self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.state {
            State::Unwanted(_) => SizeHint::default(),
            State::Waiting(..) | State::Wanted => self.content.size_hint(),
        }
    }
}
