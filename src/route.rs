//! What kind of request this is, decided from its head alone: pure.

use std::borrow::Cow;

use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Uri, Version};
use thiserror::Error;

use crate::message::fields::{self, Fields};
use crate::message::host_port::{Host, HostPort, HostPortError};
use crate::message::target::{Target, TargetError};

/// The hosts whose tunnels we end ourselves; names in lower case.
#[derive(Clone, Debug, Default)]
pub struct InterceptList(Vec<String>);

/// A request on a connection to the proxy itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenRoute {
    /// CONNECT to an OpenAI host: end TLS here.
    Intercept(HostPort),
    /// CONNECT to any other host: never look inside.
    Tunnel(HostPort),
    /// Absolute-form for an OpenAI host, http or https: an exchange, upstream always over TLS.
    Exchange(HostPort, PathAndQuery),
    /// Absolute-form for any other host: an ordinary proxy's work.
    Forward(HostPort, PathAndQuery),
    /// Origin-form: the reverse route or one of our own pages.
    Origin(OriginForm),
    /// `OPTIONS *`: about the proxy as a whole.
    Asterisk,
}

/// An origin-form request to the proxy itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginForm {
    /// What `Host` or `:authority` names.
    pub authority: HostPort,
    /// The OpenAI host that it names, if it names one: then the client was led here by DNS.
    pub openai: Option<HostPort>,
    /// What is asked.
    pub path: PathAndQuery,
}

/// A request inside an intercepted tunnel: for the tunnel's own host, and never CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerRoute {
    /// What is asked of it.
    pub path: PathAndQuery,
}

/// Why a request has no route.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    /// The request target is malformed.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// Not exactly one `Host` in HTTP/1.1 (RFC 9112 §3.2), or one that is no authority.
    #[error("a request needs exactly one valid Host field")]
    Host,
    /// `https://` in absolute form on a connection to the proxy, for a host that is not intercepted.
    #[error(
        "this client asks for an https URL without CONNECT, which shows all of it to the proxy; \
         update the client, or have it reach this host without a proxy"
    )]
    SecureAbsolute,
    /// CONNECT, or a target for a proxy, inside a tunnel.
    #[error("this request makes no sense inside a tunnel")]
    Nested,
    /// The request names another host than the tunnel was opened to (RFC 9110 §15.5.20).
    #[error("the request is for {named}, but this connection is for {tunnel}")]
    Misdirected {
        /// What the request names.
        named: String,
        /// What CONNECT named.
        tunnel: HostPort,
    },
}

// === impl InterceptList ===

impl InterceptList {
    /// Makes the list; letter case does not matter.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Whether this host's tunnels are ended here, on whatever port.
    pub fn contains(&self, authority: &HostPort) -> bool {
        authority.host().name().is_some_and(|name| self.has(name))
    }

    /// Whether this name is listed, in whatever letters.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }
}

/// Routes a request on a connection to the proxy itself, over TLS or in clear.
pub fn open(
    method: &Method,
    uri: &Uri,
    version: Version,
    fields: &Fields,
    intercepted: &InterceptList,
    over_tls: bool,
) -> Result<OpenRoute, RouteError> {
    // On HTTP/2 the target of a request to an origin server and of one to a proxy look alike (RFC 9113 §8.3.1). Over TLS
    // the scheme tells: nobody asks an origin server for `http` there.
    let for_proxy = over_tls && uri.scheme() == Some(&Scheme::HTTP);
    let h2 = version == Version::HTTP_2 && !for_proxy;
    match Target::parse(method, uri, h2)? {
        Target::Authority(to) if intercepted.contains(&to) => Ok(OpenRoute::Intercept(to)),
        Target::Authority(to) => Ok(OpenRoute::Tunnel(to)),
        Target::Asterisk => Ok(OpenRoute::Asterisk),
        // An OpenAI host is asked over TLS whatever the client says; axios before 1.17 says https here.
        Target::Absolute { secure: true, ref authority, .. } if !intercepted.contains(authority) => {
            Err(RouteError::SecureAbsolute)
        }
        // RFC 9112 §3.2.2: the target's authority wins over whatever Host says.
        Target::Absolute { authority, path, .. } => {
            sole_host(version, fields)?;
            Ok(match intercepted.contains(&authority) {
                true => OpenRoute::Exchange(HostPort::new(authority.host().clone(), 443), path),
                false => OpenRoute::Forward(authority, path),
            })
        }
        Target::Origin(path) => {
            let own = HostPort::new(Host::Name("localhost".into()), 80);
            let authority = named_authority(uri, version, fields, &own)?.into_owned();
            let openai = intercepted.contains(&authority);
            let openai = openai.then(|| HostPort::new(authority.host().clone(), 443));
            Ok(OpenRoute::Origin(OriginForm { authority, openai, path }))
        }
    }
}

/// Routes a request inside the intercepted tunnel to `tunnel`.
pub fn inner(
    method: &Method,
    uri: &Uri,
    version: Version,
    fields: &Fields,
    tunnel: &HostPort,
) -> Result<InnerRoute, RouteError> {
    if method == Method::CONNECT {
        return Err(RouteError::Nested);
    }
    let path = match Target::parse(method, uri, version == Version::HTTP_2)? {
        Target::Origin(path) => path,
        // `http` has another port where it names none.
        Target::Absolute { secure, authority, path }
            if authority == *tunnel || !secure && authority.host() == tunnel.host() =>
        {
            path
        }
        Target::Absolute { authority, .. } => return Err(misdirected(&authority, tunnel)),
        Target::Asterisk | Target::Authority(_) => return Err(RouteError::Nested),
    };
    let named = named_authority(uri, version, fields, tunnel)?;
    if *named != *tunnel {
        return Err(misdirected(&named, tunnel));
    }
    Ok(InnerRoute { path })
}

/// Whether a request that was sent to the proxy itself over TLS is for the name that TLS was asked for
/// (RFC 9110 §15.5.20).
pub fn check_sni(named: &HostPort, sni: Option<&str>) -> Result<(), RouteError> {
    let Some(sni) = sni.and_then(|sni| HostPort::parse(sni, Some(named.port())).ok()) else { return Ok(()) };
    if *named.host() == *sni.host() { Ok(()) } else { Err(misdirected(named, &sni)) }
}

fn misdirected(named: &HostPort, tunnel: &HostPort) -> RouteError {
    RouteError::Misdirected { named: named.to_string(), tunnel: tunnel.clone() }
}

/// `:authority` in HTTP/2, else `Host`; in HTTP/2 both may stand, and must then agree. `own` is what
/// the connection itself is for.
fn named_authority<'a>(
    uri: &Uri,
    version: Version,
    fields: &Fields,
    own: &'a HostPort,
) -> Result<Cow<'a, HostPort>, RouteError> {
    let parse = |text: &str| match own.host().is_name(text) {
        true => Ok(Cow::Borrowed(own)),
        false => {
            let other = HostPort::parse(text, Some(own.port())).map_err(|_: HostPortError| RouteError::Host);
            other.map(Cow::Owned)
        }
    };
    let host = sole_host(version, fields)?.map(parse).transpose()?;
    let pseudo = match uri.authority() {
        Some(authority) if version == Version::HTTP_2 => Some(parse(authority.as_str())?),
        _ => None,
    };
    match (pseudo, host) {
        (Some(pseudo), Some(host)) if pseudo != host => Err(RouteError::Host),
        (Some(authority), _) | (None, Some(authority)) => Ok(authority),
        // HTTP/1.0 knows no Host: the connection's own name has to do.
        (None, None) if version == Version::HTTP_10 => Ok(Cow::Borrowed(own)),
        (None, None) => Err(RouteError::Host),
    }
}

/// The one `Host` line; none is right in HTTP/1.0 and HTTP/2 only.
fn sole_host(version: Version, fields: &Fields) -> Result<Option<&str>, RouteError> {
    let mut lines = fields.get_all(HOST);
    match (lines.next(), lines.next()) {
        (Some(line), None) => fields::text(line).map(Some).ok_or(RouteError::Host),
        (None, _) if version != Version::HTTP_11 => Ok(None),
        _ => Err(RouteError::Host),
    }
}

#[cfg(test)]
mod tests;
