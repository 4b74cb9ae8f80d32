//! Why a request is not sent upstream, in words for the client.

use http::StatusCode;
use thiserror::Error;

use super::finding::{Fault, Repeated};

/// A request that is answered here with an error; nothing of it was sent.
///
/// `Display` is the message for the client and says what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The model decides where the request goes, and there is none to go by.
    #[error(transparent)]
    Model(#[from] Fault),
    /// The model is named twice.
    #[error("{0} Name it once.")]
    ModelRepeated(#[from] Repeated),
    /// The model would have to become the path segment `.` or `..`.
    #[error("The model parameter \"{model}\" cannot be the name of an Azure deployment.")]
    ModelUnusable {
        /// The model, or the deployment it is mapped to.
        model: Box<str>,
    },
    /// The model has to be found, and the content is compressed.
    #[error("The model cannot be read in content with Content-Encoding: {coding}. Send it uncompressed.")]
    ContentEncoding {
        /// The coding as the client named it.
        coding: Box<str>,
    },
    /// Azure has no such operation.
    #[error("Azure OpenAI has no {operation}: this operation is OpenAI's own.")]
    Unsupported {
        /// The operation's name.
        operation: &'static str,
    },
    /// Neither OpenAI's nor Azure's path.
    #[error("Unknown path. OpenAI's API is below /v1/; as a base URL take this proxy's address and /v1.")]
    UnknownPath,
    /// A path segment `.` or `..`, which could leave the configured endpoint.
    #[error("The path has a segment \".\" or \"..\". Write it without.")]
    DotSegment,
    /// The rewritten target is no URI, or longer than one may be (65,534 octets).
    #[error("The request target is too long, or has octets that no URL can carry.")]
    Target,
    /// No key is configured, and the client sent none.
    #[error(
        "No key for Azure OpenAI: send one as \"Authorization: Bearer KEY\" or \"api-key: KEY\", \
         or set AZURE_OPENAI_TOKEN where this proxy runs."
    )]
    CredentialMissing,
    /// A key with octets that no field can carry.
    #[error("The key for Azure OpenAI has characters that no header can carry. Check it where it is set.")]
    CredentialUnusable,
}

// === impl Refusal ===

impl Refusal {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Model(_) | Self::ModelRepeated(_) | Self::ModelUnusable { .. } | Self::DotSegment => {
                StatusCode::BAD_REQUEST
            }
            // RFC 9110 §15.5.16.
            Self::ContentEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unsupported { .. } | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Target => StatusCode::URI_TOO_LONG,
            Self::CredentialMissing | Self::CredentialUnusable => StatusCode::UNAUTHORIZED,
        }
    }

    /// `error.code`: stable, of few values, fit for a metric's label.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Model(fault) => fault.code(),
            Self::ModelRepeated(_) => "repeated_parameter",
            Self::ModelUnusable { .. } => "invalid_value",
            Self::ContentEncoding { .. } => "unsupported_content_encoding",
            Self::Unsupported { .. } => "unsupported_on_azure",
            Self::UnknownPath => "unknown_url",
            Self::DotSegment | Self::Target => "invalid_url",
            Self::CredentialMissing | Self::CredentialUnusable => "invalid_api_key",
        }
    }

    /// `error.param`: what in the request is at fault, if it is a parameter.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::Model(_)
            | Self::ModelRepeated(_)
            | Self::ModelUnusable { .. }
            | Self::ContentEncoding { .. } => Some("model"),
            Self::Unsupported { .. }
            | Self::UnknownPath
            | Self::DotSegment
            | Self::Target
            | Self::CredentialMissing
            | Self::CredentialUnusable => None,
        }
    }

    /// `error.type`: as OpenAI has it for every request that the client can mend.
    pub fn type_(&self) -> &'static str {
        "invalid_request_error"
    }
}
