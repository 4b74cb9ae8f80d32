//! The request that goes upstream: sanitised, rewritten, and made nowhere else.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};

use super::operation::RESPONSES_WEBSOCKET;
use super::refusal::Refusal;
use super::route::Route;
use super::splice::Splice;
use super::{Mode, Settings};
use crate::message::{Fields, RequestHead, content, hop_by_hop, websocket};

/// Fields that hold a digest of the content as it was (RFC 9530, RFC 2616 §14.15).
const DIGESTS: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

/// Where Azure looks for the deployment that `image_generation` tools use; OpenAI has no such thing.
const IMAGE_DEPLOYMENT: HeaderName = HeaderName::from_static("x-ms-oai-image-generation-deployment");

/// Asks for the preview of a feature, by OpenAI's names.
const OPENAI_BETA: &str = "openai-beta";

/// The head of a request that may be sent upstream. Only [`apply`] makes one.
#[derive(Debug)]
pub struct UpstreamRequest {
    pub(super) head: Box<RequestHead>,
    pub(super) route: Arc<Route>,
}

/// Turns a client's head into the one that goes upstream: hop-by-hop fields out, the credential in,
/// the target and `Host` those of the route, `Content-Length` that of the spliced content.
///
/// `settings` are those that the route was planned with.
///
/// # Errors
///
/// [`Refusal::Target`] if the route's authority cannot stand in `Host`.
pub fn apply(
    settings: &Settings,
    route: Route,
    mut head: Box<RequestHead>,
    splice: Option<&Splice>,
) -> Result<UpstreamRequest, Refusal> {
    let authority = route.uri.authority().ok_or(Refusal::Target)?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::Target)?;
    match &settings.mode {
        Mode::OpenAi => hop_by_hop::sanitise(&mut head.fields),
        Mode::Azure(azure) => {
            hop_by_hop::sanitise_without(&mut head.fields, |name| {
                route.credential.replaces(azure, name)
                    || (route.realtime && name.is(OPENAI_BETA))
                    || (splice.is_some() && name.is_one_of(&DIGESTS))
            });
            route.credential.write(&mut head.fields);
            let asks = matches!(route.operation, "responses" | RESPONSES_WEBSOCKET)
                && !head.fields.contains(IMAGE_DEPLOYMENT);
            if let Some(deployment) = azure.image_deployment.as_ref().filter(|_| asks) {
                head.fields.insert(IMAGE_DEPLOYMENT, deployment.clone());
            }
        }
    }
    head.fields.insert(HOST, host);
    if let Some(splice) = splice {
        let declared = content::length(&head.fields).ok().flatten();
        declare(&mut head.fields, declared.and_then(|declared| splice.length_after(declared)));
    }
    head.uri = route.uri.clone();
    Ok(UpstreamRequest { head, route: Arc::new(route) })
}

/// Makes the fields that describe content true of changed content of this length. Where no length was
/// declared, none is.
pub(super) fn fit_length(fields: &mut Fields, length: Option<u64>) {
    fields.retain(|name| !name.is_one_of(&DIGESTS));
    declare(fields, length.filter(|_| fields.contains(CONTENT_LENGTH)));
}

/// Declares that the content has this length.
fn declare(fields: &mut Fields, length: Option<u64>) {
    match length {
        Some(length) => fields.insert_number(CONTENT_LENGTH, length),
        // Never sent wrong: without it the content is framed by chunks.
        None => fields.remove(CONTENT_LENGTH),
    }
}

// === impl UpstreamRequest ===

impl UpstreamRequest {
    /// The head, whose URI is absolute.
    pub fn into_head(self) -> Box<RequestHead> {
        self.head
    }

    /// The same as a WebSocket's handshake.
    pub fn switching(mut self) -> Self {
        websocket::switch(&mut self.head.fields);
        self
    }

    /// Where it goes.
    pub fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// The fields as they will be sent; the credential is marked as sensitive.
    pub fn fields(&self) -> &Fields {
        &self.head.fields
    }
}
