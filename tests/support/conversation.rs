//! One end of a connection in the hands of a test, octet by octet. Every step has a deadline.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::client::{self, OPENAI_HOST, within};

/// Any stream: TCP, or TLS on whatever carries it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Stream for IO {}

/// A connection, and what was read from it beyond what was asked for.
pub(crate) struct Conversation {
    io: Box<dyn Stream>,
    ahead: Vec<u8>,
}

/// How the other side ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It finished writing.
    Closed,
    /// It broke off: a reset, or TLS without its goodbye.
    Broken,
}

// === impl Conversation ===

impl Conversation {
    /// Takes over a stream.
    pub(crate) fn over(io: impl Stream + 'static) -> Self {
        Self { io: Box::new(io), ahead: Vec::new() }
    }

    /// A plain connection to the proxy.
    pub(crate) async fn with(to: SocketAddr) -> Self {
        Self::over(client::connect(to).await)
    }

    /// The inside of an intercepted tunnel, where HTTP/1.1 is spoken.
    pub(crate) async fn intercepted(proxy: SocketAddr, ca_pem: &str) -> Self {
        let tunnel =
            client::tunnel(proxy, &format!("{OPENAI_HOST}:443")).await.expect("the tunnel is opened");
        Self::over(client::tls(tunnel, OPENAI_HOST, ca_pem, &["http/1.1"]).await.expect("our CA is trusted"))
    }

    /// The stream, of which nothing was read yet.
    pub(crate) fn into_stream(self) -> Box<dyn Stream> {
        assert!(self.ahead.is_empty(), "nothing was read");
        self.io
    }

    /// Writes, and sees to it that it leaves.
    pub(crate) async fn write(&mut self, octets: impl AsRef<[u8]>) {
        within(self.io.write_all(octets.as_ref())).await.expect("it is taken");
        within(self.io.flush()).await.expect("it is sent");
    }

    /// Writes as far as the other side lets it: it may have closed already.
    pub(crate) async fn write_what_it_takes(&mut self, octets: impl AsRef<[u8]>) {
        // Not being taken is one of the outcomes.
        let _ = within(self.io.write_all(octets.as_ref())).await;
        let _ = within(self.io.flush()).await;
    }

    /// Writes; whether the other side took it.
    pub(crate) async fn writes(&mut self, octets: impl AsRef<[u8]>) -> bool {
        within(self.io.write_all(octets.as_ref())).await.is_ok() && within(self.io.flush()).await.is_ok()
    }

    /// Says that nothing more will be written; reading goes on.
    pub(crate) async fn finish(&mut self) {
        within(self.io.shutdown()).await.expect("it can be told");
    }

    /// Reads through a mark, and returns everything up to and with it.
    pub(crate) async fn until(&mut self, mark: &str) -> String {
        let mark = mark.as_bytes();
        loop {
            if let Some(at) = self.ahead.windows(mark.len()).position(|window| window == mark) {
                return lossy(self.ahead.drain(..at + mark.len()).collect());
            }
            let read = self.read().await.expect("a connection that lives");
            assert!(read > 0, "it ended after {:?}", lossy(self.ahead.clone()));
        }
    }

    /// A message's head with its empty line.
    pub(crate) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// So many octets.
    pub(crate) async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.ahead.len() < count {
            assert!(self.read().await.expect("a connection that lives") > 0, "it ended early");
        }
        self.ahead.drain(..count).collect()
    }

    /// Everything until the other side ends, and how it ended.
    pub(crate) async fn rest(&mut self) -> (String, End) {
        loop {
            match self.read().await {
                Ok(0) => return (lossy(std::mem::take(&mut self.ahead)), End::Closed),
                Ok(_) => {}
                Err(_) => return (lossy(std::mem::take(&mut self.ahead)), End::Broken),
            }
        }
    }

    async fn read(&mut self) -> std::io::Result<usize> {
        within(self.io.read_buf(&mut self.ahead)).await
    }
}

fn lossy(octets: Vec<u8>) -> String {
    String::from_utf8_lossy(&octets).into_owned()
}
