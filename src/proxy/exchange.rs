//! One exchange: plan, read only as far as the model, apply, send, normalise, stream back.

use std::sync::Arc;
use std::time::Instant;

use http::Version;
use http::header::ORIGIN;
use http::uri::PathAndQuery;

use super::access::Access;
use super::admission::{self, Door};
use super::content::{self, Bounds, Held};
use super::culprit::{self, Culprit};
use super::normalise::normalise;
use super::received::{Content, Received};
use super::respond::{self, Form};
use super::{Peer, Proxy, upgrade};
use crate::admin;
use crate::error::Error;
use crate::message::body::{self, Body, Upload};
use crate::message::host_port::HostPort;
use crate::message::{self, Request, RequestHead, Response};
use crate::rewrite::local::{Answer, preflight};
use crate::rewrite::{self, Asked, Entry, Plan, Route, Search, UpstreamRequest, response};

/// A request that is ready to be sent.
struct Ready {
    request: UpstreamRequest,
    content: Upload,
    culprit: Culprit,
}

/// Answers a request for an OpenAI host, whichever way it came in.
pub async fn exchange(
    proxy: &Proxy,
    mut request: Received,
    host: &HostPort,
    path: &PathAndQuery,
    entry: Entry,
    door: Door<'_>,
    peer: Peer,
) -> Response<Body> {
    let head = &mut request.head;
    let (version, from_page) = (head.version, head.fields.contains(ORIGIN));
    let admitted = admission::admit_exchange(proxy, head, &peer, door, host);
    // A browser's question cannot carry a key. Answered here it costs nothing, whoever asks.
    let question = admitted.is_err().then(|| preflight(&head.method, &head.fields)).flatten();
    let mut access = Access::begin(proxy.admin(), &head.method, path.path(), door.name(), peer);
    match admitted {
        Err(error) => conclude(question.map(local).ok_or(error), access, version, from_page),
        Ok(key) => {
            access.admitted(key);
            if upgrade::is_asked_for(&request) {
                if let Err(error) = access.stand_apart(version) {
                    return conclude(Err(error), access, version, from_page);
                }
                // Boxed: few requests ask for one, and all others would be moved about with room for it.
                return Box::pin(upgrade::exchange(proxy, request, host, path, entry, access)).await;
            }
            let answered = answer(proxy, request, host, path, entry, from_page, &mut access).await;
            conclude(answered, access, version, from_page)
        }
    }
}

/// Answers an error as OpenAI would, and has the access logged when the answer is over.
pub(super) fn conclude(
    answered: Result<Response<Body>, Error>,
    mut access: Access,
    version: Version,
    from_page: bool,
) -> Response<Body> {
    let response = answered.unwrap_or_else(|error| {
        access.refused(&error);
        let mut response = respond::error(&error, Form::OpenAi, version);
        if from_page {
            response::allow_origin(&mut response.head.fields);
        }
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
    from_page: bool,
    access: &mut Access,
) -> Result<Response<Body>, Error> {
    if let Some(answered) = admin::identify_at(proxy.admin(), &request.head.method, path.path()) {
        access.asks_who_is_here();
        return answered;
    }
    let settings = proxy.rewrite();
    let Request { head, content } = request;
    let asked = Asked {
        method: &head.method,
        path: path.path(),
        query: path.query(),
        fields: &head.fields,
        host,
        entry,
    };
    let ready = match rewrite::plan(settings, &asked)? {
        Plan::Local(answer) => return Ok(local(answer)),
        Plan::Pass(route) => {
            let content = content::pass(content);
            Ready::of(proxy, head, route, None, |_| content, access)?
        }
        Plan::Search(search) => searched(proxy, head, content, search, access).await?,
    };
    ready.send(proxy, from_page, access).await
}

/// Reads as far as the model.
async fn searched(
    proxy: &Proxy,
    mut head: Box<RequestHead>,
    content: Content,
    mut search: Box<Search>,
    access: &mut Access,
) -> Result<Ready, Error> {
    let settings = proxy.rewrite();
    let bounds = Bounds {
        octets: proxy.limits().buffered_content,
        idle: proxy.upstream_settings().idle_timeout,
        store: proxy.store(),
        sender: (access.peer().address.ip(), access.peer().client),
    };
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
            reworked.fit_fields(&mut head.fields);
            held.replace(reworked.content.into());
        }
    }
    let release = |declared| held.release(splice.clone(), *search, declared);
    Ready::of(proxy, head, route, splice.as_ref(), release, access)
}

// === impl Ready ===

impl Ready {
    /// Makes the head, and with the length that it then declares the content.
    fn of(
        proxy: &Proxy,
        head: Box<RequestHead>,
        route: Route,
        splice: Option<&rewrite::Splice>,
        content: impl FnOnce(Option<u64>) -> Upload,
        access: &mut Access,
    ) -> Result<Self, Error> {
        access.routed(&route, proxy.rewrite());
        let request = rewrite::apply(proxy.rewrite(), route, head, splice)?;
        let declared = message::content::length(request.fields()).ok().flatten();
        let (content, culprit) = culprit::watch(content(declared));
        Ok(Self { request, content, culprit })
    }

    async fn send(
        self,
        proxy: &Proxy,
        from_page: bool,
        access: &mut Access,
    ) -> Result<Response<Body>, Error> {
        let Self { request, content, culprit } = self;
        let route = Arc::clone(request.route());
        let begun = Instant::now();
        let sent = proxy.upstream().send(request, content).await;
        let answered = match sent {
            // Its own work is little; where it waits at all, it waits for the content of a short answer.
            Ok(response) => Ok(normalise(proxy.rewrite(), &route, response, from_page).await),
            Err(failed) => Err(culprit.explain(failed)),
        };
        access.waited(begun.elapsed());
        answered
    }
}

fn local(answer: Answer) -> Response<Body> {
    let mut response = Response::new(body::full(answer.body));
    (response.head.status, response.head.fields) = (answer.status, answer.fields);
    response
}
