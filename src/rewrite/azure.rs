//! Azure OpenAI: which of its surfaces a request goes to, and how that is written as a URL.

use http::header::{HeaderName, HeaderValue};

use super::credential::Credential;
use super::extras::Extras;
use super::refusal::Refusal;
use super::response::Style;
use super::route::{Route, Scope};
use crate::message::redact::Secret;

mod draft;
pub mod endpoint;
pub mod surface;
mod target;

pub(super) use draft::{Draft, hangs_on_model, needs_model};
pub use endpoint::{Endpoint, EndpointError};
pub use surface::{ApiVersion, ApiVersionError, DatedError, Surface};
pub(super) use target::{model_in_path, model_in_query, refuse_dots, uri};

/// Where Azure OpenAI is and how it is to be spoken to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The resource, project or gateway.
    pub endpoint: Endpoint,
    /// The surface that requests go to wherever they can.
    pub surface: Surface,
    /// The key or Entra token; without it each client sends its own.
    pub key: Option<Secret>,
    /// The field that carries a key: `api-key`, or what a gateway in front of Azure wants.
    pub key_header: HeaderName,
    /// Models or deployments that go under `/openai/deployments/` on the v1 surface too. Whisper
    /// deployments do so without being listed: v1 answers 404 for them.
    pub classic_models: Vec<String>,
    /// The api-version for what has no v1 form, where `surface` does not give one.
    pub classic_api_version: ApiVersion,
    /// The deployment that `image_generation` tools in responses use, for clients that name none.
    pub image_deployment: Option<HeaderValue>,
    /// How the contents of answers are handed on.
    pub responses: Style,
    /// What is changed in contents beside the model.
    pub extras: Extras,
}

// === impl Settings ===

impl Settings {
    /// The v1 surface of an endpoint, with each client's own key.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            surface: Surface::V1 { preview: false },
            key: None,
            key_header: HeaderName::from_static("api-key"),
            classic_models: Vec::new(),
            classic_api_version: ApiVersion::default(),
            image_deployment: None,
            responses: Style::default(),
            extras: Extras::default(),
        }
    }

    /// The version for a URL that has to have a dated one.
    fn dated(&self) -> &ApiVersion {
        match &self.surface {
            Surface::Classic(version) => version,
            Surface::V1 { .. } => &self.classic_api_version,
        }
    }

    /// Whether the classic surface is the one to go to.
    fn is_classic(&self) -> bool {
        matches!(self.surface, Surface::Classic(_))
    }
}

/// A request in Azure's own form: another host, everything else as it came.
pub(super) fn native(
    settings: &Settings,
    path: &str,
    query: Option<&str>,
    credential: Credential,
) -> Result<Route, Refusal> {
    let mut url = settings.endpoint.url(path.len() + query.map_or(0, str::len) + 1);
    url.push_str(path);
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    Ok(Route {
        operation: "azure",
        realtime: false,
        scope: Scope::Native,
        uri: target::uri(url)?,
        model: None,
        deployment: None,
        credential,
        renamed: true,
    })
}
