//! The proxy between real sockets: clients on one side, the simulator or a hostile origin on the other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/client.rs"]
mod client;
#[path = "../support/conversation.rs"]
mod conversation;
#[path = "../support/exchange.rs"]
mod exchange;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/origin.rs"]
mod origin;
#[path = "../support/parent.rs"]
mod parent;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/stage.rs"]
mod stage;

mod access;
mod big;
mod broken;
mod cancelling;
mod carried;
mod certificates;
mod client_keys;
mod content;
mod destinations;
mod drain;
mod errors;
mod explain;
mod faults;
mod fidelity;
mod forward;
mod http2;
mod interrupted;
mod lifecycle;
mod limits;
mod metrics;
mod misdirected;
mod packaging;
mod pages;
mod parents;
mod refused;
mod reload;
mod responses;
mod revoking;
mod secrets;
#[cfg(unix)]
mod service;
mod smuggling;
mod streaming;
mod strength;
#[cfg(unix)]
mod terminal;
mod tunnel;
#[cfg(unix)]
mod unread;
mod unresolved;
mod walk;
mod ways_in;
mod websocket;
