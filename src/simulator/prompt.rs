//! What the user said, and what the simulated model says to it.

use std::iter;

use serde_json::Value;

use super::errors::Refusal;
use super::stream::Pieces;

/// Characters of the prompt that the reply repeats.
const MAX_ECHO: usize = 2000;

/// Pieces of a stream before it breaks off.
pub(super) const BEFORE_BREAK: usize = 3;

/// A prompt that the content filter and the quota let pass.
#[derive(Debug)]
pub(super) struct Prompt(String);

// === impl Prompt ===

impl Prompt {
    /// Takes the text unless one of the simulator's special words asks for a refusal.
    pub(super) fn new(text: String, operation: &'static str) -> Result<Self, Refusal> {
        if text.contains("[blocked]") {
            return Err(Refusal::ContentFilter);
        }
        if text.contains("[429]") { Err(Refusal::RateLimited(operation)) } else { Ok(Self(text)) }
    }

    /// What the model says.
    pub(super) fn reply(&self) -> String {
        let echo: String = self.0.chars().take(MAX_ECHO).collect();
        format!("You said: {echo}")
    }

    /// The simulated number of tokens.
    pub(super) fn tokens(&self) -> usize {
        words(&self.0).count()
    }

    /// Whether the stream is to carry the Asynchronous Filter's chunks.
    pub(super) fn wants_annotations(&self) -> bool {
        self.0.contains("[async-filter]")
    }

    /// Whether the answer is to break off.
    pub(super) fn breaks(&self) -> bool {
        self.0.contains("[broken]")
    }

    /// Lets a stream break off, if the prompt asks for it.
    pub(super) fn maybe_break(&self, pieces: Pieces) -> Pieces {
        if !self.breaks() {
            return pieces;
        }
        let error = || Err("the prompt asked for a broken stream".into());
        Box::new(pieces.take(BEFORE_BREAK).chain(iter::once_with(error)))
    }
}

/// The words of a text, each with the space behind it: the simulated tokens.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// The text of a message's `content`: a text, or parts of which some have a `text`.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// The text of the last message of the user, or of the last one at all.
pub(super) fn last_said(messages: &[Value]) -> String {
    let by_user = messages.iter().rfind(|message| message["role"] == "user");
    by_user.or(messages.last()).map_or_else(String::new, |message| text_of(&message["content"]))
}
