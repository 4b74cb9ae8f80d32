//! Chat completions that were asked for with `store`, and are not streamed.

use serde_json::{Value, json};

use crate::simulator::call::{self, Answer, Call};
use crate::simulator::collection::Collection::Completions;
use crate::simulator::objects;
use crate::simulator::surface::parameters;

/// Where they are found, on every surface.
const PATH: &str = "/chat/completions";

/// Keeps a completion, and the messages that it answers.
pub(super) fn keep(call: &Call<'_>, completion: &Value, messages: &[Value], metadata: Option<&Value>) {
    let mut completion = completion.clone();
    completion["metadata"] = metadata.cloned().unwrap_or(json!({}));
    let path = format!("{PATH}/{}", completion["id"].as_str().unwrap_or_default());
    objects::keep(call, &path, &completion);
    for (number, message) in messages.iter().enumerate() {
        let id = format!("{}-{number}", completion["id"].as_str().unwrap_or_default());
        let mut message = message.clone();
        message["id"] = id.as_str().into();
        objects::keep(call, &format!("{path}/messages/{id}"), &message);
    }
}

/// `GET /chat/completions`; `model` is that of the completions, not the deployment
pub(in crate::simulator) fn list(call: &Call<'_>, query: &str) -> Answer {
    let model = parameters(query).find(|(name, _)| *name == "model").map(|(_, model)| model);
    let mut found = objects::below(call, PATH);
    found.retain(|completion| model.is_none_or(|model| completion["model"] == model));
    Ok(call::list(found))
}

/// `GET /chat/completions/{id}/messages`, the first one first
pub(in crate::simulator) fn messages(call: &Call<'_>) -> Answer {
    objects::at(Completions, call, objects::own_path(call, "/messages"))?;
    let mut messages = objects::below(call, call.path);
    messages.reverse();
    Ok(call::list(messages))
}
