//! What a simulated resource has.

use std::time::Duration;

use crate::message::redact::Secret;

/// A simulated Azure OpenAI resource.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The resource's key.
    pub key: Secret,
    /// An Entra token that is accepted as a bearer token on every surface.
    pub entra_token: Option<Secret>,
    /// The resource's host name, such as `demo.openai.azure.com`. With TLS, a request for another host
    /// gets a 404, as Azure's front door gives.
    pub host: String,
    /// What `model` (v1) or the path (classic) may name.
    pub deployments: Vec<Deployment>,
    /// The time between two pieces of a streamed answer; with none, each is still written by itself.
    pub pace: Duration,
    /// Whether TLS is spoken, with HTTP/2 or HTTP/1.1 by ALPN. Without it, HTTP/1.1 for any host.
    pub tls: bool,
}

/// A model deployed under a name of the operator's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// What requests name.
    pub name: String,
    /// The base model behind it, which answers show as their `model`.
    pub model: String,
    /// Which operations it can do.
    pub kind: Kind,
}

/// What a deployed model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Chat completions and responses.
    Chat,
    /// Legacy text completions.
    Completion,
    /// Embeddings.
    Embedding,
    /// Transcription and translation by Whisper, which the v1 surface does not find.
    Whisper,
    /// Transcription by the gpt-4o-transcribe family.
    Transcribe,
    /// Text to speech.
    Speech,
    /// Image generation and edits.
    Image,
    /// Realtime sessions.
    Realtime,
    /// Videos.
    Video,
}

// === impl Settings ===

impl Settings {
    /// A resource with a deployment of every kind. Some are named like their model, some are not, so that a
    /// model map has something to do.
    pub fn demo(key: Secret) -> Self {
        let deployments = [
            ("demo-gpt-4o", "gpt-4o", Kind::Chat),
            ("gpt-4o-mini", "gpt-4o-mini", Kind::Chat),
            ("gpt-35-turbo", "gpt-35-turbo", Kind::Chat),
            ("demo-o4-mini", "o4-mini", Kind::Chat),
            ("gpt-35-turbo-instruct", "gpt-35-turbo-instruct", Kind::Completion),
            ("demo-embedding", "text-embedding-3-small", Kind::Embedding),
            ("demo-whisper", "whisper", Kind::Whisper),
            ("gpt-4o-transcribe", "gpt-4o-transcribe", Kind::Transcribe),
            ("demo-tts", "tts", Kind::Speech),
            ("demo-image", "gpt-image-1", Kind::Image),
            ("gpt-realtime", "gpt-realtime", Kind::Realtime),
            ("demo-sora", "sora-2", Kind::Video),
        ];
        Self {
            key,
            entra_token: None,
            host: "demo.openai.azure.com".into(),
            deployments: deployments.map(|(name, model, kind)| Deployment::new(name, model, kind)).into(),
            pace: Duration::from_millis(20),
            tls: true,
        }
    }
}

// === impl Deployment ===

impl Deployment {
    /// Deploys `model` as `name`.
    pub fn new(name: &str, model: &str, kind: Kind) -> Self {
        Self { name: name.into(), model: model.into(), kind }
    }
}
