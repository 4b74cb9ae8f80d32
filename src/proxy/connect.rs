//! CONNECT to a host that is not intercepted: a tunnel that nobody looks into.

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::{Peer, Proxy};
use crate::error::{Error, Kind};
use crate::message::body::{self, Body};
use crate::message::host_port::HostPort;
use crate::net::relay::relay;
use crate::policy::access::Admitted;
use crate::policy::client_keys::ClientKey;
use crate::upstream::link::Link;
use crate::upstream::way::Purpose;

/// Connects first, so that a failure still has a status, and answers 200 only then.
pub async fn tunnel(
    proxy: &Proxy,
    request: Request<Incoming>,
    to: HostPort,
    peer: Peer,
    client: &Admitted,
) -> Result<Response<Body>, Error> {
    let permitted = proxy.policy().chosen_by(client, to)?;
    let settings = proxy.upstream_settings();
    let reaching = proxy.upstream().way().reach(&permitted, Purpose::Opaque);
    let origin = match tokio::time::timeout(settings.connect_timeout, reaching).await {
        Ok(reached) => reached.map_err(Kind::from)?,
        Err(_) => return Err(Kind::DialTimeout.into()),
    };
    let key = client.key().map(ClientKey::name);
    tracing::info!(client = %peer.address, client_key = key, "CONNECT {} → tunnel", permitted.destination());
    let (to, idle) = (permitted.destination().clone(), settings.idle_timeout);
    tokio::spawn(async move {
        let host = to.clone();
        if peer.shutdown.clone().unless_over(carry(request, origin, to, idle)).await.is_none() {
            tracing::info!(client = %peer.address, to = %host, "tunnel cut");
        }
        drop(peer);
    });
    Ok(Response::new(body::empty()))
}

async fn carry(request: Request<Incoming>, origin: Link, to: HostPort, idle: Duration) {
    // Resolves as soon as our 200 is written; fails when the client is gone before that.
    let client = match hyper::upgrade::on(request).await {
        Ok(upgraded) => TokioIo::new(upgraded),
        Err(error) => return tracing::debug!(%to, %error, "the client left before the tunnel stood"),
    };
    match relay(client, origin, idle).await {
        Ok(carried) => tracing::debug!(%to, up = carried.up, down = carried.down, "tunnel closed"),
        Err(error) => tracing::debug!(%to, %error, "tunnel broke"),
    }
}
