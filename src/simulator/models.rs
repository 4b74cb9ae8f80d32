//! The models that can be deployed: a catalogue, not the deployments.

use http::Response;
use serde_json::{Value, json};

use super::call::{self, Answer, Call, ok};
use super::errors::Refusal;
use super::settings::{Deployment, Kind};
use super::surface::Surface;
use crate::message::body::Body;

/// When every simulated model was made.
const CREATED: u64 = 1_715_367_049;

/// `GET /models`
pub(super) fn list(call: &Call<'_>) -> Response<Body> {
    call::list(catalogue(call).map(|deployment| shown(call.surface, deployment)).collect())
}

/// `GET /models/{model}`
pub(super) fn get(call: &Call<'_>) -> Answer {
    let id = call.id()?;
    let found = catalogue(call).find(|deployment| deployment.model == id);
    let missing = || Refusal::NoSuchObject { kind: "model", id: id.into() };
    Ok(ok(&shown(call.surface, found.ok_or_else(missing)?)))
}

/// Whether `model` is a base model of this resource. The name of a deployment is not.
pub(super) fn is_base_model(call: &Call<'_>, model: &str) -> bool {
    catalogue(call).any(|deployment| deployment.model == model)
}

/// One deployment of each base model.
fn catalogue<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a Deployment> {
    let deployments = &call.simulator.settings().deployments;
    let is_first =
        |(index, of): &(usize, &Deployment)| deployments[..*index].iter().all(|d| d.model != of.model);
    deployments.iter().enumerate().filter(is_first).map(|(_, deployment)| deployment)
}

/// v1 has OpenAI's form; the classic surface tells capabilities and has neither `created` nor `owned_by`.
fn shown(surface: Surface, deployment: &Deployment) -> Value {
    let (id, kind) = (&deployment.model, deployment.kind);
    if surface == Surface::V1 {
        return json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "system" });
    }
    json!({
        "id": id,
        "object": "model",
        "status": "succeeded",
        "created_at": CREATED,
        "updated_at": CREATED,
        "lifecycle_status": "generally-available",
        "deprecation": { "inference": CREATED + 5 * 365 * 86_400 },
        "capabilities": {
            "fine_tune": kind == Kind::Chat,
            "inference": true,
            "completion": kind == Kind::Completion,
            "chat_completion": kind == Kind::Chat,
            "embeddings": kind == Kind::Embedding,
        },
    })
}
