//! Videos, which are done as soon as they are asked for.

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Answer, Call, ok, text};
use super::collection::Collection::Videos;
use super::content::Content;
use super::crc32::Crc32;
use super::errors::Refusal;
use super::objects;
use super::prompt::Prompt;
use super::service::now;
use super::settings::Kind;

/// How long a video can be had, in seconds.
const LIFETIME: u64 = 86_400;

/// Octets of a video.
const LENGTH: usize = 4096;

/// `POST /videos`, as a form or in JSON
pub(super) async fn create(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let video = if content.is_form() {
        let form = content.form().await?;
        let field = |name: &str| form.field(name).map(str::to_owned);
        video(call, field("model").as_deref(), field("prompt"), [field("seconds"), field("size")])?
    } else {
        let parameters = content.json().await?;
        let field = |name: &str| text(&parameters, name).map(str::to_owned);
        video(call, field("model").as_deref(), field("prompt"), [field("seconds"), field("size")])?
    };
    objects::keep_with(call, &video, picture(&video));
    Ok(ok(&video))
}

/// `POST /videos/{id}/remix`
pub(super) async fn remix(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let path = objects::own_path(call, "/remix");
    let mut video = objects::at(Videos, call, path)?;
    video["remixed_from_video_id"] = video["id"].take();
    video["id"] = call.simulator.new_id(Videos.prefix()).into();
    video["prompt"] = text(&parameters, "prompt").ok_or(Refusal::MissingParameter("prompt"))?.into();
    let made = format!("/videos/{}", video["id"].as_str().unwrap_or_default());
    objects::keep(call, &made, &video);
    call.simulator.contents().put(&made, LENGTH, picture(&video));
    Ok(ok(&video))
}

fn video(
    call: &Call<'_>,
    model: Option<&str>,
    prompt: Option<String>,
    [seconds, size]: [Option<String>; 2],
) -> Result<Value, Refusal> {
    let model = &call.deployment(model, &[Kind::Video])?.model;
    let prompt = prompt.ok_or(Refusal::MissingParameter("prompt"))?;
    Prompt::new(prompt.clone(), "Videos_Create")?;
    Ok(json!({
        "id": call.simulator.new_id(Videos.prefix()),
        "object": Videos.kind(),
        "created_at": now(),
        "completed_at": now(),
        "expires_at": now() + LIFETIME,
        "model": model,
        "prompt": prompt,
        "seconds": seconds.as_deref().unwrap_or("4"),
        "size": size.as_deref().unwrap_or("720x1280"),
        "status": "completed",
        "progress": 100,
        "remixed_from_video_id": null,
        "error": null,
    }))
}

/// Octets that depend on the prompt.
fn picture(video: &Value) -> Bytes {
    let prompt = video["prompt"].as_str().unwrap_or_default();
    Crc32::of(prompt.as_bytes()).value().to_be_bytes().repeat(LENGTH / 4).into()
}
