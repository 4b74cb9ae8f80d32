//! Azure's refusals, each with the status and the content that Azure gives it.

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use thiserror::Error;

use super::filter;
use super::stream::json_response;
use crate::message::body::Body;

/// Why a request is not served; `Display` is the message that the client reads.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The path, the method on it, or the host is unknown.
    #[error("Resource not found")]
    NotFound,
    /// No credential, a wrong one, or one that this surface does not take.
    #[error(
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid \
         key for an active subscription and use a correct regional API endpoint for your resource."
    )]
    Unauthorized,
    /// A field that must not have left the client's side. Azure would ignore it; the judge does not.
    #[error("The field '{0}' must not be sent to Azure OpenAI")]
    ClientOnlyField(HeaderName),
    /// An unknown, repeated or misplaced `api-version`.
    #[error("API version not supported")]
    ApiVersion,
    /// Nothing is deployed under the name.
    #[error(
        "The API deployment for this resource does not exist. If you created the deployment within the last \
         5 minutes, please wait a moment and try again."
    )]
    DeploymentNotFound,
    /// The deployed model cannot do what is asked.
    #[error(
        "The requested operation does not work with the specified model, {0}. Please choose different model \
         and try again."
    )]
    OperationNotSupported(String),
    /// The content is not what its description says.
    #[error("{0}")]
    Malformed(&'static str),
    /// A parameter is absent or not of its type.
    #[error("Missing required parameter: '{0}'.")]
    MissingParameter(&'static str),
    /// A parameter that this version of the API does not know.
    #[error("Unknown parameter: '{0}'.")]
    UnknownParameter(&'static str),
    /// A parameter that this model does not take.
    #[error("Unsupported parameter: '{0}' is not supported with this model. {1}")]
    UnsupportedParameter(&'static str, &'static str),
    /// A parameter has a value outside its set.
    #[error("Invalid value for '{0}'.")]
    InvalidValue(&'static str),
    /// The object was never made, was deleted or was forgotten.
    #[error("No {kind} found with id '{id}'.")]
    NoSuchObject {
        /// What was looked for.
        kind: &'static str,
        /// Under which id.
        id: String,
    },
    /// The prompt was blocked.
    #[error(
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. \
         Please modify your prompt and retry."
    )]
    ContentFilter,
    /// The quota is used up.
    #[error(
        "Requests to the {0} Operation have exceeded the token rate limit of your current pricing tier. \
         Please retry after 1 seconds."
    )]
    RateLimited(&'static str),
    /// The content is larger than the limit.
    #[error("The request content is larger than the limit of {0} bytes.")]
    TooLarge(u64),
    /// The content did not come in time.
    #[error("The request timed out while its content was being read.")]
    Timeout,
}

// === impl Refusal ===

impl Refusal {
    /// The answer that tells the client.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = json_response(self.status(), &json!({ "error": self.error() }));
        if let Self::RateLimited(_) = self {
            let fields = response.headers_mut();
            fields.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            fields.insert("retry-after-ms", HeaderValue::from_static("100"));
        }
        response
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::DeploymentNotFound | Self::NoSuchObject { .. } => StatusCode::NOT_FOUND,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::ClientOnlyField(_)
            | Self::ApiVersion
            | Self::OperationNotSupported(_)
            | Self::Malformed(_)
            | Self::MissingParameter(_)
            | Self::UnknownParameter(_)
            | Self::UnsupportedParameter(..)
            | Self::InvalidValue(_)
            | Self::ContentFilter => StatusCode::BAD_REQUEST,
        }
    }

    /// The `error` object. Azure's gateway gives `code` and `message` only; the models' own checks answer in
    /// OpenAI's form.
    pub(super) fn error(&self) -> Value {
        let gateway = |code: &str| json!({ "code": code, "message": self.to_string() });
        let model = |param: &str, code: &str| {
            let (kind, message) = ("invalid_request_error", self.to_string());
            json!({ "message": message, "type": kind, "param": param, "code": code })
        };
        match self {
            Self::NotFound => gateway("404"),
            Self::Unauthorized => gateway("401"),
            Self::RateLimited(_) => gateway("429"),
            Self::TooLarge(_) => gateway("413"),
            Self::Timeout => gateway("Timeout"),
            Self::DeploymentNotFound => gateway("DeploymentNotFound"),
            Self::OperationNotSupported(_) => gateway("OperationNotSupported"),
            Self::NoSuchObject { .. } => gateway("notFound"),
            Self::ClientOnlyField(_) | Self::ApiVersion | Self::Malformed(_) => gateway("BadRequest"),
            Self::MissingParameter(name) => model(name, "missing_required_parameter"),
            Self::UnknownParameter(name) => model(name, "unknown_parameter"),
            Self::UnsupportedParameter(name, _) => model(name, "unsupported_parameter"),
            Self::InvalidValue(name) => model(name, "invalid_value"),
            Self::ContentFilter => self.filtered(),
        }
    }

    fn filtered(&self) -> Value {
        json!({
            "message": self.to_string(),
            "type": null,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": filter::violent(),
            },
        })
    }
}
