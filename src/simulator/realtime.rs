//! Realtime: client secrets, and sessions over WebSocket.

mod conversation;

use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

pub(super) use self::conversation::Conversation;
use super::call::{Answer, Call, ok, text};
use super::content::Content;
use super::errors::Refusal;
use super::service::now;
use super::settings::Kind;
use super::surface::parameters;
use super::websocket;

/// How long a client secret is good for, in seconds.
const SECRET_LIFETIME: u64 = 600;

/// `POST /realtime/client_secrets`
pub(super) async fn client_secret(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let mut session = parameters.get("session").cloned().ok_or(Refusal::MissingParameter("session"))?;
    let fields = session.as_object().ok_or(Refusal::InvalidValue("session"))?;
    text(fields, "model").ok_or(Refusal::MissingParameter("session.model"))?;
    check_models(call, fields)?;
    session["id"] = call.simulator.new_id("sess_").into();
    session["object"] = "realtime.session".into();
    let value = call.simulator.new_id("ek_");
    Ok(ok(&json!({ "value": value, "expires_at": now() + SECRET_LIFETIME, "session": session })))
}

/// `GET /realtime` as a WebSocket: with a deployment, with a call to join, or for transcription.
pub(super) fn open(call: &Call<'_>, head: &Parts) -> Answer {
    let query = head.uri.query().unwrap_or_default();
    let needs_no_model =
        parameters(query).any(|pair| pair.0 == "call_id" || pair == ("intent", "transcription"));
    match model_in(query) {
        None if needs_no_model => {}
        model => drop(call.deployment(model.as_deref(), &[Kind::Realtime])?),
    }
    websocket::agree(head)
}

fn model_in(query: &str) -> Option<String> {
    let (_, model) = parameters(query).find(|(name, _)| *name == "model")?;
    Some(percent_decode_str(model).decode_utf8_lossy().into_owned())
}

/// Both models in a session are deployments in Azure, the nested one of the transcription too.
fn check_models(call: &Call<'_>, session: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(model) = text(session, "model") {
        call.deployment(Some(model), &[Kind::Realtime])?;
    }
    let input = session.get("audio").map_or(&Value::Null, |audio| &audio["input"]["transcription"]);
    let preview = session.get("input_audio_transcription").unwrap_or(&Value::Null);
    for model in [input, preview].into_iter().filter_map(|transcription| transcription["model"].as_str()) {
        call.deployment(Some(model), &[Kind::Transcribe, Kind::Whisper])?;
    }
    Ok(())
}
