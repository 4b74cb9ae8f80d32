//! One exchange: plan, read only as far as the model, apply, send, normalise, stream back.

use std::time::Instant;

use http::header::{HeaderValue, ORIGIN};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Response, Version};

use super::access::Access;
use super::admission::{self, Door};
use super::content::{self, Bounds, Held};
use super::normalise::normalise;
use super::received::{Content, Received};
use super::respond::{self, Form};
use super::{Peer, Proxy, culprit, upgrade};
use crate::admin;
use crate::error::Error;
use crate::message;
use crate::message::body::{self, Body};
use crate::message::host_port::HostPort;
use crate::rewrite::local::Answer;
use crate::rewrite::{self, Asked, Entry, Plan, Route, Search, response};

/// Answers a request for an OpenAI host, whichever way it came in.
pub async fn exchange(
    proxy: &Proxy,
    request: Received,
    host: &HostPort,
    path: &PathAndQuery,
    entry: Entry,
    door: Door<'_>,
    peer: Peer,
) -> Response<Body> {
    let version = request.version();
    let origin = request.headers().get(ORIGIN).cloned();
    let (mut parts, content) = request.into_parts();
    let admitted = admission::admit_exchange(proxy, &mut parts, &peer, door);
    let request = Request::from_parts(parts, content);
    let mut access = Access::begin(proxy.admin(), request.method(), path.path(), door.name(), peer);
    match admitted {
        Err(error) => conclude(Err(error), access, version, origin.as_ref()),
        Ok(key) => {
            access.admitted(key);
            if upgrade::is_asked_for(&request) {
                // Boxed: few requests ask for one, and all others would be moved about with room for it.
                return Box::pin(upgrade::exchange(proxy, request, host, path, entry, access)).await;
            }
            let answered = answer(proxy, request, host, path, entry, origin.as_ref(), &mut access).await;
            conclude(answered, access, version, origin.as_ref())
        }
    }
}

/// Answers an error as OpenAI would, and has the access logged when the answer is over.
pub(super) fn conclude(
    answered: Result<Response<Body>, Error>,
    mut access: Access,
    version: Version,
    origin: Option<&HeaderValue>,
) -> Response<Body> {
    let response = answered.unwrap_or_else(|error| {
        access.refused(&error);
        let mut response = respond::error(&error, Form::OpenAi, version);
        response::allow_origin(response.headers_mut(), origin);
        response
    });
    access.watch(response)
}

async fn answer(
    proxy: &Proxy,
    request: Received,
    host: &HostPort,
    path: &PathAndQuery,
    entry: Entry,
    origin: Option<&HeaderValue>,
    access: &mut Access,
) -> Result<Response<Body>, Error> {
    if let Some(answered) = admin::identify_at(proxy.admin(), request.method(), path.path()) {
        return answered;
    }
    let settings = proxy.rewrite();
    let (parts, content) = request.into_parts();
    let asked = Asked {
        method: &parts.method,
        path: path.path(),
        query: path.query(),
        fields: &parts.headers,
        host,
        entry,
    };
    match rewrite::plan(settings, &asked)? {
        Plan::Local(answer) => Ok(local(answer, origin)),
        Plan::Pass(route) => {
            let content = content::pass(content);
            send(proxy, parts, route, None, |_| content, origin, access).await
        }
        Plan::Search(search) => searched(proxy, parts, content, search, origin, access).await,
    }
}

/// Reads as far as the model, then sends.
async fn searched(
    proxy: &Proxy,
    mut parts: Parts,
    content: Content,
    mut search: Search,
    origin: Option<&HeaderValue>,
    access: &mut Access,
) -> Result<Response<Body>, Error> {
    let settings = proxy.rewrite();
    let bounds =
        Bounds { octets: proxy.limits().buffered_content, idle: proxy.upstream_settings().idle_timeout };
    let mut held = Held::until_found(content, &mut search, bounds).await?;
    access.waited(held.waited());
    let (route, mut splice) = search.settle(settings)?;
    if search.needs_whole(splice.as_ref()) {
        let before = held.waited();
        let whole = held.whole(&mut search, bounds).await?;
        access.waited(held.waited() - before);
        if let Some(reworked) = search.rework(settings, &whole, splice.take())? {
            if reworked.decoded {
                tracing::info!("compressed content had to be changed: it is sent on decoded");
            }
            reworked.fit_fields(&mut parts.headers);
            held.replace(reworked.content.into());
        }
    }
    let release = |declared| held.release(splice.clone(), search, declared);
    send(proxy, parts, route, splice.as_ref(), release, origin, access).await
}

async fn send(
    proxy: &Proxy,
    parts: Parts,
    route: Route,
    splice: Option<&rewrite::Splice>,
    content: impl FnOnce(Option<u64>) -> Body,
    origin: Option<&HeaderValue>,
    access: &mut Access,
) -> Result<Response<Body>, Error> {
    access.routed(&route, proxy.rewrite());
    let request = rewrite::apply(proxy.rewrite(), route, parts, splice)?;
    let declared = message::content::length(request.fields()).ok().flatten();
    let route = request.route().clone();
    let (content, culprit) = culprit::watch(content(declared));
    let begun = Instant::now();
    let sent = proxy.upstream().send(request, content).await;
    let answered = match sent {
        // Its own work is little; where it waits at all, it waits for the content of a short answer.
        Ok(response) => Ok(normalise(proxy.rewrite(), &route, response, origin).await),
        Err(failed) => Err(culprit.explain(failed)),
    };
    access.waited(begun.elapsed());
    answered
}

fn local(answer: Answer, origin: Option<&HeaderValue>) -> Response<Body> {
    let mut response = Response::new(body::full(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.fields;
    response::allow_origin(response.headers_mut(), origin);
    response
}
