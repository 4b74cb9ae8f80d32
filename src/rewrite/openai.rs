//! OpenAI itself: the host that was asked for, everything else as it came.

use super::credential::Credential;
use super::refusal::Refusal;
use super::route::{Route, Scope};
use super::{Asked, Entry, azure, operation};
use crate::message::host_port::HostPort;

/// Routes a request to the OpenAI host it asks for. The path stays as it is written, but for base
/// URLs of ours that are repaired.
pub(super) fn route(asked: &Asked<'_>) -> Result<Route, Refusal> {
    let path = match asked.entry {
        // "*" would become part of the authority.
        Entry::Intercepted if !asked.path.starts_with('/') => return Err(Refusal::UnknownPath),
        Entry::Intercepted => asked.path.into(),
        Entry::Mounted => operation::canonical(asked.path).ok_or(Refusal::UnknownPath)?,
    };
    let mut url = origin(asked.host);
    url.push_str(&path);
    if let Some(query) = asked.query {
        url.push('?');
        url.push_str(query);
    }
    let operation = match operation::canonical(&path) {
        Some(path) => operation::find(asked.method, path.strip_prefix("/v1/").unwrap_or("")),
        None => &operation::UNKNOWN,
    };
    Ok(Route {
        operation: operation.name,
        realtime: operation.is_realtime(),
        scope: Scope::OpenAi,
        uri: azure::uri(url)?,
        model: None,
        deployment: None,
        credential: Credential::as_it_came(),
        renamed: asked.entry == Entry::Mounted,
    })
}

/// Always https: a client that asked a proxy for `http://` is still not sent out in clear text.
fn origin(host: &HostPort) -> String {
    match host.port() {
        80 | 443 => format!("https://{}", host.host()),
        _ => format!("https://{host}"),
    }
}
