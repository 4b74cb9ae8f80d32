//! Uploads in parts: each part is kept until the upload is complete, and then becomes part of a file.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::call::{Answer, Call, ok};
use super::collection::Collection::{UploadParts, Uploads};
use super::content::Content;
use super::errors::Refusal;
use super::service::now;
use super::{files, objects};

/// `POST /uploads/{id}/parts`
pub(super) async fn add(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let form = content.form().await?;
    let upload = pending(call, objects::own_path(call, "/parts"))?;
    let data = form.file(&["data"]).ok_or(Refusal::MissingParameter("data"))?;
    let data = Bytes::copy_from_slice(data.whole().ok_or(Refusal::InvalidValue("data"))?);
    let part = json!({
        "id": call.simulator.new_id(UploadParts.prefix()),
        "object": UploadParts.kind(),
        "created_at": now(),
        "upload_id": upload["id"],
    });
    objects::keep_with(call, &part, data);
    Ok(ok(&part))
}

/// `POST /uploads/{id}/complete`: the parts in the order that the client names make the file.
pub(super) async fn complete(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let path = objects::own_path(call, "/complete");
    let mut upload = pending(call, path)?;
    let ids = parameters.get("part_ids").and_then(Value::as_array);
    let mut whole = BytesMut::new();
    for id in ids.ok_or(Refusal::MissingParameter("part_ids"))? {
        let part = id.as_str().map(|id| format!("{path}/parts/{id}")).unwrap_or_default();
        let part = call.simulator.contents().get(&part).ok_or(Refusal::InvalidValue("part_ids"))?;
        whole.extend_from_slice(&part);
    }
    if upload["bytes"] != whole.len() {
        return Err(Refusal::InvalidValue("bytes"));
    }
    let text = |name: &str| upload[name].as_str().unwrap_or_default().to_owned();
    let file = files::Description {
        filename: text("filename"),
        purpose: text("purpose"),
        bytes: whole.len() as u64,
    };
    upload["file"] = files::keep(call, file, Some(whole.freeze()));
    upload["status"] = "completed".into();
    objects::keep(call, path, &upload);
    Ok(ok(&upload))
}

/// The upload under this path, unless it was completed or cancelled.
fn pending(call: &Call<'_>, path: &str) -> Result<Value, Refusal> {
    let upload = objects::at(Uploads, call, path)?;
    if upload["status"] == "pending" { Ok(upload) } else { Err(Refusal::InvalidValue("upload_id")) }
}
