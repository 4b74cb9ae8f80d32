//! Reading content until its model is known, and watching the rest for a second one.

use http::header::CONTENT_ENCODING;

use super::azure::Draft;
use super::decode::{Coding, Reader};
use super::extras::Extra;
use super::finding::{Fault, Model};
use super::operation::ModelIn;
use super::refusal::Refusal;
use super::request::fit_length;
use super::route::Route;
use super::splice::{Splice, splice_all};
use super::{Mode, Settings, azure};
use crate::message::Fields;

mod scanner;

pub(super) use scanner::{Scanner, content_type};

/// A request whose content must be read until its model is known.
///
/// Each chunk is pushed once, in order, and can be passed on or dropped by the caller's own rules:
/// the search keeps no content but the model itself.
#[derive(Debug)]
pub struct Search {
    draft: Draft,
    coding: Option<Coding>,
    reader: Reader,
    extra: Extra,
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
    reader: Reader,
    /// Octets that were pushed, as they came.
    received: u64,
}

/// Octets that may come out of any content that is watched, and those that each coded octet may give beyond. DEFLATE can
/// give a thousand; of JSON and of forms it gives fewer than twenty.
const EVERY: u64 = 64 << 20;
const EACH: u64 = 64;

/// Content that could only be changed as a whole, and was.
#[derive(Debug)]
pub struct Reworked {
    /// What is sent in place of what came.
    pub content: Vec<u8>,
    /// Whether its coding was undone for good.
    pub decoded: bool,
}

// === impl Search ===

impl Search {
    /// A search by this scanner; `needed` says that the route hangs on the model.
    pub(super) fn new(
        draft: Draft,
        extra: Extra,
        coding: Option<Coding>,
        scanner: Scanner,
        needed: bool,
    ) -> Self {
        Self { draft, coding, reader: Reader::new(coding, scanner), extra, needed }
    }

    /// Reads on.
    ///
    /// # Errors
    ///
    /// The model is named twice, or the route hangs on a model that is not there.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Progress, Refusal> {
        self.reader.push(chunk)?;
        self.progress()
    }

    /// The content is over.
    ///
    /// # Errors
    ///
    /// As [`Search::push`].
    pub fn end(&mut self) -> Result<(), Refusal> {
        self.reader.end()?;
        self.progress().map(|_| ())
    }

    /// How many octets were read, decoded: what is bounded, so that a little content cannot become a lot of work.
    pub fn octets(&self) -> u64 {
        self.reader.octets()
    }

    /// Decides where the request goes, after [`Progress::Found`] or [`Search::end`]. `settings` are
    /// those that it was planned with. The splice is one of the decoded content.
    ///
    /// # Errors
    ///
    /// The model cannot be a deployment, or the target cannot be written.
    pub fn settle(&self, settings: &Settings) -> Result<(Route, Option<Splice>), Refusal> {
        let model = match self.reader.finding() {
            Some(Ok(model)) => Some(model).filter(|_| self.reader.scanner().seeks_model()),
            Some(&Err(fault)) if self.needed => return Err(fault.into()),
            None if self.needed => return Err(Fault::Missing.into()),
            Some(Err(_)) | None => None,
        };
        let model_name = model.map(|model| &*model.name);
        let route = self.draft.settle(azure_settings(settings), &settings.models, model_name)?;
        let splice = model.and_then(|model| self.splice(model, route.deployment()?));
        Ok((route, splice))
    }

    /// Whether the change can only be made to content that is there as a whole: several splices change its
    /// length in places that are not known yet, and coded content has to be decoded first.
    pub fn needs_whole(&self, splice: Option<&Splice>) -> bool {
        let not_for_batch =
            || !matches!(self.reader.finding(), Some(Ok(purpose)) if &*purpose.name == "batch");
        match self.extra.purpose_boundary() {
            Some(_) if not_for_batch() => false,
            _ => !self.extra.is_none() || (self.coding.is_some() && splice.is_some()),
        }
    }

    /// Changes whole content: the splice of [`Search::settle`], and what the extras ask for. `None` if nothing
    /// changes; what came then goes on as it is.
    ///
    /// # Errors
    ///
    /// [`Fault::Undecodable`]: the content is not what its coding says.
    pub fn rework(
        &self,
        settings: &Settings,
        content: &[u8],
        splice: Option<Splice>,
    ) -> Result<Option<Reworked>, Refusal> {
        let decoded = self.coding.map(|coding| coding.decode(content, self.octets()));
        let decoded = decoded.transpose().map_err(|_| Fault::Undecodable)?;
        let plain = decoded.as_deref().unwrap_or(content);
        let mut splices = self.extra.splices(plain, &settings.models);
        splices.extend(splice);
        if splices.is_empty() {
            return Ok(None);
        }
        splices.sort_by_key(|splice| splice.at.start);
        Ok(Some(Reworked { content: splice_all(plain, &splices), decoded: decoded.is_some() }))
    }

    /// Goes on to the content that follows.
    pub fn watch(self) -> Watch {
        Watch { reader: self.reader, received: 0 }
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
        match self.reader.finding() {
            None => Ok(Progress::More),
            Some(&Err(fault)) if self.needed => Err(fault.into()),
            Some(_) => Ok(Progress::Found),
        }
    }

    fn splice(&self, model: &Model, deployment: &str) -> Option<Splice> {
        let written = || self.reader.scanner().written(deployment);
        (*model.name != *deployment).then(|| Splice { at: model.at.clone(), replacement: written() })
    }
}

fn azure_settings(settings: &Settings) -> &azure::Settings {
    match &settings.mode {
        Mode::Azure(azure) => azure,
        Mode::OpenAi => {
            unreachable!("only azure mode plans a search, and the settings are those it was planned with")
        }
    }
}

// === impl Watch ===

impl Watch {
    /// Reads on.
    ///
    /// # Errors
    ///
    /// [`Refusal::ModelRepeated`]: the content names a second model, and must not be completed.
    /// [`Fault::TooDense`]: decoding the rest would be work without measure.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.received += chunk.len() as u64;
        self.reader.push(chunk)?;
        let most = EVERY.saturating_add(self.received.saturating_mul(EACH));
        if self.reader.octets() > most { Err(Fault::TooDense.into()) } else { Ok(()) }
    }
}

// === impl Reworked ===

impl Reworked {
    /// Makes the fields that describe the content true of this one.
    pub fn fit_fields(&self, fields: &mut Fields) {
        if self.decoded {
            fields.remove(CONTENT_ENCODING);
        }
        fit_length(fields, Some(self.content.len() as u64));
    }
}
