//! The proxy between us and the rest of the world, where a network has one.

mod socks;
mod tunnel;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::header::HeaderValue;
use http::{StatusCode, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::link::Link;
use crate::message::host_port::{Host, HostPort};
use crate::net::dial::DialError;
use crate::policy::Policy;
use crate::policy::destination::{self, Reach};
use crate::tls::problem::certificate_problem;

/// A proxy that is asked to connect to origin servers for us. Neither `Debug` nor `Display` show its credential.
#[derive(Clone)]
pub struct Parent {
    at: HostPort,
    speaks: Speaks,
}

/// How it is asked.
#[derive(Clone)]
enum Speaks {
    /// CONNECT (RFC 9110 §9.3.6), over TLS or not, with this `Proxy-Authorization`.
    Http { tls: bool, credential: Option<HeaderValue> },
    /// SOCKS 5 (RFC 1928), with this user name and password (RFC 1929).
    Socks { credential: Option<(String, String)> },
}

/// Why a text is no parent proxy. The text may hold a password, so it is not repeated.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParentUrlError {
    /// Not a URL of a kind of proxy that is known here.
    #[error("not a proxy: write http://, https:// or socks5:// and HOST:PORT, or direct for none")]
    Form,
    /// SOCKS has one octet for each length.
    #[error("the user name or the password is longer than 255 octets, which SOCKS cannot carry")]
    Credential,
}

/// Why the parent proxy gives no connection.
#[derive(Debug, Error)]
pub enum ParentError {
    /// It cannot be reached.
    #[error("no connection to the upstream proxy {0}")]
    Dial(HostPort, #[source] DialError),
    /// TLS with it failed.
    #[error("TLS with the upstream proxy {at} failed{}", because(.source))]
    Tls {
        /// The parent proxy.
        at: HostPort,
        /// What failed.
        source: io::Error,
    },
    /// Its address cannot be in a certificate.
    #[error("the upstream proxy's name cannot be in a certificate")]
    Name(#[from] InvalidDnsNameError),
    /// It asks for a user name and password, or for others than it got.
    #[error(
        "the upstream proxy wants other credentials than upstream_proxy has, as http://USER:PASSWORD@HOST:PORT"
    )]
    Credentials,
    /// It answers, but does not connect.
    #[error("the upstream proxy refused: {0}")]
    Refused(StatusCode),
    /// It answers with one of SOCKS's reply codes (RFC 1928 §6).
    #[error("the upstream proxy refused: {}", socks::reply(*.0))]
    SocksRefused(u8),
    /// What it says is not the protocol that it should speak.
    #[error("the upstream proxy does not speak the protocol that upstream_proxy names")]
    Protocol,
    /// The destination's name is longer than SOCKS can carry.
    #[error("the host name is longer than SOCKS can carry")]
    LongName,
    /// The connection broke.
    #[error("the upstream proxy broke off")]
    Io(#[from] io::Error),
}

/// Destinations that are reached without the parent.
#[derive(Clone, Debug)]
pub struct Exceptions(Arc<Matcher>);

// === impl Parent ===

impl Parent {
    /// Where it listens.
    pub fn at(&self) -> &HostPort {
        &self.at
    }

    /// Whether one of these listeners is there.
    pub fn is_at(&self, listeners: &[SocketAddr]) -> bool {
        let policy = Policy::new(listeners, destination::Settings::default());
        policy.permit(self.at.clone(), Reach::Everywhere).check_literal().is_err()
    }

    /// Whether a plain request is sent to it in absolute-form (RFC 9112 §3.2.2) instead of through a tunnel,
    /// which many proxies open for TLS only.
    pub(super) fn forwards(&self) -> bool {
        matches!(self.speaks, Speaks::Http { .. })
    }

    /// What goes with such a request in `Proxy-Authorization`.
    pub(super) fn credential(&self) -> Option<&HeaderValue> {
        match &self.speaks {
            Speaks::Http { credential, .. } => credential.as_ref(),
            Speaks::Socks { .. } => None,
        }
    }

    /// Makes a connection to the parent one to `to`. The caller holds the deadline.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        to: &HostPort,
        tls: &TlsConnector,
    ) -> Result<Link, ParentError> {
        match &self.speaks {
            Speaks::Http { credential, .. } => {
                let (io, early) =
                    tunnel::open(self.secured(stream, tls).await?, to, credential.as_ref()).await?;
                Ok(Link::through(io, early))
            }
            Speaks::Socks { credential } => {
                Ok(Link::direct(socks::open(stream, to, credential.as_ref()).await?))
            }
        }
    }

    /// The connection as the parent speaks on it: with TLS if it does.
    pub(super) async fn secured(&self, stream: TcpStream, tls: &TlsConnector) -> Result<Link, ParentError> {
        let Speaks::Http { tls: true, .. } = self.speaks else { return Ok(Link::direct(stream)) };
        let name = match self.at.host() {
            Host::Name(name) => ServerName::try_from(name.to_string())?,
            Host::Ip(ip) => ServerName::from(*ip),
        };
        let at = || self.at.clone();
        let stream =
            tls.connect(name, stream).await.map_err(|source| ParentError::Tls { at: at(), source })?;
        Ok(Link::direct(stream))
    }
}

impl FromStr for Parent {
    type Err = ParentUrlError;

    /// Reads `http://[USER:PASSWORD@]HOST[:PORT]`, `https://…`, `socks5://…` or `socks5h://…`, in which `%XX` stand
    /// for octets of user name and password. Without a scheme it is http, as for curl.
    ///
    /// Names are always looked up by the parent, with `socks5` too.
    fn from_str(text: &str) -> Result<Self, ParentUrlError> {
        let any = Uri::from_static("https://any.invalid/");
        let parsed = Matcher::builder().all(text).build().intercept(&any).ok_or(ParentUrlError::Form)?;
        let basic = parsed.basic_auth().cloned();
        let (speaks, port) = match parsed.uri().scheme_str() {
            Some("http") => (Speaks::Http { tls: false, credential: basic }, 80),
            Some("https") => (Speaks::Http { tls: true, credential: basic }, 443),
            Some("socks5" | "socks5h") => {
                let credential =
                    parsed.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
                let long = |(user, password): &(String, String)| user.len() > 255 || password.len() > 255;
                if credential.as_ref().is_some_and(long) {
                    return Err(ParentUrlError::Credential);
                }
                (Speaks::Socks { credential }, 1080)
            }
            _ => return Err(ParentUrlError::Form),
        };
        let authority = parsed.uri().authority().ok_or(ParentUrlError::Form)?;
        let at = HostPort::parse(authority.as_str(), Some(port)).map_err(|_| ParentUrlError::Form)?;
        Ok(Self { at, speaks })
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.speaks {
            Speaks::Http { tls: false, .. } => "http",
            Speaks::Http { tls: true, .. } => "https",
            Speaks::Socks { .. } => "socks5",
        };
        write!(f, "{scheme}://{}", self.at)
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Exceptions ===

impl Exceptions {
    /// As in `NO_PROXY`: host names with all below them, addresses, networks as `10.0.0.0/8`, or `*` for all.
    ///
    /// Programs do not agree on the rest; so an entry may hold several between spaces, `*.` before a name is the dot
    /// alone, and a port is not heeded.
    pub fn new(listed: &[String]) -> Self {
        let entries: Vec<_> = listed.iter().flat_map(|text| text.split_whitespace()).map(exception).collect();
        let all = Matcher::builder().all("http://any.invalid").no(entries.join(",")).build();
        Self(Arc::new(all))
    }

    /// Whether a destination is among them. What is on this machine always is: the parent would take
    /// `localhost` for itself.
    pub fn cover(&self, to: &HostPort) -> bool {
        let listed =
            || Uri::try_from(format!("https://{to}/")).is_ok_and(|uri| self.0.intercept(&uri).is_none());
        to.host().is_loopback() || listed()
    }
}

/// An entry as the matcher reads it.
fn exception(entry: &str) -> &str {
    let host = match entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => match entry.split_once(':') {
            Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
            _ => entry,
        },
    };
    host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host)
}

/// What is wrong with its certificate, if that is what failed.
fn because(error: &io::Error) -> String {
    certificate_problem(error).map_or(String::new(), |problem| format!(": its certificate {problem}"))
}

#[cfg(test)]
mod tests;
