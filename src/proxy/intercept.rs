//! CONNECT to an OpenAI host: TLS ends here, and what is inside goes through the rewrite core.

use std::io;
use std::time::Instant;

use http::Version;
use tokio::io::{AsyncRead, AsyncWrite};

use super::access::Access;
use super::admission::Door;
use super::received::{Received, Switch};
use super::respond::{self, Form};
use super::serve::{self, Protocol};
use super::{Peer, Proxy, distrust, exchange, upgrade};
use crate::error::Error;
use crate::message::Response;
use crate::message::body::{self, Body};
use crate::message::host_port::HostPort;
use crate::net::prefixed::Prefixed;
use crate::net::sniff::{self, sniff};
use crate::policy::access::Admitted;
use crate::rewrite::Entry;
use crate::route;
use crate::tls::accept::{AcceptError, accept};

/// Answers 200 at once: whatever goes wrong later is told inside, where the client shows it.
pub fn intercept(
    proxy: Proxy,
    mut request: Received,
    host: HostPort,
    client: Option<Admitted>,
    peer: Peer,
) -> Response<Body> {
    let agent = distrust::name_of(&request.head.fields);
    let switch = Switch::of(&mut request);
    let tunnel = Tunnel { proxy, host, agent, client, peer, sni: None };
    tokio::spawn(async move {
        match switch.switched().await {
            Ok(stream) => {
                let shutdown = tunnel.peer.shutdown.clone();
                // Cut at the end of the drain, which has been logged.
                let _ = shutdown.unless_over(tunnel.carry(stream)).await;
            }
            Err(error) => {
                tracing::debug!(host = %tunnel.host, %error, "the client left before the tunnel stood")
            }
        }
    });
    Response::new(body::empty())
}

/// What is known of an intercepted tunnel.
struct Tunnel {
    proxy: Proxy,
    /// What every request in it is for.
    host: HostPort,
    /// What the client called itself when it asked for the tunnel.
    agent: String,
    /// What its CONNECT was admitted by; `None` if each request has to show a key.
    client: Option<Admitted>,
    peer: Peer,
    /// The name in the ClientHello; one that is not the tunnel's misdirects every request.
    sni: Option<String>,
}

// === impl Tunnel ===

impl Tunnel {
    async fn carry<IO>(self, io: IO)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (host, client) = (&self.host, self.peer.address);
        let (protocol, io) = match self.first_of(io).await {
            Some(Ok(sniffed)) => sniffed,
            Some(Err(_)) | None => return tracing::debug!(%host, "nothing was said inside the tunnel"),
        };
        match protocol {
            // Boxed, so that what the handshake needed is free again once it is over.
            sniff::Protocol::Tls => {
                if let Some(serving) = Box::pin(self.over_tls(io)).await {
                    serving.await;
                }
            }
            // Clients that tunnel plain HTTP: never in the clear upstream, so no harm in answering.
            sniff::Protocol::Http1 => self.requests(io, Protocol::Http1).await,
            sniff::Protocol::Http2 => self.requests(io, Protocol::Http2).await,
            sniff::Protocol::Unknown => {
                tracing::info!(%host, %client, "neither TLS nor HTTP in the tunnel; closed");
            }
        }
    }

    /// What comes first; `None` if nothing does in time, or before the stop.
    async fn first_of<IO>(&self, io: IO) -> Option<io::Result<(sniff::Protocol, Prefixed<IO>)>>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut stop = self.peer.shutdown.clone();
        tokio::select! {
            sniffed = tokio::time::timeout(self.proxy.limits().head_timeout, sniff(io)) => sniffed.ok(),
            () = stop.requested() => None,
        }
    }

    /// Ends TLS in the tunnel; what there is to serve then, if the client goes on.
    async fn over_tls<IO>(mut self, io: IO) -> Option<impl Future<Output = ()> + Send>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let head_timeout = self.proxy.limits().head_timeout;
        let begun = Instant::now();
        let choose = |_: Option<&str>| self.proxy.leaf(&self.host);
        let accepted = match accept(io, choose, head_timeout).await {
            Ok(accepted) => accepted,
            Err(error) => {
                let host = self.host.to_string();
                log_rejection(&self.proxy, &self.peer, &self.agent, &host, &error);
                return None;
            }
        };
        let handshake = begun.elapsed();
        let finished = Instant::now();
        // Some clients judge the certificate only now. Those who accept it have something to say.
        match self.first_of(accepted.stream).await {
            Some(Ok((_, stream))) => {
                self.sni = accepted.sni;
                let protocol = if accepted.h2 { Protocol::Http2 } else { Protocol::Http1 };
                return Some(self.requests(stream, protocol));
            }
            Some(Err(error)) if is_alert(&error) || distrust::is_soon(handshake, finished.elapsed()) => {
                self.proxy.distrust().tell(self.peer.address.ip(), &self.agent, &self.host.to_string());
            }
            Some(Err(_)) | None => tracing::debug!(host = %self.host, "nothing was asked inside TLS"),
        }
        None
    }

    fn requests<IO>(self, io: IO, protocol: Protocol) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (limits, shutdown, client) =
            (self.proxy.limits().clone(), self.peer.shutdown.clone(), self.peer.address);
        let idle = self.proxy.upstream_settings().idle_timeout;
        let tunnel = std::sync::Arc::new(self);
        let answer = move |request| answer(std::sync::Arc::clone(&tunnel), request);
        let serving = serve::serve(io, protocol, &limits, idle, shutdown, answer);
        async move {
            if let Err(error) = serving.await {
                tracing::debug!(%client, %error, "connection in the tunnel ended");
            }
        }
    }

    fn route(&self, request: &Received) -> Result<route::InnerRoute, Error> {
        if let Some(sni) = self.sni.as_deref().filter(|sni| self.host.host().name() != Some(*sni)) {
            let named = sni.to_owned();
            return Err(route::RouteError::Misdirected { named, tunnel: self.host.clone() }.into());
        }
        upgrade::check_protocol(request)?;
        let head = &request.head;
        Ok(route::inner(&head.method, &head.uri, head.version, &head.fields, &self.host)?)
    }
}

async fn answer(tunnel: std::sync::Arc<Tunnel>, request: Received) -> Response<Body> {
    let version: Version = request.head.version;
    match tunnel.route(&request) {
        Ok(route) => {
            let proxy = tunnel.proxy.latest();
            let peer = tunnel.peer.judged(proxy.access());
            let (entry, door) = (Entry::Intercepted, Door::Tunnel(tunnel.client.as_ref()));
            exchange::exchange(&proxy, request, &tunnel.host, &route.path, entry, door, peer).await
        }
        Err(error) => {
            let (head, proxy, peer) = (&request.head, &tunnel.proxy, tunnel.peer.clone());
            let way = Door::Tunnel(None).name();
            let mut access = Access::begin(proxy.admin(), &head.method, head.uri.path(), way, peer);
            access.refused(&error);
            access.watch(respond::error(&error, Form::OpenAi, version))
        }
    }
}

/// Logs a handshake that failed; a client that does not trust our CA is told what to set.
pub fn log_rejection(proxy: &Proxy, peer: &Peer, agent: &str, name: &str, error: &AcceptError) {
    let client = peer.address;
    if error.client_distrusts() {
        proxy.distrust().tell(client.ip(), agent, name);
    } else {
        tracing::debug!(%client, error = error as &dyn std::error::Error, "no TLS for {name}");
    }
}

/// Whether the client said by an alert that it does not want what it got (RFC 8446 §6.2).
fn is_alert(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::AlertReceived(_)))
}
