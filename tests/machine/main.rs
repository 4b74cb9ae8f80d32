//! A developer's machine: the program's own commands, real shells and real clients, against the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "the stage is shared with other targets")]
#[path = "../support/stage.rs"]
mod stage;
mod user;

mod env;
mod exec;
mod trust;
