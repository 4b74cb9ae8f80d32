//! Real clients, unmodified, through the proxy to the simulator: curl, and the official openai packages for Python
//! and for Node. `scripts/test` installs the packages; each test starts clients as child processes with an
//! environment of its own.

mod arrivals;
mod curl;
mod node;
mod program;
mod python;
mod sdk;
mod way;

// The stage, and what it stands on.
#[path = "../support/client.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod client;
#[path = "../support/conversation.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod conversation;
#[path = "../support/origin.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod origin;
#[path = "../support/stage.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod stage;
