//! Connections to origin servers for the pool: policy, then TCP, then TLS, under one deadline.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tower_service::Service;

use super::link::Link;
use super::way::{Purpose, ReachError, Way};
use super::{Http, Settings};
use crate::message::body::BoxError;
use crate::message::host_port::{HostPort, HostPortError};
use crate::policy::Policy;
use crate::policy::destination::Reach;

/// Opens connections to what a URI names; TLS for `https`, in HTTP/2 or HTTP/1.1 as the settings and ALPN say.
#[derive(Clone)]
pub struct Connector {
    https: HttpsConnector<Below>,
    http: Http,
    deadline: Duration,
}

/// What is below TLS: asks the policy, then goes the way.
#[derive(Clone)]
struct Below {
    policy: Policy,
    reach: Reach,
    way: Way,
}

/// Why that failed.
#[derive(Debug, Error)]
pub enum BelowError {
    /// The URI names no host.
    #[error("the upstream URI has no usable authority")]
    Authority(#[from] HostPortError),
    /// The destination could not be reached.
    #[error("{0}")]
    Reach(#[from] ReachError),
}

/// DNS, TCP and TLS together took too long.
#[derive(Debug, Error)]
#[error("no connection within {0:?}")]
pub struct ConnectTimeout(pub Duration);

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

// === impl Connector ===

impl Connector {
    /// A connector to what resolves within `reach`, that trusts what `tls` trusts.
    pub fn new(
        settings: &Settings,
        policy: Policy,
        reach: Reach,
        way: Way,
        tls: rustls::ClientConfig,
    ) -> Self {
        let below = Below { policy, reach, way };
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let https = match settings.http {
            Http::Any => builder.enable_all_versions().wrap_connector(below),
            Http::Only1 => builder.enable_http1().wrap_connector(below),
            Http::Only2 => builder.enable_http2().wrap_connector(below),
        };
        Self { https, http: settings.http, deadline: settings.connect_timeout }
    }

    /// Whether HTTP/2 is spoken to what a URI names though nothing was agreed upon.
    pub(super) fn assumes_http2(&self, uri: &Uri) -> bool {
        self.http == Http::Only2 && uri.scheme() != Some(&Scheme::HTTP)
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<Link>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, deadline) = (self.https.call(uri), self.deadline);
        Box::pin(async move {
            match tokio::time::timeout(deadline, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(ConnectTimeout(deadline).into()),
            }
        })
    }
}

// === impl Below ===

impl Service<Uri> for Below {
    type Response = TokioIo<Link>;
    type Error = BelowError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BelowError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BelowError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { policy, reach, way } = self.clone();
        Box::pin(async move {
            let plain = uri.scheme_str() == Some("http");
            let (purpose, default_port) = if plain { (Purpose::Plain, 80) } else { (Purpose::Opaque, 443) };
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            let permitted = policy.permit(HostPort::parse(authority, Some(default_port))?, reach);
            // The configuration names no origin server in clear but on this machine.
            let permitted = if plain { permitted.chosen() } else { permitted };
            let link = way.reach(&permitted, purpose).await?;
            Ok(TokioIo::new(if plain { link } else { link.below_tls() }))
        })
    }
}
