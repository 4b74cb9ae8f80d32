//! A client's side of a WebSocket, read through the rewriter of its messages.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::net::stream::writes_through;
use crate::rewrite::frames::Rewriter;

/// Octets that are read at once.
const CHUNK: usize = 16 * 1024;

/// Yields what the client says with its models mapped; writes go straight through.
pub(super) struct Searched<'m, IO> {
    io: IO,
    rewriter: Rewriter<'m>,
    chunk: Box<[u8]>,
    /// What may go on, as far as it was not read yet.
    ready: Vec<u8>,
    /// How much of that was.
    read: usize,
    ended: bool,
}

// === impl Searched ===

impl<'m, IO> Searched<'m, IO> {
    /// Reads `io` through `rewriter`.
    pub(super) fn new(io: IO, rewriter: Rewriter<'m>) -> Self {
        Self { io, rewriter, chunk: vec![0; CHUNK].into(), ready: Vec::new(), read: 0, ended: false }
    }

    /// Hands over what is ready; whether it was anything.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let left = &self.ready[self.read..];
        let count = left.len().min(buf.remaining());
        buf.put_slice(&left[..count]);
        self.read += count;
        if self.read == self.ready.len() {
            self.read = 0;
            self.ready.clear();
            // A message may have been large.
            self.ready.shrink_to(2 * CHUNK);
        }
        count > 0
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Searched<'_, IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.hand_over(buf) && !this.ended {
            let mut chunk = ReadBuf::new(&mut this.chunk);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut chunk))?;
            match chunk.filled() {
                [] => {
                    this.ended = true;
                    this.rewriter.end(&mut this.ready);
                }
                octets => this.rewriter.push(octets, &mut this.ready),
            }
        }
        Poll::Ready(Ok(()))
    }
}

writes_through!(Searched<'_, IO>, IO);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::sleep;

    use super::*;
    use crate::net::relay::{Carried, RelayError, Tally, relay};
    use crate::rewrite::ModelMap;

    /// Begins a text message that is held back, since its type is not known.
    const HELD: &[u8] = b"\x01\x83\0\0\0\0{\"a";

    const HOUR: Duration = Duration::from_secs(3600);

    /// A client and an origin with a relay between them.
    fn staged() -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<Result<Carried, RelayError>>) {
        let ((near, client), (far, origin)) = (duplex(64), duplex(64));
        let relaying = tokio::spawn(async move {
            let models: ModelMap = "a=b".parse().unwrap();
            let searched = Searched::new(near, Rewriter::new(&models, 1 << 20));
            let tally = Tally::default();
            let ended = relay(searched, far, super::super::patience(HOUR), &tally).await;
            ended.map(|()| tally.carried())
        });
        (client, origin, relaying)
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_silence_is_survived() {
        let (mut client, mut origin, relaying) = staged();
        for _ in 0..3 {
            sleep(HOUR).await;
            client.write_all(b"\x89\x80\0\0\0\0").await.unwrap();
            origin.read_exact(&mut [0; 6]).await.unwrap();
            sleep(HOUR).await;
            origin.write_all(b"\x8A\0").await.unwrap();
            client.read_exact(&mut [0; 2]).await.unwrap();
        }
        assert!(matches!(relaying.await.unwrap(), Err(RelayError::Idle(_))));
    }

    #[tokio::test]
    async fn a_half_closed_side_loses_nothing() {
        let (mut client, mut origin, relaying) = staged();
        client.write_all(HELD).await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = Vec::new();
        origin.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, HELD);
        origin.write_all(b"answer").await.unwrap();
        drop(origin);
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "answer");
        assert_eq!(relaying.await.unwrap().unwrap(), Carried { up: 9, down: 6 });
    }
}
