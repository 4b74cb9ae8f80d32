//! An origin's response, made ready for the client: its head, and what is to be done about its content.

use std::str::FromStr;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    CONTENT_TYPE, HeaderName, HeaderValue,
};
use thiserror::Error;

use super::decode::is_coded;
use super::request::fit_length;
use super::route::{Route, Scope};
use super::{Mode, Settings, sse};
use crate::message::{Fields, ResponseHead, hop_by_hop};

pub mod error;

/// Where OpenAI's clients look for the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where Azure puts it.
const APIM_REQUEST_ID: HeaderName = HeaderName::from_static("apim-request-id");

/// How the contents of Azure's answers are handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As OpenAI would have written them, where clients break otherwise.
    #[default]
    OpenAi,
    /// As Azure wrote them.
    AsIs,
}

/// The text names no style.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("answers are handed on either \"openai\" or \"as-is\"")]
pub struct StyleError;

/// What is to be done about a response's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Nothing.
    Pass,
    /// Its events are read by a [`sse::Normaliser`].
    Events(sse::Events),
    /// It is short and goes through [`error::complete`] whole.
    Error,
}

/// Takes out what concerns the hop to the origin or speaks for the origin's own name, and puts in
/// what an OpenAI client looks for.
///
/// A browser's page, which names its `Origin` in the request, is let read Azure's answer as it is let read OpenAI's.
pub fn normalise(route: &Route, head: &mut ResponseHead, from_page: bool) {
    let fields = &mut head.fields;
    sanitise(fields, route.renamed);
    if route.scope.is_azure() {
        if !fields.contains(REQUEST_ID) {
            fields.append_copy(REQUEST_ID, APIM_REQUEST_ID);
        }
        if from_page {
            allow_origin(fields);
        }
    }
}

/// Takes out of any response, also of one that comes before the final one, what concerns the hop to the origin or
/// speaks for the origin's own name, where that was renamed: where the client knows another.
pub fn sanitise(fields: &mut Fields, renamed: bool) {
    // The client would hold the name that it asked, ours or OpenAI's, to Azure's policy.
    hop_by_hop::sanitise_without(fields, |name| {
        renamed && name.is_one_of(&["strict-transport-security", "alt-svc"])
    });
}

/// Decides what is to be done about a response's content. Only what Azure says to a client of OpenAI's is touched:
/// nothing that is compressed, and nothing that was asked for in Azure's own form.
///
/// `settings` are those that the route was planned with.
pub fn treatment(settings: &Settings, route: &Route, head: &ResponseHead) -> Treatment {
    let Mode::Azure(azure) = &settings.mode else { return Treatment::Pass };
    let for_openai = matches!(route.scope, Scope::V1 | Scope::Deployment | Scope::Resource);
    if azure.responses == Style::AsIs || !for_openai || is_coded(&head.fields) {
        return Treatment::Pass;
    }
    let failed = head.status.is_client_error() || head.status.is_server_error();
    let media_type = media_type(&head.fields);
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    if is("text/event-stream") {
        return Treatment::Events(match route.operation {
            "chat/completions" | "engines/{}/chat/completions" => sse::Events::ChatCompletions,
            "completions" | "engines/{}/completions" => sse::Events::Completions,
            _ => sse::Events::Any,
        });
    }
    let is_json = || is("application/json") || is("application/problem+json");
    if failed && is_json() { Treatment::Error } else { Treatment::Pass }
}

/// Makes the fields that describe the content true of what it becomes; `length` is `None` where that is not known.
pub fn fit_fields(fields: &mut Fields, length: Option<usize>) {
    fit_length(fields, length.map(|length| length as u64));
}

/// The media type without its parameters; empty if there is none.
fn media_type(fields: &Fields) -> &str {
    let content_type = fields.text(CONTENT_TYPE).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Lets a browser's page read an answer, whichever origin it is of, in place of what upstream said.
/// Without `Access-Control-Allow-Credentials` no cookie of the browser's comes into play.
pub fn allow_origin(fields: &mut Fields) {
    fields.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    fields.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
}

// === impl Style ===

impl FromStr for Style {
    type Err = StyleError;

    fn from_str(text: &str) -> Result<Self, StyleError> {
        match text {
            "openai" => Ok(Self::OpenAi),
            "as-is" => Ok(Self::AsIs),
            _ => Err(StyleError),
        }
    }
}

#[cfg(test)]
mod tests;
