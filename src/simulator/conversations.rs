//! Conversations and what was said in them.

use serde_json::{Map, Value, json};

use super::call::{self, Answer, Call, ok};
use super::collection::Collection::{ConversationItems, Conversations};
use super::content::Content;
use super::errors::Refusal;
use super::objects;
use super::service::now;

/// `POST /conversations`
pub(super) async fn create(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let conversation = json!({
        "id": call.simulator.new_id(Conversations.prefix()),
        "object": Conversations.kind(),
        "created_at": now(),
        "metadata": parameters.get("metadata"),
    });
    let items = if parameters.contains_key("items") { items(call, &parameters)? } else { Vec::new() };
    let path = objects::keep_new(call, &conversation);
    keep(call, &format!("{path}/items"), &items);
    Ok(ok(&conversation))
}

/// `POST /conversations/{id}/items`
pub(super) async fn add(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    objects::check_owner(call)?;
    let items = items(call, &parameters)?;
    keep(call, call.path, &items);
    Ok(call::list(items))
}

/// The items that are given, each with an id.
fn items(call: &Call<'_>, parameters: &Map<String, Value>) -> Result<Vec<Value>, Refusal> {
    let items = parameters.get("items").ok_or(Refusal::MissingParameter("items"))?.as_array();
    let items = items.filter(|items| items.iter().all(Value::is_object));
    let mut items = items.ok_or(Refusal::InvalidValue("items"))?.clone();
    for item in items.iter_mut().filter(|item| !item["id"].is_string()) {
        item["id"] = call.simulator.new_id(ConversationItems.prefix()).into();
        item["status"] = "completed".into();
    }
    Ok(items)
}

fn keep(call: &Call<'_>, path: &str, items: &[Value]) {
    for item in items {
        objects::keep(call, &format!("{path}/{}", item["id"].as_str().unwrap_or_default()), item);
    }
}
