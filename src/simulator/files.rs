//! Uploaded files.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::call::{self, Answer, Call, ok};
use super::content::Content;
use super::errors::Refusal;
use super::service::now;
use super::stream::typed;
use crate::message::body::{self, Body};

/// The purposes that Azure takes; OpenAI has more.
const PURPOSES: &[&str] = &["assistants", "batch", "fine-tune", "evals"];

/// An uploaded file.
pub(super) struct StoredFile {
    object: Value,
    /// Absent where the file was too large to be kept.
    content: Option<Bytes>,
}

/// What is told about a file before it is there.
pub(super) struct Description {
    pub(super) filename: String,
    pub(super) purpose: String,
    /// Its length.
    pub(super) bytes: u64,
}

/// `POST /files`
pub(super) async fn upload(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let form = content.form().await?;
    let purpose = form.field("purpose").ok_or(Refusal::MissingParameter("purpose"))?;
    check_purpose(purpose)?;
    let file = form.file(&["file"]).ok_or(Refusal::MissingParameter("file"))?;
    let filename = file.filename.clone().unwrap_or_default();
    let description = Description { filename, purpose: purpose.into(), bytes: file.length };
    Ok(call.created(&keep(call, description, file.whole().map(Bytes::copy_from_slice))))
}

/// Keeps a file under a new id; returns the object that shows it.
pub(super) fn keep(call: &Call<'_>, description: Description, content: Option<Bytes>) -> Value {
    let Description { filename, purpose, bytes } = description;
    let id = call.simulator.new_id("file-");
    let object = json!({
        "id": id,
        "object": "file",
        "bytes": bytes,
        "created_at": now(),
        "filename": filename,
        "purpose": purpose,
        "status": "processed",
    });
    let size = content.as_ref().map_or(0, Bytes::len);
    call.simulator.files().put(&id, size, Arc::new(StoredFile { object: object.clone(), content }));
    object
}

/// Refuses a purpose that Azure has no use for.
pub(super) fn check_purpose(purpose: &str) -> Result<(), Refusal> {
    if PURPOSES.contains(&purpose) { Ok(()) } else { Err(Refusal::InvalidValue("purpose")) }
}

/// `GET /files`
pub(super) fn list(call: &Call<'_>) -> Response<Body> {
    call::list(call.simulator.files().list(|_| true).iter().map(|file| file.object.clone()).collect())
}

/// `GET /files/{id}`
pub(super) fn get(call: &Call<'_>) -> Answer {
    Ok(ok(&find(call, call.id()?)?.object))
}

/// `GET /files/{id}/content`; a file above 4 MiB was not kept and has none.
pub(super) fn content(call: &Call<'_>) -> Answer {
    let id = call.id()?;
    let content = find(call, id)?.content.clone().ok_or_else(|| missing(id))?;
    Ok(typed(StatusCode::OK, "application/octet-stream", body::full(content)))
}

/// `DELETE /files/{id}`
pub(super) fn delete(call: &Call<'_>) -> Answer {
    let id = call.id()?;
    call.simulator.files().take(id).ok_or_else(|| missing(id))?;
    Ok(ok(&json!({ "id": id, "object": "file", "deleted": true })))
}

/// Refuses the id of a file that is not there or was uploaded for another purpose.
pub(super) fn check(call: &Call<'_>, id: &str, purpose: &str, name: &'static str) -> Result<(), Refusal> {
    if find(call, id)?.object["purpose"] == purpose { Ok(()) } else { Err(Refusal::InvalidValue(name)) }
}

fn find(call: &Call<'_>, id: &str) -> Result<Arc<StoredFile>, Refusal> {
    call.simulator.files().get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Refusal {
    Refusal::NoSuchObject { kind: "file", id: id.into() }
}
