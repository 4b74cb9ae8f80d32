//! Which destination may be dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::access::Admitted;
use super::address::special;
use super::{Client, Denied};
use crate::message::host_port::{Host, HostPort};

/// Where clients may go through the proxy, in tunnels and by plain forwarding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Ports for clients beyond loopback.
    pub ports: Vec<u16>,
    /// The only hosts, each with all names below it, if there are any; for every client.
    pub allow: Vec<Host>,
    /// Hosts, each with all names below it, that nobody may reach; for every client.
    pub deny: Vec<Host>,
}

/// What may be dialled, given the addresses that we listen on ourselves.
#[derive(Clone, Debug)]
pub struct Policy {
    listening: Arc<[SocketAddr]>,
    settings: Arc<Settings>,
}

/// How far a destination may resolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To any address but ours: for origin servers that the configuration names, and for clients on loopback.
    Everywhere,
    /// To addresses of the public internet: for everybody else.
    Public,
}

/// A destination that may be dialled. Only [`Policy`] makes one, and `net::dial` takes nothing else.
#[derive(Clone, Debug)]
pub struct Permitted {
    destination: HostPort,
    listening: Arc<[SocketAddr]>,
    settings: Arc<Settings>,
    reach: Reach,
    chosen: bool,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self { ports: vec![443, 80], allow: Vec::new(), deny: Vec::new() }
    }
}

impl Settings {
    /// Decides what the lists of hosts say of one, whoever the client is.
    pub fn permit_host(&self, host: &Host) -> Result<(), Denied> {
        let permitted = !self.denies(host) && (self.allow.is_empty() || is_listed(host, &self.allow));
        if permitted { Ok(()) } else { Err(Denied::Host { host: host.clone() }) }
    }

    fn denies(&self, host: &Host) -> bool {
        // The unspecified address is connected to as this machine's loopback.
        let loopback = match host {
            Host::Ip(ip) if ip.to_canonical().is_unspecified() => Some(match ip.to_canonical() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            }),
            _ => None,
        };
        is_listed(host, &self.deny) || loopback.is_some_and(|ip| is_listed(&Host::Ip(ip), &self.deny))
    }
}

fn is_listed(host: &Host, list: &[Host]) -> bool {
    list.iter().any(|suffix| is_within(host, suffix))
}

/// Whether a host is `suffix` or a name below it.
fn is_within(host: &Host, suffix: &Host) -> bool {
    match (host, suffix) {
        (Host::Name(name), Host::Name(suffix)) => {
            name.strip_suffix(&**suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
        // An IPv4 address has a second spelling in IPv6 (RFC 4291 §2.5.5.2).
        (Host::Ip(ip), Host::Ip(other)) => ip.to_canonical() == other.to_canonical(),
        _ => false,
    }
}

// === impl Policy ===

impl Policy {
    /// A policy for a proxy that listens on these addresses.
    pub fn new(listening: impl Into<Arc<[SocketAddr]>>, settings: Settings) -> Self {
        Self { listening: listening.into(), settings: settings.into() }
    }

    /// Decides on a tunnel to, or a plain request for, a destination that an admitted client chose.
    pub fn chosen_by(&self, client: &Admitted, destination: HostPort) -> Result<Permitted, Denied> {
        let (port, ports) = (destination.port(), &self.settings.ports);
        self.settings.permit_host(destination.host())?;
        if client.reach() == Reach::Public && !ports.contains(&port) {
            return Err(Denied::Port { port });
        }
        let permitted = self.permit(destination, client.reach()).chosen();
        match permitted.destination.host() {
            Host::Ip(ip) => permitted.check_reach(SocketAddr::new(*ip, port))?,
            Host::Name(_) => {}
        }
        Ok(permitted)
    }

    /// Permits a destination as far as it resolves within `reach`: an origin server that the
    /// configuration names, or what [`chosen_by`](Self::chosen_by) has decided on.
    pub fn permit(&self, destination: HostPort, reach: Reach) -> Permitted {
        let (listening, settings) = (Arc::clone(&self.listening), Arc::clone(&self.settings));
        Permitted { destination, listening, settings, reach, chosen: false }
    }
}

// === impl Reach ===

impl Reach {
    /// How far the destinations that this client chooses may resolve.
    pub fn of(client: Client) -> Self {
        match client {
            Client::Loopback => Self::Everywhere,
            Client::Trusted | Client::Stranger => Self::Public,
        }
    }
}

// === impl Permitted ===

impl Permitted {
    /// What is to be dialled.
    pub fn destination(&self) -> &HostPort {
        &self.destination
    }

    /// How far it may resolve.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The same as one that a client chose.
    pub fn chosen(self) -> Self {
        Self { chosen: true, ..self }
    }

    /// Checks what can be known without looking a name up, for whoever leaves that to somebody else.
    pub fn check_literal(&self) -> Result<(), Denied> {
        let ips = match self.destination.host() {
            Host::Ip(ip) => vec![*ip],
            local if local.is_loopback() => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Host::Name(_) => Vec::new(),
        };
        ips.into_iter().try_for_each(|ip| self.check(SocketAddr::new(ip, self.destination.port())))
    }

    /// Whether a client chose it. There may be any number of those, and each may be hard to look up.
    pub fn is_chosen_by_client(&self) -> bool {
        self.chosen
    }

    /// Checks one address that the destination resolved to.
    pub fn check(&self, address: SocketAddr) -> Result<(), Denied> {
        self.check_reach(address)?;
        // A name that leads to an address that nobody may reach is a way to it.
        if self.chosen && self.settings.denies(&Host::Ip(address.ip())) {
            return Err(Denied::Host { host: self.destination.host().clone() });
        }
        self.check_named(address)
    }

    /// Checks an address that the operator wrote for this destination, which no client could
    /// have made the name resolve to: it has only not to be ours.
    pub fn check_named(&self, address: SocketAddr) -> Result<(), Denied> {
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

    fn check_reach(&self, address: SocketAddr) -> Result<(), Denied> {
        match (self.reach, special(address.ip())) {
            (Reach::Public, Some(kind)) => Err(Denied::Address { kind }),
            (Reach::Public, None) | (Reach::Everywhere, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
