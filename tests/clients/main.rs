//! Real clients, unmodified, through the proxy to the simulator: curl, the official openai packages for Python and for
//! Node, and those who judge certificates. `scripts/test` installs them; each test starts clients as child processes
//! with an environment of its own.

mod arrivals;
mod certificates;
mod curl;
mod differential;
mod families;
mod node;
mod program;
mod python;
mod sdk;
#[path = "../support/stage.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod stage;
mod way;
