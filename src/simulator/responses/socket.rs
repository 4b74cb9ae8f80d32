//! Responses over WebSocket: each `response.create` is answered by the events of a stream.

use serde_json::{Map, Value};

use super::make;
use crate::simulator::call::{Call, text};
use crate::simulator::errors::Refusal;
use crate::simulator::prompt::BEFORE_BREAK;
use crate::simulator::service::Simulator;
use crate::simulator::websocket::session::Turn;

/// Answers one message.
pub(in crate::simulator) fn answer(
    simulator: &Simulator,
    event: &Map<String, Value>,
) -> Result<Turn, Refusal> {
    if text(event, "type") != Some("response.create") {
        return Err(Refusal::InvalidValue("type"));
    }
    let made = make(&Call::by_message(simulator), event)?;
    Ok(match made.prompt.breaks() {
        true => Turn::Break(Box::new(made.events.take(BEFORE_BREAK))),
        false => Turn::Events(made.events),
    })
}
