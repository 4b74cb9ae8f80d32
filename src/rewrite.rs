//! From an OpenAI request to the request that is sent upstream: pure, byte-exact.
//!
//! `plan` decides from the head alone wherever it can. Where the model decides, it returns a
//! [`Search`] that reads the content until the model is known and then settles the route. `apply`
//! makes the head that is sent; nothing else can. The only octets of content that change are those of
//! the model's value, and the [`Splice`] says which; [`extras`] change more where they are on.

use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};

use crate::message::host_port::HostPort;
use crate::message::redact::Secret;
use crate::message::{Fields, RequestHead};

pub mod azure;
pub mod credential;
mod decode;
pub mod extras;
pub mod finding;
pub mod forward;
pub mod frames;
pub mod json;
pub mod local;
pub mod model_map;
pub mod multipart;
mod openai;
pub mod operation;
pub mod refusal;
pub mod request;
pub mod response;
pub mod route;
pub mod search;
pub mod splice;
pub mod sse;
pub mod websocket;
mod written;

pub use model_map::ModelMap;
pub use refusal::Refusal;
pub use request::{UpstreamRequest, apply};
pub use route::Route;
pub use search::{Progress, Reworked, Search, Watch};
pub use splice::Splice;

use azure::Draft;
use credential::Credential;
use decode::Coding;
use extras::Extra;
use operation::{Home, ModelIn};
use search::Scanner;

/// Everything that a rewrite depends on beside the request.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who answers.
    pub mode: Mode,
    /// Which deployment answers for which model; of use in azure mode only.
    pub models: ModelMap,
}

/// Who answers.
#[expect(clippy::large_enum_variant, reason = "there is one of them for all requests")]
#[derive(Clone, Debug)]
pub enum Mode {
    /// OpenAI itself: the request goes on as it came.
    OpenAi,
    /// Azure OpenAI.
    Azure(azure::Settings),
}

/// By which way a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The client meant an OpenAI host: inside an intercepted tunnel, or in absolute-form.
    Intercepted,
    /// The client meant us, its base URL.
    Mounted,
}

/// The head of a request, as far as planning looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The path of its target, as written.
    pub path: &'a str,
    /// The query of its target, as written.
    pub query: Option<&'a str>,
    /// Its fields.
    pub fields: &'a Fields,
    /// The OpenAI host that answers in openai mode.
    pub host: &'a HostPort,
    /// The way it came.
    pub entry: Entry,
}

/// What is to be done about a request.
#[derive(Debug)]
pub enum Plan {
    /// Answer it here; nothing goes upstream.
    Local(local::Answer),
    /// Send it; its content is not looked at.
    Pass(Route),
    /// Read its content until the model is known.
    Search(Box<Search>),
}

/// What would become of a request.
#[derive(Debug)]
pub enum Explained {
    /// It is answered here.
    Local(local::Answer),
    /// It is sent like this.
    Sent(UpstreamRequest),
}

// === impl Mode ===

impl Mode {
    /// The field that carries the key to Azure.
    pub fn key_header(&self) -> Option<&HeaderName> {
        match self {
            Self::OpenAi => None,
            Self::Azure(azure) => Some(&azure.key_header),
        }
    }

    /// Who answers, as OpenTelemetry's conventions name providers.
    pub fn provider(&self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Azure(_) => "azure.ai.openai",
        }
    }

    /// The key that is configured here.
    pub fn key(&self) -> Option<&Secret> {
        match self {
            Self::OpenAi => None,
            Self::Azure(azure) => azure.key.as_ref(),
        }
    }

    /// Takes this for the configured key, where one is of use.
    pub fn set_key(&mut self, key: Secret) {
        if let Self::Azure(azure) = self {
            azure.key = Some(key);
        }
    }

    /// Whether requests are paid for with a key that is configured here.
    pub fn holds_key(&self) -> bool {
        self.key().is_some()
    }
}

/// Decides what is to be done about a request, by its head.
///
/// # Errors
///
/// What can be refused without the content is: an operation that Azure does not have, a missing
/// key, a path that is nobody's or would leave the endpoint.
pub fn plan(settings: &Settings, asked: &Asked<'_>) -> Result<Plan, Refusal> {
    match &settings.mode {
        Mode::OpenAi => openai::route(asked).map(Plan::Pass),
        Mode::Azure(azure) => plan_azure(azure, &settings.models, asked),
    }
}

fn plan_azure(settings: &azure::Settings, models: &ModelMap, asked: &Asked<'_>) -> Result<Plan, Refusal> {
    let path = operation::canonical(asked.path).ok_or(Refusal::UnknownPath)?;
    if let Some(answer) = local::preflight(asked.method, asked.fields) {
        return Ok(Plan::Local(answer));
    }
    azure::refuse_dots(&path)?;
    let Some(path) = path.strip_prefix("/v1/") else {
        let operation = operation::find(asked.method, path.strip_prefix("/openai/v1/").unwrap_or_default());
        let credential = Credential::for_azure(settings, asked.fields, operation.name)?;
        return azure::native(settings, &path, asked.query, credential).map(Plan::Pass);
    };
    let operation = operation::find(asked.method, path);
    match operation.home {
        Home::Local => return Ok(Plan::Local(local::models(models, path, asked.fields))),
        Home::Unsupported => return Err(Refusal::Unsupported { operation: operation.name }),
        Home::Deployment | Home::Transcription | Home::Resource | Home::V1 | Home::Retired => {}
    }
    let credential = Credential::for_azure(settings, asked.fields, operation.name)?;
    let draft = Draft { operation, path: path.into(), query: asked.query.map(Into::into), credential };
    let extra = settings.extras.for_request(asked.method, operation, search::content_type(asked.fields));
    let model = match operation.model {
        ModelIn::Content | ModelIn::Session => {
            return plan_search(settings, models, draft, extra, asked.fields);
        }
        ModelIn::Nowhere if !extra.is_none() => {
            return plan_search(settings, models, draft, extra, asked.fields);
        }
        ModelIn::Nowhere => None,
        ModelIn::Query => azure::model_in_query(asked.query)?,
        ModelIn::Path => azure::model_in_path(path),
    };
    draft.settle(settings, models, model.as_deref()).map(Plan::Pass)
}

fn plan_search(
    settings: &azure::Settings,
    models: &ModelMap,
    draft: Draft,
    extra: Extra,
    fields: &Fields,
) -> Result<Plan, Refusal> {
    let needed = azure::needs_model(settings, draft.operation);
    let nothing_to_change = models.is_identity() && extra.is_none();
    let nothing_to_know = !azure::hangs_on_model(settings, draft.operation);
    if nothing_to_change && nothing_to_know && decode::is_coded(fields) {
        return draft.settle(settings, models, None).map(Plan::Pass);
    }
    let coding = Coding::of(fields).map_err(|coding| Refusal::ContentEncoding { coding })?;
    match Scanner::new(draft.operation.model, &extra, fields) {
        Ok(scanner) => Ok(Plan::Search(Box::new(Search::new(draft, extra, coding, scanner, needed)))),
        Err(fault) if needed => Err(fault.into()),
        // Azure judges it.
        Err(_) => draft.settle(settings, models, None).map(Plan::Pass),
    }
}

/// Says what would become of a request that names this model, by the same decisions.
///
/// The content is taken to be JSON, whatever the fields say.
///
/// # Errors
///
/// As [`plan`], [`Search::push`], [`Search::settle`] and [`apply`].
pub fn explain(settings: &Settings, asked: &Asked<'_>, model: Option<&str>) -> Result<Explained, Refusal> {
    let mut fields = asked.fields.clone();
    fields.remove(CONTENT_TYPE);
    fields.remove(CONTENT_ENCODING);
    let asked = Asked { fields: &fields, ..*asked };
    let (route, splice) = match plan(settings, &asked)? {
        Plan::Local(answer) => return Ok(Explained::Local(answer)),
        Plan::Pass(route) => (route, None),
        Plan::Search(mut search) => {
            if let Some(model) = model {
                search.push(search.synthetic(model).as_bytes())?;
            }
            search.end()?;
            search.settle(settings)?
        }
    };
    let head = RequestHead { method: asked.method.clone(), fields, ..RequestHead::default() };
    let request = apply(settings, route, Box::new(head), splice.as_ref())?;
    Ok(Explained::Sent(request))
}

#[cfg(test)]
mod tests;
