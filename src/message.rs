//! What a message is made of, as types: no I/O, no async, no clock.

pub mod body;
pub mod content;
pub mod fields;
pub mod hop_by_hop;
pub mod host_port;
pub mod interim;
pub mod redact;
pub mod request;
pub mod response;
pub mod target;
pub mod trailers;
pub mod via;
pub mod websocket;

pub use fields::Fields;
pub use request::{Request, RequestHead};
pub use response::{Response, ResponseHead};
