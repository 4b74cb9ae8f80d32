//! The labels, each with few values and none that a client chooses.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

use super::Measured;
use crate::admin::journal::{Outcome, Record};

/// All that tells what counts an exchange from what counts another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    status: Option<u16>,
    outcome: Outcome,
    operation: &'static str,
    /// `None` for what asks no model for anything, and what was not answered.
    pub(super) asked: Option<Asked>,
}

/// Who was asked, and what of the answer is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    provider: &'static str,
    /// `None` for one that the map does not name.
    model: Option<Arc<str>>,
    pub(super) first_token: bool,
    pub(super) tokens: bool,
}

/// What becomes of a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelKind {
    /// TLS ends here.
    Intercepted,
    /// Nobody looks into it.
    Blind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    operation: &'static str,
    status: u16,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Tunnel {
    kind: &'static str,
    opened: &'static str,
}

/// OpenTelemetry's attributes of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Call {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: &'static str,
    gen_ai_request_model: String,
}

/// The same with how it failed; empty where it did not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    #[prometheus(flatten)]
    call: Call,
    error_type: String,
}

/// The same with what is counted, `input` or `output`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Usage {
    #[prometheus(flatten)]
    call: Call,
    gen_ai_token_type: &'static str,
}

// === impl Kind ===

impl Kind {
    pub(super) fn of(record: &Record, measured: Option<&Measured>) -> Self {
        let asked = measured.zip(record.model.as_ref()).map(|(measured, model)| Asked {
            provider: measured.provider,
            model: measured.known_model.then(|| Arc::clone(model)),
            first_token: measured.first_token.is_some(),
            tokens: record.tokens.is_some(),
        });
        Self { status: record.status, outcome: record.outcome, operation: record.operation, asked }
    }

    /// Status 0 is that of an exchange that nobody waited for the answer of.
    pub(super) fn request(&self) -> Request {
        let operation = if self.operation.is_empty() { "none" } else { self.operation };
        Request { operation, status: self.status.unwrap_or(0), outcome: self.outcome.as_str() }
    }

    pub(super) fn call(&self, asked: &Asked) -> Call {
        Call {
            gen_ai_operation_name: match self.operation {
                "chat/completions" | "responses" => "chat",
                "completions" => "text_completion",
                other => other,
            },
            gen_ai_provider_name: asked.provider,
            gen_ai_request_model: asked.model.as_deref().unwrap_or("unresolved").to_owned(),
        }
    }

    pub(super) fn ended(&self, call: Call) -> Ended {
        let error_type = match (self.outcome, self.status) {
            (_, Some(status @ 400..)) => status.to_string(),
            (Outcome::Complete, _) => String::new(),
            (outcome, _) => outcome.as_str().to_owned(),
        };
        Ended { call, error_type }
    }
}

// === impl Tunnel ===

impl Tunnel {
    pub(super) fn new(kind: TunnelKind, opened: bool) -> Self {
        let kind = match kind {
            TunnelKind::Intercepted => "intercepted",
            TunnelKind::Blind => "blind",
        };
        Self { kind, opened: if opened { "true" } else { "false" } }
    }
}

// === impl Call ===

impl Call {
    pub(super) fn usage(self, gen_ai_token_type: &'static str) -> Usage {
        Usage { call: self, gen_ai_token_type }
    }
}
