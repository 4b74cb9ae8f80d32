//! CONNECT as a client asks for it (RFC 9110 §9.3.6).
//!
//! `hyper_util`'s connector of this name drops what the parent sends after its answer, in one piece with it.
//! Behind a tunnel there may be a server that speaks first.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::HeaderValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::ParentError;
use crate::message::host_port::HostPort;

/// Octets that the head of the answer may have, and fields.
const LARGEST_HEAD: usize = 16 * 1024;
const MOST_FIELDS: usize = 100;

/// Asks for a tunnel; gives it back with the octets that have come through it already.
pub(super) async fn open<IO>(
    mut io: IO,
    to: &HostPort,
    credential: Option<&HeaderValue>,
) -> Result<(IO, Bytes), ParentError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(credential) = credential {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credential.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    io.write_all(&request).await?;
    io.flush().await?;

    let mut read = BytesMut::with_capacity(1024);
    loop {
        if io.read_buf(&mut read).await? == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        if let Some(head) = answer(&read)? {
            return Ok((io, read.split_off(head).freeze()));
        }
        if read.len() > LARGEST_HEAD {
            return Err(ParentError::Protocol);
        }
    }
}

/// The length of the head, if it is there and says yes.
fn answer(read: &[u8]) -> Result<Option<usize>, ParentError> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let head = match response.parse(read) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(ParentError::Protocol),
    };
    match StatusCode::from_u16(response.code.unwrap_or_default()) {
        Ok(status) if status.is_success() => Ok(Some(head)),
        Ok(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => Err(ParentError::Credentials),
        Ok(status) => Err(ParentError::Refused(status)),
        Err(_) => Err(ParentError::Protocol),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(answer: &[u8]) -> (Result<Bytes, ParentError>, String) {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        far.write_all(answer).await.unwrap();
        let to = HostPort::parse("[2001:db8::1]:443", None).unwrap();
        let credential = HeaderValue::from_static("Basic eDp5");
        let opened = open(near, &to, Some(&credential)).await.map(|(_, early)| early);
        let mut asked = String::new();
        far.read_to_string(&mut asked).await.unwrap();
        (opened, asked)
    }

    #[tokio::test]
    async fn asks_as_the_rfc_says_and_keeps_what_comes_early() {
        let (early, asked) = opened(b"HTTP/1.1 204 Fine\r\nVia: 1.1 parent\r\n\r\nSSH-2.0-x\r\n").await;
        assert_eq!(early.unwrap(), "SSH-2.0-x\r\n");
        assert_eq!(
            asked,
            "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\
             Proxy-Authorization: Basic eDp5\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn tells_refusals_apart() {
        let refused = |answer: &'static [u8]| async move { opened(answer).await.0.unwrap_err() };
        assert!(matches!(refused(b"HTTP/1.1 407 No\r\n\r\n").await, ParentError::Credentials));
        assert!(
            matches!(refused(b"HTTP/1.1 503 No\r\n\r\n").await, ParentError::Refused(status) if status == 503)
        );
        assert!(matches!(refused(b"SSH-2.0-OpenSSH\r\n").await, ParentError::Protocol));
    }

    #[tokio::test]
    async fn an_endless_head_is_given_up() {
        let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; LARGEST_HEAD]].concat();
        assert!(matches!(opened(&endless).await.0, Err(ParentError::Protocol)));
    }
}
