//! Chat completions.

pub(super) mod stored;

use std::iter;

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, is_set, ok, text};
use super::content::Content;
use super::errors::Refusal;
use super::filter;
use super::prompt::{self, Prompt, words};
use super::service::now;
use super::settings::Kind;
use super::stream::{Pieces, data, done, event_stream};

/// What all objects of one completion share.
struct Completion {
    id: String,
    created: u64,
    model: String,
    /// Whether a stream is to tell its usage.
    include_usage: bool,
}

/// `POST /chat/completions`
pub(super) async fn create(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let deployment = call.deployment(text(&parameters, "model"), &[Kind::Chat])?;
    check(&parameters, &deployment.model, call.version)?;
    let messages = parameters.get("messages").and_then(Value::as_array).filter(|list| !list.is_empty());
    let messages = messages.ok_or(Refusal::MissingParameter("messages"))?;
    let prompt = Prompt::new(prompt::last_said(messages), "ChatCompletions_Create")?;
    let completion = Completion {
        id: call.simulator.new_id("chatcmpl-"),
        created: now(),
        model: deployment.model.clone(),
        include_usage: parameters
            .get("stream_options")
            .is_some_and(|options| options["include_usage"] == true),
    };
    if is_set(&parameters, "stream") {
        let pieces = prompt.maybe_break(completion.pieces(&prompt));
        return Ok(event_stream(call.simulator.settings().pace, pieces));
    }
    let whole = completion.whole(&prompt);
    if is_set(&parameters, "store") {
        stored::keep(call, &whole, messages, parameters.get("metadata"));
    }
    Ok(ok(&whole))
}

/// Refuses what the model or the version does not take.
fn check(parameters: &Map<String, Value>, model: &str, version: Option<&str>) -> Result<(), Refusal> {
    let reasons = ["o1", "o3", "o4", "gpt-5"].iter().any(|family| model.starts_with(family));
    if reasons && parameters.contains_key("max_tokens") {
        let advice = "Use 'max_completion_tokens' instead.";
        return Err(Refusal::UnsupportedParameter("max_tokens", advice));
    }
    if parameters.contains_key("stream_options") && version.is_some_and(|day| day < "2024-09-01") {
        return Err(Refusal::UnknownParameter("stream_options"));
    }
    Ok(())
}

// === impl Completion ===

impl Completion {
    fn whole(&self, prompt: &Prompt) -> Value {
        let message = json!({ "role": "assistant", "content": prompt.reply(), "refusal": null });
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "prompt_filter_results": filter::prompt_results(),
            "choices": [{
                "index": 0,
                "message": message,
                "finish_reason": "stop",
                "logprobs": null,
                "content_filter_results": filter::safe(),
            }],
            "usage": usage(prompt),
            "system_fingerprint": null,
        })
    }

    fn pieces(self, prompt: &Prompt) -> Pieces {
        let usage = usage(prompt);
        let words: Vec<String> = words(&prompt.reply()).map(str::to_owned).collect();
        let annotation = prompt.wants_annotations().then(annotation);
        let role = json!({ "role": "assistant", "content": "", "refusal": null });
        let first = [prompt_chunk(), self.chunk(choice(&role, None, &json!({})))];
        let finish = self.chunk(choice(&json!({}), Some("stop"), &json!({})));
        let last = self.include_usage.then(|| {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = usage;
            chunk
        });
        let middle = words
            .into_iter()
            .map(move |word| self.chunk(choice(&json!({ "content": word }), None, &filter::safe())));
        let chunks = first.into_iter().chain(middle).chain(annotation.clone());
        let chunks = chunks.chain([finish]).chain(annotation).chain(last);
        Box::new(chunks.map(|chunk| data(&chunk)).chain(iter::once_with(done)))
    }

    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": null,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }
}

fn choice(delta: &Value, finish_reason: Option<&str>, filter: &Value) -> Value {
    json!([{
        "index": 0,
        "delta": delta,
        "finish_reason": finish_reason,
        "logprobs": null,
        "content_filter_results": filter,
    }])
}

/// The chunk about the prompt with which Azure begins: it has no choices and no id.
fn prompt_chunk() -> Value {
    json!({
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "prompt_filter_results": filter::prompt_results(),
        "choices": [],
    })
}

/// A chunk of the Asynchronous Filter: its choice has no `delta`, and one comes after `finish_reason`.
fn annotation() -> Value {
    json!({
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [{
            "index": 0,
            "finish_reason": null,
            "content_filter_results": filter::safe(),
            "content_filter_offsets": { "check_offset": 0, "start_offset": 0, "end_offset": 9 },
        }],
    })
}

fn usage(prompt: &Prompt) -> Value {
    let (asked, said) = (prompt.tokens(), words(&prompt.reply()).count());
    json!({ "prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said })
}
