//! The operations that the simulator has, in one table.

use http::Method;

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
    ListInputItems,
    ListModels,
    GetModel,
    UploadFile,
    ListFiles,
    GetFile,
    DeleteFile,
    FileContent,
    Create(Collection),
    List(Collection),
    Get(Collection),
    Cancel(Collection),
    Delete(Collection),
    ClientSecret,
    /// A WebSocket.
    Realtime,
    /// A WebSocket.
    Responses,
}

/// A kind of object that is only made, kept and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    Batches,
    VectorStores,
    FineTuningJobs,
}

/// One operation: its method, its path after the surface's prefix, the surfaces that have it, and the day of
/// the first preview that has it, where the dated releases do not all have it.
struct Row(Method, &'static str, &'static [Surface], Option<&'static str>, Operation);

/// By deployment path on the classic surface.
const SCOPED: &[Surface] = &[Surface::Deployment, Surface::V1];
/// By resource path on the classic surface.
const RESOURCE: &[Surface] = &[Surface::Resource, Surface::V1];
/// Never on the classic surface.
const V1: &[Surface] = &[Surface::V1];

const STORES_SINCE: Option<&str> = Some("2024-05-01");
const RESPONSES_SINCE: Option<&str> = Some("2025-03-01");
const EDITS_SINCE: Option<&str> = Some("2025-04-01");

#[rustfmt::skip]
const TABLE: &[Row] = {
    use Collection::{Batches, FineTuningJobs, VectorStores};
    use Operation as Op;
    &[
        Row(Method::POST, "/chat/completions", SCOPED, None, Op::ChatCompletion),
        Row(Method::POST, "/completions", SCOPED, None, Op::Completion),
        Row(Method::POST, "/embeddings", SCOPED, None, Op::Embeddings),
        Row(Method::POST, "/audio/transcriptions", SCOPED, None, Op::Transcription),
        Row(Method::POST, "/audio/translations", SCOPED, None, Op::Translation),
        Row(Method::POST, "/audio/speech", SCOPED, None, Op::Speech),
        Row(Method::POST, "/images/generations", SCOPED, None, Op::ImageGeneration),
        Row(Method::POST, "/images/edits", SCOPED, EDITS_SINCE, Op::ImageEdit),
        Row(Method::POST, "/responses", RESOURCE, RESPONSES_SINCE, Op::CreateResponse),
        Row(Method::GET, "/responses/{}", RESOURCE, RESPONSES_SINCE, Op::GetResponse),
        Row(Method::DELETE, "/responses/{}", RESOURCE, RESPONSES_SINCE, Op::DeleteResponse),
        Row(Method::GET, "/responses/{}/input_items", RESOURCE, RESPONSES_SINCE, Op::ListInputItems),
        Row(Method::GET, "/models", RESOURCE, None, Op::ListModels),
        Row(Method::GET, "/models/{}", RESOURCE, None, Op::GetModel),
        Row(Method::POST, "/files", RESOURCE, None, Op::UploadFile),
        Row(Method::GET, "/files", RESOURCE, None, Op::ListFiles),
        Row(Method::GET, "/files/{}", RESOURCE, None, Op::GetFile),
        Row(Method::DELETE, "/files/{}", RESOURCE, None, Op::DeleteFile),
        Row(Method::GET, "/files/{}/content", RESOURCE, None, Op::FileContent),
        Row(Method::POST, "/batches", RESOURCE, None, Op::Create(Batches)),
        Row(Method::GET, "/batches", RESOURCE, None, Op::List(Batches)),
        Row(Method::GET, "/batches/{}", RESOURCE, None, Op::Get(Batches)),
        Row(Method::POST, "/batches/{}/cancel", RESOURCE, None, Op::Cancel(Batches)),
        Row(Method::POST, "/fine_tuning/jobs", RESOURCE, None, Op::Create(FineTuningJobs)),
        Row(Method::GET, "/fine_tuning/jobs", RESOURCE, None, Op::List(FineTuningJobs)),
        Row(Method::GET, "/fine_tuning/jobs/{}", RESOURCE, None, Op::Get(FineTuningJobs)),
        Row(Method::POST, "/fine_tuning/jobs/{}/cancel", RESOURCE, None, Op::Cancel(FineTuningJobs)),
        Row(Method::POST, "/vector_stores", RESOURCE, STORES_SINCE, Op::Create(VectorStores)),
        Row(Method::GET, "/vector_stores", RESOURCE, STORES_SINCE, Op::List(VectorStores)),
        Row(Method::GET, "/vector_stores/{}", RESOURCE, STORES_SINCE, Op::Get(VectorStores)),
        Row(Method::DELETE, "/vector_stores/{}", RESOURCE, STORES_SINCE, Op::Delete(VectorStores)),
        Row(Method::POST, "/realtime/client_secrets", V1, None, Op::ClientSecret),
        Row(Method::GET, "/realtime", V1, None, Op::Realtime),
        Row(Method::GET, "/responses", V1, None, Op::Responses),
    ]
};

// === impl Operation ===

impl Operation {
    /// Finds what `method` on `place` means in `version`, and the id that the path carries.
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

/// The segment in the place of `{}`, or an empty text where the pattern has none.
fn matched<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once("{}") else {
        return (pattern == path).then_some("");
    };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
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
            (Method::GET, "/openai/v1/chat/completions", None, None),
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
