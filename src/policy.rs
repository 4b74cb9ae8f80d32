//! Who may do what, and which destination may be dialled: pure decisions.

pub mod access;
pub mod address;
pub mod client_keys;
pub mod destination;
pub mod forwarded;
pub mod network;
pub mod pages;
pub mod presented;

use std::net::SocketAddr;

use thiserror::Error;

use crate::message::host_port::Host;

pub use access::Access;
pub use destination::{Permitted, Policy};

use client_keys::ClientKeys;
use network::Network;
use presented::Role;

/// What the operator allows, forbids and asks for.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Serve clients beyond loopback although the proxy holds an Azure key for them.
    pub allow_anonymous: bool,
    /// Origins of web pages that may use that key; `*` is all of them.
    pub allow_origins: Vec<String>,
    /// What clients beyond loopback prove themselves with, where they have to. With the last key
    /// revoked, nobody can.
    pub client_keys: Option<ClientKeys>,
    /// Ask those on loopback and in trusted networks too.
    pub require_client_key: bool,
    /// Networks whose clients need no key.
    pub trusted_clients: Vec<Network>,
    /// Where clients may go.
    pub destinations: destination::Settings,
}

/// Where a client connects from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// On this machine: may do everything.
    Loopback,
    /// In a network that the operator trusts: may do all but see our own pages, without a key.
    Trusted,
    /// Anywhere else: may do what a key, or the lack of anything to protect, allows.
    Stranger,
}

/// Why something is not allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Denied {
    /// A client asked for what no key could give it.
    #[error(
        "clients on other machines may not do this; where the proxy runs, client_keys_file gives them keys, and \
         trusted_clients names networks that need none"
    )]
    Stranger,
    /// A client elsewhere asked for a page of the proxy's own.
    #[error("only clients on the proxy's own machine see its pages")]
    Elsewhere,
    /// A client key is needed and none was shown.
    #[error("{}", missing(*.0))]
    KeyMissing(Role),
    /// A client key is needed and something else was shown.
    #[error("{}", unknown(*.0))]
    KeyUnknown(Role),
    /// A web page of somebody else's asked for what costs the proxy's key.
    #[error(
        "the web page {origin} may not use this proxy's key; allow it where the proxy runs: --allow-origin {origin}"
    )]
    Page {
        /// The page's origin.
        origin: String,
    },
    /// A web page asked for that, and has no origin that could be allowed (HTML, opaque origins).
    #[error(
        "a web page that was opened from a file, or in a sandboxed frame, may not use this proxy's key, and has no \
         origin that could be allowed: serve it from http://localhost, or have it send a client key"
    )]
    OpaquePage,
    /// It came without a key, under a name that a web page of somebody else's could have led here.
    #[error(
        "a web page could have sent this, by having its own name lead here: call the proxy by its address or as \
         localhost, or allow the name where the proxy runs: --allow-origin {origin}"
    )]
    Name {
        /// The origin that such a page would have.
        origin: String,
    },
    /// A host that the operator's lists keep out.
    #[error("{host} may not be reached through this proxy")]
    Host {
        /// The host.
        host: Host,
    },
    /// A port that is not for clients on other machines.
    #[error("clients on other machines may not reach port {port} (tunnel_ports)")]
    Port {
        /// The port.
        port: u16,
    },
    /// An address that is not on the public internet. It is not told: the name may be internal.
    #[error("clients on other machines may not reach {kind} addresses")]
    Address {
        /// What kind of address it is.
        kind: &'static str,
    },
    /// The destination is this proxy.
    #[error("{0} is this proxy itself")]
    Ourselves(SocketAddr),
}

fn missing(role: Role) -> &'static str {
    match role {
        Role::Origin => "this proxy needs a client key: send it as the API key",
        Role::Proxy => {
            "this proxy needs a client key: send it as the password, https_proxy=http://user:KEY@HOST:PORT"
        }
    }
}

fn unknown(role: Role) -> &'static str {
    match role {
        Role::Origin => "the API key is not a client key of this proxy",
        Role::Proxy => "the password is not a client key of this proxy",
    }
}

// === impl Client ===

impl Client {
    /// Whether this client may see pages that describe the proxy. A trusted network does not make
    /// its people the operator.
    pub fn may_administer(self) -> Result<(), Denied> {
        match self {
            Self::Loopback => Ok(()),
            Self::Trusted | Self::Stranger => Err(Denied::Elsewhere),
        }
    }
}
