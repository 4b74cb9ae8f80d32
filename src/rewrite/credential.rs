//! Whose key goes upstream, and that nobody else's does: the one place that writes it.

pub mod entra;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::azure::Settings;
use super::operation::CALLS;
use super::refusal::Refusal;
use crate::message::fields::{Fields, Name};
use crate::message::redact::Secret;
use crate::message::websocket;
use entra::is_token;

/// OpenAI's short-lived tokens, made by `realtime/client_secrets`.
const EPHEMERAL: &str = "ek_";

/// How a browser, which cannot set fields on a WebSocket, sends its key.
const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

/// Fields that carry a credential of the client's or say whose it is.
const CLIENTS_OWN: [&str; 4] = ["authorization", "api-key", "openai-organization", "openai-project"];

/// Which credential goes upstream; for logs, without any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// The operator's key.
    ConfiguredKey,
    /// A Microsoft Entra token of the operator's.
    ConfiguredToken,
    /// A key that the client sent, as a bearer or as `api-key`.
    ClientKey,
    /// A Microsoft Entra token that the client sent.
    ClientToken,
    /// A short-lived token that a realtime client was given.
    Ephemeral,
    /// Whatever the client sent, to OpenAI.
    AsItCame,
}

/// The field that authenticates a request upstream.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    kind: CredentialKind,
    /// `None` leaves the client's fields alone. The value is marked as sensitive.
    field: Option<(HeaderName, HeaderValue)>,
}

// === impl CredentialKind ===

impl CredentialKind {
    /// For people and for labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfiguredKey => "configured key",
            Self::ConfiguredToken => "configured Entra token",
            Self::ClientKey => "client's key",
            Self::ClientToken => "client's Entra token",
            Self::Ephemeral => "client's ephemeral token",
            Self::AsItCame => "as it came",
        }
    }
}

impl std::fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Credential ===

impl Credential {
    /// OpenAI gets what the client sent.
    pub(super) fn as_it_came() -> Self {
        Self { kind: CredentialKind::AsItCame, field: None }
    }

    /// Chooses the credential for Azure: the configured key, else the client's `api-key`, else its
    /// bearer. An ephemeral token on one of the [`CALLS`] is the call's own and is never replaced.
    pub(super) fn for_azure(settings: &Settings, fields: &Fields, operation: &str) -> Result<Self, Refusal> {
        let bearer = bearer(fields);
        if let Some(token) = bearer.filter(|token| CALLS.contains(&operation) && token.starts_with(EPHEMERAL))
        {
            return Self::bearer(CredentialKind::Ephemeral, token);
        }
        if let Some(key) = settings.key.as_ref().filter(|key| !key.is_empty()) {
            return match key.expose() {
                token if is_token(token) => Self::bearer(CredentialKind::ConfiguredToken, token),
                key => Self::key(CredentialKind::ConfiguredKey, settings, key),
            };
        }
        let text = |name| fields.text(name).map(str::trim);
        let key_fields = [settings.key_header.as_str(), "api-key"];
        let mut sent = key_fields.into_iter().filter(|&name| name != AUTHORIZATION).filter_map(text);
        if let Some(key) = sent.find(|key| !key.is_empty()) {
            return Self::key(CredentialKind::ClientKey, settings, key);
        }
        match bearer.or_else(|| key_in_protocols(fields)) {
            Some(token) if token.starts_with(EPHEMERAL) => Self::bearer(CredentialKind::Ephemeral, token),
            Some(token) if is_token(token) => Self::bearer(CredentialKind::ClientToken, token),
            Some(key) => Self::key(CredentialKind::ClientKey, settings, key),
            None => Err(Refusal::CredentialMissing),
        }
    }

    /// Whose it is.
    pub(super) fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// Whether a field of the client's has to make way for this one.
    pub(super) fn replaces(&self, settings: &Settings, name: Name<'_>) -> bool {
        self.field.is_some() && (name.is_one_of(&CLIENTS_OWN) || name.is(&settings.key_header))
    }

    /// Puts this credential into a request to Azure, where nothing is left that it [replaces](Self::replaces).
    pub(super) fn write(&self, fields: &mut Fields) {
        let Some((name, value)) = &self.field else { return };
        // Azure knows no key in a subprotocol, and nothing may log it there.
        websocket::retain_protocols(fields, |item| !item.starts_with(KEY_PROTOCOL));
        fields.insert(name, value);
    }

    fn key(kind: CredentialKind, settings: &Settings, key: &str) -> Result<Self, Refusal> {
        if settings.key_header == AUTHORIZATION {
            return Self::bearer(kind, key);
        }
        Ok(Self { kind, field: Some((settings.key_header.clone(), sensitive(key)?)) })
    }

    fn bearer(kind: CredentialKind, token: &str) -> Result<Self, Refusal> {
        let line = Secret::new(&format!("Bearer {token}"));
        Ok(Self { kind, field: Some((AUTHORIZATION, sensitive(line.expose())?)) })
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, Refusal> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Refusal::CredentialUnusable)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The token of `Authorization: Bearer`, whose scheme has no case (RFC 9110 §11.1).
fn bearer(fields: &Fields) -> Option<&str> {
    let (scheme, token) = fields.text(AUTHORIZATION)?.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn key_in_protocols(fields: &Fields) -> Option<&str> {
    websocket::protocols(fields)
        .find_map(|item| item.strip_prefix(KEY_PROTOCOL))
        .filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests;
