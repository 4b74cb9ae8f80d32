//! HTTP/2 on one connection (RFC 9113), above the frames, which are the `h2` crate's.
//!
//! Ours, because a relay needs what libraries keep to themselves, 1xx responses in both directions, and needs to know
//! when what it sent has left.
//!
//! ```text
//! server  stream → Request<Content> → … → Response → fields → sending → stream, or a tunnel
//! client  Request → fields → sending → stream → Response<Content>
//! ```

pub mod client;
pub mod content;
mod fields;
mod piece;
pub mod pings;
pub mod sending;
pub mod server;
mod streams;
mod tunnel;

/// An extension of an extended CONNECT: what the stream is to become (RFC 8441 §4).
pub use h2::ext::Protocol;
