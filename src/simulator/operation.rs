//! The operations that the simulator has.

mod table;

use http::Method;

use self::table::TABLE;
use super::collection::Collection;
use super::errors::Refusal;
use super::surface::{Place, Surface};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ChatCompletion,
    Completion,
    Embeddings,
    Transcription,
    Translation,
    Speech,
    ImageGeneration,
    ImageEdit,
    CreateResponse,
    GetResponse,
    DeleteResponse,
    CancelResponse,
    ListInputItems,
    ListModels,
    GetModel,
    UploadFile,
    ListFiles,
    GetFile,
    DeleteFile,
    FileContent,
    ListCompletions,
    ListMessages,
    AddPart,
    CompleteUpload,
    AddContainerFile,
    CreateConversation,
    AddItems,
    CreateVideo,
    RemixVideo,
    Create(Collection),
    List,
    Get(Collection),
    /// The octets of an object, and their media type.
    Content(Collection, &'static str),
    Update(Collection),
    Cancel(Collection),
    Delete(Collection),
    ClientSecret,
    /// A WebSocket.
    Realtime,
    /// A WebSocket.
    Responses,
}

/// One operation: its method, its path after the surface's prefix, the surfaces that have it, and the day of
/// the first preview that has it, where the dated releases do not all have it.
struct Row(Method, &'static str, &'static [Surface], Option<&'static str>, Operation);

// === impl Operation ===

impl Operation {
    /// Finds what `method` on `place` means in `version`, and the last id that the path carries.
    ///
    /// Anything that is not exactly in the table, a trailing or doubled slash included, is not found.
    pub(super) fn find<'a>(
        method: &Method,
        place: &Place<'a>,
        version: Option<&str>,
    ) -> Result<(Self, Option<&'a str>), Refusal> {
        let found = TABLE.iter().find_map(|Row(of, pattern, surfaces, since, operation)| {
            let here = of == method && surfaces.contains(&place.surface) && is_in(version, *since);
            let id = here.then(|| matched(pattern, place.path)).flatten()?;
            Some((*operation, Some(id).filter(|id| !id.is_empty())))
        });
        found.ok_or(Refusal::NotFound)
    }
}

/// Whether a dated version has what came with the preview of the day `since`; releases lack it.
fn is_in(version: Option<&str>, since: Option<&str>) -> bool {
    match (version, since) {
        (Some(version), Some(since)) => version.strip_suffix("-preview").is_some_and(|day| day >= since),
        _ => true,
    }
}

/// The segment in the place of the last `{}`, or an empty text where the pattern has none.
fn matched<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (mut segments, mut id) = (path.split('/'), "");
    for wanted in pattern.split('/') {
        match segments.next()? {
            segment if wanted == "{}" && !segment.is_empty() => id = segment,
            segment if segment == wanted => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(
        method: &Method,
        path: &'static str,
        version: Option<&str>,
    ) -> Option<(Operation, Option<&'static str>)> {
        Operation::find(method, &Place::of(path).ok()?, version).ok()
    }

    #[test]
    fn finds_by_method_path_and_surface() {
        let dated = Some("2025-04-01-preview");
        for (method, path, version, expected) in [
            (Method::POST, "/openai/v1/chat/completions", None, Some((Operation::ChatCompletion, None))),
            (
                Method::POST,
                "/openai/deployments/d/chat/completions",
                dated,
                Some((Operation::ChatCompletion, None)),
            ),
            (Method::POST, "/openai/chat/completions", dated, None),
            (Method::GET, "/openai/v1/embeddings", None, None),
            (Method::POST, "/openai/v1/chat/completions/", None, None),
            (Method::POST, "/openai/v1//chat/completions", None, None),
            (Method::POST, "/openai/v1/Chat/completions", None, None),
            (
                Method::GET,
                "/openai/v1/files/file-1/content",
                None,
                Some((Operation::FileContent, Some("file-1"))),
            ),
            (Method::GET, "/openai/files/file-1", dated, Some((Operation::GetFile, Some("file-1")))),
            (Method::GET, "/openai/v1/files/a/b", None, None),
            (
                Method::GET,
                "/openai/v1/evals/e/runs/r",
                None,
                Some((Operation::Get(Collection::EvalRuns), Some("r"))),
            ),
            (Method::GET, "/openai/v1/evals//runs/r", None, None),
            (Method::GET, "/openai/v1/files/", None, None),
            (Method::POST, "/openai/deployments/d/responses", dated, None),
            (Method::POST, "/openai/deployments/d/files", dated, None),
            (Method::POST, "/openai/realtime/client_secrets", dated, None),
        ] {
            assert_eq!(find(&method, path, version), expected, "{method} {path}");
        }
    }

    #[test]
    fn knows_what_a_version_lacks() {
        for (path, version, there) in [
            ("/openai/responses", "2025-03-01-preview", true),
            ("/openai/responses", "2025-02-01-preview", false),
            ("/openai/responses", "2024-10-21", false),
            ("/openai/files", "2024-10-21", true),
            ("/openai/vector_stores", "2024-05-01-preview", true),
            ("/openai/vector_stores", "2024-10-21", false),
            ("/openai/deployments/d/images/edits", "2025-03-01-preview", false),
            ("/openai/deployments/d/images/edits", "2025-04-01-preview", true),
        ] {
            assert_eq!(find(&Method::POST, path, Some(version)).is_some(), there, "{path} in {version}");
        }
    }
}
