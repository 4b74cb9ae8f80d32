//! The head of an origin's response, made ready for the client; the content is never touched.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALT_SVC,
    HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY,
};
use http::response::Parts;

use super::route::Route;
use crate::message::hop_by_hop;

/// Where OpenAI's clients look for the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where Azure puts it.
const APIM_REQUEST_ID: HeaderName = HeaderName::from_static("apim-request-id");

/// Takes out what concerns the hop to the origin or speaks for the origin's own name, and puts in
/// what an OpenAI client looks for.
///
/// `origin` is the request's `Origin`: a browser that sent one is let read Azure's answer, as it is
/// let read OpenAI's.
pub fn normalise(route: &Route, parts: &mut Parts, origin: Option<&HeaderValue>) {
    let fields = &mut parts.headers;
    hop_by_hop::sanitise(fields);
    if route.renamed {
        // The client would hold the name that it asked, ours or OpenAI's, to Azure's policy.
        fields.remove(STRICT_TRANSPORT_SECURITY);
        fields.remove(ALT_SVC);
    }
    if route.scope.is_azure() {
        if !fields.contains_key(&REQUEST_ID)
            && let Some(id) = fields.get(&APIM_REQUEST_ID).cloned()
        {
            fields.insert(REQUEST_ID, id);
        }
        allow_origin(fields, origin);
    }
}

/// Lets a browser's page read an answer, whichever origin it is of, in place of what upstream said.
/// Without `Access-Control-Allow-Credentials` no cookie of the browser's comes into play.
pub fn allow_origin(fields: &mut HeaderMap, origin: Option<&HeaderValue>) {
    if origin.is_none() {
        return;
    }
    fields.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    fields.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
}

#[cfg(test)]
mod tests;
