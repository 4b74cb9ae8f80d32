//! Outbound connections: the only place that opens one.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use socket2::SockRef;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::keepalive::keep_alive;
use crate::message::host_port::{Host, HostPort, HostPortError};
use crate::policy::{Denied, Permitted};

/// How long one address is tried alone before the next is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Lookups under way at once of names that clients chose. The threads that are left are for the
/// origin servers that the configuration names.
const LOOKUPS: u32 = 128;

/// Their places.
static PLACES: Semaphore = Semaphore::const_new(LOOKUPS as usize);

/// One `--resolve HOST:PORT:ADDR[:PORT]`: where a destination is to be found instead of in DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The destination that is asked for.
    pub destination: HostPort,
    /// Where it is dialled.
    pub address: SocketAddr,
}

/// Why an override cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OverrideError {
    /// Not of the form `HOST:PORT:ADDR[:PORT]`.
    #[error("expected HOST:PORT:ADDR or HOST:PORT:ADDR:PORT")]
    Form,
    /// The first two parts are not a host and a port.
    #[error("the destination is not HOST:PORT")]
    Destination(#[from] HostPortError),
}

/// Why a destination could not be reached.
#[derive(Debug, Error)]
pub enum DialError {
    /// The name could not be looked up.
    #[error("the name {name} cannot be resolved")]
    Dns {
        /// What was looked up.
        name: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// An address that the destination resolves to may not be dialled.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// No address accepted the connection; the source is the last refusal.
    #[error("no connection to {destination}")]
    Connect {
        /// What was dialled.
        destination: HostPort,
        /// The last address's answer.
        source: io::Error,
    },
}

/// Connects to a destination, trying its addresses one after the other with a head start each.
///
/// The name is looked up once, every address is checked before any is dialled, and the addresses
/// that were checked are the ones that are dialled. The caller holds the deadline.
pub async fn dial(permitted: &Permitted, overrides: &[Override]) -> Result<TcpStream, DialError> {
    let addresses = look_up(permitted, overrides).await?;
    let connected = race(addresses).await.and_then(|stream| {
        let ends = (stream.local_addr()?, stream.peer_addr()?);
        stream.set_nodelay(true)?;
        keep_alive(&SockRef::from(&stream));
        Ok((stream, ends))
    });
    let refused = |source| DialError::Connect { destination: permitted.destination().clone(), source };
    let (stream, (local, peer)) = connected.map_err(refused)?;
    permitted.check_connected(local, peer)?;
    Ok(stream)
}

/// The addresses of a destination, all of them checked. The caller holds the deadline.
pub async fn look_up(permitted: &Permitted, overrides: &[Override]) -> Result<Vec<SocketAddr>, DialError> {
    let destination = permitted.destination();
    let overridden: Vec<_> =
        overrides.iter().filter(|o| o.destination == *destination).map(|o| o.address).collect();
    if !overridden.is_empty() {
        overridden.iter().try_for_each(|&address| permitted.check_named(address))?;
        return Ok(overridden);
    }
    let found = match destination.host() {
        Host::Ip(ip) => vec![SocketAddr::new(*ip, destination.port())],
        Host::Name(name) => {
            let looked_up = ask_dns(name.clone(), destination.port(), permitted.is_chosen_by_client()).await;
            looked_up.map_err(|source| DialError::Dns { name: name.to_string(), source })?
        }
    };
    found.iter().try_for_each(|&address| permitted.check(address))?;
    Ok(found)
}

/// Asks the system, which takes a thread for as long as it takes: also when nobody waits any more.
async fn ask_dns(name: Box<str>, port: u16, chosen: bool) -> io::Result<Vec<SocketAddr>> {
    // The semaphore is never closed.
    let place = if chosen { PLACES.acquire().await.ok() } else { None };
    let asking = tokio::task::spawn_blocking(move || {
        let found = (&*name, port).to_socket_addrs();
        drop(place);
        found.map(Iterator::collect)
    });
    asking.await.map_err(io::Error::other)?
}

async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match waiting.next() {
            Some(address) => drop(attempts.spawn(TcpStream::connect(address))),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        let head_start = async {
            match waiting.len() {
                0 => std::future::pending().await,
                _ => tokio::time::sleep(HEAD_START).await,
            }
        };
        tokio::select! {
            Some(joined) = attempts.join_next() => match joined.map_err(io::Error::other).flatten() {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            },
            () = head_start => {}
        }
    }
}

// === impl Override ===

impl std::str::FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        let host_end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']').ok_or(OverrideError::Form)? + 2,
            None => text.find(':').ok_or(OverrideError::Form)?,
        };
        let rest = text.get(host_end..).and_then(|r| r.strip_prefix(':')).ok_or(OverrideError::Form)?;
        let (port, address) = rest.split_once(':').ok_or(OverrideError::Form)?;
        let destination = HostPort::parse(&format!("{}:{port}", &text[..host_end]), None)?;
        let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
        let address = match bare.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, destination.port()),
            Err(_) => address.parse().map_err(|_| OverrideError::Form)?,
        };
        Ok(Self { destination, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::policy::destination::{self, Reach};

    fn permitted(to: &str) -> Permitted {
        reaching(to, Reach::Everywhere)
    }

    fn reaching(to: &str, reach: Reach) -> Permitted {
        let policy = Policy::new(Vec::new(), destination::Settings::default());
        policy.permit(HostPort::parse(to, None).unwrap(), reach)
    }

    #[tokio::test]
    async fn a_name_is_dialled_only_where_every_address_is_permitted() {
        let listener = crate::net::listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let here = listener.local_addr().unwrap();
        for to in [format!("localhost:{}", here.port()), here.to_string()] {
            assert!(dial(&reaching(&to, Reach::Everywhere), &[]).await.is_ok(), "{to}");
            let refused = dial(&reaching(&to, Reach::Public), &[]).await;
            assert!(matches!(refused, Err(DialError::Denied(Denied::Address { kind: "loopback" }))), "{to}");
            let destination = HostPort::parse(&to, None).unwrap();
            let named = [Override { destination, address: here }];
            assert!(dial(&reaching(&to, Reach::Public), &named).await.is_ok(), "the operator named it");
        }
    }

    #[tokio::test]
    async fn names_that_clients_choose_do_not_keep_ours_from_being_looked_up() {
        let _all = PLACES.acquire_many(LOOKUPS).await.unwrap();
        assert!(ask_dns("localhost".into(), 443, false).await.is_ok());
        let waiting = tokio::time::timeout(Duration::from_millis(50), ask_dns("localhost".into(), 443, true));
        assert!(waiting.await.is_err());
    }

    #[tokio::test]
    async fn takes_the_address_that_answers() {
        let listener = crate::net::listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let here = listener.local_addr().unwrap();
        let refused = crate::net::listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let nobody = refused.local_addr().unwrap();
        drop(refused);
        let overrides = [nobody, here].map(|address| Override {
            destination: HostPort::parse("a.example:443", None).unwrap(),
            address,
        });
        let stream = dial(&permitted("a.example:443"), &overrides).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), here);
        assert!(stream.nodelay().unwrap());
        let none = dial(&permitted("a.example:443"), &overrides[..1]).await;
        assert!(matches!(none, Err(DialError::Connect { .. })));
    }

    #[test]
    fn reads_curls_form_with_and_without_another_port() {
        for (text, to, address) in [
            ("a.example:443:127.0.0.1", "a.example:443", "127.0.0.1:443"),
            ("a.example:443:127.0.0.1:9", "a.example:443", "127.0.0.1:9"),
            ("[::1]:443:[::2]:9", "[::1]:443", "[::2]:9"),
            ("a:1:::1", "a:1", "[::1]:1"),
        ] {
            let read: Override = text.parse().unwrap();
            assert_eq!((read.destination.to_string(), read.address.to_string()), (to.into(), address.into()));
        }
        for text in ["", "a", "a:1", "a:1:b", "a:x:127.0.0.1", "[::1:1:2"] {
            assert!(text.parse::<Override>().is_err(), "{text}");
        }
    }
}
