//! WebSockets: the handshake goes the way of a request, what is said then is carried both ways.
//!
//! A client asks for one by HTTP/1.1's `Upgrade` or by HTTP/2's extended CONNECT; upstream it is always the
//! former, on a connection of its own.

mod searched;

use std::time::Duration;

use http::header::{ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Version};
use http_body::Body as _;
use thiserror::Error;

use super::access::{self, Access};
use super::normalise::normalise;
use super::received::{Received, Switch};
use super::{Peer, Proxy, exchange};
use crate::error::{Error, Kind};
use crate::http2::Protocol;
use crate::message::body::{self, Body};
use crate::message::host_port::HostPort;
use crate::message::{Request, RequestHead, Response, ResponseHead, websocket};
use crate::net::relay::{Carried, RelayError, Tally, relay};
use crate::net::stream::Stream;
use crate::policy::destination::Reach;
use crate::rewrite::extras::Extra;
use crate::rewrite::frames::Rewriter;
use crate::rewrite::{self, Asked, Entry, UpstreamRequest};
use crate::tls;
use crate::upstream::send::Opened;
use searched::Searched;

/// A WebSocket that both sides agreed to.
struct Session {
    client: Switch,
    origin: Stream,
    idle: Duration,
    tally: Tally,
}

/// What came of a client's handshake.
enum Answer {
    Switched {
        response: Response<Body>,
        session: Session,
        /// Whether models are to be mapped in what the client says, and what else is to be changed in it.
        searched: Option<Extra>,
    },
    Refused(Response<Body>),
}

/// Why a WebSocket ended before both sides had closed.
#[derive(Debug, Error)]
enum Ended {
    #[error("the client left before the WebSocket stood")]
    Left(#[source] std::io::Error),
    #[error(transparent)]
    Relay(#[from] RelayError),
}

impl Ended {
    /// Whether a side just ended its connection without TLS's word for that. Its last word is the WebSocket's close.
    fn is_bare_end(&self) -> bool {
        let Self::Relay(RelayError::Io(error)) = self else { return false };
        error.kind() == std::io::ErrorKind::UnexpectedEof
    }
}

/// Why a client is told to use plain HTTP.
#[derive(Debug, Error)]
#[error("the upstream answered the handshake with {0}")]
struct NotSwitched(StatusCode);

/// Makes a WebSocket's extended CONNECT the GET that it is in HTTP/1.1 (RFC 8441 §5). Its version and its
/// extension [`Protocol`] still tell them apart.
pub fn without_connect<B>(mut request: Request<B>) -> Request<B> {
    if has_protocol(&request) {
        request.head.method = Method::GET;
    }
    request
}

/// Whether a request asks for a WebSocket. Any other upgrade is ignored (RFC 9110 §7.8), and so is one of a
/// request that has content.
pub fn is_asked_for(request: &Received) -> bool {
    match request.head.version {
        Version::HTTP_2 => request.head.method == Method::GET && has_protocol(request),
        version => {
            websocket::is_asked_for(&request.head.method, version, &request.head.fields)
                && request.content.is_end_stream()
        }
    }
}

fn has_protocol<B>(request: &Request<B>) -> bool {
    request
        .head
        .extensions
        .get::<Protocol>()
        .is_some_and(|protocol| protocol.as_str().eq_ignore_ascii_case("websocket"))
}

/// Refuses an extended CONNECT for any other protocol.
pub fn check_protocol<B>(request: &Request<B>) -> Result<(), Error> {
    let other = request.head.extensions.get::<Protocol>().is_some() && !has_protocol(request);
    if other { Err(Kind::Protocol.into()) } else { Ok(()) }
}

/// Answers a handshake for an OpenAI host, whichever way it came in.
pub async fn exchange(
    proxy: &Proxy,
    request: Received,
    host: &HostPort,
    path: &PathAndQuery,
    entry: Entry,
    mut access: Access,
) -> Response<Body> {
    let (version, from_page) = (request.head.version, request.head.fields.contains(ORIGIN));
    match answer(proxy, request, host, path, entry, from_page, &mut access).await {
        Ok(Answer::Switched { response, session, searched }) => {
            let shutdown = access.shutdown();
            let line = access.session(response.head.status, session.tally.clone());
            tokio::spawn(shutdown.unless_over(session.carry(proxy.clone(), searched, line)));
            response
        }
        Ok(Answer::Refused(response)) => exchange::conclude(Ok(response), access, version, from_page),
        Err(error) => exchange::conclude(Err(error), access, version, from_page),
    }
}

async fn answer(
    proxy: &Proxy,
    mut request: Received,
    host: &HostPort,
    path: &PathAndQuery,
    entry: Entry,
    from_page: bool,
    access: &mut Access,
) -> Result<Answer, Error> {
    let settings = proxy.rewrite();
    let client = Switch::of(&mut request);
    let mut head = request.head;
    let RequestHead { method, fields, version, .. } = &*head;
    let version = *version;
    let asked = Asked { method, path: path.path(), query: path.query(), fields, host, entry };
    let route = rewrite::websocket::plan(settings, &asked)?.ok_or(Kind::Upgrade)?;
    access.routed(&route, settings);
    if version == Version::HTTP_2 {
        let nonce = tls::nonce().map_err(|error| Error::because(Kind::Upgrade, error))?;
        head.fields.insert(SEC_WEBSOCKET_KEY, websocket::key(nonce));
    }
    let offers_realtime = rewrite::websocket::offers_realtime(&head.fields);
    let request = rewrite::websocket::apply(settings, route.clone(), head)?;
    match proxy.upstream().open(request).await? {
        Opened::Refused(response) if rewrite::websocket::falls_back(&route, response.head.status) => {
            Err(Error::because(Kind::Upgrade, NotSwitched(response.head.status)))
        }
        Opened::Refused(response) => {
            Ok(Answer::Refused(normalise(settings, &route, response, from_page).await))
        }
        Opened::Switched(mut head, io) => {
            rewrite::response::normalise(&route, &mut head, from_page);
            rewrite::websocket::name_protocol(&route, offers_realtime, &mut head.fields);
            Ok(Answer::Switched {
                response: switched(head, version),
                session: Session::new(proxy, client, io),
                searched: rewrite::websocket::searched(settings, &route),
            })
        }
    }
}

/// The answer that opens the WebSocket to a client of this version.
fn switched(mut head: ResponseHead, version: Version) -> Response<Body> {
    if version == Version::HTTP_2 {
        head.status = StatusCode::OK;
        head.fields.remove(SEC_WEBSOCKET_ACCEPT);
    } else {
        websocket::switch(&mut head.fields);
    }
    Response { head, content: body::empty() }
}

/// Opens a WebSocket to a host that has nothing to do with OpenAI; the 101 is returned as it came.
pub async fn forward(
    proxy: &Proxy,
    request: UpstreamRequest,
    reach: Reach,
    client: Switch,
    peer: Peer,
) -> Result<Response<Body>, Error> {
    match proxy.forwarding(reach).open(request.switching()).await? {
        Opened::Refused(response) => Ok(response),
        Opened::Switched(head, io) => {
            let session = Session::new(proxy, client, io);
            let tally = session.tally.clone();
            tokio::spawn(async move {
                let ended = peer.shutdown.clone().unless_over(session.relay(None)).await;
                let (client, Carried { up, down }) = (peer.address, tally.carried());
                match ended {
                    Some(Ok(())) => tracing::debug!(%client, up, down, "WebSocket closed"),
                    Some(Err(error)) => tracing::debug!(%client, up, down, %error, "WebSocket broke"),
                    None => tracing::info!(%client, up, down, "WebSocket cut"),
                }
            });
            Ok(Response { head, content: body::empty() })
        }
    }
}

/// The longest silence on a WebSocket. Azure ends one after an hour, the default of the idle timeout, and is
/// to be the one to do so, with a close code.
fn patience(idle: Duration) -> Duration {
    idle.saturating_add(idle / 60)
}

// === impl Session ===

impl Session {
    fn new(proxy: &Proxy, client: Switch, origin: Stream) -> Self {
        Self {
            client,
            origin,
            idle: patience(proxy.upstream_settings().idle_timeout),
            tally: Tally::default(),
        }
    }

    async fn carry(self, proxy: Proxy, searched: Option<Extra>, mut line: access::Session) {
        let models = &proxy.rewrite().models;
        let limit = proxy.limits().buffered_content;
        let rewriter = searched.map(|extra| Rewriter::new(models, limit).with(extra));
        match self.relay(rewriter).await {
            Ok(()) => line.complete(),
            Err(error) if error.is_bare_end() => line.complete(),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "WebSocket broke");
                line.broken();
            }
        }
    }

    async fn relay(self, rewriter: Option<Rewriter<'_>>) -> Result<(), Ended> {
        // Resolves as soon as our answer is written; fails when the client is gone before that.
        let client = self.client.switched().await.map_err(Ended::Left)?;
        let relayed = match rewriter {
            Some(rewriter) => {
                relay(Searched::new(client, rewriter), self.origin, self.idle, &self.tally).await
            }
            None => relay(client, self.origin, self.idle, &self.tally).await,
        };
        Ok(relayed?)
    }
}
