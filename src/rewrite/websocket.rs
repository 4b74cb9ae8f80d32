//! A WebSocket's opening handshake on its way to Azure and back.

use http::StatusCode;
use http::header::{HeaderValue, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL};

use super::extras::Extra;
use super::refusal::Refusal;
use super::request::{self, UpstreamRequest};
use super::route::{Route, Scope};
use super::{Asked, Mode, Plan, Settings, operation};
use crate::message::{Fields, RequestHead, websocket};

/// The subprotocol of a realtime session.
const REALTIME: &str = "realtime";

/// What clients of the realtime preview offer beside it; the service refuses it since.
const PREVIEW: &str = "openai-beta.realtime-v1";

/// Decides where a WebSocket goes, by the head of its handshake; `None` if Azure has none for the operation.
///
/// # Errors
///
/// As [`plan`](super::plan).
pub fn plan(settings: &Settings, asked: &Asked<'_>) -> Result<Option<Route>, Refusal> {
    if let Mode::Azure(_) = settings.mode
        && !is_carried(asked)
    {
        return Ok(None);
    }
    match super::plan(settings, asked)? {
        Plan::Pass(route) => Ok(Some(route)),
        Plan::Local(_) | Plan::Search(_) => Ok(None),
    }
}

/// Whether a WebSocket is known for the path, or nothing is known of it at all.
fn is_carried(asked: &Asked<'_>) -> bool {
    let Some(path) = operation::canonical(asked.path) else { return true };
    path.strip_prefix("/v1/").is_none_or(|path| operation::find(asked.method, path).is_websocket())
}

/// What is to be changed in the client's messages beside models; `None` where they need not be searched at all, since
/// no name differs on Azure and there is nothing else to be changed.
pub fn searched(settings: &Settings, route: &Route) -> Option<Extra> {
    let Mode::Azure(azure) = &settings.mode else { return None };
    let ours = matches!(route.scope, Scope::V1 | Scope::Deployment | Scope::Resource);
    let extra = azure.extras.for_messages(route.operation);
    (ours && !(settings.models.is_identity() && extra.is_none())).then_some(extra)
}

/// Turns a client's handshake into the one that goes upstream, always as HTTP/1.1 has it. The
/// `Sec-WebSocket-Key` is the caller's affair.
///
/// No extension is offered where messages are searched, so that they come uncompressed. The realtime
/// service on Azure is not offered its preview's subprotocol.
///
/// # Errors
///
/// As [`apply`](super::apply).
pub fn apply(settings: &Settings, route: Route, head: Box<RequestHead>) -> Result<UpstreamRequest, Refusal> {
    let searched = searched(settings, &route).is_some();
    let mut request = request::apply(settings, route, head, None)?.switching();
    let fields = &mut request.head.fields;
    if searched {
        fields.remove(SEC_WEBSOCKET_EXTENSIONS);
    }
    if request.route.realtime && request.route.scope.is_azure() {
        websocket::retain_protocols(fields, |item| item != PREVIEW);
    }
    Ok(request)
}

/// Whether the fields of a handshake offer the realtime subprotocol.
pub fn offers_realtime(fields: &Fields) -> bool {
    websocket::protocols(fields).any(|item| item == REALTIME)
}

/// Names the realtime subprotocol to a client that offered it, if Azure named none: a browser that offered
/// some takes no handshake without one.
pub fn name_protocol(route: &Route, offers_realtime: bool, fields: &mut Fields) {
    if offers_realtime && route.scope.is_azure() && !fields.contains(SEC_WEBSOCKET_PROTOCOL) {
        fields.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(REALTIME));
    }
}

/// Whether this answer to a handshake says that the resource has no WebSocket, and the client has plain
/// HTTP to fall back to. The Codex CLI does so at once on a 426 only: on a 404 it tries seven times, and a 400
/// ends its turn.
pub fn falls_back(route: &Route, status: StatusCode) -> bool {
    let lacking = matches!(status.as_u16(), 400 | 404 | 405 | 426 | 501);
    lacking && route.scope.is_azure() && route.operation == operation::RESPONSES_WEBSOCKET
}
