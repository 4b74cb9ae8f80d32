//! The proxy itself: connections in, exchanges and tunnels out.

pub mod access;
pub mod admission;
pub mod connect;
pub mod connection;
pub mod content;
pub mod culprit;
pub mod dispatch;
pub mod distrust;
pub mod exchange;
pub mod failures;
pub mod farewell;
pub mod forward;
pub mod intercept;
pub mod limits;
pub mod normalise;
pub mod received;
pub mod respond;
pub mod room;
pub mod serve;
pub mod upgrade;
pub mod usage;

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::Version;

use crate::admin::Admin;
use crate::error::{Error, Kind};
use crate::message::host_port::HostPort;
use crate::message::redact::Secret;
use crate::policy::destination::Reach;
use crate::policy::pages::Pages;
use crate::policy::{self, Client, Policy};
use crate::rewrite;
use crate::route::InterceptList;
use crate::shutdown::Shutdown;
use crate::tls::leaf::LeafError;
use crate::tls::own::OwnCertificate;
use crate::tls::resolver::Leaves;
use crate::upstream::send::Upstream;

use distrust::Distrust;
use failures::Failures;
pub use limits::Limits;
use room::{Place, Room};

/// Everything that a request needs, as it was when the request began; clones are cheap.
///
/// All proxies that come from one know the latest parts, and whoever begins something new asks for those.
#[derive(Clone)]
pub struct Proxy(Arc<Parts>, Arc<ArcSwap<Parts>>);

/// What a [`Proxy`] is made of.
#[derive(Clone)]
pub struct Parts {
    /// What requests are rewritten to.
    pub rewrite: rewrite::Settings,
    /// Whose tunnels are ended here.
    pub intercepted: InterceptList,
    /// Certificates for those hosts and for the listener's own names.
    pub leaves: Leaves,
    /// The listener's certificate that somebody else made.
    pub own_certificate: Option<OwnCertificate>,
    /// The names that the CA signs for, for the listener. The first stands for a client that names none, unless
    /// there is a certificate that somebody else made.
    pub listener_names: Vec<String>,
    /// Who may do what.
    pub access: policy::Access,
    /// Who has shown wrong keys lately.
    pub failures: Failures,
    /// Where clients may go.
    pub policy: Policy,
    /// Which web pages may use the proxy's key.
    pub pages: Pages,
    /// How origin servers are reached.
    pub upstream_settings: crate::upstream::Settings,
    /// The pool for exchanges, and for all that clients on loopback forward.
    pub upstream: Upstream,
    /// The pool for what other clients forward: it reaches the public internet only.
    pub public: Upstream,
    /// Bounds on what clients make us hold.
    pub limits: Limits,
    /// Room for all content that is held back, in places of [`content::SHELF`] octets.
    pub store: Room,
    /// What our own pages show.
    pub admin: Admin,
    /// Our name in `Via`, unique to this process.
    pub pseudonym: String,
    /// Who was told that it does not trust us.
    pub distrust: Distrust,
}

/// The other end of a connection to the proxy.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// What that makes of it.
    pub client: Client,
    /// Whether the connection is TLS to the proxy itself, so that the name in a request was proven to the client.
    pub over_tls: bool,
    /// The name that the client asked for in that TLS.
    pub sni: Option<Arc<str>>,
    /// Its place among the connections open at once, held by tunnels too until they end.
    pub place: Arc<Place>,
    /// Learns when whatever it does here has to end.
    pub shutdown: Shutdown,
}

// === impl Peer ===

impl Peer {
    /// The same under the rules as they are now: what it was when it connected may no longer hold.
    pub fn judged(&self, access: &policy::Access) -> Self {
        Self { client: access.client(self.address.ip()), ..self.clone() }
    }

    /// For what outlives its request: on HTTP/2, where it is one of many on its connection, it takes a place of its own.
    pub fn apart(self, version: Version) -> Result<Self, Error> {
        if version != Version::HTTP_2 {
            return Ok(self);
        }
        let place = self.place.another().map_err(|full| Error::because(Kind::NoPlace, full))?;
        Ok(Self { place: Arc::new(place), ..self })
    }
}

// === impl Proxy ===

impl Proxy {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let parts = Arc::new(parts);
        Self(Arc::clone(&parts), Arc::new(ArcSwap::new(parts)))
    }

    /// The proxy as it is now.
    pub fn latest(&self) -> Self {
        Self(self.1.load_full(), Arc::clone(&self.1))
    }

    /// Puts other parts in place for whatever begins from now on; what is under way keeps those it has.
    pub fn replace(&self, parts: Parts) {
        self.1.store(Arc::new(parts));
    }

    /// The Azure key in force.
    pub fn key(&self) -> Option<&Secret> {
        self.0.rewrite.mode.key()
    }

    /// Puts another Azure key in place of the latest for whatever begins from now on, and changes nothing else.
    pub fn renew_key(&self, key: Secret) {
        let mut parts = Parts::clone(&self.1.load());
        parts.rewrite.mode.set_key(key);
        self.replace(parts);
    }

    /// Certificates for intercepted hosts and for the listener's own names.
    pub fn leaves(&self) -> &Leaves {
        &self.0.leaves
    }

    /// Bounds on what clients make us hold.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn rewrite(&self) -> &rewrite::Settings {
        &self.0.rewrite
    }

    fn intercepted(&self) -> &InterceptList {
        &self.0.intercepted
    }

    /// Who may do what.
    pub fn access(&self) -> &policy::Access {
        &self.0.access
    }

    fn failures(&self) -> &Failures {
        &self.0.failures
    }

    fn policy(&self) -> &Policy {
        &self.0.policy
    }

    fn pages(&self) -> &Pages {
        &self.0.pages
    }

    fn upstream(&self) -> &Upstream {
        &self.0.upstream
    }

    /// The pool for what a client forwards that may reach so far.
    fn forwarding(&self, reach: Reach) -> &Upstream {
        match reach {
            Reach::Everywhere => &self.0.upstream,
            Reach::Public => &self.0.public,
        }
    }

    fn upstream_settings(&self) -> &crate::upstream::Settings {
        &self.0.upstream_settings
    }

    fn store(&self) -> &Room {
        &self.0.store
    }

    fn admin(&self) -> &Admin {
        &self.0.admin
    }

    fn distrust(&self) -> &Distrust {
        &self.0.distrust
    }

    fn pseudonym(&self) -> &str {
        &self.0.pseudonym
    }

    /// The certificate for an intercepted host.
    fn leaf(&self, host: &HostPort) -> Result<Arc<rustls::ServerConfig>, LeafError> {
        self.0.leaves.server_config(host.host().name().unwrap_or_default())
    }

    /// The certificate for a client that speaks TLS to the proxy itself.
    fn listener_certificate(&self, sni: Option<&str>) -> Result<Arc<rustls::ServerConfig>, LeafError> {
        let Parts { own_certificate, listener_names, leaves, .. } = &*self.0;
        let is_listener = |name: &str| listener_names.iter().any(|own| own == name);
        match own_certificate {
            // One who asks for what we do not have sees from the names in it what we are.
            Some(own) if sni.is_none_or(|sni| own.is_for(sni) || !is_listener(sni)) => {
                Ok(own.server_config())
            }
            _ => leaves.server_config(sni.or(listener_names.first().map(|name| &**name)).unwrap_or_default()),
        }
    }
}
