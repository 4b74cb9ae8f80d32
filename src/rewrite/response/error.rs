//! Azure's error contents, completed to what OpenAI's clients read: `message`, `type`, `param`, `code`.

use http::StatusCode;

use crate::rewrite::credential::CredentialKind;
use crate::rewrite::json::members::{Member, members, offset, string, value};
use crate::rewrite::route::{Route, Scope};
use crate::rewrite::splice::{Splice, splice_all};

/// Longest error content that is looked into, in octets.
pub const LONGEST_ERROR: usize = 64 << 10;

/// How a remark of ours in Azure's message begins.
const OURS: &str = "[azure-openai-proxy";

/// Adds what an error lacks, a `type` in place of null too (OpenAI's is never null), and to a bare 404 what was asked
/// for, to a 401 whose key it was; all else that Azure said stays as it is.
///
/// `None` if nothing is lacking, or if the content is not `{"error": {…}}`.
pub fn complete(content: &[u8], status: StatusCode, route: &Route) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let error = value(&members(text)?, "error")?;
    let fields = members(error)?;
    let at = |part: &str| offset(text, part);
    let message = fields.iter().find(|field| field.name == "message")?.value;
    let mut splices = Vec::new();
    if let Some(hint) = hint(&string(message)?, status, &fields, route) {
        // The closing quote stays behind it.
        splices.push(Splice::insert(at(message) + message.len() - 1, escaped(&hint)));
    }
    let kind = format!("\"{}\"", kind(status, &string(message)?));
    if let Some(null) = fields.iter().find(|field| field.name == "type" && field.value == "null") {
        splices.push(Splice::replace(at(null.value)..at(null.value) + "null".len(), kind.clone()));
    }
    let lacking = lacking(&fields, &kind);
    if !lacking.is_empty() {
        let last = fields.last()?.value;
        splices.push(Splice::insert(at(last) + last.len(), lacking));
    }
    splices.sort_by_key(|splice| splice.at.start);
    (!splices.is_empty()).then(|| splice_all(content, &splices))
}

/// The members that OpenAI always has and this error has not, each behind a comma.
fn lacking(fields: &[Member<'_>], kind: &str) -> String {
    let all = [("type", kind), ("param", "null"), ("code", "null")];
    let lacking = all.into_iter().filter(|(name, _)| !fields.iter().any(|field| field.name == *name));
    lacking.map(|(name, value)| format!(",\"{name}\":{value}")).collect()
}

/// `error.type` as OpenAI has it for a status. With 429 it names the limit that was reached.
fn kind(status: StatusCode, message: &str) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS if message.contains("token rate limit") => "tokens",
        StatusCode::TOO_MANY_REQUESTS => "requests",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// What Azure's errors do not say, where it depends on our settings.
fn hint(message: &str, status: StatusCode, fields: &[Member<'_>], route: &Route) -> Option<String> {
    match status {
        // One of ours may be upstream.
        _ if message.contains(OURS) => None,
        StatusCode::UNAUTHORIZED => whose_key(route),
        StatusCode::NOT_FOUND => what_was_asked_for(message, fields, route),
        _ => None,
    }
}

/// Whose key was turned away, and where another one is given.
fn whose_key(route: &Route) -> Option<String> {
    let what = match route.credential() {
        CredentialKind::ConfiguredKey => "the key that it is configured with",
        CredentialKind::ConfiguredToken => "the Entra token that it is configured with",
        CredentialKind::ClientToken => "the client's own Entra token",
        CredentialKind::ClientKey => {
            "the client's own API key, since it has no Azure key itself: give it one in AZURE_OPENAI_API_KEY or \
             api_key_file, or the Azure key to the client"
        }
        CredentialKind::Ephemeral | CredentialKind::AsItCame => return None,
    };
    let host = route.uri().host().unwrap_or_default();
    Some(format!(" {OURS} sent {host} {what}.]"))
}

/// What a bare 404 does not say: what was asked for, and which settings decide that.
fn what_was_asked_for(message: &str, fields: &[Member<'_>], route: &Route) -> Option<String> {
    let code = value(fields, "code").and_then(string).unwrap_or_default();
    let bare = code == "DeploymentNotFound" || message.trim() == "Resource not found";
    if !bare {
        return None;
    }
    let name = match (route.model(), route.deployment()) {
        (Some(model), Some(deployment)) if model == deployment => {
            format!("the deployment \"{deployment}\" (the model's own name, for map names no other)")
        }
        (Some(model), Some(deployment)) => {
            format!("the deployment \"{deployment}\" (which map names for the model \"{model}\")")
        }
        _ => "no particular deployment".to_owned(),
    };
    let surface = if route.surface() == Scope::V1 { "v1" } else { "classic" };
    let version = match api_version(route) {
        Some(version) => format!("api-version {version}"),
        None => "no api-version".to_owned(),
    };
    let classic_only = match (route.surface(), route.operation()) {
        (Scope::V1, "completions" | "audio/transcriptions" | "audio/translations") => {
            " A model that is served on classic paths only belongs in classic_models."
        }
        _ => "",
    };
    Some(format!(
        " {OURS} asked the {surface} surface for {name} at {} with {version}. The deployment is \
         decided by map, surface and api-version by api_version, the resource by endpoint.{classic_only}]",
        route.uri().path(),
    ))
}

fn api_version(route: &Route) -> Option<&str> {
    route.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("api-version="))
}

/// A text as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests;
