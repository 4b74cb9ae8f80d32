//! Objects that are made, kept, shown, changed and deleted, with nothing behind them.
//!
//! One store has them all, each under the path by which it is asked for: `/evals/{id}/runs/{id}`, say, on every
//! surface that has evals. What lies below an object is in its collections; it stays when the object goes, and
//! nobody finds it then.

mod make;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;
use serde_json::{Value, json};

use super::call::{self, Answer, Call, ok};
use super::collection::Collection;
use super::content::Content;
use super::errors::Refusal;
use super::stream::typed;
use crate::message::body;

/// What an update may change; each kind has some of these.
const CHANGEABLE: &[&str] = &["metadata", "name", "attributes"];

/// `POST` on a collection, with parameters in JSON
pub(super) async fn create(collection: Collection, call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    check_owner(call)?;
    let parameters = content.json().await?;
    let object = make::object(collection, call, &parameters)?;
    keep_new(call, &object);
    if !collection.is_job() {
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
pub(super) fn list(call: &Call<'_>) -> Answer {
    check_owner(call)?;
    Ok(call::list(below(call, call.path)))
}

/// `GET` on an object
pub(super) fn get(collection: Collection, call: &Call<'_>) -> Answer {
    find(collection, call).map(|object| ok(&object))
}

/// `GET …/content` on an object
pub(super) fn content(collection: Collection, media_type: &'static str, call: &Call<'_>) -> Answer {
    let path = own_path(call, "/content");
    let content = call.simulator.contents().get(path).ok_or_else(|| missing(collection, path))?;
    Ok(typed(StatusCode::OK, media_type, body::full(content)))
}

/// `POST` on an object, which changes what the parameters name
pub(super) async fn update(collection: Collection, call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let mut object = find(collection, call)?;
    for (name, value) in parameters.iter().filter(|(name, _)| CHANGEABLE.contains(&name.as_str())) {
        object[name] = value.clone();
    }
    keep(call, call.path, &object);
    Ok(ok(&object))
}

/// `POST …/cancel` on an object, or `POST` on a run
pub(super) fn cancel(collection: Collection, call: &Call<'_>) -> Answer {
    let path = own_path(call, "/cancel");
    let mut object = at(collection, call, path)?;
    object["status"] = collection.cancelled().into();
    keep(call, path, &object);
    Ok(ok(&object))
}

/// `DELETE` on an object
pub(super) fn delete(collection: Collection, call: &Call<'_>) -> Answer {
    let object = find(collection, call)?;
    call.simulator.objects().take(call.path);
    call.simulator.contents().take(call.path);
    if collection == Collection::ConversationItems {
        let items = call.path.rsplit_once('/').map_or("", |(items, _)| items);
        return owner(call, items).map(|conversation| ok(&conversation));
    }
    let mut answer = json!({ "object": format!("{}.deleted", collection.kind()), "deleted": true });
    answer[collection.deleted_id()] = object["id"].clone();
    Ok(ok(&answer))
}

/// Keeps an object that was made in the collection that was asked, together with its content.
pub(super) fn keep_with(call: &Call<'_>, object: &Value, content: Bytes) {
    let path = keep_new(call, object);
    call.simulator.contents().put(&path, content.len(), content);
}

/// Keeps an object that was made in the collection that was asked; returns its path.
pub(super) fn keep_new(call: &Call<'_>, object: &Value) -> String {
    let path = format!("{}/{}", call.path, object["id"].as_str().unwrap_or_default());
    keep(call, &path, object);
    path
}

/// Keeps an object under this path.
pub(super) fn keep(call: &Call<'_>, path: &str, object: &Value) {
    call.simulator.objects().put(path, object.to_string().len(), object.clone());
}

/// The object that was asked for by its own path.
pub(super) fn find(collection: Collection, call: &Call<'_>) -> Result<Value, Refusal> {
    at(collection, call, call.path)
}

/// The object under this path.
pub(super) fn at(collection: Collection, call: &Call<'_>, path: &str) -> Result<Value, Refusal> {
    call.simulator.objects().get(path).ok_or_else(|| missing(collection, path))
}

/// The objects of the collection with this path, the newest first.
pub(super) fn below(call: &Call<'_>, path: &str) -> Vec<Value> {
    let is_in = |of: &str| of.rsplit_once('/').is_some_and(|(collection, _)| collection == path);
    call.simulator.objects().list(is_in)
}

/// The path without what it asks of the object.
pub(super) fn own_path<'a>(call: &Call<'a>, action: &str) -> &'a str {
    call.path.strip_suffix(action).unwrap_or(call.path)
}

/// Refuses a collection of an object that was never made; one of the resource's own has no id in its path.
pub(super) fn check_owner(call: &Call<'_>) -> Result<(), Refusal> {
    match call.id {
        Some(_) => owner(call, call.path).map(drop),
        None => Ok(()),
    }
}

/// The object that the collection with this path belongs to.
fn owner(call: &Call<'_>, collection: &str) -> Result<Value, Refusal> {
    let path = collection.rsplit_once('/').map_or("", |(owner, _)| owner);
    let missing = || Refusal::NoSuchObject { kind: "object", id: last_segment(path).into() };
    call.simulator.objects().get(path).ok_or_else(missing)
}

fn missing(collection: Collection, path: &str) -> Refusal {
    Refusal::NoSuchObject { kind: collection.kind(), id: last_segment(path).into() }
}

fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
