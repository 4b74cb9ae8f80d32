//! Reading content until its model is known, and watching the rest for a second one.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

use super::azure::Draft;
use super::finding::{Fault, Finding, Model, Repeated};
use super::operation::ModelIn;
use super::refusal::Refusal;
use super::route::Route;
use super::splice::Splice;
use super::{Mode, Settings, json, multipart};

/// A request whose content must be read until its model is known.
///
/// Each chunk is pushed once, in order, and can be passed on or dropped by the caller's own rules:
/// the search keeps no content but the model itself.
#[derive(Debug)]
pub struct Search {
    draft: Draft,
    scanner: Scanner,
    /// Whether a fault is fatal: the route hangs on the model.
    needed: bool,
}

/// Whether a search is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More content must be pushed, or its end told.
    More,
    /// All is known that [`Search::settle`] needs.
    Found,
}

/// What follows a search over the content that streams behind it.
#[derive(Debug)]
pub struct Watch {
    scanner: Scanner,
}

/// A reader of one of the two forms of content.
#[derive(Debug)]
pub(super) enum Scanner {
    Json(json::Scanner),
    Form(Box<multipart::Scanner>),
}

// === impl Search ===

impl Search {
    pub(super) fn new(draft: Draft, scanner: Scanner, needed: bool) -> Self {
        Self { draft, scanner, needed }
    }

    /// Reads on.
    ///
    /// # Errors
    ///
    /// The model is named twice, or the route hangs on a model that is not there.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Progress, Refusal> {
        self.scanner.push(chunk)?;
        self.progress()
    }

    /// The content is over.
    ///
    /// # Errors
    ///
    /// The route hangs on a model that is not there.
    pub fn end(&mut self) -> Result<(), Refusal> {
        self.scanner.end();
        self.progress().map(|_| ())
    }

    /// Decides where the request goes, after [`Progress::Found`] or [`Search::end`]. `settings` are
    /// those that it was planned with.
    ///
    /// # Errors
    ///
    /// The model cannot be a deployment, or the target cannot be written.
    pub fn settle(&self, settings: &Settings) -> Result<(Route, Option<Splice>), Refusal> {
        let Mode::Azure(azure) = &settings.mode else {
            unreachable!("only azure mode plans a search, and the settings are those it was planned with")
        };
        let model = match self.scanner.finding() {
            Some(Ok(model)) => Some(model),
            Some(&Err(fault)) if self.needed => return Err(fault.into()),
            None if self.needed => return Err(Fault::Missing.into()),
            Some(Err(_)) | None => None,
        };
        let route = self.draft.settle(azure, &settings.models, model.map(|model| &*model.name))?;
        let splice = model.and_then(|model| self.splice(model, route.deployment()?));
        Ok((route, splice))
    }

    /// Goes on to the content that follows.
    pub fn watch(self) -> Watch {
        Watch { scanner: self.scanner }
    }

    /// The least JSON content that names this model where the operation has it.
    pub(super) fn synthetic(&self, model: &str) -> String {
        let content = serde_json::json!({ "model": model });
        match self.draft.operation.model {
            ModelIn::Session => serde_json::json!({ "session": content }).to_string(),
            _ => content.to_string(),
        }
    }

    fn progress(&self) -> Result<Progress, Refusal> {
        match self.scanner.finding() {
            None => Ok(Progress::More),
            Some(&Err(fault)) if self.needed => Err(fault.into()),
            Some(_) => Ok(Progress::Found),
        }
    }

    fn splice(&self, model: &Model, deployment: &str) -> Option<Splice> {
        let differs = *model.name != *deployment;
        differs.then(|| Splice { at: model.at.clone(), replacement: self.scanner.written(deployment) })
    }
}

// === impl Watch ===

impl Watch {
    /// Reads on.
    ///
    /// # Errors
    ///
    /// [`Refusal::ModelRepeated`]: the content names a second model, and must not be completed.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        Ok(self.scanner.push(chunk)?)
    }
}

// === impl Scanner ===

impl Scanner {
    /// A scanner for content of this type. What does not say that it is multipart is read as JSON,
    /// as OpenAI does.
    pub(super) fn new(model: ModelIn, fields: &HeaderMap) -> Result<Self, Fault> {
        let session = model == ModelIn::Session;
        let content_type = fields.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
        if !multipart::is_form(content_type) {
            let path: &[&str] = if session { &["session", "model"] } else { &["model"] };
            return Ok(Self::Json(json::Scanner::new(path)));
        }
        let boundary = multipart::boundary(content_type).ok_or(Fault::NotObject)?;
        let wanted = if session { multipart::Wanted::Session } else { multipart::Wanted::Model };
        Ok(Self::Form(Box::new(multipart::Scanner::new(&boundary, wanted))))
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), Repeated> {
        match self {
            Self::Json(scanner) => scanner.push(chunk),
            Self::Form(scanner) => scanner.push(chunk),
        }
    }

    fn end(&mut self) {
        match self {
            Self::Json(scanner) => scanner.end(),
            Self::Form(scanner) => scanner.end(),
        }
    }

    fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Json(scanner) => scanner.finding(),
            Self::Form(scanner) => scanner.finding(),
        }
    }

    /// A name as this content writes it.
    fn written(&self, name: &str) -> Bytes {
        match self {
            Self::Form(scanner) if !scanner.is_json() => Bytes::copy_from_slice(name.as_bytes()),
            Self::Json(_) | Self::Form(_) => {
                serde_json::to_vec(name).expect("a string is always JSON").into()
            }
        }
    }
}

/// The first coding of content that has to be undone before it can be read.
pub(super) fn content_coding(fields: &HeaderMap) -> Option<Box<str>> {
    let lines = fields.get_all(CONTENT_ENCODING).iter();
    let mut codings = lines.flat_map(|line| line.as_bytes().split(|&b| b == b',')).map(<[u8]>::trim_ascii);
    let coding = codings.find(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))?;
    Some(coding.escape_ascii().to_string().into())
}
