//! Which protocol a client speaks, told by its first octets.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::prefixed::Prefixed;

/// What the first octets of a connection begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A TLS record of type handshake (RFC 8446 §5.1).
    Tls,
    /// An HTTP/1.x request line (RFC 9112 §3).
    Http1,
    /// The HTTP/2 connection preface (RFC 9113 §3.4).
    Http2,
    /// Nothing that we speak.
    Unknown,
}

const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads until the protocol is known and gives the stream back with nothing lost.
///
/// Waits as long as the client says nothing: the caller holds the deadline.
/// A client that closes before it said anything is `UnexpectedEof`.
pub async fn sniff<IO: AsyncRead + Unpin>(mut io: IO) -> io::Result<(Protocol, Prefixed<IO>)> {
    let mut seen = BytesMut::with_capacity(HTTP2_PREFACE.len());
    let protocol = loop {
        let mut chunk = [0; HTTP2_PREFACE.len()];
        let room = HTTP2_PREFACE.len() - seen.len();
        let count = io.read(&mut chunk[..room]).await?;
        seen.extend_from_slice(&chunk[..count]);
        match classify(&seen) {
            Some(protocol) => break protocol,
            None if count == 0 && seen.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            None if count == 0 => break Protocol::Unknown,
            None => {}
        }
    };
    Ok((protocol, Prefixed::new(Bytes::from(seen), io)))
}

/// `None` while the octets so far could still begin the HTTP/2 preface.
fn classify(seen: &[u8]) -> Option<Protocol> {
    let first = *seen.first()?;
    if first == 0x16 {
        return Some(Protocol::Tls);
    }
    if seen == HTTP2_PREFACE {
        return Some(Protocol::Http2);
    }
    if HTTP2_PREFACE.starts_with(seen) {
        return None;
    }
    // A method is a token; some clients send an empty line before it (RFC 9112 §2.2).
    let http = first.is_ascii_alphabetic() || first == b'\r' || first == b'\n';
    Some(if http { Protocol::Http1 } else { Protocol::Unknown })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn tells_protocols_apart_however_the_octets_arrive() {
        for (octets, expected) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Protocol::Tls),
            (b"GET / HTTP/1.1\r\n\r\n", Protocol::Http1),
            (b"PRI * HTTP/1.1\r\nHost: a\r\n\r\n", Protocol::Http1),
            (b"PUT / HTTP/1.1\r\n\r\n", Protocol::Http1),
            (b"\r\nGET / HTTP/1.1\r\n\r\n", Protocol::Http1),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore", Protocol::Http2),
            (b"SSH-2.0-x\r\n", Protocol::Http1),
            (b"\x05\x01\x00", Protocol::Unknown),
            (b"PRI *", Protocol::Unknown),
        ] {
            for step in [1, 5, octets.len()] {
                let (near, mut far) = tokio::io::duplex(octets.len());
                for part in octets.chunks(step) {
                    far.write_all(part).await.unwrap();
                }
                drop(far);
                let (protocol, mut io) = sniff(near).await.unwrap();
                let mut all = Vec::new();
                io.read_to_end(&mut all).await.unwrap();
                assert_eq!((protocol, all.as_slice()), (expected, octets));
            }
        }
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_an_end() {
        let (near, far) = tokio::io::duplex(1);
        drop(far);
        assert_eq!(sniff(near).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
