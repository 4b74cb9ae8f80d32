//! Absolute-form `http://` for any other host: what an ordinary proxy does (RFC 9110 §7.6).

use http::StatusCode;
use http::uri::PathAndQuery;

use super::received::{Received, Switch};
use super::{Peer, Proxy, content, culprit, upgrade};
use crate::error::Error;
use crate::message::body::Body;
use crate::message::host_port::HostPort;
use crate::message::{Request, Response, hop_by_hop, via, websocket};
use crate::policy::access::Admitted;
use crate::rewrite;

/// Sanitises, sends, and streams back; `Via` is written in both directions.
pub async fn forward(
    proxy: &Proxy,
    mut request: Received,
    to: HostPort,
    path: &PathAndQuery,
    peer: Peer,
    client: &Admitted,
) -> Result<Response<Body>, Error> {
    proxy.policy().chosen_by(client, to.clone())?;
    let received = request.head.version;
    let websocket = upgrade::is_asked_for(&request).then(|| Switch::of(&mut request));
    let Request { mut head, content } = request;
    let method = head.method.clone();
    // Before what names us comes in: a client's `Connection: via` would take it out again.
    hop_by_hop::sanitise(&mut head.fields);
    via::append(&mut head.fields, received, proxy.pseudonym());
    let request = rewrite::forward::apply(head, &to, path)?;
    tracing::info!(client = %peer.address, "{} http://{to} → forwarded", method);
    let mut response = match websocket {
        Some(websocket) => {
            let peer = peer.apart(received)?;
            upgrade::forward(proxy, request, client.reach(), websocket, peer).await?
        }
        None => {
            let (content, culprit) = culprit::watch(content::pass(content));
            let sent = proxy.forwarding(client.reach()).send(request, content).await;
            sent.map_err(|failed| culprit.explain(failed))?
        }
    };
    let (answered, status) = (response.head.version, response.head.status);
    let fields = &mut response.head.fields;
    hop_by_hop::sanitise(fields);
    via::append(fields, answered, proxy.pseudonym());
    if status == StatusCode::SWITCHING_PROTOCOLS {
        websocket::switch(fields);
    }
    Ok(response)
}
