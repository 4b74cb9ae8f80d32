//! The Responses API. Background work is queued, and never done.

mod socket;

use std::sync::Arc;

use serde_json::{Map, Value, json};

pub(super) use self::socket::answer;
use super::call::{self, Answer, Call, is_set, ok, text};
use super::content::Content;
use super::errors::Refusal;
use super::prompt::{self, Prompt, words};
use super::service::now;
use super::settings::Kind;
use super::stream::{event_stream, named};

/// A response that can be asked for again.
#[derive(Clone)]
pub(super) struct StoredResponse {
    response: Value,
    input: Vec<Value>,
}

/// A response that was made, and the events that lead to it.
struct Made {
    prompt: Prompt,
    response: Value,
    events: Events,
}

type Events = Box<dyn Iterator<Item = Value> + Send>;

/// `POST /responses`
pub(super) async fn create(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let Made { prompt, response, events } = make(call, &parameters)?;
    if !is_set(&parameters, "stream") {
        return Ok(ok(&response));
    }
    let pieces = prompt.maybe_break(Box::new(events.map(|event| named(&event))));
    Ok(event_stream(call.simulator.settings().pace, pieces))
}

fn make(call: &Call<'_>, parameters: &Map<String, Value>) -> Result<Made, Refusal> {
    let model = model_of(call, parameters)?;
    let input = input_of(call, parameters)?;
    let previous = text(parameters, "previous_response_id");
    if let Some(id) = previous.filter(|id| call.simulator.responses().get(id).is_none()) {
        return Err(missing(id));
    }
    let prompt = Prompt::new(prompt::last_said(&input), "Responses_Create")?;
    let output =
        json!([message(&call.simulator.new_id("msg_"), "completed", json!([part(&prompt.reply())]))]);
    let mut response = in_progress(&call.simulator.new_id("resp_"), &model, parameters);
    let events = events(&prompt, response.clone(), output.clone());
    if is_set(parameters, "background") {
        response["status"] = "queued".into();
    } else {
        complete(&mut response, output, &prompt);
    }
    if parameters.get("store") != Some(&Value::Bool(false)) {
        store(call, &response, input);
    }
    Ok(Made { prompt, response, events })
}

/// `GET /responses/{id}`
pub(super) fn get(call: &Call<'_>) -> Answer {
    Ok(ok(&find(call)?.response))
}

/// `GET /responses/{id}/input_items`
pub(super) fn input_items(call: &Call<'_>) -> Answer {
    Ok(call::list(find(call)?.input.clone()))
}

/// `POST /responses/{id}/cancel`
pub(super) fn cancel(call: &Call<'_>) -> Answer {
    let found = find(call)?;
    let StoredResponse { mut response, input } = (*found).clone();
    if response["background"] != true {
        return Err(Refusal::Malformed("Cannot cancel a synchronous response."));
    }
    response["status"] = "cancelled".into();
    store(call, &response, input);
    Ok(ok(&response))
}

/// `DELETE /responses/{id}`
pub(super) fn delete(call: &Call<'_>) -> Answer {
    let id = call.id()?;
    call.simulator.responses().take(id).ok_or_else(|| missing(id))?;
    Ok(ok(&json!({ "id": id, "object": "response.deleted", "deleted": true })))
}

fn find(call: &Call<'_>) -> Result<Arc<StoredResponse>, Refusal> {
    let id = call.id()?;
    call.simulator.responses().get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Refusal {
    Refusal::NoSuchObject { kind: "response", id: id.into() }
}

fn store(call: &Call<'_>, response: &Value, input: Vec<Value>) {
    let id = response["id"].as_str().unwrap_or_default();
    let size = response.to_string().len() + input.iter().map(|item| item.to_string().len()).sum::<usize>();
    call.simulator.responses().put(id, size, Arc::new(StoredResponse { response: response.clone(), input }));
}

/// The base model; `model` may be absent where a stored `prompt` brings its own.
fn model_of(call: &Call<'_>, parameters: &Map<String, Value>) -> Result<String, Refusal> {
    if parameters.contains_key("prompt") && !parameters.contains_key("model") {
        return Ok("gpt-4o".into());
    }
    Ok(call.deployment(text(parameters, "model"), &[Kind::Chat])?.model.clone())
}

/// The input as items, each with an id.
fn input_of(call: &Call<'_>, parameters: &Map<String, Value>) -> Result<Vec<Value>, Refusal> {
    let mut items = match parameters.get("input") {
        Some(Value::String(said)) => {
            let content = json!([{ "type": "input_text", "text": said }]);
            vec![json!({ "type": "message", "role": "user", "content": content })]
        }
        Some(Value::Array(items)) if items.iter().all(Value::is_object) => items.clone(),
        Some(_) => return Err(Refusal::InvalidValue("input")),
        None if parameters.contains_key("prompt") => Vec::new(),
        None => return Err(Refusal::MissingParameter("input")),
    };
    for item in items.iter_mut().filter(|item| item["id"].is_null()) {
        item["id"] = call.simulator.new_id("msg_").into();
    }
    Ok(items)
}

fn in_progress(id: &str, model: &str, parameters: &Map<String, Value>) -> Value {
    let given = |name: &str, default: Value| parameters.get(name).cloned().unwrap_or(default);
    json!({
        "id": id,
        "object": "response",
        "created_at": now(),
        "status": "in_progress",
        "model": model,
        "output": [],
        "error": null,
        "incomplete_details": null,
        "background": given("background", false.into()),
        "instructions": given("instructions", Value::Null),
        "max_output_tokens": given("max_output_tokens", Value::Null),
        "metadata": given("metadata", json!({})),
        "parallel_tool_calls": given("parallel_tool_calls", true.into()),
        "previous_response_id": given("previous_response_id", Value::Null),
        "store": given("store", true.into()),
        "temperature": given("temperature", json!(1.0)),
        "text": given("text", json!({ "format": { "type": "text" } })),
        "tool_choice": given("tool_choice", "auto".into()),
        "tools": given("tools", json!([])),
        "top_p": given("top_p", json!(1.0)),
        "truncation": given("truncation", "disabled".into()),
        "usage": null,
        "user": given("user", Value::Null),
    })
}

fn complete(response: &mut Value, output: Value, prompt: &Prompt) {
    let (asked, said) = (prompt.tokens(), words(&prompt.reply()).count());
    response["status"] = "completed".into();
    response["output"] = output;
    response["usage"] = json!({
        "input_tokens": asked,
        "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": said,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": asked + said,
    });
}

/// The events of a stream; there is no `[DONE]`.
fn events(prompt: &Prompt, started: Value, output: Value) -> Events {
    let reply = prompt.reply();
    let item = output[0].clone();
    let id = item["id"].clone();
    let mut completed = started.clone();
    complete(&mut completed, output, prompt);
    let opened = message(id.as_str().unwrap_or_default(), "in_progress", json!([]));
    let at_part = move |kind: &str, name: &str, value: Value| {
        json!({
            "type": kind,
            "item_id": id,
            "output_index": 0,
            "content_index": 0,
            name: value,
        })
    };
    let before = [
        json!({ "type": "response.created", "response": started }),
        json!({ "type": "response.in_progress", "response": started }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": opened }),
        at_part("response.content_part.added", "part", part("")),
    ];
    let after = [
        at_part("response.output_text.done", "text", reply.as_str().into()),
        at_part("response.content_part.done", "part", part(&reply)),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
        json!({ "type": "response.completed", "response": completed }),
    ];
    let texts: Vec<String> = words(&reply).map(str::to_owned).collect();
    let deltas = texts.into_iter().map(move |word| {
        let mut event = at_part("response.output_text.delta", "delta", word.into());
        // Padding of random length in Azure, against guesses from the sizes of packets.
        event["obfuscation"] = "padding".into();
        event
    });
    let events = before.into_iter().chain(deltas).chain(after).enumerate();
    Box::new(events.map(|(number, mut event)| {
        event["sequence_number"] = number.into();
        event
    }))
}

fn message(id: &str, status: &str, content: Value) -> Value {
    json!({ "id": id, "type": "message", "status": status, "role": "assistant", "content": content })
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}
