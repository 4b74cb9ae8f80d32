//! The proxy between real sockets: clients on one side, the simulator or a hostile origin on the other.

#[path = "../support/client.rs"]
mod client;
#[path = "../support/stage.rs"]
mod stage;

mod ways_in;
