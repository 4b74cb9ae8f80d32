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

/// `POST /files`
pub(super) async fn upload(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let form = content.form().await?;
    let purpose = form.field("purpose").ok_or(Refusal::MissingParameter("purpose"))?;
    if !PURPOSES.contains(&purpose) {
        return Err(Refusal::InvalidValue("purpose"));
    }
    let file = form.file(&["file"]).ok_or(Refusal::MissingParameter("file"))?;
    let id = call.simulator.new_id("file-");
    let object = json!({
        "id": id,
        "object": "file",
        "bytes": file.length,
        "created_at": now(),
        "filename": file.filename,
        "purpose": purpose,
        "status": "processed",
    });
    let stored = StoredFile { object: object.clone(), content: file.whole().map(Bytes::copy_from_slice) };
    let size = stored.content.as_ref().map_or(0, Bytes::len);
    call.simulator.files().put(&id, size, Arc::new(stored));
    Ok(call.created(&object))
}

/// `GET /files`
pub(super) fn list(call: &Call<'_>) -> Response<Body> {
    call::list(call.simulator.files().list().iter().map(|file| file.object.clone()).collect())
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
