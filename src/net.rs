//! Sockets: listening, telling protocols apart, dialling, relaying.

pub mod activity;
pub mod ahead;
pub mod dial;
pub mod keepalive;
pub mod lingering;
pub mod listen;
pub mod prefixed;
pub mod relay;
pub mod sniff;
pub mod stall;
pub mod stream;
pub mod switching;
