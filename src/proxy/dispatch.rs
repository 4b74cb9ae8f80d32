//! A request to the proxy itself goes its way: exchange, tunnel, forward, or a page of ours.

use std::sync::Once;

use http::{Method, Version};

use super::access::Access;
use super::admission::{self, Door};
use super::received::Received;
use super::respond::{self, Form};
use super::{Peer, Proxy, connect, exchange, forward, intercept, upgrade};
use crate::admin::metrics::TunnelKind;
use crate::admin::{self, probe};
use crate::error::{Error, Kind};
use crate::message::body::{self, Body};
use crate::message::host_port::{Host, HostPort};
use crate::message::{Fields, Request, RequestHead, Response, via};
use crate::policy::Client;
use crate::policy::access::Right;
use crate::policy::forwarded;
use crate::policy::presented::Role;
use crate::rewrite::{Entry, operation};
use crate::route::{self, InterceptList, OpenRoute, OriginForm};

/// Answers one request on a connection to the proxy itself.
pub async fn dispatch(proxy: Proxy, request: Received, peer: Peer) -> Response<Body> {
    let (version, form) = (request.head.version, form(&request, proxy.intercepted()));
    let (method, uri, client) = (request.head.method.clone(), request.head.uri.clone(), peer.clone());
    match route(&proxy, request, peer).await {
        Ok(response) => response,
        Err(error) => {
            let response = respond::error(&error, form, version);
            if method == Method::CONNECT {
                connect::log_refusal(&client, &uri, &error);
                return response;
            }
            let absolute = uri.scheme().is_some() && version != Version::HTTP_2;
            if absolute && !uri.host().is_some_and(|host| proxy.intercepted().has(host)) {
                // What is plainly forwarded is no exchange, whatever becomes of it.
                return response;
            }
            let way = if absolute { "absolute" } else { "reverse" };
            let mut access = Access::begin(proxy.admin(), &method, uri.path(), way, client);
            access.refused(&error);
            access.watch(response)
        }
    }
}

/// OpenAI's form where the client takes whoever answers for OpenAI, text for all others.
fn form(request: &Received, intercepted: &InterceptList) -> Form {
    // In HTTP/2 every URI has an authority, here the proxy's own.
    let absolute = request.head.version != Version::HTTP_2;
    let host = request.head.uri.host().filter(|_| absolute);
    let openai = host.is_none_or(|host| intercepted.has(host));
    let path = request.head.uri.path();
    let operation = operation::canonical(path).is_some() || !admin::is_page(path);
    if openai && operation && request.head.method != Method::CONNECT { Form::OpenAi } else { Form::Text }
}

async fn route(proxy: &Proxy, mut request: Received, peer: Peer) -> Result<Response<Body>, Error> {
    upgrade::check_protocol(&request)?;
    let head = &mut request.head;
    let version = head.version;
    let RequestHead { method, uri, fields, .. } = &**head;
    let route = route::open(method, uri, version, fields, proxy.intercepted(), peer.over_tls)?;
    let fields = &mut head.fields;
    if via::names_us(fields, proxy.pseudonym()) {
        return Err(Kind::Loop.into());
    }
    match route {
        OpenRoute::Intercept(host) => {
            let peer = peer.apart(version)?;
            let client = admission::admit_interception(proxy, fields, &peer);
            proxy.admin().metrics.tunnel(TunnelKind::Intercepted, client.is_ok());
            Ok(intercept::intercept(proxy.clone(), request, host, client?, peer))
        }
        OpenRoute::Tunnel(to) => {
            let peer = peer.apart(version)?;
            let opened = Box::pin(tunnel(proxy, request, to, peer)).await;
            proxy.admin().metrics.tunnel(TunnelKind::Blind, opened.is_ok());
            opened
        }
        OpenRoute::Exchange(host, path) => {
            let door = Door::Absolute;
            Ok(exchange::exchange(proxy, request, &host, &path, Entry::Intercepted, door, peer).await)
        }
        OpenRoute::Forward(to, path) => {
            let client = admission::admit(proxy, fields, &peer, Right::Proxying, Role::Proxy)?;
            Box::pin(forward::forward(proxy, request, to, &path, peer, &client)).await
        }
        OpenRoute::Asterisk => Ok(Response::new(body::empty())),
        OpenRoute::Origin(form) => origin(proxy, request, form, peer).await,
    }
}

async fn tunnel(
    proxy: &Proxy,
    mut request: Received,
    to: HostPort,
    peer: Peer,
) -> Result<Response<Body>, Error> {
    let client = admission::admit(proxy, &mut request.head.fields, &peer, Right::Proxying, Role::Proxy)?;
    connect::tunnel(proxy, request, to, peer, &client).await
}

/// The reverse route, or one of our own pages.
async fn origin(
    proxy: &Proxy,
    request: Received,
    form: OriginForm,
    peer: Peer,
) -> Result<Response<Body>, Error> {
    route::check_sni(&form.authority, peer.sni.as_deref())?;
    let peer = seen_through(&request.head.fields, peer);
    let door = Door::Reverse(&form.authority);
    if let Some(host) = form.openai {
        return Ok(
            exchange::exchange(proxy, request, &host, &form.path, Entry::Intercepted, door, peer).await
        );
    }
    if operation::canonical(form.path.path()).is_some() {
        let host = openai_host();
        return Ok(exchange::exchange(proxy, request, &host, &form.path, Entry::Mounted, door, peer).await);
    }
    let Request { head, .. } = &request;
    let (method, path, fields) = (&head.method, form.path.path(), &head.fields);
    let administers = peer.client.may_administer();
    if let Some(answered) = probe::respond(method, path, administers.is_ok(), peer.shutdown.is_requested()) {
        return answered;
    }
    // What is no page was meant for OpenAI, whoever asked.
    if !admin::is_page(path) {
        return Err(Kind::NotFound.into());
    }
    administers?;
    let asked = admin::Asked { method, path, fields, authority: &form.authority };
    admin::respond(proxy.admin(), &asked, peer.shutdown)
}

/// A client that another proxy on this machine stands before counts as what it is: somebody elsewhere.
fn seen_through(fields: &Fields, peer: Peer) -> Peer {
    static TOLD: Once = Once::new();
    if peer.client != Client::Loopback || !forwarded::is_from_elsewhere(fields) {
        return peer;
    }
    TOLD.call_once(|| {
        tracing::warn!(
            "another proxy on this machine sends requests of clients elsewhere on to this one; they are served as \
             clients on other machines are, by client keys or allow_anonymous"
        );
    });
    Peer { client: Client::Stranger, ..peer }
}

/// Where the reverse route leads when nothing is rewritten.
fn openai_host() -> HostPort {
    HostPort::new(Host::Name("api.openai.com".into()), 443)
}
