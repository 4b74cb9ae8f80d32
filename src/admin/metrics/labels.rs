//! The labels, each with few values and none that a client chooses.

use prometheus_client::encoding::EncodeLabelSet;

use crate::admin::journal::{Outcome, Record};

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

// === impl Request ===

impl Request {
    /// Status 0 is that of an exchange that nobody waited for the answer of.
    pub(super) fn of(record: &Record) -> Self {
        let operation = if record.operation.is_empty() { "none" } else { record.operation };
        Self { operation, status: record.status.unwrap_or(0), outcome: record.outcome.as_str() }
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
    /// `None` for what asks no model for anything.
    pub(super) fn of(record: &Record, provider: &'static str, known: bool) -> Option<Self> {
        let model = record.model.as_deref()?;
        Some(Self {
            gen_ai_operation_name: match record.operation {
                "chat/completions" | "responses" => "chat",
                "completions" => "text_completion",
                other => other,
            },
            gen_ai_provider_name: provider,
            gen_ai_request_model: if known { model } else { "unresolved" }.to_owned(),
        })
    }

    pub(super) fn ended(self, record: &Record) -> Ended {
        let error_type = match (record.outcome, record.status) {
            (_, Some(status @ 400..)) => status.to_string(),
            (Outcome::Complete, _) => String::new(),
            (outcome, _) => outcome.as_str().to_owned(),
        };
        Ended { call: self, error_type }
    }

    pub(super) fn usage(self, gen_ai_token_type: &'static str) -> Usage {
        Usage { call: self, gen_ai_token_type }
    }
}
