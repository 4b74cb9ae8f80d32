//! The journal as server-sent events (HTML standard §9.2): all that is remembered, then each change.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use serde::Serialize;
use tokio::sync::mpsc;

use super::journal::{Journal, now_ms};
use crate::message::body::{Body, BoxError};
use crate::shutdown::Shutdown;

/// The media type of such a stream.
pub(super) const MEDIA_TYPE: &str = "text/event-stream";

/// Events that wait for a slow reader.
const PENDING: usize = 16;

/// Silence after which a comment is sent, so that a reader that is gone is found out.
const BEAT: Duration = Duration::from_secs(15);

/// How long a reader may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

/// Content that is made while it is read.
struct Stream(mpsc::Receiver<Bytes>);

/// The stream. It ends on shutdown, and where the reader falls too far behind: a browser then asks anew.
pub(super) fn stream(journal: &Journal, shutdown: Shutdown) -> Body {
    let (sender, receiver) = mpsc::channel(PENDING);
    tokio::spawn(tell(journal.clone(), sender, shutdown));
    Stream(receiver).boxed_unsync()
}

async fn tell(journal: Journal, to: mpsc::Sender<Bytes>, mut shutdown: Shutdown) {
    let (snapshot, mut changes) = journal.watch(now_ms());
    let mut next = event("state", &snapshot);
    // Each event is taken in time, or nobody is there any more.
    while let Ok(Ok(())) = tokio::time::timeout(PATIENCE, to.send(next)).await {
        next = tokio::select! {
            () = shutdown.requested() => return,
            () = to.closed() => return,
            change = changes.recv() => match change {
                Ok(change) => event("change", &change),
                Err(_) => return,
            },
            () = tokio::time::sleep(BEAT) => Bytes::from_static(b":\n\n"),
        };
    }
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("strings and numbers are always JSON");
    format!("event: {name}\ndata: {data}\n\n").into()
}

// === impl Stream ===

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown;

    async fn next(stream: &mut Body) -> Option<String> {
        let frame = stream.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn tells_what_was_then_what_comes_then_that_it_lives() {
        let (stopper, stops) = shutdown::channel();
        let journal = Journal::new();
        let mut stream = stream(&journal, stops);
        let first = next(&mut stream).await.unwrap();
        assert!(
            first.starts_with("event: state\ndata: {\"records\":[],") && first.ends_with("}\n\n"),
            "{first}"
        );
        journal.close(journal.begin("GET", "/a\n\nevent: forged"));
        let second = next(&mut stream).await.unwrap();
        assert!(second.starts_with("event: change\ndata: {\"record\":{\"id\":1,"), "{second}");
        assert_eq!(second.matches('\n').count(), 3, "no text of a client's ends an event: {second}");
        assert_eq!(next(&mut stream).await.unwrap(), ":\n\n");
        stopper.stop();
        assert_eq!(next(&mut stream).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_too_slow_is_let_go() {
        let (_stopper, stops) = shutdown::channel();
        let journal = Journal::new();
        let mut slow = stream(&journal, stops);
        next(&mut slow).await.unwrap();
        for _ in 0..1000 {
            journal.close(journal.begin("GET", "/"));
            tokio::task::yield_now().await;
        }
        let mut told = 0;
        while next(&mut slow).await.is_some() {
            told += 1;
        }
        assert!(told <= PENDING + 1, "{told}");
    }
}
