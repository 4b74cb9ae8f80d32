//! Batches, vector stores and fine-tuning jobs: objects that are kept and shown, with nothing behind them.

use http::Response;
use http::header::HeaderValue;
use serde_json::{Map, Value, json};

use super::call::{self, Answer, Call, ok, text};
use super::content::Content;
use super::errors::Refusal;
use super::operation::Collection;
use super::service::now;
use super::{files, models};
use crate::message::body::Body;

/// `POST` on a collection
pub(super) async fn create(collection: Collection, call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let object = match collection {
        Collection::Batches => batch(call, &parameters)?,
        Collection::VectorStores => vector_store(call, &parameters),
        Collection::FineTuningJobs => fine_tuning_job(call, &parameters)?,
    };
    keep(collection, call, &object);
    if collection == Collection::VectorStores {
        return Ok(ok(&object));
    }
    let mut response = call.created(&object);
    if collection == Collection::Batches {
        let fields = response.headers_mut();
        fields.insert("deployment-enqueued-tokens", HeaderValue::from_static("0"));
        fields.insert("deployment-maximum-enqueued-tokens", HeaderValue::from_static("1000000"));
    }
    Ok(response)
}

/// `GET` on a collection
pub(super) fn list(collection: Collection, call: &Call<'_>) -> Response<Body> {
    call::list(call.simulator.collection(collection).list())
}

/// `GET` on an object
pub(super) fn get(collection: Collection, call: &Call<'_>) -> Answer {
    find(collection, call).map(|object| ok(&object))
}

/// `POST …/cancel` on an object
pub(super) fn cancel(collection: Collection, call: &Call<'_>) -> Answer {
    let mut object = find(collection, call)?;
    object["status"] = if collection == Collection::Batches { "cancelling" } else { "cancelled" }.into();
    keep(collection, call, &object);
    Ok(ok(&object))
}

/// `DELETE` on an object
pub(super) fn delete(collection: Collection, call: &Call<'_>) -> Answer {
    let object = find(collection, call)?;
    call.simulator.collection(collection).take(call.id()?);
    let kind = format!("{}.deleted", kind(collection));
    Ok(ok(&json!({ "id": object["id"], "object": kind, "deleted": true })))
}

fn batch(call: &Call<'_>, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    let file = text(parameters, "input_file_id").ok_or(Refusal::MissingParameter("input_file_id"))?;
    let endpoint = text(parameters, "endpoint").ok_or(Refusal::MissingParameter("endpoint"))?;
    let window =
        text(parameters, "completion_window").ok_or(Refusal::MissingParameter("completion_window"))?;
    files::check(call, file, "batch", "input_file_id")?;
    Ok(json!({
        "id": call.simulator.new_id("batch_"),
        "object": kind(Collection::Batches),
        "endpoint": endpoint,
        "input_file_id": file,
        "completion_window": window,
        "status": "validating",
        "created_at": now(),
        "request_counts": { "total": 0, "completed": 0, "failed": 0 },
        "metadata": parameters.get("metadata"),
    }))
}

fn vector_store(call: &Call<'_>, parameters: &Map<String, Value>) -> Value {
    json!({
        "id": call.simulator.new_id("vs_"),
        "object": kind(Collection::VectorStores),
        "created_at": now(),
        "name": parameters.get("name"),
        "usage_bytes": 0,
        "file_counts": { "in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0 },
        "status": "completed",
        "last_active_at": now(),
        "metadata": parameters.get("metadata"),
    })
}

/// Fine-tuning starts from a base model; the name of a deployment is refused.
fn fine_tuning_job(call: &Call<'_>, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    let model = text(parameters, "model").ok_or(Refusal::MissingParameter("model"))?;
    let file = text(parameters, "training_file").ok_or(Refusal::MissingParameter("training_file"))?;
    if !models::is_base_model(call, model) {
        return Err(Refusal::InvalidValue("model"));
    }
    files::check(call, file, "fine-tune", "training_file")?;
    Ok(json!({
        "id": call.simulator.new_id("ftjob-"),
        "object": kind(Collection::FineTuningJobs),
        "model": model,
        "training_file": file,
        "validation_file": parameters.get("validation_file"),
        "status": "queued",
        "created_at": now(),
        "finished_at": null,
        "fine_tuned_model": null,
        "hyperparameters": { "n_epochs": "auto" },
        "organization_id": "",
        "result_files": [],
        "seed": 0,
        "trained_tokens": null,
        "error": null,
        "metadata": parameters.get("metadata"),
    }))
}

fn kind(collection: Collection) -> &'static str {
    match collection {
        Collection::Batches => "batch",
        Collection::VectorStores => "vector_store",
        Collection::FineTuningJobs => "fine_tuning.job",
    }
}

fn find(collection: Collection, call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.id()?;
    let missing = || Refusal::NoSuchObject { kind: kind(collection), id: id.into() };
    call.simulator.collection(collection).get(id).ok_or_else(missing)
}

fn keep(collection: Collection, call: &Call<'_>, object: &Value) {
    let id = object["id"].as_str().unwrap_or_default();
    call.simulator.collection(collection).put(id, object.to_string().len(), object.clone());
}
