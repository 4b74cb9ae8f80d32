//! What reads content for a search, by the form that the content is in.

use bytes::Bytes;
use http::header::CONTENT_TYPE;

use crate::message::Fields;
use crate::rewrite::extras::Extra;
use crate::rewrite::finding::{Fault, Finding, Repeated};
use crate::rewrite::operation::ModelIn;
use crate::rewrite::{json, multipart};

/// A reader of one form of content.
#[derive(Debug)]
pub(in crate::rewrite) enum Scanner {
    Json(json::Scanner),
    Form(Box<multipart::Scanner>),
    /// A form whose `purpose` is looked for; it names no model.
    Purpose(Box<multipart::Scanner>),
    /// Nothing is looked for.
    Nothing,
}

static NOTHING: Finding = Err(Fault::Missing);

// === impl Scanner ===

impl Scanner {
    /// A scanner for what an operation and the extras need of content of this type. What does not say that it
    /// is multipart is read as JSON, as OpenAI does.
    pub(in crate::rewrite) fn new(model: ModelIn, extra: &Extra, fields: &Fields) -> Result<Self, Fault> {
        if let Some(boundary) = extra.purpose_boundary() {
            return Ok(Self::Purpose(Box::new(multipart::Scanner::new(
                boundary,
                multipart::Wanted::Purpose,
            ))));
        }
        let session = match model {
            ModelIn::Content => false,
            ModelIn::Session => true,
            ModelIn::Nowhere | ModelIn::Query | ModelIn::Path => return Ok(Self::Nothing),
        };
        let content_type = content_type(fields);
        if !multipart::is_form(content_type) {
            let path: &[&str] = if session { &["session", "model"] } else { &["model"] };
            return Ok(Self::Json(json::Scanner::new(path)));
        }
        let boundary = multipart::boundary(content_type).ok_or(Fault::NotObject)?;
        let wanted = if session { multipart::Wanted::Session } else { multipart::Wanted::Model };
        Ok(Self::Form(Box::new(multipart::Scanner::new(&boundary, wanted))))
    }

    /// Reads on.
    pub(in crate::rewrite) fn push(&mut self, chunk: &[u8]) -> Result<(), Repeated> {
        match self {
            Self::Json(scanner) => scanner.push(chunk),
            Self::Form(scanner) => scanner.push(chunk),
            // The first one counts, and Azure judges the second.
            Self::Purpose(scanner) => scanner.push(chunk).or(Ok(())),
            Self::Nothing => Ok(()),
        }
    }

    /// The content is over.
    pub(in crate::rewrite) fn end(&mut self) {
        match self {
            Self::Json(scanner) => scanner.end(),
            Self::Form(scanner) | Self::Purpose(scanner) => scanner.end(),
            Self::Nothing => {}
        }
    }

    /// What was found; `None` as long as that is open.
    pub(in crate::rewrite) fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Json(scanner) => scanner.finding(),
            Self::Form(scanner) | Self::Purpose(scanner) => scanner.finding(),
            Self::Nothing => Some(&NOTHING),
        }
    }

    /// Whether what is found is a model.
    pub(in crate::rewrite) fn seeks_model(&self) -> bool {
        matches!(self, Self::Json(_) | Self::Form(_))
    }

    /// A name as this content writes it.
    pub(in crate::rewrite) fn written(&self, name: &str) -> Bytes {
        match self {
            Self::Form(scanner) if !scanner.is_json() => Bytes::copy_from_slice(name.as_bytes()),
            _ => json::members::quoted(name).into(),
        }
    }
}

/// The media type as written; empty if there is none.
pub(in crate::rewrite) fn content_type(fields: &Fields) -> &[u8] {
    fields.get(CONTENT_TYPE).unwrap_or_default()
}
