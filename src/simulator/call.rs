//! One request on its way to the operation that serves it.

use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::service::Simulator;
use super::settings::{Deployment, Kind};
use super::stream::json_response;
use super::surface::Surface;
use crate::message::body::Body;

/// An admitted request: its place is known, its credential was right.
pub(super) struct Call<'a> {
    pub(super) simulator: &'a Simulator,
    pub(super) surface: Surface,
    /// The dated version, on the classic surfaces.
    pub(super) version: Option<&'static str>,
    /// The name in a deployment-scoped path.
    pub(super) scope: Option<String>,
    /// What follows the surface's prefix in the path, with its leading slash.
    pub(super) path: &'a str,
    /// The last id in the path.
    pub(super) id: Option<&'a str>,
}

/// An answer or the reason why there is none.
pub(super) type Answer = Result<Response<Body>, Refusal>;

// === impl Call ===

impl<'a> Call<'a> {
    /// What a message on a WebSocket asks for; those are on v1 only.
    pub(super) fn by_message(simulator: &'a Simulator) -> Self {
        Self { simulator, surface: Surface::V1, version: None, scope: None, path: "", id: None }
    }

    /// The deployment that is asked: named by the path where it names one, else by `model`.
    ///
    /// On a deployment-scoped path `model` is not even looked at, as in Azure.
    pub(super) fn deployment(&self, model: Option<&str>, kinds: &[Kind]) -> Result<&Deployment, Refusal> {
        let name = self.scope.as_deref().or(model).ok_or(Refusal::MissingParameter("model"))?;
        let deployments = &self.simulator.settings().deployments;
        let found = deployments.iter().find(|deployment| deployment.name == name);
        let found = found.ok_or(Refusal::DeploymentNotFound)?;
        match kinds.contains(&found.kind) {
            true => Ok(found),
            false => Err(Refusal::OperationNotSupported(found.model.clone())),
        }
    }

    /// The id that the operation's path has.
    pub(super) fn id(&self) -> Result<&str, Refusal> {
        self.id.ok_or(Refusal::NotFound)
    }

    /// The answer to a request that made a file or a job: 201 on the classic surfaces, 200 on v1.
    pub(super) fn created(&self, object: &Value) -> Response<Body> {
        let status = if self.surface == Surface::V1 { StatusCode::OK } else { StatusCode::CREATED };
        json_response(status, object)
    }
}

/// An answer with an object.
pub(super) fn ok(object: &Value) -> Response<Body> {
    json_response(StatusCode::OK, object)
}

/// A whole list in one page.
pub(super) fn list(objects: Vec<Value>) -> Response<Body> {
    let id = |object: Option<&Value>| object.map_or(Value::Null, |object| object["id"].clone());
    let (first, last) = (id(objects.first()), id(objects.last()));
    ok(&json!({ "object": "list", "data": objects, "first_id": first, "last_id": last, "has_more": false }))
}

/// The text parameter `name`.
pub(super) fn text<'a>(parameters: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    parameters.get(name).and_then(Value::as_str)
}

/// Whether the parameter `name` is `true`.
pub(super) fn is_set(parameters: &Map<String, Value>, name: &str) -> bool {
    parameters.get(name).and_then(Value::as_bool) == Some(true)
}
