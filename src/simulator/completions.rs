//! Legacy text completions.

use std::iter;

use serde_json::{Value, json};

use super::call::{Answer, Call, is_set, ok, text};
use super::content::Content;
use super::errors::Refusal;
use super::filter;
use super::prompt::{Prompt, words};
use super::service::now;
use super::settings::Kind;
use super::stream::{data, done, event_stream};

/// `POST /completions`
pub(super) async fn create(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let deployment = call.deployment(text(&parameters, "model"), &[Kind::Completion])?;
    let prompt = prompt_of(parameters.get("prompt")).ok_or(Refusal::MissingParameter("prompt"))?;
    let prompt = Prompt::new(prompt, "Completions_Create")?;
    let (id, created, model) = (call.simulator.new_id("cmpl-"), now(), deployment.model.clone());
    let object = move |choices: Value| {
        json!({
            "id": id,
            "object": "text_completion",
            "created": created,
            "model": model,
            "choices": choices,
        })
    };
    if !is_set(&parameters, "stream") {
        let (asked, said) = (prompt.tokens(), words(&prompt.reply()).count());
        let mut whole = object(choice(&prompt.reply(), Some("stop")));
        whole["prompt_filter_results"] = filter::prompt_results();
        whole["usage"] =
            json!({ "prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said });
        return Ok(ok(&whole));
    }
    let mut first = object(json!([]));
    first["prompt_filter_results"] = filter::prompt_results();
    let texts: Vec<String> = words(&prompt.reply()).map(str::to_owned).collect();
    let choices = texts.into_iter().map(|word| choice(&word, None)).chain([choice("", Some("stop"))]);
    let chunks = iter::once(first).chain(choices.map(object));
    let pieces = Box::new(chunks.map(|chunk| data(&chunk)).chain(iter::once_with(done)));
    Ok(event_stream(call.simulator.settings().pace, prompt.maybe_break(pieces)))
}

/// The prompt as text: a text, texts, or tokens, of which only the numbers are known here.
fn prompt_of(prompt: Option<&Value>) -> Option<String> {
    match prompt? {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let word = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
            Some(items.iter().map(word).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

fn choice(text: &str, finish_reason: Option<&str>) -> Value {
    json!([{
        "index": 0,
        "text": text,
        "finish_reason": finish_reason,
        "logprobs": null,
        "content_filter_results": filter::safe(),
    }])
}
