//! A forward proxy that answers OpenAI API clients from Azure OpenAI.

pub mod message;
pub mod net;
pub mod policy;
pub mod proxy;
pub mod rewrite;
pub mod simulator;
pub mod tls;
pub mod upstream;
