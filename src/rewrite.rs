//! From an OpenAI request to the request that is sent upstream: pure, byte-exact.

pub mod azure;
pub mod credential;
pub mod json;
pub mod model_map;
pub mod multipart;
pub mod openai;
pub mod operation;
pub mod response;
