//! OpenAI's operations: where each names its model, and where Azure has it.

use std::borrow::Cow;

use http::Method;

mod table;

pub use table::TABLE;

/// One row: operations that are treated alike.
#[derive(Debug)]
pub struct Operation {
    /// The name in OpenAI's terms: a template for a log or a metric, never a client's own text.
    pub name: &'static str,
    /// The methods; HEAD goes with GET.
    pub methods: &'static [&'static str],
    /// The path after `/v1/`: `{}` stands for one segment, a last `{*}` for one or more.
    pub template: &'static str,
    /// Where the model that has to be mapped is named.
    pub model: ModelIn,
    /// Where Azure has it.
    pub home: Home,
}

/// Where an operation names the model that has to be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelIn {
    /// Nowhere; or it is one that must not be mapped.
    Nowhere,
    /// The content: a field `model` of multipart/form-data, else the top-level `model` of JSON.
    Content,
    /// The content: `model` inside the top-level `session`, or inside the JSON of a field `session`.
    Session,
    /// `?model=`.
    Query,
    /// The segment after `engines/`, as clients of before 2023 have it.
    Path,
}

/// Where Azure has an operation.
///
/// | | surface v1 | surface classic |
/// |---|---|---|
/// | `Deployment` | `/openai/v1/…` | `/openai/deployments/{deployment}/…?api-version=` |
/// | `Transcription` | a whisper as on classic, others `/openai/v1/…` | as `Deployment` |
/// | `Resource` | `/openai/v1/…` | `/openai/…?api-version=` |
/// | `V1` | `/openai/v1/…` | the same: no classic form exists |
/// | `Retired` | `/openai/…?api-version=` | the same: no v1 form exists |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Under the deployment.
    Deployment,
    /// Under the deployment, and whisper is answered nowhere else.
    Transcription,
    /// Under the resource.
    Resource,
    /// On the v1 surface only.
    V1,
    /// Under the resource with a dated api-version only: assistants and threads, until Azure drops them.
    Retired,
    /// Nowhere on Azure.
    Unsupported,
    /// Answered here, from the model map.
    Local,
}

/// The name of Responses over WebSocket.
pub const RESPONSES_WEBSOCKET: &str = "responses (websocket)";

/// The names of the operations that begin a call over WebRTC: with a form that holds the session, or with an
/// ephemeral token that was made for one (OpenAI's guides to realtime and to its translations).
pub const CALLS: [&str; 2] = ["realtime/calls", "realtime/translations/calls"];

/// What a path that OpenAI does not document (yet) is taken for.
pub static UNKNOWN: Operation =
    Operation { name: "unknown", methods: &[], template: "", model: ModelIn::Nowhere, home: Home::Resource };

/// The same below `realtime/` and `live/`, of which Azure has nothing but on v1.
static UNKNOWN_LIVE: Operation = Operation { template: "live/{*}", home: Home::V1, ..UNKNOWN };

/// Finds the operation of a method and of a path without its `/v1/`.
pub fn find(method: &Method, path: &str) -> &'static Operation {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let known = TABLE.iter().find(|row| row.methods.contains(&method) && row.covers(path));
    known.unwrap_or(if is_live(path) { &UNKNOWN_LIVE } else { &UNKNOWN })
}

/// Repairs what base URLs go wrong in: doubled slashes in front of and behind `/v1`, `/v1` twice or not at all, and a
/// slash behind an operation. Paths in Azure's own form, under `/openai/`, stay theirs.
///
/// `None` for a path that is neither OpenAI's nor Azure's.
pub fn canonical(path: &str) -> Option<Cow<'_, str>> {
    // As nearly all have it.
    if let Some(rest) = path.strip_prefix("/v1/")
        && !rest.starts_with('/')
        && !rest.starts_with("v1/")
        && !rest.ends_with('/')
    {
        return Some(Cow::Borrowed(path));
    }
    let bare = path.strip_prefix('/')?.trim_start_matches('/');
    let lead = path.len() - bare.len() - 1;
    if bare.starts_with("openai/") {
        return Some(Cow::Borrowed(&path[lead..]));
    }
    let mut rest = bare;
    while let Some(behind) = rest.strip_prefix("v1/") {
        rest = behind.trim_start_matches('/');
    }
    let family = first_segment(rest);
    if rest.len() == bare.len() && !TABLE.iter().any(|row| first_segment(row.template) == family) {
        return None;
    }
    let known = rest.strip_suffix('/').filter(|path| TABLE.iter().any(|row| row.covers(path)));
    let rest = known.unwrap_or(rest);
    let same = path[lead..].strip_prefix("/v1/") == Some(rest);
    Some(if same { Cow::Borrowed(&path[lead..]) } else { Cow::Owned(format!("/v1/{rest}")) })
}

/// Whether a path without its `/v1/` is of realtime's family or of live's.
fn is_live(path: &str) -> bool {
    matches!(first_segment(path), "realtime" | "live")
}

fn first_segment(path: &str) -> &str {
    path.split_once('/').map_or(path, |(first, _)| first)
}

// === impl Operation ===

impl Operation {
    /// Whether a path without its `/v1/` is of this row.
    fn covers(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        for want in self.template.split('/') {
            match (want, segments.next()) {
                ("{*}", Some(first)) => return !first.is_empty(),
                ("{}", Some(segment)) if !segment.is_empty() => {}
                (want, Some(segment)) if want == segment => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }

    /// Whether clients open a WebSocket for it; of an unknown operation it is taken to be so.
    pub fn is_websocket(&self) -> bool {
        matches!(
            self.template,
            "responses"
                | "realtime"
                | "realtime/translations"
                | "live"
                | "live/sessions"
                | "live/sessions/{}/attach"
                | "live/sessions/{}/fork"
        ) || self.methods.is_empty()
    }

    /// Whether Azure answers 401 when an `api-version` is in the URL, and refuses `OpenAI-Beta`.
    pub fn is_realtime(&self) -> bool {
        is_live(self.template)
    }
}

#[cfg(test)]
mod tests;
