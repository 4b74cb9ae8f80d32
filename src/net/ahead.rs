//! Reading more at once than was asked for, while there is more.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::stream::writes_through;

/// A stream for TLS, which asks for a quarter of a record at a time, or for one: after a read that got all that it
/// asked for, the next one takes what has come of several records. While nothing comes, no memory is held.
///
/// Writes go straight through.
#[derive(Debug)]
pub struct Ahead<IO> {
    io: IO,
    /// What was read before it was asked for.
    read: BytesMut,
    /// Whether more may have come than the last read asked for.
    flows: bool,
}

/// Octets that are read ahead at most: four of TLS's longest records, which one write of many clients makes.
const ROOM: usize = 66 << 10;

// === impl Ahead ===

impl<IO> Ahead<IO> {
    /// Reads this stream.
    pub fn new(io: IO) -> Self {
        Self { io, read: BytesMut::new(), flows: false }
    }
}

impl<IO: AsyncRead + Unpin> Ahead<IO> {
    /// Reads what there is room for, and gives the room back where nothing came.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.read.reserve(ROOM);
        let polled = pin!(self.io.read_buf(&mut self.read)).poll(cx);
        if self.read.is_empty() {
            (self.read, self.flows) = (BytesMut::new(), false);
        }
        polled.map_ok(|_| ())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Ahead<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.read.is_empty() && !this.flows {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            this.flows = buf.remaining() == 0;
            return Poll::Ready(Ok(()));
        }
        if this.read.is_empty() {
            ready!(this.poll_ahead(cx))?;
        }
        let count = this.read.len().min(buf.remaining());
        buf.put_slice(&this.read[..count]);
        this.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

writes_through!(Ahead<IO>, IO);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    /// Octets that a reader asks for at once.
    const ASKED: usize = 4096;

    async fn read(ahead: &mut Ahead<tokio::io::DuplexStream>, asked: usize) -> Vec<u8> {
        let mut octets = vec![0; asked];
        let count = ahead.read(&mut octets).await.unwrap();
        octets.truncate(count);
        octets
    }

    #[tokio::test]
    async fn octets_come_in_their_order_however_they_arrive_and_are_asked_for() {
        let sent: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        for (room, piece, asked) in [
            (1 << 20, 1 << 20, ASKED),
            (5000, 70_000, ASKED),
            (1 << 20, 7001, 16_406),
            (ROOM, 1 << 20, ROOM * 2),
        ] {
            let (near, mut far) = tokio::io::duplex(room);
            let octets = sent.clone();
            let sending = tokio::spawn(async move {
                for piece in octets.chunks(piece) {
                    far.write_all(piece).await.unwrap();
                }
            });
            let (mut ahead, mut came) = (Ahead::new(near), Vec::new());
            loop {
                let octets = read(&mut ahead, asked).await;
                assert!(ahead.read.capacity() <= ROOM);
                if octets.is_empty() {
                    break;
                }
                came.extend(octets);
            }
            assert!(came == sent, "{room} {piece} {asked}");
            sending.await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_has_come_is_read_at_once_and_the_room_for_it_given_back() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut ahead = Ahead::new(near);
        // A small message is read as it is asked for.
        far.write_all(&[1; 100]).await.unwrap();
        assert_eq!(read(&mut ahead, ASKED).await.len(), 100);
        assert_eq!(ahead.read.capacity(), 0);
        // Of a large one all is read.
        far.write_all(&[2; 50_000]).await.unwrap();
        for _ in 0..50_000 / ASKED {
            assert_eq!(read(&mut ahead, ASKED).await.len(), ASKED);
        }
        assert_eq!(ahead.read.len(), 50_000 % ASKED);
        assert_eq!(read(&mut ahead, ASKED).await.len(), 50_000 % ASKED);
        // Whoever waits for the next one holds nothing.
        let mut octets = [0; ASKED];
        let waiting = std::future::poll_fn(|cx| {
            Poll::Ready(Pin::new(&mut ahead).poll_read(cx, &mut ReadBuf::new(&mut octets)).is_pending())
        });
        assert!(waiting.await);
        assert_eq!(ahead.read.capacity(), 0);
        drop(far);
        assert!(read(&mut ahead, ASKED).await.is_empty());
    }
}
