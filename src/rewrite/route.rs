//! Where a request goes, once that is decided.

use std::fmt;
use std::sync::Arc;

use http::Uri;

use super::credential::{Credential, CredentialKind};

/// Where a request goes and as whom: the outcome of planning, for the sender and for the log.
#[derive(Clone, Debug)]
pub struct Route {
    pub(super) operation: &'static str,
    pub(super) realtime: bool,
    pub(super) scope: Scope,
    pub(super) uri: Uri,
    pub(super) model: Option<Arc<str>>,
    pub(super) deployment: Option<Arc<str>>,
    pub(super) credential: Credential,
    /// Whether the client knows the origin by another name than its own.
    pub(super) renamed: bool,
}

/// Which form of which API a request takes upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// OpenAI's own.
    OpenAi,
    /// Azure's v1 surface.
    V1,
    /// Azure's classic surface, under a deployment.
    Deployment,
    /// Azure's classic surface, under the resource.
    Resource,
    /// Azure's, in whichever form the client wrote it.
    Native,
    /// Nobody's API: a plain proxy's request.
    Forwarded,
}

// === impl Route ===

impl Route {
    /// Whether the client knows the origin by another name than its own.
    pub fn is_renamed(&self) -> bool {
        self.renamed
    }

    /// The operation's name; one of few, fit for a metric's label.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Which form of which API.
    pub fn surface(&self) -> Scope {
        self.scope
    }

    /// The absolute URI that is asked for.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The model as the client names it, if the request names one that is mapped.
    pub fn model(&self) -> Option<&Arc<str>> {
        self.model.as_ref()
    }

    /// The deployment that answers for the model.
    pub fn deployment(&self) -> Option<&Arc<str>> {
        self.deployment.as_ref()
    }

    /// Whose credential goes along.
    pub fn credential(&self) -> CredentialKind {
        self.credential.kind()
    }
}

// === impl Scope ===

impl Scope {
    /// For people and for labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::V1 => "azure v1",
            Self::Deployment => "azure deployment",
            Self::Resource => "azure resource",
            Self::Native => "azure as written",
            Self::Forwarded => "forwarded",
        }
    }

    /// Whether Azure answers.
    pub fn is_azure(self) -> bool {
        !matches!(self, Self::OpenAi | Self::Forwarded)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
