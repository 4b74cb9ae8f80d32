//! A tunnel's two directions, carried until both have ended.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};

use super::activity::Activity;

/// Octets in each direction's buffer.
const BUFFER: usize = 16 * 1024;

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
/// (a side that has finished may still read), or until neither has written for `idle`.
pub async fn relay<A, B>(client: A, origin: B, idle: Duration) -> Result<Carried, RelayError>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let activity = Activity::start();
    let mut client = Watched { io: client, activity: activity.clone() };
    let mut origin = Watched { io: origin, activity: activity.clone() };
    tokio::select! {
        carried = copy_bidirectional_with_sizes(&mut client, &mut origin, BUFFER, BUFFER) => {
            let (up, down) = carried?;
            Ok(Carried { up, down })
        }
        () = activity.quiet_for(idle) => Err(RelayError::Idle(idle)),
    }
}

/// A stream that notes when something was read from it.
struct Watched<IO> {
    io: IO,
    activity: Activity,
}

// === impl Watched ===

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
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

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    #[tokio::test]
    async fn a_side_that_finished_writing_still_reads() {
        let (client_near, mut client) = tokio::io::duplex(64);
        let (origin_near, mut origin) = tokio::io::duplex(64);
        let tunnel = tokio::spawn(relay(client_near, origin_near, Duration::from_secs(9)));
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut asked = String::new();
        origin.read_to_string(&mut asked).await.unwrap();
        origin.write_all(b"answer").await.unwrap();
        drop(origin);
        let mut answered = String::new();
        client.read_to_string(&mut answered).await.unwrap();
        assert_eq!((asked.as_str(), answered.as_str()), ("question", "answer"));
        assert_eq!(tunnel.await.unwrap().unwrap(), Carried { up: 8, down: 6 });
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_tunnel_and_activity_keeps_it() {
        let (client_near, mut client) = tokio::io::duplex(64);
        let (origin_near, _origin) = tokio::io::duplex(64);
        let start = Instant::now();
        let tunnel = tokio::spawn(relay(client_near, origin_near, Duration::from_secs(10)));
        tokio::time::sleep(Duration::from_secs(7)).await;
        client.write_all(b"x").await.unwrap();
        assert!(matches!(tunnel.await.unwrap(), Err(RelayError::Idle(_))));
        assert_eq!(start.elapsed().as_secs(), 17);
    }
}
