//! Which surface a request goes to, and the URL for it.

use http::Uri;

use super::{Settings, Surface, target};
use crate::rewrite::credential::Credential;
use crate::rewrite::finding::Fault;
use crate::rewrite::model_map::ModelMap;
use crate::rewrite::operation::{self, Home, ModelIn, Operation};
use crate::rewrite::refusal::Refusal;
use crate::rewrite::route::{Route, Scope};

/// A request that lacks nothing but its model to be routed.
#[derive(Debug)]
pub(in crate::rewrite) struct Draft {
    pub(in crate::rewrite) operation: &'static Operation,
    /// The path after `/v1/`.
    pub(in crate::rewrite) path: Box<str>,
    pub(in crate::rewrite) query: Option<Box<str>>,
    pub(in crate::rewrite) credential: Credential,
}

/// Where on Azure an operation is asked for.
#[derive(Clone, Copy)]
enum Place<'a> {
    V1,
    Deployment(&'a str),
    Resource,
}

/// Whether an operation cannot be routed before its model is known.
pub(in crate::rewrite) fn needs_model(settings: &Settings, operation: &Operation) -> bool {
    match operation.home {
        Home::Transcription => true,
        Home::Deployment => operation.model == ModelIn::Path || settings.is_classic(),
        Home::Resource | Home::V1 | Home::Retired | Home::Unsupported | Home::Local => false,
    }
}

/// Whether the model may decide where an operation goes: where it has to be known, and where the operator names
/// classic models, which go elsewhere than others.
pub(in crate::rewrite) fn hangs_on_model(settings: &Settings, operation: &Operation) -> bool {
    let by_name = operation.home == Home::Deployment && !settings.classic_models.is_empty();
    by_name || needs_model(settings, operation)
}

// === impl Draft ===

impl Draft {
    /// Decides where the request goes, given the model that was found in it.
    pub(in crate::rewrite) fn settle(
        &self,
        settings: &Settings,
        map: &ModelMap,
        model: Option<&str>,
    ) -> Result<Route, Refusal> {
        let deployment = model.map(|model| map.deployment(model));
        let place = self.place(settings, model.zip(deployment.as_deref()))?;
        Ok(Route {
            operation: self.operation.name,
            realtime: self.operation.is_realtime(),
            scope: match place {
                Place::V1 => Scope::V1,
                Place::Deployment(_) => Scope::Deployment,
                Place::Resource => Scope::Resource,
            },
            uri: self.uri(settings, map, place)?,
            model: model.map(Into::into),
            deployment: deployment.as_deref().map(Into::into),
            credential: self.credential.clone(),
            renamed: true,
        })
    }

    /// `names` are the model and its deployment.
    fn place<'a>(&self, settings: &Settings, names: Option<(&str, &'a str)>) -> Result<Place<'a>, Fault> {
        let needed = needs_model(settings, self.operation);
        let names = names.filter(|_| hangs_on_model(settings, self.operation));
        match (self.operation.home, names) {
            (Home::Deployment | Home::Transcription, None) if needed => Err(Fault::Missing),
            (Home::Deployment | Home::Transcription, Some((model, deployment)))
                if settings.is_classic()
                    || self.operation.model == ModelIn::Path
                    || self.is_classic_by_name(settings, model, deployment) =>
            {
                Ok(Place::Deployment(deployment))
            }
            (Home::Resource, _) if settings.is_classic() => Ok(Place::Resource),
            (Home::Retired, _) => Ok(Place::Resource),
            (
                Home::Deployment
                | Home::Transcription
                | Home::Resource
                | Home::V1
                | Home::Unsupported
                | Home::Local,
                _,
            ) => Ok(Place::V1),
        }
    }

    /// Whether a deployment is answered below `/openai/deployments/` only.
    fn is_classic_by_name(&self, settings: &Settings, model: &str, deployment: &str) -> bool {
        let transcribes = self.operation.home == Home::Transcription;
        [model, deployment].into_iter().any(|name| {
            settings.classic_models.iter().any(|classic| classic == name) || (transcribes && is_whisper(name))
        })
    }

    fn uri(&self, settings: &Settings, map: &ModelMap, place: Place<'_>) -> Result<Uri, Refusal> {
        let query = self.query.as_deref();
        // Room for the longest of what comes around the path.
        let mut url = settings.endpoint.url(self.path.len() + query.map_or(0, str::len) + 128);
        match place {
            Place::V1 => url.push_str("/openai/v1/"),
            Place::Resource => url.push_str("/openai/"),
            Place::Deployment(deployment) => {
                url.push_str("/openai/deployments/");
                target::push_segment(&mut url, deployment)?;
                url.push('/');
            }
        }
        url.push_str(match self.operation.model {
            // `engines/{model}/completions` is `completions` under the deployment.
            ModelIn::Path => self.path.splitn(3, '/').nth(2).unwrap_or_default(),
            _ => &self.path,
        });
        let version = match place {
            Place::Deployment(_) | Place::Resource => target::Version::Dated(settings.dated()),
            Place::V1 if self.operation.is_realtime() => target::Version::None,
            Place::V1 => target::Version::V1 { preview: settings.surface == Surface::V1 { preview: true } },
        };
        // A call over WebRTC that comes without a session's form names its model there.
        let in_query =
            self.operation.model == ModelIn::Query || operation::CALLS.contains(&self.operation.name);
        let mapped = in_query.then_some(map);
        target::push_query(&mut url, query, version, mapped);
        target::uri(url)
    }
}

fn is_whisper(name: &str) -> bool {
    name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("whisper"))
}
