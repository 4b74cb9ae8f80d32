//! The one table of OpenAI's operations (spec 2.3.0, and what its Python package 3.57 has beside), the most used first.

use super::Home::{Deployment, Local, Resource, Retired, Transcription, Unsupported, V1};
use super::ModelIn::{Content, Nowhere, Path, Query, Session};
use super::{Home, ModelIn, Operation, RESPONSES_WEBSOCKET};

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const DELETE: &[&str] = &["DELETE"];
const GET_POST: &[&str] = &["GET", "POST"];
const GET_DELETE: &[&str] = &["GET", "DELETE"];
const GET_POST_DELETE: &[&str] = &["GET", "POST", "DELETE"];
const ANY: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A row whose name is its template.
const fn row(
    methods: &'static [&'static str],
    template: &'static str,
    model: ModelIn,
    home: Home,
) -> Operation {
    Operation { name: template, methods, template, model, home }
}

/// A row whose template would not do as a name.
const fn named(
    name: &'static str,
    methods: &'static [&'static str],
    template: &'static str,
    model: ModelIn,
    home: Home,
) -> Operation {
    Operation { name, methods, template, model, home }
}

/// Every operation that is documented; the first row that covers a request decides.
pub static TABLE: &[Operation] = &[
    row(POST, "chat/completions", Content, Deployment),
    row(POST, "responses", Content, Resource),
    row(POST, "embeddings", Content, Deployment),
    row(POST, "completions", Content, Deployment),
    // Audio and images.
    row(POST, "audio/speech", Content, Deployment),
    row(POST, "audio/transcriptions", Content, Transcription),
    row(POST, "audio/translations", Content, Transcription),
    row(POST, "images/generations", Content, Deployment),
    row(POST, "images/edits", Content, Deployment),
    row(POST, "images/variations", Content, V1),
    row(POST, "moderations", Content, V1),
    row(POST, "decisions", Content, V1),
    // The catalogue.
    row(GET, "models", Nowhere, Local),
    named("models/{}", GET, "models/{*}", Nowhere, Local),
    named("models/{} (delete)", DELETE, "models/{*}", Nowhere, Unsupported),
    // Responses: what came after the last dated api-version is on v1 only.
    named(RESPONSES_WEBSOCKET, GET, "responses", Nowhere, V1),
    row(POST, "responses/compact", Content, V1),
    row(POST, "responses/input_tokens", Content, V1),
    row(GET_DELETE, "responses/{}", Nowhere, Resource),
    row(GET, "responses/{}/input_items", Nowhere, Resource),
    row(POST, "responses/{}/cancel", Nowhere, V1),
    row(GET_POST, "conversations", Nowhere, V1),
    row(GET_POST_DELETE, "conversations/{}", Nowhere, V1),
    row(GET_POST, "conversations/{}/items", Nowhere, V1),
    row(GET_DELETE, "conversations/{}/items/{}", Nowhere, V1),
    // Stored completions. Their `?model=` filters on the model, which the deployment is not.
    named("chat/completions (stored)", GET, "chat/completions", Nowhere, Resource),
    row(GET_POST_DELETE, "chat/completions/{}", Nowhere, Resource),
    row(GET, "chat/completions/{}/messages", Nowhere, Resource),
    // Realtime and live.
    row(GET, "realtime", Query, V1),
    row(GET, "realtime/translations", Query, V1),
    row(POST, "realtime/calls", Session, V1),
    row(POST, "realtime/translations/calls", Session, V1),
    row(POST, "realtime/client_secrets", Session, V1),
    row(POST, "realtime/translations/client_secrets", Session, V1),
    row(POST, "realtime/calls/{}/accept", Content, V1),
    row(POST, "realtime/calls/{}/reject", Nowhere, V1),
    row(POST, "realtime/calls/{}/refer", Nowhere, V1),
    row(POST, "realtime/calls/{}/hangup", Nowhere, V1),
    row(POST, "realtime/sessions", Content, V1),
    row(POST, "realtime/transcription_sessions", Content, V1),
    row(GET, "live", Query, V1),
    row(GET, "live/sessions", Nowhere, V1),
    row(POST, "live/sessions", Session, V1),
    row(POST, "live/sessions/{}/accept", Session, V1),
    row(GET, "live/sessions/{}/attach", Nowhere, V1),
    row(GET_POST, "live/sessions/{}/fork", Nowhere, V1),
    row(GET, "live/sessions/{}/content", Nowhere, V1),
    row(POST, "live/sessions/{}/hangup", Nowhere, V1),
    row(POST, "live/sessions/{}/refer", Nowhere, V1),
    row(POST, "live/sessions/{}/reject", Nowhere, V1),
    // Files, batches, tuning, stores.
    row(GET_POST, "files", Nowhere, Resource),
    row(GET_DELETE, "files/{}", Nowhere, Resource),
    row(GET, "files/{}/content", Nowhere, Resource),
    row(POST, "uploads", Nowhere, Resource),
    row(POST, "uploads/{}/parts", Nowhere, Resource),
    row(POST, "uploads/{}/complete", Nowhere, Resource),
    row(POST, "uploads/{}/cancel", Nowhere, Resource),
    row(GET_POST, "batches", Nowhere, Resource),
    row(GET, "batches/{}", Nowhere, Resource),
    row(POST, "batches/{}/cancel", Nowhere, Resource),
    // The model of a tuning job is the base model's id: no deployment, so nothing to map.
    row(GET_POST, "fine_tuning/jobs", Nowhere, Resource),
    row(GET, "fine_tuning/jobs/{}", Nowhere, Resource),
    row(GET, "fine_tuning/jobs/{}/events", Nowhere, Resource),
    row(GET, "fine_tuning/jobs/{}/checkpoints", Nowhere, Resource),
    row(POST, "fine_tuning/jobs/{}/cancel", Nowhere, Resource),
    row(POST, "fine_tuning/jobs/{}/pause", Nowhere, Resource),
    row(POST, "fine_tuning/jobs/{}/resume", Nowhere, Resource),
    row(POST, "fine_tuning/alpha/graders/run", Nowhere, V1),
    row(POST, "fine_tuning/alpha/graders/validate", Nowhere, V1),
    row(GET_POST, "fine_tuning/checkpoints/{}/permissions", Nowhere, Unsupported),
    row(DELETE, "fine_tuning/checkpoints/{}/permissions/{}", Nowhere, Unsupported),
    row(GET_POST, "vector_stores", Nowhere, Resource),
    row(GET_POST_DELETE, "vector_stores/{}", Nowhere, Resource),
    row(POST, "vector_stores/{}/search", Nowhere, Resource),
    row(GET_POST, "vector_stores/{}/files", Nowhere, Resource),
    row(GET_POST_DELETE, "vector_stores/{}/files/{}", Nowhere, Resource),
    row(GET, "vector_stores/{}/files/{}/content", Nowhere, Resource),
    row(POST, "vector_stores/{}/file_batches", Nowhere, Resource),
    row(GET, "vector_stores/{}/file_batches/{}", Nowhere, Resource),
    row(GET, "vector_stores/{}/file_batches/{}/files", Nowhere, Resource),
    row(POST, "vector_stores/{}/file_batches/{}/cancel", Nowhere, Resource),
    row(GET_POST, "evals", Nowhere, Resource),
    row(GET_POST_DELETE, "evals/{}", Nowhere, Resource),
    row(GET_POST, "evals/{}/runs", Nowhere, Resource),
    row(GET_POST_DELETE, "evals/{}/runs/{}", Nowhere, Resource),
    row(GET, "evals/{}/runs/{}/output_items", Nowhere, Resource),
    row(GET, "evals/{}/runs/{}/output_items/{}", Nowhere, Resource),
    row(GET_POST, "containers", Nowhere, V1),
    row(GET_DELETE, "containers/{}", Nowhere, V1),
    row(GET_POST, "containers/{}/files", Nowhere, V1),
    row(GET_DELETE, "containers/{}/files/{}", Nowhere, V1),
    row(GET, "containers/{}/files/{}/content", Nowhere, V1),
    row(GET_POST, "skills", Nowhere, V1),
    row(GET_POST_DELETE, "skills/{}", Nowhere, V1),
    row(GET, "skills/{}/content", Nowhere, V1),
    row(GET_POST, "skills/{}/versions", Nowhere, V1),
    row(GET_DELETE, "skills/{}/versions/{}", Nowhere, V1),
    row(GET, "skills/{}/versions/{}/content", Nowhere, V1),
    row(POST, "videos", Content, V1),
    row(GET, "videos", Nowhere, V1),
    row(POST, "videos/characters", Nowhere, V1),
    row(GET, "videos/characters/{}", Nowhere, V1),
    row(POST, "videos/edits", Content, V1),
    row(POST, "videos/extensions", Content, V1),
    row(GET_DELETE, "videos/{}", Nowhere, V1),
    row(GET, "videos/{}/content", Nowhere, V1),
    row(POST, "videos/{}/remix", Nowhere, V1),
    // Assistants: an Azure assistant's `model` is a deployment too.
    row(GET, "assistants", Nowhere, Retired),
    row(POST, "assistants", Content, Retired),
    row(POST, "assistants/{}", Content, Retired),
    row(GET_DELETE, "assistants/{}", Nowhere, Retired),
    row(POST, "threads/runs", Content, Retired),
    row(POST, "threads/{}/runs", Content, Retired),
    row(POST, "threads", Nowhere, Retired),
    named("threads/…", ANY, "threads/{*}", Nowhere, Retired),
    // What clients of before 2023 ask for.
    row(POST, "engines/{}/completions", Path, Deployment),
    row(POST, "engines/{}/chat/completions", Path, Deployment),
    row(POST, "engines/{}/embeddings", Path, Deployment),
    // What Azure does not have: management is ARM's there, the rest is OpenAI's own.
    named("organization/…", ANY, "organization/{*}", Nowhere, Unsupported),
    named("projects/…", ANY, "projects/{*}", Nowhere, Unsupported),
    named("chatkit/…", ANY, "chatkit/{*}", Nowhere, Unsupported),
    row(POST, "audio/voices", Nowhere, Unsupported),
    row(GET_POST, "audio/voice_consents", Nowhere, Unsupported),
    row(GET_POST_DELETE, "audio/voice_consents/{}", Nowhere, Unsupported),
    row(POST, "content_provenance_checks", Nowhere, Unsupported),
    // What the Agents SDK tells OpenAI after a run.
    row(POST, "traces/ingest", Nowhere, Unsupported),
];
