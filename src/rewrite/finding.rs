//! What a scan of content for its model comes to.

use std::ops::Range;

use thiserror::Error;

/// Longest model value that is read, in octets as written; Azure's deployment names end at 64.
pub const LONGEST_MODEL: usize = 1024;

/// What a scan has decided: the model, or why there is none to work with.
pub type Finding = Result<Model, Fault>;

/// A model as the content names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The name, decoded.
    pub name: Box<str>,
    /// Where its value stands, in octets from the start of the content; JSON's quotes included.
    pub at: Range<u64>,
}

/// Why content names no model that could be worked with.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The content ends, and no model was in it.
    #[error("You must provide a model parameter: without it there is no Azure deployment to send this to.")]
    Missing,
    /// The model is `""`.
    #[error("The model parameter is empty. Name a model, or the Azure deployment itself.")]
    Empty,
    /// The model is a number, a list, an object, `true`, `false` or `null`.
    #[error("The model parameter must be a string.")]
    NotString,
    /// The value is longer than [`LONGEST_MODEL`].
    #[error("The model parameter is longer than {LONGEST_MODEL} octets.")]
    TooLong,
    /// The top level of the content is not a JSON object.
    #[error("The content of the request must be a JSON object, or multipart/form-data with its boundary.")]
    NotObject,
    /// The content cannot be read as far as the model.
    #[error("The content of the request is malformed before any model parameter.")]
    Malformed,
    /// The content cannot be decoded.
    #[error("The content of the request is not what its Content-Encoding says.")]
    Undecodable,
    /// Far more comes out of the content than is in it.
    #[error("The content of the request is compressed too much to be read here. Send it uncompressed.")]
    TooDense,
}

/// The content names its model a second time. Readers differ in which of two they believe, so
/// such content is not passed on: what we map and what Azure reads could be two things.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("The model parameter is given more than once.")]
pub struct Repeated;

// === impl Fault ===

impl Fault {
    /// The code for OpenAI's error form.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_required_parameter",
            Self::Empty => "empty_string",
            Self::NotString => "invalid_type",
            Self::TooLong => "string_above_max_length",
            Self::NotObject | Self::Malformed | Self::Undecodable | Self::TooDense => "invalid_content",
        }
    }
}
