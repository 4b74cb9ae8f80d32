//! Closing a connection in two steps, so that the last answer arrives.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a client that has nothing to write is listened to after the last answer.
const BRIEF: Duration = Duration::from_secs(2);

/// How long one may be silent that has not written all of its request.
const SILENCE: Duration = Duration::from_secs(5);

/// How long it is listened to: many read no answer before they have written all.
const LONGEST: Duration = Duration::from_secs(300);

/// Octets that are read at once.
const PIECE: usize = 16 << 10;

/// Ends the writing side, then reads and drops what still comes until the other side ends too, or has taken too long: a
/// client `is_writing` whose request has not come to its end.
///
/// Closed on top of octets that nobody has read, a connection is reset, and many clients then lose the answer, which
/// would have told them why (RFC 9112 §9.6).
pub async fn linger<IO: AsyncRead + AsyncWrite + Unpin>(mut io: IO, is_writing: bool) {
    let (silence, longest) = if is_writing { (SILENCE, LONGEST) } else { (BRIEF, BRIEF) };
    // What goes wrong here is an end too, and what was to be said is said.
    let _ = tokio::time::timeout(longest, async {
        io.shutdown().await?;
        let mut dropped = vec![0; PIECE];
        while tokio::time::timeout(silence, io.read(&mut dropped)).await?? > 0 {}
        std::io::Result::Ok(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_still_writes_is_listened_to_and_reads_the_answer() {
        let (mut near, mut client) = tokio::io::duplex(64);
        let server = tokio::spawn(async move {
            near.write_all(b"413").await.unwrap();
            linger(near, true).await;
        });
        // Far more than fits on the way: without a reader this would wait for ever.
        client.write_all(&[0; 20_000]).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "413");
        assert!(!server.is_finished());
        drop(client);
        server.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn not_for_ever() {
        let (near, mut client) = tokio::io::duplex(64);
        let start = Instant::now();
        let writing = tokio::spawn(async move {
            while client.write_all(b"more").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
        linger(near, true).await;
        assert_eq!(start.elapsed(), LONGEST);
        writing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn not_to_a_client_that_is_silent() {
        for (is_writing, limit) in [(true, SILENCE), (false, BRIEF)] {
            let (near, _client) = tokio::io::duplex(64);
            let start = Instant::now();
            linger(near, is_writing).await;
            assert_eq!(start.elapsed(), limit);
        }
    }
}
