//! HTTP/1 on one connection, from the server's end and from the client's (RFC 9112).
//!
//! Ours, because a relay needs what libraries keep to themselves: field lines in the order and the letters of whoever
//! wrote them, 1xx responses in both directions, framing that is refused where it could be read in two ways and said so,
//! idle connections that hold no buffers, and content that passes from one connection to the other within one task.
//!
//! ```text
//! server  wire → head → Request<Content> → … → Response → encoder → outbox → wire
//! client  Request → encoder → outbox → wire → head → Response<Content>
//! ```

pub mod client;
pub mod decoder;
pub mod encoder;
pub mod framing;
pub mod head;
mod outbox;
pub mod sending;
pub mod server;
mod stock;
pub mod wire;
