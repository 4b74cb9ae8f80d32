//! An origin server that answers some, misleads others, and repeats what it hears in tunnels.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Content that is announced by its length and broken off in the middle.
const CUT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    listening: JoinHandle<()>,
}

// === impl Origin ===

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket");
        let listening = tokio::spawn(async move {
            // All of them end with this one.
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.spawn(serve(stream));
                while serving.try_join_next().is_some() {}
            }
        });
        Self { address, listening }
    }

    pub(crate) fn stop(self) {
        self.listening.abort();
    }
}

/// Until the other side ends, or anything fails: it is for the other side to notice.
async fn serve(mut stream: TcpStream) -> Option<()> {
    let mut octets = vec![0; 16 << 10];
    loop {
        let count = stream.read(&mut octets).await.ok().filter(|&count| count > 0)?;
        let heard = &octets[..count];
        match heard.split(|&octet| octet == b' ').nth(1) {
            Some(b"/good") => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood").await.ok()?
            }
            Some(b"/cut") => return stream.write_all(CUT.as_bytes()).await.ok(),
            Some(b"/garbage") => return stream.write_all(b"no HTTP at all\r\n\r\n").await.ok(),
            _ => stream.write_all(heard).await.ok()?,
        }
    }
}
