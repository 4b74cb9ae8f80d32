//! A tunnel's two directions, carried until both have ended.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, split};

use super::activity::Activity;
use super::lingering::linger;

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

/// Why octets go one way no further.
enum Stuck {
    /// They come no more.
    From(io::Error),
    /// They are not taken any more. What comes the other way may still say why.
    To(io::Error),
}

/// Carries octets both ways until both sides have finished writing, one half at a time
/// (a side that has finished may still read), or until neither has written for `idle`. Counts on `tally`.
///
/// A side that takes nothing more may have had its last words: those go on to their end (RFC 9110 §9.3.6).
pub async fn relay<A, B>(client: A, origin: B, idle: Duration, tally: &Tally) -> Result<(), RelayError>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let activity = Activity::start();
    let counts = &*tally.0;
    let (mut client_reads, mut client_writes) =
        split(Watched { io: client, activity: activity.clone(), written: &counts.down });
    let (mut origin_reads, mut origin_writes) =
        split(Watched { io: origin, activity: activity.clone(), written: &counts.up });
    let (up, down) = tokio::select! {
        ended = both(
            carry(&mut client_reads, &mut origin_writes),
            carry(&mut origin_reads, &mut client_writes),
        ) => ended,
        () = activity.quiet_for(idle) => return Err(RelayError::Idle(idle)),
    };
    if matches!((&up, &down), (Some(Err(Stuck::To(_))), Some(Ok(())))) {
        // It may still write, and would not read what it was told, were its connection closed on top of that.
        linger(client_reads.unsplit(client_writes), true).await;
    }
    let ended = [up, down].into_iter().flatten().collect::<Result<(), _>>();
    ended.map_err(|(Stuck::From(error) | Stuck::To(error))| RelayError::Io(error))
}

/// Goes on with one way where the other has ended, unless octets of a side come no more though it has not ended.
async fn both(
    up: impl Future<Output = Result<(), Stuck>>,
    down: impl Future<Output = Result<(), Stuck>>,
) -> (Option<Result<(), Stuck>>, Option<Result<(), Stuck>>) {
    let (mut up, mut down) = (pin!(up), pin!(down));
    let (mut up_ended, mut down_ended) = (None, None);
    loop {
        tokio::select! {
            ended = &mut up, if up_ended.is_none() => up_ended = Some(ended),
            ended = &mut down, if down_ended.is_none() => down_ended = Some(ended),
        }
        match (&up_ended, &down_ended) {
            (Some(Err(Stuck::From(_))), _) | (_, Some(Err(Stuck::From(_)))) | (Some(_), Some(_)) => break,
            _ => {}
        }
    }
    (up_ended, down_ended)
}

/// Carries octets one way to their end, and says there that it was the end.
async fn carry<R, W>(from: &mut R, to: &mut W) -> Result<(), Stuck>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from.read(&mut buffer).await.map_err(Stuck::From)?;
        if count == 0 {
            return to.shutdown().await.map_err(Stuck::To);
        }
        to.write_all(&buffer[..count]).await.map_err(Stuck::To)?;
        to.flush().await.map_err(Stuck::To)?;
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

    /// As a server refuses an upload: it reads no more, says why, and closes.
    #[tokio::test]
    async fn the_last_words_of_a_side_that_takes_nothing_more_arrive() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let pair = async || tokio::join!(tokio::net::TcpStream::connect(at), listener.accept());
        let (Ok(mut client), Ok((client_near, _))) = pair().await else { panic!("a connection") };
        let (Ok(mut origin), Ok((origin_near, _))) = pair().await else { panic!("a connection") };
        let tunnel = tokio::spawn(async move {
            relay(client_near, origin_near, Duration::from_secs(9), &Tally::default()).await
        });
        let writing = tokio::spawn(async move {
            let (mut reads, mut writes) = client.split();
            // It reads only once it cannot write any more, or has written for some time.
            for _ in 0..2000 {
                if writes.write_all(&[7; 8 << 10]).await.is_err() {
                    break;
                }
            }
            let mut told = String::new();
            reads.read_to_string(&mut told).await.map(|_| told)
        });
        let mut some = [0; 1000];
        origin.read_exact(&mut some).await.unwrap();
        origin.write_all(b"413, too large").await.unwrap();
        // With octets in it that nobody has read: the other end is told by a reset, behind what was said.
        drop(origin);
        assert_eq!(writing.await.unwrap().unwrap(), "413, too large");
        assert!(matches!(tunnel.await.unwrap(), Err(RelayError::Io(_))));
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
