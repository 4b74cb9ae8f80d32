//! A tunnel's two directions, carried until both have ended.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};

use super::activity::Activity;

/// Octets in each direction's buffer.
const BUFFER: usize = 16 * 1024;

/// Octets that a tunnel has carried so far, also of one that broke or was cut; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
}

/// Octets carried by a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// From the client.
    pub up: u64,
    /// To the client.
    pub down: u64,
}

/// Why a tunnel ended before both sides had closed.
#[derive(Debug, Error)]
pub enum RelayError {
    /// Neither side said anything for this long.
    #[error("silent for {0:?}")]
    Idle(Duration),
    /// One side broke.
    #[error("a side of the tunnel broke")]
    Io(#[from] io::Error),
}

/// Carries octets both ways until both sides have finished writing, one half at a time
/// (a side that has finished may still read), or until neither has written for `idle`. Counts on `tally`.
pub async fn relay<A, B>(client: A, origin: B, idle: Duration, tally: &Tally) -> Result<(), RelayError>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let activity = Activity::start();
    let counts = &*tally.0;
    let mut client = Watched { io: client, activity: activity.clone(), written: &counts.down };
    let mut origin = Watched { io: origin, activity: activity.clone(), written: &counts.up };
    tokio::select! {
        carried = copy_bidirectional_with_sizes(&mut client, &mut origin, BUFFER, BUFFER) => {
            carried?;
            Ok(())
        }
        () = activity.quiet_for(idle) => Err(RelayError::Idle(idle)),
    }
}

/// A stream that notes when something was read from it, and how much was written to it.
struct Watched<'t, IO> {
    io: IO,
    activity: Activity,
    written: &'t AtomicU64,
}

// === impl Tally ===

impl Tally {
    /// So far.
    pub fn carried(&self) -> Carried {
        Carried { up: self.0.up.load(Ordering::Relaxed), down: self.0.down.load(Ordering::Relaxed) }
    }
}

// === impl Watched ===

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<'_, IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if polled.is_ready() {
            self.activity.note();
        }
        polled
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<'_, IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, data);
        if let Poll::Ready(Ok(count)) = polled {
            self.written.fetch_add(count as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    /// A tunnel between these two that bears silence for this long.
    fn start(
        client: DuplexStream,
        origin: DuplexStream,
        idle: u64,
    ) -> (JoinHandle<Result<(), RelayError>>, Tally) {
        let tally = Tally::default();
        let counting = tally.clone();
        let carrying = async move { relay(client, origin, Duration::from_secs(idle), &counting).await };
        (tokio::spawn(carrying), tally)
    }

    #[tokio::test]
    async fn a_side_that_finished_writing_still_reads() {
        let (client_near, mut client) = tokio::io::duplex(64);
        let (origin_near, mut origin) = tokio::io::duplex(64);
        let (tunnel, tally) = start(client_near, origin_near, 9);
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut asked = String::new();
        origin.read_to_string(&mut asked).await.unwrap();
        origin.write_all(b"answer").await.unwrap();
        drop(origin);
        let mut answered = String::new();
        client.read_to_string(&mut answered).await.unwrap();
        assert_eq!((asked.as_str(), answered.as_str()), ("question", "answer"));
        tunnel.await.unwrap().unwrap();
        assert_eq!(tally.carried(), Carried { up: 8, down: 6 });
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_tunnel_and_activity_keeps_it() {
        let (client_near, mut client) = tokio::io::duplex(64);
        let (origin_near, _origin) = tokio::io::duplex(64);
        let begun = Instant::now();
        let (tunnel, tally) = start(client_near, origin_near, 10);
        tokio::time::sleep(Duration::from_secs(7)).await;
        client.write_all(b"x").await.unwrap();
        assert!(matches!(tunnel.await.unwrap(), Err(RelayError::Idle(_))));
        assert_eq!(begun.elapsed().as_secs(), 17);
        assert_eq!(tally.carried(), Carried { up: 1, down: 0 }, "counted although it did not end well");
    }
}
