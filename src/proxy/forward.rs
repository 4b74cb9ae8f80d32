//! Absolute-form `http://` for any other host: what an ordinary proxy does (RFC 9110 §7.6).

use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{Peer, Proxy};
use crate::error::Error;
use crate::message::body::Body;
use crate::message::host_port::HostPort;
use crate::message::{hop_by_hop, via};
use crate::rewrite;

/// Sanitises, sends, and streams back; `Via` is written in both directions.
pub async fn forward(
    proxy: &Proxy,
    request: Request<Incoming>,
    to: HostPort,
    path: &PathAndQuery,
    peer: Peer,
) -> Result<Response<Body>, Error> {
    proxy.policy().chosen_by(peer.client, to.clone())?;
    let received = request.version();
    let (mut parts, content) = request.into_parts();
    let method = parts.method.clone();
    via::append(&mut parts.headers, received, proxy.pseudonym());
    let request = rewrite::forward::apply(parts, &to, path)?;
    tracing::info!(client = %peer.address, "{} http://{to} → forwarded", method);
    let content = content.map_err(Into::into).boxed_unsync();
    let mut response = proxy.upstream().send(request, content).await?;
    hop_by_hop::sanitise(response.headers_mut());
    let answered = response.version();
    via::append(response.headers_mut(), answered, proxy.pseudonym());
    Ok(response)
}
