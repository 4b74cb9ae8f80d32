//! A plain proxy's request to a host that has nothing to do with OpenAI.

use std::sync::Arc;

use http::header::{HOST, HeaderValue};
use http::uri::PathAndQuery;

use super::azure;
use super::credential::Credential;
use super::refusal::Refusal;
use super::request::UpstreamRequest;
use super::route::{Route, Scope};
use crate::message::host_port::HostPort;
use crate::message::{RequestHead, hop_by_hop};

/// Makes the head that goes on: hop-by-hop fields out, everything else as it came.
///
/// `Host` is that of the target, whatever the client wrote (RFC 9112 §3.2.2).
///
/// # Errors
///
/// [`Refusal::Target`] if the target is longer than a URI may be.
pub fn apply(
    mut head: Box<RequestHead>,
    to: &HostPort,
    path: &PathAndQuery,
) -> Result<UpstreamRequest, Refusal> {
    let authority = if to.port() == 80 { to.host().to_string() } else { to.to_string() };
    hop_by_hop::sanitise(&mut head.fields);
    head.fields.insert(HOST, HeaderValue::from_str(&authority).map_err(|_| Refusal::Target)?);
    head.uri = azure::uri(format!("http://{authority}{path}"))?;
    let route = Route {
        operation: "forward",
        realtime: false,
        scope: Scope::Forwarded,
        uri: head.uri.clone(),
        model: None,
        deployment: None,
        credential: Credential::as_it_came(),
        renamed: false,
    };
    Ok(UpstreamRequest { head, route: Arc::new(route) })
}
