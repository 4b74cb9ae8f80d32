//! What a message is made of, as types: no I/O, no async, no clock.

pub mod body;
pub mod content;
pub mod fields;
pub mod hop_by_hop;
pub mod host_port;
pub mod interim;
pub mod redact;
pub mod target;
pub mod via;
pub mod websocket;
