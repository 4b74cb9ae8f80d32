//! Sending a request and receiving the head of its response.

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;

use http::header::{HeaderValue, PROXY_AUTHORIZATION, SEC_WEBSOCKET_KEY};
use http::uri::Scheme;
use http::{StatusCode, Uri, Version};
use http_body_util::BodyExt;
use thiserror::Error;

use super::connection::{Connection, Content};
use super::connector::{ConnectTimeout, Connector};
use super::expect::{Said, expecting};
use super::parent::ParentError;
use super::phases::{Alive, FirstByteTimeout, Noted, first_byte};
use super::pool::{Pool, PoolError};
use super::way::Way;
use super::{Http, Settings};
use crate::message::body::{Body, BoxError, Upload};
use crate::message::host_port::HostPort;
use crate::message::interim::Interim;
use crate::message::{Request, RequestHead, Response, ResponseHead, websocket};
use crate::net::activity::Activity;
use crate::net::dial::DialError;
use crate::net::stream::Stream;
use crate::policy::destination::Reach;
use crate::policy::{Denied, Policy};
use crate::rewrite::{self, UpstreamRequest};
use crate::tls::problem::certificate_problem;

/// Pools of connections to origin servers. Clones share it.
#[derive(Clone)]
pub struct Upstream {
    pool: Pool,
    /// For WebSockets, which take connections of their own, of HTTP/1.1.
    websockets: Connector,
    way: Way,
    settings: Arc<Settings>,
}

/// What came of a WebSocket's handshake.
pub enum Opened {
    /// The origin agreed: the head of its 101, and the WebSocket.
    Switched(ResponseHead, Stream),
    /// It answered otherwise.
    Refused(Response<Body>),
}

/// Why there is no response.
#[derive(Debug, Error)]
pub enum SendError {
    /// Looking up, permission or TCP failed.
    #[error("{0}")]
    Dial(String, #[source] BoxError),
    /// The destination resolves to what may not be dialled.
    #[error("{0}")]
    Denied(Denied, #[source] BoxError),
    /// The parent proxy gives no connection.
    #[error("{0}")]
    Parent(String, #[source] BoxError),
    /// The origin server's certificate is not good.
    #[error("the upstream's certificate {0}")]
    Certificate(&'static str, #[source] BoxError),
    /// TLS failed for another reason.
    #[error("TLS with the upstream failed")]
    Tls(#[source] BoxError),
    /// No connection in time.
    #[error("{0}")]
    ConnectTimeout(String, #[source] BoxError),
    /// Connected, but no response in time.
    #[error("{0}")]
    FirstByteTimeout(#[from] FirstByteTimeout),
    /// A 101 that does not agree to the WebSocket that was asked for, or where none was.
    #[error("the upstream switched to something that was not asked for")]
    Handshake,
    /// The connection broke, or what came back is no HTTP response.
    #[error("the upstream broke off before it answered")]
    Broken(#[source] BoxError),
}

// === impl Upstream ===

impl Upstream {
    /// A pool of connections to what resolves within `reach`; they trust what `tls` trusts.
    ///
    /// What one client may reach and another may not is not in one pool: a connection in it is used
    /// by whoever names its host.
    pub fn new(settings: &Settings, policy: Policy, reach: Reach, tls: rustls::ClientConfig) -> Self {
        let way = Way::new(settings, policy.clone(), &tls);
        let over_http1 = Settings { http: Http::Only1, ..settings.clone() };
        let websockets = Connector::new(&over_http1, policy.clone(), reach, way.clone(), tls.clone());
        let pool = Pool::new(Connector::new(settings, policy, reach, way.clone(), tls));
        Self { pool, websockets, way, settings: Arc::new(settings.clone()) }
    }

    /// The way on which its connections are made, for what is no exchange.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Sends a request that the rewrite core made, and waits for the head of the response.
    ///
    /// Dropping the future or the response's content cancels the exchange. A request is sent again only on another
    /// connection, when nothing of it had left on a stale one, or once when the origin server has said that it processed
    /// nothing of it and its content is there as a whole.
    pub async fn send(&self, request: UpstreamRequest, content: Upload) -> Result<Response<Body>, SendError> {
        let (request, activity, said) = self.begin(request, content);
        let over = request.content.over();
        let sending = pin!(self.pool.send(request));
        let (response, taken) = first_byte(sending, &activity, self.settings.first_byte_timeout).await??;
        if response.head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(SendError::Handshake);
        }
        let said = said.map(Said::finally);
        Ok(self.watched(response, activity, move || {
            drop(said);
            // A response may come, and end, before its request does.
            if over.is_so() {
                taken.give_back();
            }
        }))
    }

    /// The request as it goes on a connection, when its content last moved, and the word for which that waits.
    fn begin(&self, request: UpstreamRequest, content: Upload) -> (Request<Noted>, Activity, Option<Said>) {
        let renamed = request.route().is_renamed();
        let mut head = self.head(request);
        let (content, said) = expecting(&head.fields, content);
        hear(&mut head, renamed, said.clone());
        let activity = Activity::start();
        let content = Noted::new(content, activity.clone());
        (Request { head, content }, activity, said)
    }

    /// Sends a WebSocket's handshake on a connection of its own, which the origin's 101 makes the WebSocket.
    /// Any other answer is as [`send`](Self::send) has it.
    ///
    /// Dropping the future or what it opened closes the connection.
    pub async fn open(&self, request: UpstreamRequest) -> Result<Opened, SendError> {
        let (key, renamed) = (request.fields().value_of(SEC_WEBSOCKET_KEY), request.route().is_renamed());
        let mut head = self.head(request);
        hear(&mut head, renamed, None);
        let activity = Activity::start();
        let opening = pin!(async {
            let mut connection =
                Connection::open(&self.websockets, &head.uri).await.map_err(PoolError::Connect)?;
            let content = Noted::new(Upload::empty(), activity.clone());
            let request = Request { head, content };
            match connection.send(request).await {
                Ok(response) => Ok((response, connection)),
                Err(unanswered) => Err(PoolError::Broken(unanswered.error)),
            }
        });
        let (response, connection) =
            first_byte(opening, &activity, self.settings.first_byte_timeout).await??;
        if response.head.status != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Opened::Refused(self.watched(response, activity.clone(), move || drop(connection))));
        }
        if !key.is_some_and(|key| websocket::is_agreed_to(&key, &response.head.fields)) {
            return Err(SendError::Handshake);
        }
        let stream = connection.into_stream().ok_or(SendError::Handshake)?;
        Ok(Opened::Switched(response.head, stream))
    }

    /// The head as it goes on a connection.
    fn head(&self, request: UpstreamRequest) -> Box<RequestHead> {
        let mut head = request.into_head();
        if let Some(credential) = self.credential_for_parent(&head.uri) {
            head.fields.insert(PROXY_AUTHORIZATION, credential);
        }
        head.version = Version::HTTP_11;
        head
    }

    /// The response whose content breaks off after too long a silence of it and of its request, and calls this at its
    /// end.
    fn watched<E>(&self, response: Response<Content>, request: Activity, at_end: E) -> Response<Body>
    where
        E: FnOnce() + Send + Unpin + 'static,
    {
        let Response { mut head, content } = response;
        head.version = Version::HTTP_11;
        let content = Alive::new(content, self.settings.idle_timeout, request, at_end);
        Response { head, content: content.boxed_unsync() }
    }

    /// What a parent proxy wants to see with a plain request; in a tunnel nothing is for it.
    fn credential_for_parent(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme() != Some(&Scheme::HTTP) {
            return None;
        }
        let to = HostPort::parse(uri.authority()?.as_str(), Some(80)).ok()?;
        self.way.parent_for(&to)?.credential().cloned()
    }
}

/// Has responses before the final one told to whom they are for: a 100 to the content that waits for it, all others to
/// the client, if it can be told (RFC 9110 §15.2). Whether the client gets a 100 is decided on its own connection.
fn hear(head: &mut RequestHead, renamed: bool, said: Option<Said>) {
    let client = head.interim.take();
    if said.is_none() && client.is_none() {
        return;
    }
    head.interim = Some(Interim::new(move |early| match (early.status, &said, &client) {
        (StatusCode::CONTINUE, Some(said), _) => said.go_on(),
        (StatusCode::CONTINUE, None, _) | (_, _, None) => {}
        (_, _, Some(client)) => {
            let mut early = early.clone();
            rewrite::response::sanitise(&mut early.fields, renamed);
            client.tell(&early);
        }
    }));
}

// === impl SendError ===

impl From<PoolError> for SendError {
    fn from(error: PoolError) -> Self {
        let error = match error {
            PoolError::Connect(error) => error,
            // With TLS 1.3 the server speaks of the client's certificate when it has been asked already.
            PoolError::Broken(error) => {
                return match certificate_problem(&*error) {
                    Some(problem) => Self::Certificate(problem, error),
                    None => Self::Broken(error),
                };
            }
        };
        if let Some(parent) = cause::<ParentError>(&*error) {
            return Self::Parent(parent.to_string(), error);
        }
        if let Some(problem) = certificate_problem(&*error) {
            return Self::Certificate(problem, error);
        }
        if let Some(ConnectTimeout(limit)) = cause(&*error) {
            return Self::ConnectTimeout(format!("no connection to the upstream within {limit:?}"), error);
        }
        match cause::<DialError>(&*error) {
            Some(DialError::Denied(denied)) => Self::Denied(denied.clone(), error),
            Some(dial) => Self::Dial(dial.to_string(), error),
            None => Self::Tls(error),
        }
    }
}

/// The first error of this type among an error and its causes.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        if let Some(found) = error.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref())) {
            return Some(found);
        }
        next = error.source();
    }
    None
}
