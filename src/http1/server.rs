//! The server's end of a connection: requests in, responses out, one after the other (RFC 9112 §9.3).

mod asked;
mod content;
mod shared;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use http_body::SizeHint;
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use super::encoder::{self, Encoder, Persistence};
use super::framing::Framing;
use super::head::{Bounds, HeadError};
use super::sending::{Sending, SendingError};
use super::wire::lock;
use crate::message::body::Body;
use crate::message::content::is_without_content;
use crate::message::{Request, RequestHead, Response, ResponseHead};
use crate::net::lingering::linger;
use crate::net::stall::Stall;
use crate::net::stream::Stream;
use crate::shutdown::Shutdown;

use asked::Asked;
pub use content::{Content, ReceiveError};
use shared::Shared;

/// What a client is held to.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Of a request's head.
    pub bounds: Bounds,
    /// How long the next request may take, from the end of the last response to the end of its head.
    pub patience: Duration,
    /// How long the client may take nothing of a response that is there.
    pub idle: Duration,
}

/// Why a connection ended in the middle of something.
#[derive(Debug, Error)]
pub enum ServeError {
    /// A request that cannot be served; its client was told why.
    #[error("refused a request: {0}")]
    Head(#[from] HeadError),
    /// The connection ended within a request's head, or before its response was complete.
    #[error("the client left")]
    Left,
    /// No whole request head in time.
    #[error("no request in time")]
    TooSlow,
    /// Nothing of a response was taken in time.
    #[error("the client takes nothing of the response")]
    Stalled,
    /// Reading failed.
    #[error("reading failed")]
    Io(#[from] std::io::Error),
    /// The response did not get out.
    #[error("the response broke off")]
    Sending(#[from] SendingError),
}

/// A connection that is being served.
struct Server {
    shared: Arc<Mutex<Shared>>,
    settings: Settings,
    shutdown: Shutdown,
    /// Resolves when the shutdown is asked for, and is gone then.
    stop: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    patience: Pin<Box<Sleep>>,
}

/// What becomes of the connection after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Request,
    Close,
    /// It was handed over.
    Nothing,
}

/// Serves requests until the client closes, or until a shutdown is asked for and the request under way, if there is
/// one, is answered.
///
/// `answer` is called for each request, and `refuse` says what is answered to what is none. While nothing is being
/// asked, no more memory is held than it takes to wait.
pub async fn serve<A, R, E>(
    io: Stream,
    settings: Settings,
    shutdown: Shutdown,
    answer: A,
    refuse: E,
) -> Result<(), ServeError>
where
    A: Fn(Request<Content>) -> R,
    R: Future<Output = Response<Body>>,
    E: Fn(HeadError) -> Response<Body>,
{
    let mut asked = shutdown.clone();
    let mut server = Server {
        shared: Arc::new(Mutex::new(Shared::new(io))),
        settings,
        shutdown,
        stop: Some(Box::pin(async move { asked.requested().await })),
        patience: Box::pin(tokio::time::sleep(settings.patience)),
    };
    loop {
        let next = match server.head().await {
            // Boxed: while nothing is asked there is no need for its room.
            Ok(Some(head)) => Box::pin(server.exchange(head, &answer)).await?,
            Ok(None) => Next::Close,
            Err(ServeError::Head(error)) => {
                let refused = refuse(error);
                Box::pin(server.respond(refused, Asked::nothing())).await?;
                // What would be its content, and where that ends, is not known.
                server.close(true).await;
                return Err(error.into());
            }
            Err(error) => return Err(error),
        };
        match next {
            Next::Request => server.patience.as_mut().reset(Instant::now() + settings.patience),
            Next::Close => {
                let is_writing = !lock(&server.shared).is_over();
                server.close(is_writing).await;
                return Ok(());
            }
            Next::Nothing => return Ok(()),
        }
    }
}

// === impl Server ===

impl Server {
    /// Waits for a request's head; `None` if there is to be none any more.
    async fn head(&mut self) -> Result<Option<(RequestHead, Framing)>, ServeError> {
        let mut seen = 0;
        std::future::poll_fn(|cx| {
            let head = lock(&self.shared).poll_head(cx, &mut seen, self.settings.bounds);
            if head.is_ready() {
                return head;
            }
            if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(cx).is_ready()) {
                self.stop = None;
            }
            if self.stop.is_none() && lock(&self.shared).is_idle() {
                return Poll::Ready(Ok(None));
            }
            self.patience.as_mut().poll(cx).map(|()| Err(ServeError::TooSlow))
        })
        .await
    }

    /// Has a request answered, and writes the response.
    async fn exchange<A, R>(
        &self,
        (mut head, framing): (RequestHead, Framing),
        answer: &A,
    ) -> Result<Next, ServeError>
    where
        A: Fn(Request<Content>) -> R,
        R: Future<Output = Response<Body>>,
    {
        let asked = Asked::of(&mut head);
        let content = Content::begin(&self.shared, &mut head, framing, asked.expects_continue);
        let mut answering = Box::pin(answer(Request { head: Box::new(head), content }));
        let response = std::future::poll_fn(|cx| {
            if let Poll::Ready(response) = answering.as_mut().poll(cx) {
                return Poll::Ready(Ok(response));
            }
            lock(&self.shared).poll_left(cx).map(|()| Err(ServeError::Left))
        })
        .await?;
        // With it goes what it still holds of the request.
        drop(answering);
        self.respond(response, asked).await
    }

    /// Writes a response.
    async fn respond(&self, response: Response<Body>, asked: Asked) -> Result<Next, ServeError> {
        let Response { head, content } = response;
        let switches = asked.switches(head.status);
        let without_content = is_without_content(&asked.method, head.status);
        let (encoder, ends) = self.put_head(&head, &http_body::Body::size_hint(&content), &asked);
        // Long content does not keep the head that it came with.
        drop(head);
        if without_content {
            drop(content);
            self.flush().await?;
        } else {
            self.send(Sending::new(content, encoder)).await?;
        }
        let mut shared = lock(&self.shared);
        if switches {
            if let (Some(stream), Some(taker)) = (shared.wire.take(), asked.taker) {
                // Whoever wanted it may be gone, and then it closes.
                let _ = taker.send(stream);
            }
            return Ok(Next::Nothing);
        }
        Ok(if !ends && shared.is_over() { Next::Request } else { Next::Close })
    }

    /// Puts the final response's head into the outbox; returns also whether the connection has to end after it.
    fn put_head(&self, head: &ResponseHead, content: &SizeHint, asked: &Asked) -> (Encoder, bool) {
        let mut shared = lock(&self.shared);
        shared.answered();
        let goes_on =
            !self.shutdown.is_requested() && asked.goes_on(head) && shared.may_go_on(asked, head.status);
        let persistence = match (asked.switches(head.status), goes_on) {
            (true, _) => Persistence::Implied,
            (false, true) => asked.persistence(),
            (false, false) => Persistence::Close,
        };
        let out = shared.wire.outbox.small();
        let facts = (&asked.method, asked.version);
        let (encoder, ends) = encoder::response_head(out, facts, head, content, persistence);
        (encoder, ends || !goes_on)
    }

    async fn flush(&self) -> Result<(), ServeError> {
        let mut stall = Stall::new(self.settings.idle);
        std::future::poll_fn(|cx| {
            let wire = &mut lock(&self.shared).wire;
            match wire.poll_flush(cx) {
                Poll::Pending => stall.poll(cx, wire.outbox.waiting()).map(|()| Err(ServeError::Stalled)),
                Poll::Ready(flushed) => Poll::Ready(flushed.map_err(ServeError::Io)),
            }
        })
        .await
    }

    /// Writes content, unless the client leaves before its end or takes no more of it.
    async fn send(&self, mut sending: Sending<Body>) -> Result<(), ServeError> {
        let mut stall = Stall::new(self.settings.idle);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(sent) = sending.poll(cx, &self.shared) {
                return Poll::Ready(sent.map_err(ServeError::from));
            }
            let mut shared = lock(&self.shared);
            if shared.poll_left(cx).is_ready() {
                return Poll::Ready(Err(ServeError::Left));
            }
            stall.poll(cx, shared.wire.outbox.waiting()).map(|()| Err(ServeError::Stalled))
        })
        .await
    }

    /// Ends the connection so that the last response arrives.
    async fn close(&self, is_writing: bool) {
        let stream = lock(&self.shared).wire.close();
        if let Some(stream) = stream {
            Box::pin(linger(stream, is_writing)).await;
        }
    }
}

#[cfg(test)]
mod tests;
