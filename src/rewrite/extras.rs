//! Changes beside the one model that decides where a request goes: the deployments that transcribe in realtime
//! sessions and those that live ones delegate to, always; and what is made on request only, all of it off by default.

use super::json::members::{Member, elements, members, offset, quoted, string, value};
use super::model_map::ModelMap;
use super::multipart::{self, Wanted};
use super::operation::{CALLS, Operation, RESPONSES_WEBSOCKET};
use super::splice::Splice;

mod batch;

/// What is to be changed beside the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Models inside tools and evals, which Azure takes for deployments too.
    pub nested_models: bool,
    /// The model of each line of a file that is uploaded for a batch.
    pub batch_models: bool,
    /// `"store": false` of a response: Codex refers to items of earlier responses by their ids, which Azure
    /// forgets at once unless they are stored (openai/codex#35739).
    pub codex_store: bool,
}

/// What is to be changed in the content of one request, or in the messages of one WebSocket.
#[derive(Debug, Default)]
pub struct Extra {
    /// Where nested models stand.
    nested: &'static [Path],
    store: bool,
    /// The boundary of the form that may hold a batch's file.
    batch: Option<String>,
    /// The boundary of the form that holds a session.
    session: Option<String>,
}

/// The keys that lead to a value; `[]` stands for every element of a list, `[x]` for those whose `type` is x.
type Path = &'static [&'static str];

/// An operation's nested models: those that Azure documents as names of deployments.
static NESTED: &[(&str, &[Path])] = &[
    ("responses", TOOLS),
    ("responses/input_tokens", TOOLS),
    ("evals", &[&["testing_criteria", "[]", "model"]]),
    (
        "evals/{}/runs",
        &[
            &["data_source", "model"],
            &["data_source", "sampling_params", "tools", "[image_generation]", "model"],
        ],
    ),
];

const TOOLS: &[Path] = &[&["tools", "[image_generation]", "model"]];

/// Where a session says what transcribes, in today's form and in the preview's. A WebSocket's messages are mapped there
/// too, by [`frames`](super::frames).
const SESSION: &[Path] =
    &[&["audio", "input", "transcription", "model"], &["input_audio_transcription", "model"]];

/// The same inside what makes one.
const IN_SESSION: &[Path] = &[
    &["session", "audio", "input", "transcription", "model"],
    &["session", "input_audio_transcription", "model"],
];

/// Where a live session says what it delegates to, inside what makes one (Microsoft's reference of GPT-Live). A
/// WebSocket's messages are mapped there too.
const IN_LIVE_SESSION: &[Path] =
    &[&["session", "delegation", "responses", "model"], &["session", "delegation", "decisions", "model"]];

/// The operations that tell a session.
static SESSIONS: &[(&str, &[Path])] = &[
    ("realtime/client_secrets", IN_SESSION),
    ("realtime/translations/client_secrets", IN_SESSION),
    ("realtime/calls", IN_SESSION),
    ("realtime/translations/calls", IN_SESSION),
    ("realtime/calls/{}/accept", SESSION),
    ("realtime/sessions", SESSION),
    ("realtime/transcription_sessions", SESSION),
    ("live/sessions", IN_LIVE_SESSION),
    ("live/sessions/{}/accept", IN_LIVE_SESSION),
    ("live/sessions/{}/fork", IN_LIVE_SESSION),
];

// === impl Extras ===

impl Extras {
    /// What is to be changed in a request for this operation, whose content is of this type.
    pub(super) fn for_request(
        self,
        method: &http::Method,
        operation: &Operation,
        content_type: &[u8],
    ) -> Extra {
        let is_form = multipart::is_form(content_type);
        if method != http::Method::POST {
            return Extra::default();
        }
        if is_form {
            let (batch, session) =
                (self.batch_models && operation.name == "files", CALLS.contains(&operation.name));
            let boundary = |wanted| multipart::boundary(content_type).filter(|_| wanted);
            return Extra { batch: boundary(batch), session: boundary(session), ..Extra::default() };
        }
        self.for_json(operation.name)
    }

    /// What is to be changed in each message of a client that asks for a response, on a WebSocket of the operation
    /// of this name. Only that of responses says there what a request says.
    pub(super) fn for_messages(self, operation: &str) -> Extra {
        if operation == RESPONSES_WEBSOCKET { self.for_json("responses") } else { Extra::default() }
    }

    fn for_json(self, operation: &str) -> Extra {
        let nested = NESTED.iter().filter(|_| self.nested_models);
        let nested = nested.chain(SESSIONS).find(|(name, _)| *name == operation);
        Extra {
            nested: nested.map_or(&[], |(_, paths)| paths),
            store: self.codex_store && operation == "responses",
            ..Extra::default()
        }
    }
}

// === impl Extra ===

impl Extra {
    pub(super) fn is_none(&self) -> bool {
        self.nested.is_empty() && !self.store && self.batch.is_none() && self.session.is_none()
    }

    /// The boundary of the form whose `purpose` decides whether there is something to do.
    pub(super) fn purpose_boundary(&self) -> Option<&str> {
        self.batch.as_deref()
    }

    /// The changes to whole content. What is not the JSON that it should be is left for Azure to judge.
    pub(super) fn splices(&self, content: &[u8], models: &ModelMap) -> Vec<Splice> {
        if let Some(boundary) = &self.batch {
            return batch::splices(content, boundary, models);
        }
        if let Some(boundary) = &self.session {
            let Some(session) = part(content, boundary, Wanted::SessionPlace) else { return Vec::new() };
            let start = (session.as_ptr().addr() - content.as_ptr().addr()) as u64;
            let mut found = self.in_json(session, SESSION, models);
            found.iter_mut().for_each(|splice| splice.at = splice.at.start + start..splice.at.end + start);
            return found;
        }
        self.in_json(content, self.nested, models)
    }

    /// The changes to JSON, in which models stand at the ends of these paths.
    fn in_json(&self, content: &[u8], nested: &[Path], models: &ModelMap) -> Vec<Splice> {
        let mut found = Vec::new();
        let Ok(text) = std::str::from_utf8(content) else { return found };
        let Some(object) = members(text.trim_start_matches('\u{feff}')) else { return found };
        for member in object.iter().filter(|member| self.store && member.name == "store") {
            if member.value == "false" {
                let at = offset(text, member.value);
                found.push(Splice::replace(at..at + "false".len(), "true"));
            }
        }
        for path in nested {
            follow(text, &object, path, models, &mut found);
        }
        found
    }
}

/// The content of a form's one part of that kind.
fn part<'a>(content: &'a [u8], boundary: &str, wanted: Wanted) -> Option<&'a [u8]> {
    let mut scanner = multipart::Scanner::new(boundary, wanted);
    scanner.push(content).ok()?;
    let at = &scanner.finding()?.as_ref().ok()?.at;
    content.get(usize::try_from(at.start).ok()?..usize::try_from(at.end).ok()?)
}

/// Follows a path into an object, and maps the models at its ends.
fn follow(text: &str, object: &[Member<'_>], path: &[&str], models: &ModelMap, found: &mut Vec<Splice>) {
    let Some((key, rest)) = path.split_first() else { return };
    for member in object.iter().filter(|member| member.name == *key) {
        match rest {
            [] => found.extend(mapped(text, member.value, models)),
            [each, rest @ ..] if each.starts_with('[') => {
                let kind = each.trim_matches(['[', ']']);
                for element in elements(member.value).unwrap_or_default().into_iter().filter_map(members) {
                    let is = value(&element, "type").and_then(string);
                    if kind.is_empty() || is.as_deref() == Some(kind) {
                        follow(text, &element, rest, models, found);
                    }
                }
            }
            _ => follow(text, &members(member.value).unwrap_or_default(), rest, models, found),
        }
    }
}

/// The change to a value that names a model, where its deployment has another name.
fn mapped(text: &str, written: &str, models: &ModelMap) -> Option<Splice> {
    let model = string(written)?;
    let deployment = models.deployment(&model);
    let at = offset(text, written);
    (deployment != model).then(|| Splice::replace(at..at + written.len(), quoted(&deployment)))
}

#[cfg(test)]
mod tests;
