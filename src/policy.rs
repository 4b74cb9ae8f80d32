//! Who may do what, and which destination may be dialled: pure decisions.

pub mod pages;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use thiserror::Error;

use crate::message::host_port::HostPort;

/// What the operator allows beyond the defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Serve clients beyond loopback although the proxy holds an Azure key for them.
    pub allow_anonymous: bool,
    /// Origins of web pages that may use that key; `*` is all of them.
    pub allow_origins: Vec<String>,
}

/// Where a client connects from, which is all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// On this machine: may do everything.
    Loopback,
    /// Anywhere else: may use the OpenAI routes and nothing more.
    Stranger,
}

/// What may be dialled, given the addresses that we listen on ourselves.
#[derive(Clone, Debug)]
pub struct Policy {
    listening: Arc<[SocketAddr]>,
}

/// A destination that may be dialled. Only [`Policy`] makes one, and `net::dial` takes nothing else.
#[derive(Clone, Debug)]
pub struct Permitted {
    destination: HostPort,
    listening: Arc<[SocketAddr]>,
}

/// Why something is not allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Denied {
    /// A client beyond loopback asked for more than the OpenAI routes.
    #[error("only clients on the proxy's own machine may do this")]
    Stranger,
    /// A web page of somebody else's asked for what costs the proxy's key.
    #[error(
        "the web page {origin} may not use this proxy's key; allow it where the proxy runs: --allow-origin {origin}"
    )]
    Page {
        /// The page's origin.
        origin: String,
    },
    /// The destination is this proxy.
    #[error("{0} is this proxy itself")]
    Ourselves(SocketAddr),
}

// === impl Client ===

impl Client {
    /// Classifies a client by the address that it connects from.
    pub fn of(peer: IpAddr) -> Self {
        if peer.to_canonical().is_loopback() { Self::Loopback } else { Self::Stranger }
    }

    /// Whether this client may see pages that describe the proxy.
    pub fn may_administer(self) -> Result<(), Denied> {
        match self {
            Self::Loopback => Ok(()),
            Self::Stranger => Err(Denied::Stranger),
        }
    }
}

// === impl Policy ===

impl Policy {
    /// A policy for a proxy that listens on these addresses.
    pub fn new(listening: impl Into<Arc<[SocketAddr]>>) -> Self {
        Self { listening: listening.into() }
    }

    /// Decides on a tunnel to, or a plain request for, a destination that the client chose.
    pub fn chosen_by(&self, client: Client, destination: HostPort) -> Result<Permitted, Denied> {
        match client {
            Client::Loopback => Ok(self.origin_server(destination)),
            Client::Stranger => Err(Denied::Stranger),
        }
    }

    /// Permits an origin server that the configuration names.
    pub fn origin_server(&self, destination: HostPort) -> Permitted {
        Permitted { destination, listening: Arc::clone(&self.listening) }
    }
}

// === impl Permitted ===

impl Permitted {
    /// What is to be dialled.
    pub fn destination(&self) -> &HostPort {
        &self.destination
    }

    /// Checks one address that the destination resolved to.
    pub fn check(&self, address: SocketAddr) -> Result<(), Denied> {
        let ip = address.ip().to_canonical();
        let ours = |own: &SocketAddr| {
            let own_ip = own.ip().to_canonical();
            let same = own_ip == ip || ip.is_unspecified();
            own.port() == address.port() && (same || own_ip.is_unspecified() && ip.is_loopback())
        };
        if self.listening.iter().any(ours) { Err(Denied::Ourselves(address)) } else { Ok(()) }
    }

    /// Checks an open connection: one that starts and ends on this machine, at a port where we
    /// listen on every address, has reached ourselves by a name that [`check`](Self::check) cannot know.
    pub fn check_connected(&self, local: SocketAddr, peer: SocketAddr) -> Result<(), Denied> {
        let wildcard = |own: &SocketAddr| own.ip().is_unspecified() && own.port() == peer.port();
        let looped = local.ip().to_canonical() == peer.ip().to_canonical();
        if looped && self.listening.iter().any(wildcard) { Err(Denied::Ourselves(peer)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted(listening: &str) -> Permitted {
        let listening = vec![listening.parse().unwrap()];
        Policy::new(listening).origin_server(HostPort::parse("example.com:443", None).unwrap())
    }

    #[test]
    fn strangers_get_no_tunnel_and_no_pages() {
        let policy = Policy::new(Vec::new());
        let to = HostPort::parse("example.com:443", None).unwrap();
        for (peer, client) in [
            ("127.0.0.9", Client::Loopback),
            ("::1", Client::Loopback),
            ("::ffff:127.0.0.1", Client::Loopback),
            ("10.0.0.1", Client::Stranger),
            ("2001:db8::1", Client::Stranger),
        ] {
            assert_eq!(Client::of(peer.parse().unwrap()), client);
            let may = client == Client::Loopback;
            assert_eq!(policy.chosen_by(client, to.clone()).is_ok(), may);
            assert_eq!(client.may_administer().is_ok(), may);
        }
    }

    #[test]
    fn never_dials_itself() {
        for (listening, address, ours) in [
            ("127.0.0.1:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", true),
            ("127.0.0.1:8080", "0.0.0.0:8080", true),
            ("127.0.0.1:8080", "127.0.0.1:8081", false),
            ("0.0.0.0:8080", "127.0.0.1:8080", true),
            ("0.0.0.0:8080", "192.0.2.1:8080", false),
            ("[::]:8080", "127.0.0.1:8080", true),
        ] {
            let denied = permitted(listening).check(address.parse().unwrap()).is_err();
            assert_eq!(denied, ours, "{listening} {address}");
        }
        let wildcard = permitted("0.0.0.0:8080");
        let [own, other] = ["192.0.2.1:8080", "192.0.2.1:50000"].map(|a| a.parse().unwrap());
        assert!(wildcard.check_connected(other, own).is_err());
        assert!(wildcard.check_connected("192.0.2.7:50000".parse().unwrap(), own).is_ok());
    }
}
