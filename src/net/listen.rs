//! Listening sockets and the connections they accept.

use std::io;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::keepalive::keep_alive;

/// Connections that wait to be accepted; more are refused by the kernel.
const BACKLOG: u32 = 1024;

/// Binds a listener that can be bound again at once after a restart.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    keep_alive(&SockRef::from(&socket));
    socket.listen(BACKLOG)
}

/// Takes over a listener that somebody else has bound.
pub fn adopt(handed: net::TcpListener) -> io::Result<TcpListener> {
    handed.set_nonblocking(true)?;
    keep_alive(&SockRef::from(&handed));
    TcpListener::from_std(handed)
}

/// Accepts the next connection, without Nagle's delay.
///
/// Out of file descriptors, it waits for some to be free instead of failing; a connection that
/// was gone before it could be accepted is skipped.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) if stream.set_nodelay(true).is_ok() => return (stream, peer),
            Ok(_) => {}
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; trying again in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// The address by which clients on this machine reach a listener.
pub fn client_address(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_on_loopback() {
        for (listener, address) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("192.0.2.1:1", "192.0.2.1:1")]
        {
            assert_eq!(client_address(listener.parse().unwrap()).to_string(), address);
        }
    }
}
