//! Transcription, translation and speech.

use std::iter;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::call::{Answer, Call, ok, text};
use super::content::Content;
use super::crc32::Crc32;
use super::errors::Refusal;
use super::multipart::{Form, Part};
use super::prompt::{Prompt, words};
use super::settings::{Deployment, Kind};
use super::stream::{data, event_stream, paced, typed};
use super::surface::Surface;
use crate::message::body::{self, Body};

/// Pieces in which speech comes.
const SPEECH_PIECES: usize = 4;

/// Bytes of one piece of speech.
const SPEECH_PIECE: usize = 1024;

/// `POST /audio/transcriptions`
pub(super) async fn transcribe(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let form = content.form().await?;
    hear(call, &form, &[Kind::Whisper, Kind::Transcribe], "transcribe")
}

/// `POST /audio/translations`
pub(super) async fn translate(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let form = content.form().await?;
    hear(call, &form, &[Kind::Whisper], "translate")
}

/// `POST /audio/speech`
pub(super) async fn speak(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    call.deployment(text(&parameters, "model"), &[Kind::Speech])?;
    let input = text(&parameters, "input").ok_or(Refusal::MissingParameter("input"))?;
    parameters.get("voice").ok_or(Refusal::MissingParameter("voice"))?;
    let media_type = match text(&parameters, "response_format").unwrap_or("mp3") {
        "mp3" => "audio/mpeg",
        "opus" => "audio/ogg",
        "aac" => "audio/aac",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        "pcm" => "audio/pcm",
        _ => return Err(Refusal::InvalidValue("response_format")),
    };
    let prompt = Prompt::new(input.into(), "Audio_Speech")?;
    let noise = Bytes::from(Crc32::of(input.as_bytes()).value().to_be_bytes().repeat(SPEECH_PIECE / 4));
    let pieces = iter::repeat_n(noise, SPEECH_PIECES).map(Ok);
    let content = paced(call.simulator.settings().pace, prompt.maybe_break(Box::new(pieces)));
    Ok(typed(StatusCode::OK, media_type, content))
}

/// Says about a recording what a reader of the answer needs to know that all of it arrived.
fn hear(call: &Call<'_>, form: &Form, kinds: &[Kind], task: &str) -> Answer {
    let deployment = call.deployment(form.field("model"), kinds)?;
    if call.surface == Surface::V1 && deployment.kind == Kind::Whisper {
        return Err(Refusal::DeploymentNotFound);
    }
    let file = form.file(&["file"]).ok_or(Refusal::MissingParameter("file"))?;
    let heard = heard(file);
    if deployment.kind == Kind::Transcribe && form.field("stream") == Some("true") {
        return Ok(stream(call, &heard));
    }
    let plain = |text: String| Ok(typed(StatusCode::OK, "text/plain; charset=utf-8", body::full(text)));
    match form.field("response_format").unwrap_or("json") {
        "json" => Ok(ok(&short(deployment, &heard))),
        "verbose_json" => Ok(ok(&verbose(task, &heard))),
        "text" => plain(format!("{heard}\n")),
        "srt" => plain(format!("1\n00:00:00,000 --> 00:00:01,000\n{heard}\n\n")),
        "vtt" => plain(format!("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{heard}\n\n")),
        _ => Err(Refusal::InvalidValue("response_format")),
    }
}

fn heard(file: &Part) -> String {
    let name = file.filename.as_deref().unwrap_or_default();
    format!("I heard {} bytes of {name} with the CRC-32 {}.", file.length, file.checksum)
}

fn short(deployment: &Deployment, heard: &str) -> Value {
    let mut answer = json!({ "text": heard });
    if deployment.kind == Kind::Transcribe {
        let said = words(heard).count();
        answer["usage"] =
            json!({ "type": "tokens", "input_tokens": 10, "output_tokens": said, "total_tokens": 10 + said });
    }
    answer
}

fn verbose(task: &str, heard: &str) -> Value {
    json!({
        "task": task,
        "language": "english",
        "duration": 1.0,
        "text": heard,
        "segments": [{
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 1.0,
            "text": heard,
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": -0.1,
            "compression_ratio": 1.0,
            "no_speech_prob": 0.0,
        }],
    })
}

fn stream(call: &Call<'_>, heard: &str) -> Response<Body> {
    let texts: Vec<String> = words(heard).map(str::to_owned).collect();
    let deltas = texts.into_iter().map(|word| json!({ "type": "transcript.text.delta", "delta": word }));
    let events = deltas.chain([json!({ "type": "transcript.text.done", "text": heard })]);
    event_stream(call.simulator.settings().pace, Box::new(events.map(|event| data(&event))))
}
