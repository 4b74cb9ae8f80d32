//! Signs of life: what a connection on which nothing is said does to learn whether the other end is there.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, ReadBuf};

use crate::net::activity::Activity;
use crate::net::stream::{Stream, writes_through};

/// How long a silence may be before the other end is asked, and how long its answer may take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the last octet that came.
    pub silence: Duration,
    /// From the question.
    pub answer: Duration,
}

/// A connection that notes whatever comes.
pub(super) struct Heard {
    io: Stream,
    activity: Activity,
}

/// Asks after each silence, if that is `wanted` then. Resolves when an answer does not come in time; `more` gives more of
/// it where the time is up.
pub(super) async fn unanswered(
    mut pings: PingPong,
    activity: Activity,
    pace: Pace,
    wanted: impl Fn() -> bool,
    more: impl Fn() -> Option<Duration>,
) {
    loop {
        activity.quiet_for(pace.silence).await;
        if !wanted() {
            activity.note();
            continue;
        }
        let mut answer = pin!(pings.ping(Ping::opaque()));
        let mut answered = tokio::time::timeout(pace.answer, &mut answer).await;
        if let (Err(_), Some(more)) = (&answered, more()) {
            answered = tokio::time::timeout(more, answer).await;
        }
        match answered {
            Ok(Ok(_)) => activity.note(),
            // The connection is at its end, and whoever drives it learns why.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return,
        }
    }
}

// === impl Heard ===

impl Heard {
    /// What comes on `io` is noted in `activity`.
    pub(super) fn new(io: Stream, activity: &Activity) -> Self {
        Self { io, activity: activity.clone() }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.note();
        }
        read
    }
}

writes_through!(Heard);
