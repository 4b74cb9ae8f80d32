//! The composition root: from a configuration to bound listeners to a running proxy.

pub mod reload;
pub mod serve;
pub mod service;
pub mod signals;
pub mod watch;

use std::io;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::reload::{Reloader, Source};
use crate::admin::journal::Journal;
use crate::admin::metrics::Metrics;
use crate::admin::{self, Admin};
use crate::config::Config;
use crate::net::listen;
use crate::policy::destination::Reach;
use crate::policy::pages::Pages;
use crate::policy::{Access, Policy};
use crate::proxy::distrust::Distrust;
use crate::proxy::failures::Failures;
use crate::proxy::room::Room;
use crate::proxy::{Parts, Peer, Proxy, connection};
use crate::rewrite::Mode;
use crate::route::InterceptList;
use crate::shutdown::{self, Shutdown};
use crate::tls::ca::{Authority, CaError};
use crate::tls::leaf::LeafError;
use crate::tls::own::{OwnCertificate, OwnError};
use crate::tls::resolver::Leaves;
use crate::tls::roots::{self, RootsError, UpstreamRoots};
use crate::upstream;
use crate::upstream::send::Upstream;

/// How long connections may take to notice that their time is over.
const CUT: Duration = Duration::from_secs(1);

/// A proxy whose sockets are bound and which has not accepted anything yet.
pub struct Bound {
    listeners: Vec<TcpListener>,
    proxy: Proxy,
    room: Room,
    standing: Arc<Standing>,
}

/// What is as it was at the start for as long as the process runs.
struct Standing {
    authority: Arc<Authority>,
    addresses: Vec<SocketAddr>,
    /// Our name in `Via`.
    pseudonym: String,
    journal: Journal,
    metrics: Metrics,
    /// The settings at the start; of some of them a change waits for the next.
    config: Config,
}

/// Why the proxy does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A listener that the service manager opened cannot be used.
    #[error("a socket that the service manager handed over cannot be listened on")]
    Adopt(#[source] io::Error),
    /// The certificate authority cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The CA may not sign for a host that is to be intercepted, or for a name of the listener.
    #[error(
        "the CA in {certs} may not sign for {name}; make one that may, and trust it anew: \
         azure-openai-proxy ca init --replace (with the same settings)"
    )]
    NotCovered {
        /// The host or name.
        name: String,
        /// The CA's directory.
        certs: String,
    },
    /// No leaf can be made.
    #[error(transparent)]
    Leaf(LeafError),
    /// The files of the listener's own certificate cannot be used.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// A file of further upstream CAs cannot be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

/// The names that a CA has to be able to sign for under this configuration.
///
/// All of `openai.com` is among them, so that a host added later needs no new CA.
pub fn ca_names(config: &Config) -> Vec<String> {
    let mut names = vec!["openai.com".to_owned()];
    let within = |name: &str, suffix: &str| name == suffix || name.ends_with(&format!(".{suffix}"));
    for name in config.tls_names.iter().chain(&config.intercept) {
        if !names.iter().any(|have| within(name, have)) {
            names.push(name.clone());
        }
    }
    names
}

/// Checks all that [`bind`] would, without binding, making or sending anything.
pub fn check(config: &Config) -> Result<(), StartError> {
    let authority = match Authority::load(&config.certs) {
        Ok(authority) => authority,
        // The first start makes one that fits.
        Err(CaError::Absent { .. }) => Authority::in_memory(&ca_names(config))?,
        Err(error) => return Err(error.into()),
    };
    leaves(config, &Arc::new(authority))?;
    own_certificate(config)?;
    UpstreamRoots::load(&config.upstream.ca_files, &[])?;
    Ok(())
}

/// Binds the listeners and makes everything that a connection needs; the CA too, on a first start.
pub fn bind(config: Config) -> Result<Bound, StartError> {
    bind_with(config, Vec::new())
}

/// As [`bind`], but with listeners that somebody else has bound, if there are any, to what `config` says.
pub fn bind_with(config: Config, handed: Vec<net::TcpListener>) -> Result<Bound, StartError> {
    let (authority, made) = Authority::load_or_create(&config.certs, &ca_names(&config))?;
    if made {
        tracing::info!("made a certificate authority in {}", config.certs.display());
    }
    let listeners = match handed.is_empty() {
        true => config.listen.iter().map(|&address| bind_one(address)).collect::<Result<Vec<_>, _>>()?,
        false => handed.into_iter().map(adopt).collect::<Result<Vec<_>, _>>()?,
    };
    let addresses: Vec<SocketAddr> = listeners.iter().map(|(_, address)| *address).collect();
    let listeners = listeners.into_iter().map(|(listener, _)| listener).collect();
    let authority = Arc::new(authority.with_crl_at(crl_url(&addresses)));
    let leaves = leaves(&config, &authority)?;
    let room = Room::new(config.limits.connections, config.limits.connections_per_client);
    let standing = Standing {
        authority,
        addresses,
        pseudonym: pseudonym(),
        journal: Journal::new(),
        metrics: Metrics::new({
            let room = room.clone();
            move || room.taken_places()
        }),
        config: config.clone(),
    };
    let proxy = Proxy::new(compose(config, &standing, leaves)?);
    Ok(Bound { listeners, proxy, room, standing: Arc::new(standing) })
}

fn bind_one(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = listen::bind(address).and_then(|listener| listener.local_addr().map(|at| (listener, at)));
    bound.map_err(|source| StartError::Listen { address, source })
}

fn adopt(handed: net::TcpListener) -> Result<(TcpListener, SocketAddr), StartError> {
    let address = handed.local_addr().map_err(StartError::Adopt)?;
    let listener = handed.set_nonblocking(true).and_then(|()| TcpListener::from_std(handed));
    listener.map(|listener| (listener, address)).map_err(StartError::Adopt)
}

/// Where clients on this machine get the list of revoked leaves, if one of the listeners is there for them.
fn crl_url(addresses: &[SocketAddr]) -> Option<String> {
    let near = |address: &SocketAddr| match address.ip() {
        ip if ip.is_loopback() => Some(*address),
        IpAddr::V4(ip) if ip.is_unspecified() => Some((Ipv4Addr::LOCALHOST, address.port()).into()),
        IpAddr::V6(ip) if ip.is_unspecified() => Some((Ipv6Addr::LOCALHOST, address.port()).into()),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    addresses.iter().find_map(near).map(|address| format!("http://{address}{}", admin::CRL))
}

/// Everything that a request needs under this configuration. Blocks on files.
fn compose(config: Config, standing: &Standing, leaves: Leaves) -> Result<Parts, StartError> {
    let Standing { authority, addresses, pseudonym, .. } = standing;
    let own_certificate = own_certificate(&config)?;
    let own = [authority.root_der(), authority.intermediate_der()];
    let trusted = UpstreamRoots::load(&config.upstream.ca_files, &own)?;
    for note in &trusted.notes {
        tracing::warn!("upstream roots: {note}");
    }
    let policy = Policy::new(&addresses[..], config.policy.destinations.clone());
    let admin = pages(&config, standing);
    let upstream = without_ourselves(config.upstream, &policy);
    let tls = roots::client_config(trusted.store);
    Ok(Parts {
        access: Access::new(
            &config.policy,
            config.rewrite.mode.holds_key(),
            config.rewrite.mode.key_header(),
        ),
        failures: Failures::default(),
        upstream: Upstream::new(&upstream, policy.clone(), Reach::Everywhere, tls.clone()),
        public: Upstream::new(&upstream, policy.clone(), Reach::Public, tls),
        intercepted: InterceptList::new(config.intercept),
        leaves,
        own_certificate,
        listener_names: config.tls_names,
        policy,
        pages: Pages::new(&config.policy, config.rewrite.mode.holds_key()),
        upstream_settings: upstream,
        limits: config.limits,
        rewrite: config.rewrite,
        admin,
        pseudonym: pseudonym.clone(),
        distrust: Distrust::default(),
    })
}

/// What the proxy's own pages show.
fn pages(config: &Config, standing: &Standing) -> Admin {
    let mapped = config.rewrite.models.entries();
    Admin {
        authority: Arc::clone(&standing.authority),
        flags: flags(config, &standing.addresses),
        mode: mode_name(&config.rewrite.mode),
        destination: destination(&config.rewrite.mode),
        holds_key: config.rewrite.mode.holds_key(),
        models: mapped.map(|(model, deployment)| (model.to_owned(), deployment.to_owned())).collect(),
        intercepted: config.intercept.clone(),
        names: config.tls_names.clone(),
        journal: standing.journal.clone(),
        metrics: standing.metrics.clone(),
    }
}

/// What leads this program to this proxy from a shell where nothing is set.
fn flags(config: &Config, addresses: &[SocketAddr]) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(address) = addresses.first().filter(|address| address.to_string() != "127.0.0.1:8080") {
        flags.extend(["--listen".to_owned(), address.to_string()]);
    }
    // The platform's directory is named for the program.
    if !config.certs.ends_with("azure-openai-proxy") {
        let dir = std::path::absolute(&config.certs).unwrap_or_else(|_| config.certs.clone());
        flags.extend(["--certs".to_owned(), dir.display().to_string()]);
    }
    flags
}

fn own_certificate(config: &Config) -> Result<Option<OwnCertificate>, OwnError> {
    config.tls_files.as_ref().map(OwnCertificate::load).transpose()
}

/// A shell that was set up for this proxy names it as everybody's, and so as its own parent.
fn without_ourselves(settings: upstream::Settings, policy: &Policy) -> upstream::Settings {
    let Some(parent) = &settings.parent else { return settings };
    let at = policy.permit(parent.at().clone(), Reach::Everywhere);
    if at.check_literal().is_ok() {
        return settings;
    }
    tracing::warn!("the upstream proxy {parent} is this proxy itself; ignored");
    upstream::Settings { parent: None, ..settings }
}

fn leaves(config: &Config, authority: &Arc<Authority>) -> Result<Leaves, StartError> {
    Leaves::new(Arc::clone(authority), leaf_names(config)).map_err(|error| StartError::leaf(error, config))
}

/// The names that the proxy shows a certificate of its CA for.
fn leaf_names(config: &Config) -> impl Iterator<Item = String> {
    config.tls_names.iter().chain(&config.intercept).cloned()
}

/// Where OpenAI requests go, in words.
pub fn destination(mode: &Mode) -> String {
    match mode {
        Mode::OpenAi => "OpenAI, re-encrypted".to_owned(),
        Mode::Azure(azure) => format!("Azure OpenAI at {}", azure.endpoint),
    }
}

fn mode_name(mode: &Mode) -> &'static str {
    match mode {
        Mode::OpenAi => "openai",
        Mode::Azure(_) => "azure",
    }
}

/// A name that no other running proxy has: the process and when it started.
fn pseudonym() -> String {
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("azure-openai-proxy-{:x}-{:x}", std::process::id(), started.as_micros())
}

// === impl StartError ===

impl StartError {
    fn leaf(error: LeafError, config: &Config) -> Self {
        match error {
            LeafError::NotCovered { name } => {
                Self::NotCovered { name, certs: config.certs.display().to_string() }
            }
            error => Self::Leaf(error),
        }
    }
}

// === impl Bound ===

impl Bound {
    /// The addresses that are listened on, with the ports that port 0 became.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.standing.addresses
    }

    /// What serves a connection, for those that reach us by another way than our listeners.
    pub fn proxy(&self) -> Proxy {
        self.proxy.clone()
    }

    /// Says on the log where clients find the proxy and what it does with them.
    pub fn announce(&self) {
        let Standing { addresses, config, .. } = &*self.standing;
        for address in addresses {
            tracing::info!("listening on http://{address}");
        }
        let Some(address) = addresses.first() else { return };
        let root = config.certs.join("ca.pem");
        tracing::info!("as a proxy: https_proxy=http://{address} and trust {}", root.display());
        tracing::info!("as a base URL: OPENAI_BASE_URL=http://{address}/v1");
        tracing::info!("{} → {}", config.intercept.join(", "), destination(&config.rewrite.mode));
    }

    /// What reads the settings of this proxy again; `source` is where they came from.
    pub async fn reloader(&self, source: Source) -> Reloader {
        Reloader::new(source, self.proxy.clone(), Arc::clone(&self.standing)).await
    }

    /// Serves until the stop is asked for, then closes the listeners and lets what is under way finish.
    ///
    /// Returns as soon as nothing is under way any more. What still is after the drain timeout is cut:
    /// tunnels, whose end nobody can know, and streams that are longer than that.
    pub async fn run(self, mut shutdown: Shutdown) {
        let (stopper, stopping) = shutdown::channel();
        let mut serving = JoinSet::new();
        for listener in self.listeners {
            serving.spawn(accept_all(listener, self.proxy.clone(), self.room.clone(), stopping.clone()));
        }
        shutdown.requested().await;
        stopper.stop();
        while serving.join_next().await.is_some() {}
        let drain = self.proxy.latest().limits().drain_timeout;
        if tokio::time::timeout(drain, self.room.emptied()).await.is_err() {
            tracing::warn!(open = self.room.taken_places(), "cut what was not finished within {drain:?}");
            stopper.cut();
            // Nothing more can be done about one that does not notice.
            let _ = tokio::time::timeout(CUT, self.room.emptied()).await;
        }
    }
}

async fn accept_all(listener: TcpListener, proxy: Proxy, room: Room, mut shutdown: Shutdown) {
    loop {
        let (stream, address) = tokio::select! {
            accepted = listen::accept(&listener) => accepted,
            () = shutdown.requested() => return,
        };
        let proxy = proxy.latest();
        let client = proxy.access().client(address.ip());
        match room.enter(address.ip(), client) {
            Ok(place) => {
                let peer = Peer { address, client, place: Arc::new(place), shutdown: shutdown.clone() };
                let driving = connection::drive(proxy, stream, peer);
                tokio::spawn(shutdown.clone().unless_over(driving));
            }
            Err(full) => {
                tracing::warn!(client = %address, "{full}; turned one away");
                tokio::spawn(tokio::time::timeout(Duration::from_secs(1), connection::turn_away(stream)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_revoked_leaves_is_where_this_machine_reaches_it() {
        for (listening, url) in [
            (&["192.0.2.1:80", "127.0.0.1:8080"][..], Some("http://127.0.0.1:8080/ca.crl")),
            (&["0.0.0.0:81"], Some("http://127.0.0.1:81/ca.crl")),
            (&["[::]:82"], Some("http://[::1]:82/ca.crl")),
            (&["192.0.2.1:80"], None),
        ] {
            let addresses: Vec<SocketAddr> = listening.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(crl_url(&addresses).as_deref(), url, "{listening:?}");
        }
    }

    #[test]
    fn a_parent_that_is_this_proxy_is_dropped() {
        let policy = Policy::new(vec!["127.0.0.1:8080".parse().unwrap()], Default::default());
        for (url, kept) in [
            ("http://127.0.0.1:8080", false),
            ("http://localhost:8080", false),
            ("https://[::ffff:127.0.0.1]:8080", false),
            ("http://127.0.0.1:3128", true),
            ("http://proxy.example:8080", true),
        ] {
            let settings = upstream::Settings { parent: Some(url.parse().unwrap()), ..Default::default() };
            assert_eq!(without_ourselves(settings, &policy).parent.is_some(), kept, "{url}");
        }
    }
}
