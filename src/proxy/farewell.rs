//! Clients for which there is no place.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::respond;
use crate::error::Kind;

/// Clients that are told at once. They have no place among the connections, and so are not counted there.
const AT_ONCE: usize = 64;

/// For how long one is told.
const LONGEST: Duration = Duration::from_secs(1);

/// Octets of what a client sends that are read meanwhile.
const DRAINED: u64 = 64 * 1024;

/// Tells clients that there is no room for them. Clones count together.
#[derive(Clone, Debug)]
pub struct Farewell {
    says: Bytes,
    places: Arc<Semaphore>,
}

// === impl Farewell ===

impl Farewell {
    /// For all listeners of one proxy.
    pub fn new() -> Self {
        Self { says: respond::last_words(&Kind::NoPlace).into(), places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// What there is to do for a client; nothing, and its connection is closed, where too many are told already.
    ///
    /// Of what the client sends, a little is read and dropped: closing on top of it would reset the connection, and the
    /// answer with it (RFC 9112 §9.6).
    pub fn turn_away<IO: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut io: IO,
    ) -> Option<impl Future<Output = ()> + use<IO>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let says = self.says.clone();
        let telling = async move {
            // The client is gone or it reads this; either way the connection ends here.
            let _ = io.write_all(&says).await;
            let _ = io.shutdown().await;
            let _ = tokio::io::copy(&mut io.take(DRAINED), &mut tokio::io::sink()).await;
        };
        Some(async move {
            // Who has not read it by then does not.
            let _ = tokio::time::timeout(LONGEST, telling).await;
            drop(place);
        })
    }
}

impl Default for Farewell {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    async fn said(mut client: impl AsyncRead + Unpin) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_client_is_told_what_one_without_a_place_for_its_tunnel_is() {
        let (client, io) = duplex(4096);
        let ((), text) = tokio::join!(Farewell::new().turn_away(io).unwrap(), said(client));
        let (head, content) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        for line in [
            "retry-after: 1",
            "connection: close",
            "x-azure-openai-proxy-error: too_many_connections",
            &format!("content-length: {}", content.len()),
        ] {
            assert!(head.lines().any(|there| there.eq_ignore_ascii_case(line)), "{line} in {head}");
        }
        assert_eq!(content, format!("{}\n", Kind::NoPlace));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_told_than_there_are_places_for_and_none_for_long() {
        let farewell = Farewell::new();
        // Clients that stay, and say nothing.
        let (clients, ends): (Vec<_>, Vec<_>) = (0..AT_ONCE).map(|_| duplex(4096)).unzip();
        let telling: Vec<_> = ends.into_iter().map(|io| farewell.turn_away(io).unwrap()).collect();
        let (next, io) = duplex(4096);
        assert!(farewell.clone().turn_away(io).is_none());
        assert_eq!(said(next).await, "", "it is closed, and not kept");
        let begun = tokio::time::Instant::now();
        for told in telling.into_iter().map(tokio::spawn) {
            told.await.unwrap();
        }
        assert!(begun.elapsed() >= LONGEST, "the clients were still there");
        drop(clients);
        assert!(farewell.turn_away(duplex(4096).1).is_some());
    }
}
