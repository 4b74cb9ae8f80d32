//! A realtime session: text in, text out, as events.

use serde_json::{Map, Value, json};

use super::{check_models, model_in};
use crate::simulator::call::{Call, text};
use crate::simulator::errors::Refusal;
use crate::simulator::prompt::{BEFORE_BREAK, Prompt, text_of, words};
use crate::simulator::service::Simulator;
use crate::simulator::surface::Surface;
use crate::simulator::websocket::session::Turn;

/// What was said and agreed in one session.
pub(in crate::simulator) struct Conversation<'a> {
    simulator: &'a Simulator,
    session: Value,
    last_said: String,
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
        let call =
            Call { simulator: self.simulator, surface: Surface::V1, version: None, scope: None, id: None };
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
        let events = self.events(&prompt);
        Ok(match prompt.breaks() {
            true => Turn::Break(Box::new(events.into_iter().take(BEFORE_BREAK))),
            false => Turn::Events(Box::new(events.into_iter())),
        })
    }

    fn events(&self, prompt: &Prompt) -> Vec<Value> {
        let reply = prompt.reply();
        let [id, item_id] = ["resp_", "item_"].map(|prefix| self.simulator.new_id(prefix));
        let part = |text: &str| json!({ "type": "output_text", "text": text });
        let item = |status: &str, content: Value| {
            json!({
                "id": item_id,
                "object": "realtime.item",
                "type": "message",
                "status": status,
                "role": "assistant",
                "content": content,
            })
        };
        let response = |status: &str, output: Value, usage: Value| json!({ "id": id, "object": "realtime.response", "status": status, "output": output, "usage": usage });
        let at_item = |kind: &str, name: &str, value: Value| {
            let mut event = self.event(kind, name, value);
            event["response_id"] = id.as_str().into();
            event["output_index"] = 0.into();
            event
        };
        let at_part = |kind: &str, name: &str, value: Value| {
            let mut event = at_item(kind, name, value);
            event["item_id"] = item_id.as_str().into();
            event["content_index"] = 0.into();
            event
        };
        let (asked, said) = (prompt.tokens(), words(&reply).count());
        let usage = json!({ "total_tokens": asked + said, "input_tokens": asked, "output_tokens": said });
        let whole = item("completed", json!([part(&reply)]));
        let before = [
            self.event("response.created", "response", response("in_progress", json!([]), Value::Null)),
            at_item("response.output_item.added", "item", item("in_progress", json!([]))),
            at_part("response.content_part.added", "part", part("")),
        ];
        let deltas = words(&reply).map(|word| at_part("response.output_text.delta", "delta", word.into()));
        let after = [
            at_part("response.output_text.done", "text", reply.as_str().into()),
            at_part("response.content_part.done", "part", part(&reply)),
            at_item("response.output_item.done", "item", whole.clone()),
            self.event("response.done", "response", response("completed", json!([whole]), usage)),
        ];
        before.into_iter().chain(deltas).chain(after).collect()
    }

    fn event(&self, kind: &str, name: &str, value: Value) -> Value {
        json!({ "type": kind, "event_id": self.simulator.new_id("event_"), name: value })
    }
}
