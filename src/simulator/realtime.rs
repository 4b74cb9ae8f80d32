//! Realtime, as far as it is plain HTTP.

use serde_json::{Value, json};

use super::call::{Answer, Call, ok};
use super::content::Content;
use super::errors::Refusal;
use super::service::now;
use super::settings::Kind;

/// How long a client secret is good for, in seconds.
const SECRET_LIFETIME: u64 = 600;

/// `POST /realtime/client_secrets`
///
/// Both models in a session are deployments in Azure, the nested one of the transcription too.
pub(super) async fn client_secret(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let mut session = parameters.get("session").cloned().ok_or(Refusal::MissingParameter("session"))?;
    let model = session["model"].as_str().ok_or(Refusal::MissingParameter("session.model"))?;
    call.deployment(Some(model), &[Kind::Realtime])?;
    let transcription = &session["audio"]["input"]["transcription"]["model"];
    if let Value::String(model) = transcription {
        call.deployment(Some(model), &[Kind::Transcribe, Kind::Whisper])?;
    }
    session["id"] = call.simulator.new_id("sess_").into();
    session["object"] = "realtime.session".into();
    let value = call.simulator.new_id("ek_");
    Ok(ok(&json!({ "value": value, "expires_at": now() + SECRET_LIFETIME, "session": session })))
}
