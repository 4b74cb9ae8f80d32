//! SOCKS 5 as a client asks for it (RFC 1928), with user name and password (RFC 1929).

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::ParentError;
use crate::message::host_port::{Host, HostPort};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Asks for a connection. Reads not one octet further than the reply.
pub(super) async fn open<IO>(
    mut io: IO,
    to: &HostPort,
    credential: Option<&(String, String)>,
) -> Result<IO, ParentError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    greet(&mut io, credential).await?;
    let request = [&[VERSION, CONNECT, 0][..], &address(to.host())?, &to.port().to_be_bytes()].concat();
    io.write_all(&request).await?;
    let mut reply = [0; 4];
    io.read_exact(&mut reply).await?;
    match reply {
        [VERSION, 0, _, kind] => skip_address(&mut io, kind).await?,
        [VERSION, refused, ..] => return Err(ParentError::SocksRefused(refused)),
        _ => return Err(ParentError::Protocol),
    }
    Ok(io)
}

/// Agrees on a method and proves who we are.
async fn greet<IO>(io: &mut IO, credential: Option<&(String, String)>) -> Result<(), ParentError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let greeting: &[u8] = match credential {
        None => &[VERSION, 1, NO_AUTHENTICATION],
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
    };
    io.write_all(greeting).await?;
    let mut method = [0; 2];
    io.read_exact(&mut method).await?;
    match (method, credential) {
        ([VERSION, NO_AUTHENTICATION], _) => Ok(()),
        ([VERSION, USER_AND_PASSWORD], Some((user, password))) => {
            let mut proof = vec![1];
            for part in [user, password] {
                proof.push(u8::try_from(part.len()).map_err(|_| ParentError::Credentials)?);
                proof.extend_from_slice(part.as_bytes());
            }
            io.write_all(&proof).await?;
            let mut verdict = [0; 2];
            io.read_exact(&mut verdict).await?;
            if verdict[1] == 0 { Ok(()) } else { Err(ParentError::Credentials) }
        }
        ([VERSION, _], _) => Err(ParentError::Credentials),
        _ => Err(ParentError::Protocol),
    }
}

fn address(host: &Host) -> Result<Vec<u8>, ParentError> {
    Ok(match host {
        Host::Ip(IpAddr::V4(ip)) => [&[IPV4][..], &ip.octets()].concat(),
        Host::Ip(IpAddr::V6(ip)) => [&[IPV6][..], &ip.octets()].concat(),
        Host::Name(name) => {
            let length = u8::try_from(name.len()).map_err(|_| ParentError::LongName)?;
            [&[NAME, length][..], name.as_bytes()].concat()
        }
    })
}

/// Reads past the address and port from which the parent connected, which are of no use here.
async fn skip_address<IO: AsyncRead + Unpin>(io: &mut IO, kind: u8) -> Result<(), ParentError> {
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(io.read_u8().await?),
        _ => return Err(ParentError::Protocol),
    };
    let mut skipped = [0; u8::MAX as usize + 2];
    io.read_exact(&mut skipped[..length + 2]).await?;
    Ok(())
}

/// A reply code in words.
pub(super) fn reply(code: u8) -> &'static str {
    match code {
        2 => "its rules do not allow the connection",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "the connection took too long",
        7 | 8 => "it does not support such a connection",
        _ => "it failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked of a parent that says all this, and what becomes of it.
    async fn opened(says: &[u8], to: &str, credential: bool) -> (Result<Vec<u8>, ParentError>, Vec<u8>) {
        let (near, mut far) = tokio::io::duplex(4096);
        far.write_all(says).await.unwrap();
        far.shutdown().await.unwrap();
        let credential = credential.then(|| ("me".to_owned(), "pw".to_owned()));
        let rest = match open(near, &HostPort::parse(to, None).unwrap(), credential.as_ref()).await {
            Ok(mut io) => {
                let mut rest = Vec::new();
                io.read_to_end(&mut rest).await.unwrap();
                Ok(rest)
            }
            Err(error) => Err(error),
        };
        let mut asked = Vec::new();
        far.read_to_end(&mut asked).await.unwrap();
        (rest, asked)
    }

    #[tokio::test]
    async fn asks_for_names_and_addresses_and_reads_no_further_than_the_reply() {
        for (to, address) in [
            ("a.example:443", &b"\x03\x09a.example"[..]),
            ("192.0.2.1:443", b"\x01\xc0\x00\x02\x01"),
            ("[::1]:443", b"\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"),
        ] {
            for bound in
                [&b"\x01\x7f\0\0\x01\0\x50"[..], b"\x03\x01x\0\x50", &[&[4; 1][..], &[0; 18]].concat()]
            {
                let says = [b"\x05\0\x05\0\0", bound, b"early"].concat();
                let (rest, asked) = opened(&says, to, false).await;
                assert_eq!(rest.unwrap(), b"early");
                assert_eq!(asked, [b"\x05\x01\0\x05\x01\0", address, b"\x01\xbb"].concat(), "{to}");
            }
        }
    }

    #[tokio::test]
    async fn proves_itself_where_it_is_asked_to() {
        let (rest, asked) = opened(b"\x05\x02\x01\0\x05\0\0\x01\0\0\0\0\0\0", "[::1]:1", true).await;
        assert!(rest.is_ok());
        assert!(asked.starts_with(b"\x05\x02\0\x02\x01\x02me\x02pw\x05\x01\0\x04"), "{asked:?}");
    }

    #[tokio::test]
    async fn tells_refusals_apart() {
        let refused =
            |says: &'static [u8]| async move { opened(says, "a.example:1", true).await.0.unwrap_err() };
        assert!(matches!(refused(b"\x05\xff").await, ParentError::Credentials));
        assert!(matches!(refused(b"\x05\x02\x01\x01").await, ParentError::Credentials));
        assert!(matches!(refused(b"\x05\0\x05\x04\0\x01").await, ParentError::SocksRefused(4)));
        assert!(matches!(refused(b"HTTP/1.1 400 Bad").await, ParentError::Protocol));
        assert!(matches!(refused(b"\x05").await, ParentError::Io(_)));
        let unasked = opened(b"\x05\x02", "a.example:1", false).await.0;
        assert!(matches!(unasked, Err(ParentError::Credentials)));
    }
}
