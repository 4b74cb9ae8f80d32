//! One connection to the proxy: what it speaks, then its requests.

use tokio::io::{AsyncRead, AsyncWrite};

use super::serve::{self, Protocol};
use super::{Peer, Proxy};
use crate::net::sniff::{self, sniff};
use crate::tls::accept::accept;

/// Serves a connection to its end; what goes wrong concerns this client only and is logged.
pub async fn drive<IO>(proxy: Proxy, io: IO, peer: Peer)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = peer.address;
    let head_timeout = proxy.limits().head_timeout;
    let mut stop = peer.shutdown.clone();
    let sniffed = tokio::select! {
        sniffed = tokio::time::timeout(head_timeout, sniff(io)) => sniffed,
        () = stop.requested() => return tracing::debug!(client = %address, "said nothing before the stop"),
    };
    let (protocol, io) = match sniffed {
        Ok(Ok(sniffed)) => sniffed,
        Ok(Err(error)) => {
            return tracing::debug!(client = %address, %error, "closed before the first request");
        }
        Err(_) => return tracing::debug!(client = %address, "said nothing in time"),
    };
    match protocol {
        sniff::Protocol::Http1 => requests(proxy, io, Protocol::Http1, peer).await,
        sniff::Protocol::Http2 => requests(proxy, io, Protocol::Http2, peer).await,
        sniff::Protocol::Unknown => {
            tracing::info!(client = %address, "speaks neither HTTP nor TLS; closed");
        }
        sniff::Protocol::Tls => {
            // Boxed, so that what the handshake needed is free again once it is over.
            if let Some(serving) = Box::pin(over_tls(proxy, io, peer)).await {
                serving.await;
            }
        }
    }
}

/// Ends TLS that is spoken to the proxy itself; what there is to serve then, if the handshake came to its end.
async fn over_tls<IO>(proxy: Proxy, io: IO, peer: Peer) -> Option<impl Future<Output = ()> + Send>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let head_timeout = proxy.limits().head_timeout;
    match accept(io, |sni| proxy.listener_certificate(sni), head_timeout).await {
        Ok(accepted) => {
            let protocol = if accepted.h2 { Protocol::Http2 } else { Protocol::Http1 };
            let sni = accepted.sni.map(Into::into);
            Some(requests(proxy, accepted.stream, protocol, Peer { over_tls: true, sni, ..peer }))
        }
        Err(error) => {
            super::intercept::log_rejection(&proxy, &peer, "", "the proxy itself", &error);
            None
        }
    }
}

fn requests<IO>(
    proxy: Proxy,
    io: IO,
    protocol: Protocol,
    peer: Peer,
) -> impl Future<Output = ()> + Send + use<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, idle) = (proxy.limits().clone(), proxy.upstream_settings().idle_timeout);
    let (address, shutdown) = (peer.address, peer.shutdown.clone());
    let answer = move |request| {
        let proxy = proxy.latest();
        let peer = peer.judged(proxy.access());
        super::dispatch::dispatch(proxy, request, peer)
    };
    let serving = serve::serve(io, protocol, &limits, idle, shutdown, answer);
    async move {
        if let Err(error) = serving.await {
            tracing::debug!(client = %address, %error, "connection ended");
        }
    }
}
