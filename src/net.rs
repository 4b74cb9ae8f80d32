//! Sockets: listening, telling protocols apart, dialling, relaying.

pub mod dial;
