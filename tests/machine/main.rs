//! A developer's machine: the program's own commands, real shells and real clients, against the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../support/client.rs"]
mod client;
#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../support/program.rs"]
mod program;
#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../support/stage.rs"]
mod stage;
mod user;

mod cures;
mod distrust;
mod doctor;
mod env;
mod exec;
mod system;
mod trust;
mod urls;
