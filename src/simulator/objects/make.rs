//! What an object is made of: the parameters that it was asked for with, and what the service adds.

use serde_json::{Map, Value, json};

use super::last_segment;
use crate::simulator::call::{Call, text};
use crate::simulator::collection::Collection;
use crate::simulator::errors::Refusal;
use crate::simulator::service::now;
use crate::simulator::settings::Kind;
use crate::simulator::{files, models};

/// The parameters of one request.
type Parameters = Map<String, Value>;

/// How long an upload may take, in seconds.
const UPLOAD_LIFETIME: u64 = 3600;

/// Makes an object with an id of its own.
pub(super) fn object(
    collection: Collection,
    call: &Call<'_>,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let mut object = match collection {
        Collection::Batches => batch(call, parameters)?,
        Collection::Containers => container(parameters)?,
        Collection::Evals => eval(call, parameters)?,
        Collection::EvalRuns => eval_run(call, parameters)?,
        Collection::FineTuningJobs => fine_tuning_job(call, parameters)?,
        Collection::Uploads => upload(parameters)?,
        Collection::VectorStores => vector_store(parameters),
        Collection::VectorStoreFiles => vector_store_file(call, parameters)?,
        // A conversation has nothing but its metadata; the others are made elsewhere.
        Collection::Completions
        | Collection::ContainerFiles
        | Collection::Conversations
        | Collection::ConversationItems
        | Collection::UploadParts
        | Collection::Videos => json!({}),
    };
    if object["id"].is_null() {
        object["id"] = call.simulator.new_id(collection.prefix()).into();
    }
    object["object"] = collection.kind().into();
    object["created_at"] = now().into();
    object["metadata"] = parameters.get("metadata").cloned().unwrap_or_default();
    Ok(object)
}

fn batch(call: &Call<'_>, parameters: &Parameters) -> Result<Value, Refusal> {
    let file = needed(parameters, "input_file_id")?;
    let endpoint = needed(parameters, "endpoint")?;
    let window = needed(parameters, "completion_window")?;
    files::check(call, file, "batch", "input_file_id")?;
    Ok(json!({
        "endpoint": endpoint,
        "input_file_id": file,
        "completion_window": window,
        "status": "validating",
        "request_counts": { "total": 0, "completed": 0, "failed": 0 },
    }))
}

fn container(parameters: &Parameters) -> Result<Value, Refusal> {
    let expires_after = json!({ "anchor": "last_active_at", "minutes": 20 });
    Ok(json!({
        "name": needed(parameters, "name")?,
        "status": "running",
        "expires_after": parameters.get("expires_after").unwrap_or(&expires_after),
        "last_active_at": now(),
    }))
}

fn eval(call: &Call<'_>, parameters: &Parameters) -> Result<Value, Refusal> {
    let source =
        parameters.get("data_source_config").ok_or(Refusal::MissingParameter("data_source_config"))?;
    let criteria = parameters.get("testing_criteria").and_then(Value::as_array);
    let criteria = criteria.ok_or(Refusal::MissingParameter("testing_criteria"))?;
    for grader in criteria {
        check_model(call, grader)?;
    }
    Ok(json!({
        "name": parameters.get("name"),
        "data_source_config": source,
        "testing_criteria": criteria,
    }))
}

fn eval_run(call: &Call<'_>, parameters: &Parameters) -> Result<Value, Refusal> {
    let source = parameters.get("data_source").ok_or(Refusal::MissingParameter("data_source"))?;
    check_model(call, source)?;
    let eval = call.id()?;
    Ok(json!({
        "eval_id": eval,
        "name": parameters.get("name"),
        "model": source["model"],
        "data_source": source,
        "status": "queued",
        "report_url": format!("https://{}/evals/{eval}", call.simulator.settings().host),
        "result_counts": { "total": 0, "errored": 0, "failed": 0, "passed": 0 },
        "per_model_usage": [],
        "per_testing_criteria_results": [],
        "error": null,
    }))
}

/// Fine-tuning starts from a base model; the name of a deployment is refused.
fn fine_tuning_job(call: &Call<'_>, parameters: &Parameters) -> Result<Value, Refusal> {
    let model = needed(parameters, "model")?;
    let file = needed(parameters, "training_file")?;
    if !models::is_base_model(call, model) {
        return Err(Refusal::InvalidValue("model"));
    }
    files::check(call, file, "fine-tune", "training_file")?;
    Ok(json!({
        "model": model,
        "training_file": file,
        "validation_file": parameters.get("validation_file"),
        "status": "queued",
        "finished_at": null,
        "fine_tuned_model": null,
        "hyperparameters": { "n_epochs": "auto" },
        "organization_id": "",
        "result_files": [],
        "seed": 0,
        "trained_tokens": null,
        "error": null,
    }))
}

fn upload(parameters: &Parameters) -> Result<Value, Refusal> {
    let octets = parameters.get("bytes").and_then(Value::as_u64).ok_or(Refusal::MissingParameter("bytes"))?;
    let purpose = needed(parameters, "purpose")?;
    needed(parameters, "mime_type")?;
    files::check_purpose(purpose)?;
    Ok(json!({
        "bytes": octets,
        "filename": needed(parameters, "filename")?,
        "purpose": purpose,
        "status": "pending",
        "expires_at": now() + UPLOAD_LIFETIME,
        "file": null,
    }))
}

fn vector_store(parameters: &Parameters) -> Value {
    json!({
        "name": parameters.get("name"),
        "usage_bytes": 0,
        "file_counts": { "in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0 },
        "status": "completed",
        "last_active_at": now(),
    })
}

/// The file goes by its own id there too.
fn vector_store_file(call: &Call<'_>, parameters: &Parameters) -> Result<Value, Refusal> {
    let file = needed(parameters, "file_id")?;
    files::check(call, file, "assistants", "file_id")?;
    Ok(json!({
        "id": file,
        "vector_store_id": last_segment(call.path.trim_end_matches("/files")),
        "usage_bytes": 0,
        "status": "completed",
        "last_error": null,
        "attributes": parameters.get("attributes"),
    }))
}

/// A model in here, if there is one, is a deployment.
fn check_model(call: &Call<'_>, part: &Value) -> Result<(), Refusal> {
    match part["model"].as_str() {
        Some(model) => call.deployment(Some(model), &[Kind::Chat]).map(drop),
        None => Ok(()),
    }
}

fn needed<'a>(parameters: &'a Parameters, name: &'static str) -> Result<&'a str, Refusal> {
    text(parameters, name).ok_or(Refusal::MissingParameter(name))
}
