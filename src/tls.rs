//! TLS on both sides: our certificate authority and leaves downstream, roots upstream.

pub mod accept;
pub mod ca;
pub mod leaf;
pub mod pem;
pub mod resolver;
pub mod roots;
