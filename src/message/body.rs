//! The content of a message as it is passed between the layers.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};

/// Why content broke off; shown in the log, never to a client.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Content of any origin: a client, an origin server, or ourselves.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// No content.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Content that is already whole.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
