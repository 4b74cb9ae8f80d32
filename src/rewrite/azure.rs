//! Azure OpenAI: which of its surfaces a request goes to, and how that is written as a URL.

use http::Uri;
use http::header::HeaderName;

use super::credential::Credential;
use super::model_map::ModelMap;
use super::operation::{Home, ModelIn, Operation};
use super::refusal::Refusal;
use super::route::{Route, Scope};
use crate::message::redact::Secret;

pub mod endpoint;
pub mod surface;
mod target;

pub use endpoint::{Endpoint, EndpointError};
pub use surface::{ApiVersion, ApiVersionError, Surface};
pub(super) use target::{refuse_dots, uri};

/// Where Azure OpenAI is and how it is to be spoken to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The resource, project or gateway.
    pub endpoint: Endpoint,
    /// The surface that requests go to wherever they can.
    pub surface: Surface,
    /// The key; without it each client sends its own.
    pub key: Option<Secret>,
    /// The field that carries a key: `api-key`, or what a gateway in front of Azure wants.
    pub key_header: HeaderName,
    /// Models or deployments that go under `/openai/deployments/` on the v1 surface too. Whisper
    /// deployments do so without being listed: v1 answers 404 for them.
    pub classic_models: Vec<String>,
    /// The api-version for what has no v1 form, where `surface` does not give one.
    pub classic_api_version: ApiVersion,
}

/// A request that lacks nothing but its model to be routed.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) operation: &'static Operation,
    /// The path after `/v1/`.
    pub(super) path: Box<str>,
    pub(super) query: Option<Box<str>>,
    pub(super) credential: Credential,
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
        }
    }

    /// The version for a URL that has to have a dated one.
    fn dated(&self) -> &ApiVersion {
        match &self.surface {
            Surface::Classic(version) => version,
            Surface::V1 { .. } => &self.classic_api_version,
        }
    }

    /// Whether a deployment is only answered below `/openai/deployments/`.
    fn is_classic(&self, operation: &Operation, model: &str, deployment: &str) -> bool {
        let listed = |name: &str| self.classic_models.iter().any(|classic| classic == name);
        let whisper = |name: &str| name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("whisper"));
        let transcribes = operation.home == Home::Transcription;
        [model, deployment].into_iter().any(|name| listed(name) || (transcribes && whisper(name)))
    }
}

/// Whether an operation cannot be routed before its model is known.
pub(super) fn needs_model(settings: &Settings, operation: &Operation) -> bool {
    match operation.home {
        Home::Transcription => true,
        Home::Deployment => {
            operation.model == ModelIn::Path || matches!(settings.surface, Surface::Classic(_))
        }
        _ => false,
    }
}

// === impl Draft ===

impl Draft {
    /// Decides where the request goes, given the model that was found in it.
    pub(super) fn settle(
        &self,
        settings: &Settings,
        map: &ModelMap,
        model: Option<&str>,
    ) -> Result<Route, Refusal> {
        let deployment = model.map(|model| map.deployment(model));
        let scope = self.scope(settings, model.zip(deployment));
        let uri = self.uri(settings, map, scope, deployment)?;
        Ok(Route {
            operation: self.operation.name,
            realtime: self.operation.is_realtime(),
            scope,
            uri,
            model: model.map(Into::into),
            deployment: deployment.map(Into::into),
            credential: self.credential.clone(),
            behind_mount: false,
        })
    }

    fn scope(&self, settings: &Settings, names: Option<(&str, &str)>) -> Scope {
        let classic_surface = matches!(settings.surface, Surface::Classic(_));
        match self.operation.home {
            Home::Deployment | Home::Transcription => {
                let in_path = self.operation.model == ModelIn::Path;
                let classic = names.is_some_and(|(m, d)| settings.is_classic(self.operation, m, d));
                if classic_surface || in_path || classic { Scope::Deployment } else { Scope::V1 }
            }
            Home::Resource if classic_surface => Scope::Resource,
            Home::Retired => Scope::Resource,
            Home::Resource | Home::V1 | Home::Unsupported | Home::Local => Scope::V1,
        }
    }

    fn uri(
        &self,
        settings: &Settings,
        map: &ModelMap,
        scope: Scope,
        deployment: Option<&str>,
    ) -> Result<Uri, Refusal> {
        let mut url =
            settings.endpoint.url(self.path.len() + self.query.as_ref().map_or(0, |q| q.len()) + 96);
        match scope {
            Scope::Deployment => {
                let deployment = deployment.ok_or(super::finding::Fault::Missing)?;
                url.push_str("/openai/deployments/");
                target::push_segment(&mut url, deployment)?;
                url.push('/');
                url.push_str(self.path_under_deployment());
            }
            Scope::Resource => {
                url.push_str("/openai/");
                url.push_str(&self.path);
            }
            Scope::V1 | Scope::OpenAi | Scope::Native | Scope::Forwarded => {
                url.push_str("/openai/v1/");
                url.push_str(&self.path);
            }
        }
        let version = match scope {
            Scope::Deployment | Scope::Resource => target::Version::Dated(settings.dated()),
            _ if self.operation.is_realtime() => target::Version::None,
            _ => target::Version::V1 { preview: settings.surface == Surface::V1 { preview: true } },
        };
        let mapped = (self.operation.model == ModelIn::Query).then_some(map);
        target::push_query(&mut url, self.query.as_deref(), version, mapped)?;
        target::uri(url)
    }

    /// `engines/{model}/completions` is `completions` under the deployment.
    fn path_under_deployment(&self) -> &str {
        if self.operation.model != ModelIn::Path {
            return &self.path;
        }
        self.path.splitn(3, '/').nth(2).unwrap_or(&self.path)
    }
}

/// The model of `engines/{model}/…`, decoded.
pub(super) fn model_in_path(path: &str) -> Option<String> {
    path.split('/').nth(1).and_then(target::decode)
}

/// The model of `?model=`, decoded; a second one is refused.
pub(super) fn model_in_query(query: Option<&str>) -> Result<Option<String>, Refusal> {
    target::model_in_query(query)
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
        behind_mount: false,
    })
}
