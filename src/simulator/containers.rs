//! Files in the containers of the code interpreter.

use bytes::Bytes;
use serde_json::json;

use super::call::{Answer, Call, ok};
use super::collection::Collection::ContainerFiles;
use super::content::Content;
use super::errors::Refusal;
use super::objects;
use super::service::now;

/// `POST /containers/{id}/files`, with the file itself
pub(super) async fn add_file(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let form = content.form().await?;
    objects::check_owner(call)?;
    let file = form.file(&["file"]).ok_or(Refusal::MissingParameter("file"))?;
    let data = Bytes::copy_from_slice(file.whole().ok_or(Refusal::InvalidValue("file"))?);
    let object = json!({
        "id": call.simulator.new_id(ContainerFiles.prefix()),
        "object": ContainerFiles.kind(),
        "created_at": now(),
        "container_id": call.id()?,
        "bytes": file.length,
        "path": format!("/mnt/data/{}", file.filename.as_deref().unwrap_or_default()),
        "source": "user",
    });
    objects::keep_with(call, &object, data);
    Ok(ok(&object))
}
