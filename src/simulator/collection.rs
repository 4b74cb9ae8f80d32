//! The kinds of objects that are only made, kept and shown.

/// A kind of object, and of the collections in which such objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    Batches,
    Completions,
    Containers,
    ContainerFiles,
    Conversations,
    ConversationItems,
    Evals,
    EvalRuns,
    FineTuningJobs,
    Uploads,
    UploadParts,
    VectorStores,
    VectorStoreFiles,
    Videos,
}

// === impl Collection ===

impl Collection {
    /// What an object calls itself.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Batches => "batch",
            Self::Completions => "chat.completion",
            Self::Containers => "container",
            Self::ContainerFiles => "container.file",
            Self::Conversations => "conversation",
            Self::ConversationItems => "conversation.item",
            Self::Evals => "eval",
            Self::EvalRuns => "eval.run",
            Self::FineTuningJobs => "fine_tuning.job",
            Self::Uploads => "upload",
            Self::UploadParts => "upload.part",
            Self::VectorStores => "vector_store",
            Self::VectorStoreFiles => "vector_store.file",
            Self::Videos => "video",
        }
    }

    /// What an id begins with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Batches => "batch_",
            Self::Completions => "chatcmpl-",
            Self::Containers => "cntr_",
            Self::ContainerFiles => "cfile_",
            Self::Conversations => "conv_",
            Self::ConversationItems => "msg_",
            Self::Evals => "eval_",
            Self::EvalRuns => "evalrun_",
            Self::FineTuningJobs => "ftjob-",
            Self::Uploads => "upload_",
            Self::UploadParts => "part_",
            Self::VectorStores => "vs_",
            Self::VectorStoreFiles => "file-",
            Self::Videos => "video_",
        }
    }

    /// Whether it was made by those who answer 201 on the classic surfaces.
    pub(super) fn is_job(self) -> bool {
        matches!(self, Self::Batches | Self::FineTuningJobs)
    }

    /// The status of a cancelled object.
    pub(super) fn cancelled(self) -> &'static str {
        match self {
            Self::Batches => "cancelling",
            Self::EvalRuns => "canceled",
            _ => "cancelled",
        }
    }

    /// Which field of the answer to its deletion has its id.
    pub(super) fn deleted_id(self) -> &'static str {
        match self {
            Self::Evals => "eval_id",
            Self::EvalRuns => "run_id",
            _ => "id",
        }
    }
}
