//! The one table of the simulator's operations.

use http::Method;

use super::Operation as Op;
use super::Row;
use crate::simulator::collection::Collection::{
    Batches, Completions, ContainerFiles, Containers, ConversationItems, Conversations, EvalRuns, Evals,
    FineTuningJobs, Uploads, VectorStoreFiles, VectorStores, Videos,
};
use crate::simulator::surface::Surface;

/// By deployment path on the classic surface.
const SCOPED: &[Surface] = &[Surface::Deployment, Surface::V1];
/// By resource path on the classic surface.
const RESOURCE: &[Surface] = &[Surface::Resource, Surface::V1];
/// Never on the classic surface.
const V1: &[Surface] = &[Surface::V1];

const STORES_SINCE: Option<&str> = Some("2024-05-01");
const UPLOADS_SINCE: Option<&str> = Some("2024-08-01");
const STORED_SINCE: Option<&str> = Some("2025-02-01");
const RESPONSES_SINCE: Option<&str> = Some("2025-03-01");
const EVALS_SINCE: Option<&str> = Some("2025-04-01");
const EDITS_SINCE: Option<&str> = Some("2025-04-01");

/// The first row that covers a request decides.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
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
    Row(Method::POST, "/responses/{}/cancel", V1, None, Op::CancelResponse),
    Row(Method::GET, "/responses/{}/input_items", RESOURCE, RESPONSES_SINCE, Op::ListInputItems),
    Row(Method::GET, "/models", RESOURCE, None, Op::ListModels),
    Row(Method::GET, "/models/{}", RESOURCE, None, Op::GetModel),
    Row(Method::POST, "/files", RESOURCE, None, Op::UploadFile),
    Row(Method::GET, "/files", RESOURCE, None, Op::ListFiles),
    Row(Method::GET, "/files/{}", RESOURCE, None, Op::GetFile),
    Row(Method::DELETE, "/files/{}", RESOURCE, None, Op::DeleteFile),
    Row(Method::GET, "/files/{}/content", RESOURCE, None, Op::FileContent),
    // Stored completions.
    Row(Method::GET, "/chat/completions", RESOURCE, STORED_SINCE, Op::ListCompletions),
    Row(Method::GET, "/chat/completions/{}", RESOURCE, STORED_SINCE, Op::Get(Completions)),
    Row(Method::POST, "/chat/completions/{}", RESOURCE, STORED_SINCE, Op::Update(Completions)),
    Row(Method::DELETE, "/chat/completions/{}", RESOURCE, STORED_SINCE, Op::Delete(Completions)),
    Row(Method::GET, "/chat/completions/{}/messages", RESOURCE, STORED_SINCE, Op::ListMessages),
    // Jobs and stores.
    Row(Method::POST, "/uploads", RESOURCE, UPLOADS_SINCE, Op::Create(Uploads)),
    Row(Method::POST, "/uploads/{}/parts", RESOURCE, UPLOADS_SINCE, Op::AddPart),
    Row(Method::POST, "/uploads/{}/complete", RESOURCE, UPLOADS_SINCE, Op::CompleteUpload),
    Row(Method::POST, "/uploads/{}/cancel", RESOURCE, UPLOADS_SINCE, Op::Cancel(Uploads)),
    Row(Method::POST, "/batches", RESOURCE, None, Op::Create(Batches)),
    Row(Method::GET, "/batches", RESOURCE, None, Op::List),
    Row(Method::GET, "/batches/{}", RESOURCE, None, Op::Get(Batches)),
    Row(Method::POST, "/batches/{}/cancel", RESOURCE, None, Op::Cancel(Batches)),
    Row(Method::POST, "/fine_tuning/jobs", RESOURCE, None, Op::Create(FineTuningJobs)),
    Row(Method::GET, "/fine_tuning/jobs", RESOURCE, None, Op::List),
    Row(Method::GET, "/fine_tuning/jobs/{}", RESOURCE, None, Op::Get(FineTuningJobs)),
    Row(Method::POST, "/fine_tuning/jobs/{}/cancel", RESOURCE, None, Op::Cancel(FineTuningJobs)),
    Row(Method::POST, "/vector_stores", RESOURCE, STORES_SINCE, Op::Create(VectorStores)),
    Row(Method::GET, "/vector_stores", RESOURCE, STORES_SINCE, Op::List),
    Row(Method::GET, "/vector_stores/{}", RESOURCE, STORES_SINCE, Op::Get(VectorStores)),
    Row(Method::POST, "/vector_stores/{}", RESOURCE, STORES_SINCE, Op::Update(VectorStores)),
    Row(Method::DELETE, "/vector_stores/{}", RESOURCE, STORES_SINCE, Op::Delete(VectorStores)),
    Row(Method::POST, "/vector_stores/{}/files", RESOURCE, STORES_SINCE, Op::Create(VectorStoreFiles)),
    Row(Method::GET, "/vector_stores/{}/files", RESOURCE, STORES_SINCE, Op::List),
    Row(Method::GET, "/vector_stores/{}/files/{}", RESOURCE, STORES_SINCE, Op::Get(VectorStoreFiles)),
    Row(Method::POST, "/vector_stores/{}/files/{}", RESOURCE, STORES_SINCE, Op::Update(VectorStoreFiles)),
    Row(Method::DELETE, "/vector_stores/{}/files/{}", RESOURCE, STORES_SINCE, Op::Delete(VectorStoreFiles)),
    Row(Method::POST, "/evals", RESOURCE, EVALS_SINCE, Op::Create(Evals)),
    Row(Method::GET, "/evals", RESOURCE, EVALS_SINCE, Op::List),
    Row(Method::GET, "/evals/{}", RESOURCE, EVALS_SINCE, Op::Get(Evals)),
    Row(Method::POST, "/evals/{}", RESOURCE, EVALS_SINCE, Op::Update(Evals)),
    Row(Method::DELETE, "/evals/{}", RESOURCE, EVALS_SINCE, Op::Delete(Evals)),
    Row(Method::POST, "/evals/{}/runs", RESOURCE, EVALS_SINCE, Op::Create(EvalRuns)),
    Row(Method::GET, "/evals/{}/runs", RESOURCE, EVALS_SINCE, Op::List),
    Row(Method::GET, "/evals/{}/runs/{}", RESOURCE, EVALS_SINCE, Op::Get(EvalRuns)),
    Row(Method::POST, "/evals/{}/runs/{}", RESOURCE, EVALS_SINCE, Op::Cancel(EvalRuns)),
    Row(Method::DELETE, "/evals/{}/runs/{}", RESOURCE, EVALS_SINCE, Op::Delete(EvalRuns)),
    // No run ever gets that far, so there are none.
    Row(Method::GET, "/evals/{}/runs/{}/output_items", RESOURCE, EVALS_SINCE, Op::List),
    // What came after the last dated version.
    Row(Method::POST, "/conversations", V1, None, Op::CreateConversation),
    Row(Method::GET, "/conversations/{}", V1, None, Op::Get(Conversations)),
    Row(Method::POST, "/conversations/{}", V1, None, Op::Update(Conversations)),
    Row(Method::DELETE, "/conversations/{}", V1, None, Op::Delete(Conversations)),
    Row(Method::POST, "/conversations/{}/items", V1, None, Op::AddItems),
    Row(Method::GET, "/conversations/{}/items", V1, None, Op::List),
    Row(Method::GET, "/conversations/{}/items/{}", V1, None, Op::Get(ConversationItems)),
    Row(Method::DELETE, "/conversations/{}/items/{}", V1, None, Op::Delete(ConversationItems)),
    Row(Method::POST, "/containers", V1, None, Op::Create(Containers)),
    Row(Method::GET, "/containers", V1, None, Op::List),
    Row(Method::GET, "/containers/{}", V1, None, Op::Get(Containers)),
    Row(Method::DELETE, "/containers/{}", V1, None, Op::Delete(Containers)),
    Row(Method::POST, "/containers/{}/files", V1, None, Op::AddContainerFile),
    Row(Method::GET, "/containers/{}/files", V1, None, Op::List),
    Row(Method::GET, "/containers/{}/files/{}", V1, None, Op::Get(ContainerFiles)),
    Row(Method::DELETE, "/containers/{}/files/{}", V1, None, Op::Delete(ContainerFiles)),
    Row(Method::GET, "/containers/{}/files/{}/content", V1, None, Op::Content(ContainerFiles, "application/octet-stream")),
    Row(Method::POST, "/videos", V1, None, Op::CreateVideo),
    Row(Method::GET, "/videos", V1, None, Op::List),
    Row(Method::GET, "/videos/{}", V1, None, Op::Get(Videos)),
    Row(Method::DELETE, "/videos/{}", V1, None, Op::Delete(Videos)),
    Row(Method::GET, "/videos/{}/content", V1, None, Op::Content(Videos, "video/mp4")),
    Row(Method::POST, "/videos/{}/remix", V1, None, Op::RemixVideo),
    Row(Method::POST, "/realtime/client_secrets", V1, None, Op::ClientSecret),
    Row(Method::GET, "/realtime", V1, None, Op::Realtime),
    Row(Method::GET, "/responses", V1, None, Op::Responses),
];
