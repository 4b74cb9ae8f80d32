//! A realtime session: text in, text out, as events.

use serde_json::{Map, Value, json};

use super::{check_models, model_in};
use crate::simulator::call::{Call, text};
use crate::simulator::errors::Refusal;
use crate::simulator::prompt::{BEFORE_BREAK, Prompt, text_of, words};
use crate::simulator::service::Simulator;
use crate::simulator::websocket::session::Turn;

/// What was said and agreed in one session.
pub(in crate::simulator) struct Conversation<'a> {
    simulator: &'a Simulator,
    session: Value,
    last_said: String,
}

/// A response on its way.
struct Response<'a> {
    conversation: &'a Conversation<'a>,
    /// The response's and its only item's.
    ids: [String; 2],
}

// === impl Conversation ===

impl<'a> Conversation<'a> {
    /// A session that was opened with this query.
    pub(in crate::simulator) fn new(simulator: &'a Simulator, query: &str) -> Self {
        let kind = if model_in(query).is_some() { "realtime" } else { "transcription" };
        let session = json!({
            "id": simulator.new_id("sess_"),
            "object": "realtime.session",
            "type": kind,
            "model": model_in(query),
            "output_modalities": ["text"],
            "instructions": "",
            "tools": [],
        });
        Self { simulator, session, last_said: String::new() }
    }

    /// The event that comes unasked.
    pub(in crate::simulator) fn created(&self) -> Value {
        self.event("session.created", "session", self.session.clone())
    }

    pub(in crate::simulator) fn answer(&mut self, event: &Map<String, Value>) -> Result<Turn, Refusal> {
        let events = match text(event, "type").ok_or(Refusal::MissingParameter("type"))? {
            "session.update" => self.update(event.get("session"))?,
            "conversation.item.create" => self.add(event.get("item"))?,
            "input_audio_buffer.append" => Vec::new(),
            "input_audio_buffer.commit" => {
                let item = self.simulator.new_id("item_");
                vec![self.event("input_audio_buffer.committed", "item_id", item.into())]
            }
            "response.create" => return self.respond(),
            _ => return Err(Refusal::InvalidValue("type")),
        };
        Ok(Turn::Events(Box::new(events.into_iter())))
    }

    fn update(&mut self, change: Option<&Value>) -> Result<Vec<Value>, Refusal> {
        let change = change.and_then(Value::as_object).ok_or(Refusal::MissingParameter("session"))?;
        let call = Call::by_message(self.simulator);
        check_models(&call, change)?;
        for (name, value) in change {
            self.session[name] = value.clone();
        }
        Ok(vec![self.event("session.updated", "session", self.session.clone())])
    }

    fn add(&mut self, item: Option<&Value>) -> Result<Vec<Value>, Refusal> {
        let mut item = item.filter(|item| item.is_object()).cloned();
        let item = item.as_mut().ok_or(Refusal::MissingParameter("item"))?;
        item["id"] = self.simulator.new_id("item_").into();
        item["object"] = "realtime.item".into();
        item["status"] = "completed".into();
        self.last_said = text_of(&item["content"]);
        Ok(["conversation.item.added", "conversation.item.done"]
            .map(|kind| {
                let mut event = self.event(kind, "item", item.clone());
                event["previous_item_id"] = Value::Null;
                event
            })
            .into())
    }

    fn respond(&self) -> Result<Turn, Refusal> {
        if self.last_said.contains("[close]") {
            return Ok(Turn::Close);
        }
        let prompt = Prompt::new(self.last_said.clone(), "Realtime")?;
        let ids = ["resp_", "item_"].map(|prefix| self.simulator.new_id(prefix));
        let events = Response { conversation: self, ids }.events(&prompt);
        Ok(match prompt.breaks() {
            true => Turn::Break(Box::new(events.into_iter().take(BEFORE_BREAK))),
            false => Turn::Events(Box::new(events.into_iter())),
        })
    }

    /// An error as this service has it: with all of OpenAI's members, and the id of the client's event, if it gave one.
    pub(in crate::simulator) fn refused(&self, mut error: Value) -> Value {
        if let Some(error) = error.as_object_mut() {
            error.entry("type").or_insert_with(|| "invalid_request_error".into());
            error.entry("param").or_insert(Value::Null);
            error.insert("event_id".to_owned(), Value::Null);
        }
        self.event("error", "error", error)
    }

    fn event(&self, kind: &str, name: &str, value: Value) -> Value {
        json!({ "type": kind, "event_id": self.simulator.new_id("event_"), name: value })
    }
}

// === impl Response ===

impl Response<'_> {
    fn events(&self, prompt: &Prompt) -> Vec<Value> {
        let reply = prompt.reply();
        let whole = self.item("completed", json!([part(&reply)]));
        let (asked, said) = (prompt.tokens(), words(&reply).count());
        let usage = json!({ "total_tokens": asked + said, "input_tokens": asked, "output_tokens": said });
        let before = [
            self.about_all("response.created", "in_progress", json!([]), Value::Null),
            self.about_item("response.output_item.added", "item", self.item("in_progress", json!([]))),
            self.about_part("response.content_part.added", "part", part("")),
        ];
        let deltas =
            words(&reply).map(|word| self.about_part("response.output_text.delta", "delta", word.into()));
        let after = [
            self.about_part("response.output_text.done", "text", reply.as_str().into()),
            self.about_part("response.content_part.done", "part", part(&reply)),
            self.about_item("response.output_item.done", "item", whole.clone()),
            self.about_all("response.done", "completed", json!([whole]), usage),
        ];
        before.into_iter().chain(deltas).chain(after).collect()
    }

    fn item(&self, status: &str, content: Value) -> Value {
        json!({
            "id": self.ids[1],
            "object": "realtime.item",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        })
    }

    fn about_all(&self, kind: &str, status: &str, output: Value, usage: Value) -> Value {
        let response = json!({
            "id": self.ids[0],
            "object": "realtime.response",
            "status": status,
            "output": output,
            "usage": usage,
        });
        self.conversation.event(kind, "response", response)
    }

    fn about_item(&self, kind: &str, name: &str, value: Value) -> Value {
        let mut event = self.conversation.event(kind, name, value);
        event["response_id"] = self.ids[0].as_str().into();
        event["output_index"] = 0.into();
        event
    }

    fn about_part(&self, kind: &str, name: &str, value: Value) -> Value {
        let mut event = self.about_item(kind, name, value);
        event["item_id"] = self.ids[1].as_str().into();
        event["content_index"] = 0.into();
        event
    }
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text })
}
