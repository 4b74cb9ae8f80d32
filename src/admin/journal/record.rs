//! What is kept of one exchange.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::figures::{Short, Span};

/// Octets that are kept of a text that a client chose.
const CLIPPED: usize = 256;

/// What is kept of one exchange: never its content, its query, or a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its number among all of this process.
    pub id: u64,
    /// When the request arrived, in milliseconds of Unix time.
    pub begun_ms: u64,
    /// The request's method.
    pub method: Arc<str>,
    /// The path of its target.
    pub path: Arc<str>,
    /// The operation's name; empty if the request was refused before that was known.
    pub operation: &'static str,
    /// The model as the client names it.
    pub model: Option<Arc<str>>,
    /// The deployment that answers for it.
    pub deployment: Option<Arc<str>>,
    /// The host that was asked.
    pub upstream: Option<Arc<str>>,
    /// The response's status; none if the client was gone before there was one.
    pub status: Option<u16>,
    /// Why it was refused.
    pub reason: Option<&'static str>,
    /// Until the response's head.
    pub ttfb_ms: Option<u64>,
    /// Until its end.
    pub total_ms: Option<u64>,
    /// Octets of the response's content.
    pub octets: u64,
    /// Whether the response is a stream of events.
    pub stream: bool,
    /// What the response says that it cost.
    pub tokens: Option<Tokens>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What an exchange cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Those of the request.
    pub input: u64,
    /// Those of the response.
    pub output: u64,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Not yet.
    #[default]
    Open,
    /// The client went away.
    Cancelled,
    /// All of the response was passed on.
    Complete,
    /// The upstream broke off.
    Broken,
}

/// A text of a client's, with nothing in it that a terminal or a reader of lines could be misled by.
struct Shown<'a>(&'a str);

/// Milliseconds of Unix time.
pub(in crate::admin) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

// === impl Record ===

impl Record {
    pub(super) fn new(id: u64, method: &str, path: &str) -> Self {
        Self { id, begun_ms: now_ms(), method: clip(method), path: clip(path), ..Self::default() }
    }

    /// Notes where it goes.
    pub fn routed(
        &mut self,
        operation: &'static str,
        model: Option<&Arc<str>>,
        deployment: Option<&Arc<str>>,
        upstream: Option<&str>,
    ) {
        self.operation = operation;
        self.model = model.map(clip_shared);
        self.deployment = deployment.map(clip_shared);
        self.upstream = upstream.map(clip);
    }

    /// Notes the response's head, this long after the request.
    pub fn answered(&mut self, status: u16, stream: bool, after: Duration) {
        self.status = Some(status);
        self.stream = stream;
        self.ttfb_ms = Some(millis(after));
    }

    /// Notes the end, this long after the request.
    pub fn ended(&mut self, outcome: Outcome, after: Duration) {
        self.outcome = outcome;
        self.total_ms = Some(millis(after));
    }

    /// Whether somebody has to look into it.
    pub fn failed(&self) -> bool {
        self.outcome == Outcome::Broken || self.status.is_some_and(|status| status >= 400)
    }
}

/// One line for people.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = matches!(self.outcome, Outcome::Cancelled | Outcome::Broken);
        part(f, "", Some(Shown(&self.method)))?;
        part(f, " ", Some(Shown(&self.path)))?;
        part(f, "  ", self.model.as_deref().map(Shown))?;
        part(f, " → ", self.upstream.as_deref())?;
        part(f, ":", self.deployment.as_deref().map(Shown))?;
        part(f, "  ", self.status)?;
        part(f, "  ", self.reason)?;
        part(f, "  ", left.then(|| self.outcome.as_str()))?;
        part(f, "  stream  ttfb ", self.ttfb_ms.filter(|_| self.stream).map(Span))?;
        part(f, "  ", self.total_ms.map(Span))?;
        part(f, "  ", self.tokens.map(|tokens| Short(tokens.input)))?;
        part(f, "→", self.tokens.map(|tokens| Short(tokens.output)))?;
        part(f, " ", self.tokens.map(|_| "tok"))
    }
}

/// What is known, after what parts it from the rest.
fn part(f: &mut fmt::Formatter<'_>, before: &str, known: Option<impl fmt::Display>) -> fmt::Result {
    let Some(known) = known else { return Ok(()) };
    f.write_str(before)?;
    known.fmt(f)
}

/// The beginning of a text, if it is longer than anybody would read.
fn clip(text: &str) -> Arc<str> {
    text[..text.floor_char_boundary(CLIPPED)].into()
}

/// The same of one that others hold too.
fn clip_shared(text: &Arc<str>) -> Arc<str> {
    if text.len() <= CLIPPED { Arc::clone(text) } else { clip(text) }
}

// === impl Outcome ===

impl Outcome {
    /// A label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cancelled => "cancelled",
            Self::Complete => "complete",
            Self::Broken => "broken",
        }
    }
}

// === impl Shown ===

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain =
            |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'\'' | b'\\') || octet == b' ';
        // Nearly all are, and going through them character by character takes its time. Without a way out on the first
        // that is not, the compiler looks at many octets at once.
        match self.0.bytes().fold(true, |all, octet| all & plain(octet)) {
            true => f.write_str(self.0),
            false => write!(f, "{}", self.0.escape_debug()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mut record: Record, ttfb: u64, total: u64, outcome: Outcome) -> Record {
        record.ttfb_ms = record.status.map(|_| ttfb);
        record.ended(outcome, Duration::from_millis(total));
        record
    }

    #[test]
    fn a_line_says_what_a_person_looks_for() {
        let mut streamed = Record::new(1, "POST", "/v1/responses");
        let (model, deployment) = (Arc::from("gpt-5"), Arc::from("gpt-5-eu"));
        streamed.routed("createResponse", Some(&model), Some(&deployment), Some("acme.openai.azure.com"));
        streamed.answered(200, true, Duration::ZERO);
        streamed.tokens = Some(Tokens { input: 1_290, output: 486 });
        let mut refused = Record::new(2, "GET", "/v1/organization/projects");
        refused.answered(404, false, Duration::ZERO);
        refused.reason = Some("unsupported_on_azure");
        let mut left = Record::new(3, "POST", "/v1/chat/completions");
        left.routed("createChatCompletion", Some(&"a\nb".into()), None, Some("api.openai.com"));
        for (record, line) in [
            (
                at(streamed, 412, 3_950, Outcome::Complete),
                "POST /v1/responses  gpt-5 → acme.openai.azure.com:gpt-5-eu  200  stream  ttfb 412ms  3.9s  1.2k→486 tok",
            ),
            (
                at(refused, 1, 1, Outcome::Complete),
                "GET /v1/organization/projects  404  unsupported_on_azure  1ms",
            ),
            (
                at(left, 0, 125_000, Outcome::Cancelled),
                "POST /v1/chat/completions  a\\nb → api.openai.com  cancelled  2m05s",
            ),
        ] {
            assert_eq!(record.to_string(), line);
        }
    }

    #[test]
    fn a_text_of_a_clients_is_clipped_between_characters() {
        let long = "é/".repeat(CLIPPED);
        let mut record = Record::new(1, "GET", &long);
        record.routed("responses", Some(&long.into()), None, None);
        for text in [Some(record.path), record.model].into_iter().flatten() {
            assert!((CLIPPED - 3..=CLIPPED).contains(&text.len()), "{}", text.len());
        }
    }
}
