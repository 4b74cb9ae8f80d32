//! A plain proxy's request to a host that has nothing to do with OpenAI.

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;

use super::azure;
use super::credential::Credential;
use super::refusal::Refusal;
use super::request::UpstreamRequest;
use super::route::{Route, Scope};
use crate::message::hop_by_hop;
use crate::message::host_port::HostPort;

/// Makes the head that goes on: hop-by-hop fields out, everything else as it came.
///
/// `Host` is that of the target, whatever the client wrote (RFC 9112 §3.2.2).
///
/// # Errors
///
/// [`Refusal::Target`] if the target is longer than a URI may be.
pub fn apply(mut parts: Parts, to: &HostPort, path: &PathAndQuery) -> Result<UpstreamRequest, Refusal> {
    let authority = if to.port() == 80 { to.host().to_string() } else { to.to_string() };
    hop_by_hop::sanitise(&mut parts.headers);
    parts.headers.insert(HOST, HeaderValue::from_str(&authority).map_err(|_| Refusal::Target)?);
    parts.uri = azure::uri(format!("http://{authority}{path}"))?;
    let route = Route {
        operation: "forward",
        realtime: false,
        scope: Scope::Forwarded,
        uri: parts.uri.clone(),
        model: None,
        deployment: None,
        credential: Credential::as_it_came(),
        renamed: false,
    };
    Ok(UpstreamRequest { parts, route })
}
