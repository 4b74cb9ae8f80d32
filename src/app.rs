//! The composition root: from a configuration to bound listeners to a running proxy.

mod compose;
pub mod reload;
pub mod renewal;
pub mod serve;
pub mod service;
pub mod signals;
pub mod watch;

use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::admin;
use crate::cli::Exit;
use crate::config::Config;
use crate::net::listen::{self, client_address};
use crate::proxy::farewell::Farewell;
use crate::proxy::room::Room;
use crate::proxy::{Peer, Proxy, connection};
use crate::rewrite::Mode;
use crate::shutdown::{self, Shutdown};
use crate::tls::ca::{Authority, CaError, Purpose};
use crate::tls::leaf::LeafError;
use crate::tls::own::OwnError;
use crate::tls::roots::{RootsError, UpstreamRoots};

pub use compose::destination;

use compose::{Standing, compose, crl_url, leaves, own_certificate};
use reload::{Reloader, Source};
use renewal::Renewal;

/// How long connections may take to notice that their time is over.
const CUT: Duration = Duration::from_secs(1);

/// A proxy whose sockets are bound and which has not accepted anything yet.
pub struct Bound {
    listeners: Vec<TcpListener>,
    proxy: Proxy,
    room: Room,
    standing: Arc<Standing>,
}

/// Why the proxy does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}{}", advice(.source))]
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

/// What a CA is made for under this configuration.
///
/// All of `openai.com` is among its names, so that a host added later needs no new CA.
pub fn ca_purpose(config: &Config) -> Purpose {
    let mut names = vec!["openai.com".to_owned()];
    let within = |name: &str, suffix: &str| name == suffix || name.ends_with(&format!(".{suffix}"));
    for name in config.tls_names.iter().chain(&config.intercept) {
        if !names.iter().any(|have| within(name, have)) {
            names.push(name.clone());
        }
    }
    Purpose { names, root_crl_url: crl_url(&config.listen, admin::ROOT_CRL) }
}

/// Checks all that [`bind`] would read, without binding, writing or sending anything.
pub fn check(config: &Config) -> Result<(), StartError> {
    let authority = match Authority::read(&config.certs) {
        Ok(authority) => authority,
        // The first start makes one that fits; this one is gone at once.
        Err(CaError::Absent { .. }) => Authority::in_memory(&ca_purpose(config).names)?,
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
    let (authority, made) = Authority::load_or_create(&config.certs, &ca_purpose(&config))?;
    if made {
        tracing::info!("made a certificate authority in {}", config.certs.display());
    }
    let listeners = match handed.is_empty() {
        true => config.listen.iter().map(|&address| bind_one(address)).collect::<Result<Vec<_>, _>>()?,
        false => handed.into_iter().map(adopt).collect::<Result<Vec<_>, _>>()?,
    };
    let addresses: Vec<SocketAddr> = listeners.iter().map(|(_, address)| *address).collect();
    let listeners = listeners.into_iter().map(|(listener, _)| listener).collect();
    let room = Room::new(config.limits.connections, config.limits.connections_per_client);
    let standing = Standing::new(authority, addresses, room.clone(), config.clone());
    let leaves = leaves(&config, &standing.authority)?;
    let proxy = Proxy::new(compose(config, &standing, leaves)?);
    Ok(Bound { listeners, proxy, room, standing: Arc::new(standing) })
}

fn bind_one(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = listen::bind(address).and_then(|listener| listener.local_addr().map(|at| (listener, at)));
    bound.map_err(|source| StartError::Listen { address, source })
}

fn adopt(handed: net::TcpListener) -> Result<(TcpListener, SocketAddr), StartError> {
    let address = handed.local_addr().map_err(StartError::Adopt)?;
    listen::adopt(handed).map(|listener| (listener, address)).map_err(StartError::Adopt)
}

fn advice(error: &io::Error) -> &'static str {
    if is_taken(error) { "; take another address with --listen PORT" } else { "" }
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}

// === impl StartError ===

impl StartError {
    /// How the program ends because of it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Listen { source, .. } if is_taken(source) => Exit::AddressInUse,
            Self::Listen { .. } | Self::Adopt(_) => Exit::Failed,
            Self::Ca(_) | Self::NotCovered { .. } | Self::Leaf(_) => Exit::Authority,
            Self::Own(_) | Self::Roots(_) => Exit::Settings,
        }
    }

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
        // As a client on this machine writes it, for which 0.0.0.0 is no address.
        let Some(address) = addresses.first().copied().map(client_address) else { return };
        let root = config.certs.join("ca.pem");
        tracing::info!("as a proxy: https_proxy=http://{address} and trust {}", root.display());
        tracing::info!("as a base URL: OPENAI_BASE_URL=http://{address}/v1");
        tracing::info!("{} → {}", config.intercept.join(", "), destination(&config.rewrite.mode));
        if matches!(config.rewrite.mode, Mode::Azure(_)) && !config.rewrite.mode.holds_key() {
            tracing::info!("there is no Azure key here: each client sends its own as its API key");
        }
        self.renewal().announce();
    }

    /// What reads the settings of this proxy again; `source` is where they came from.
    pub fn reloader(&self, source: Source) -> Reloader {
        Reloader::new(source, self.proxy.clone(), Arc::clone(&self.standing))
    }

    /// What keeps this proxy's Entra token from expiring, where nothing reads its settings again.
    pub fn renewal(&self) -> Renewal {
        Renewal::new(self.proxy.clone(), self.standing.config.key_command.clone())
    }

    /// Serves until the stop is asked for, then closes the listeners and lets what is under way finish.
    ///
    /// Returns as soon as nothing is under way any more. What still is after the drain timeout is cut:
    /// tunnels, whose end nobody can know, and streams that are longer than that.
    pub async fn run(self, mut shutdown: Shutdown) {
        let (stopper, stopping) = shutdown::channel();
        let (farewell, mut serving) = (Farewell::new(), JoinSet::new());
        for listener in self.listeners {
            let (proxy, room) = (self.proxy.clone(), self.room.clone());
            serving.spawn(accept_all(listener, proxy, room, farewell.clone(), stopping.clone()));
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

async fn accept_all(
    listener: TcpListener,
    proxy: Proxy,
    room: Room,
    farewell: Farewell,
    mut shutdown: Shutdown,
) {
    loop {
        let (stream, address) = tokio::select! {
            accepted = listen::accept(&listener) => accepted,
            () = shutdown.requested() => return,
        };
        let proxy = proxy.latest();
        let client = proxy.access().client(address.ip());
        match room.enter(address.ip(), client) {
            Ok(place) => {
                let (place, ends) = (Arc::new(place), shutdown.clone());
                let peer = Peer { address, client, over_tls: false, sni: None, place, shutdown: ends };
                let driving = connection::drive(proxy, stream, peer);
                tokio::spawn(shutdown.clone().unless_over(driving));
            }
            Err(full) => {
                tracing::warn!(client = %address, "turned a connection away: {full}");
                if let Some(telling) = farewell.turn_away(stream) {
                    tokio::spawn(telling);
                }
            }
        }
    }
}
