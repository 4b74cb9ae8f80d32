//! The URL of an Azure OpenAI resource, as people paste it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::message::host_port::{Host, HostPort, HostPortError};

use super::target::refuse_dots;
use crate::rewrite::refusal::Refusal;

/// What Microsoft's own hosts are below, in all of its clouds.
const MICROSOFT: [&str; 3] = [".openai.azure", ".cognitiveservices.azure", ".services.ai.azure"];

/// Paths that these hosts show for other APIs of theirs, or that clients append: nothing of ours begins with them.
const FOREIGN_PATHS: [&str; 2] = ["/models", "/v1"];

/// Where Azure OpenAI answers: a scheme, an authority and, behind a gateway or for a Foundry
/// project, a path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    authority: HostPort,
    /// The whole as a URL without a trailing slash: every request's URL begins with it.
    url: Box<str>,
}

/// Why a text is no endpoint.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    /// No scheme, or another than http and https.
    #[error("the endpoint must begin with https://, like https://my-resource.openai.azure.com")]
    Scheme,
    /// http to another machine.
    #[error("the endpoint must begin with https://: over http:// the key would go to {host} in clear text")]
    Cleartext {
        /// The host.
        host: Host,
    },
    /// No host, or one that is none.
    #[error("the endpoint names no usable host")]
    Authority(#[source] HostPortError),
    /// A user name or password.
    #[error("the endpoint must not have a user name in it; set the key separately")]
    UserInfo,
    /// A query or a fragment.
    #[error("the endpoint must end before \"?\" or \"#\"; set the api-version separately")]
    Query,
    /// Not Azure at all.
    #[error("that is OpenAI itself: mode = \"openai\" sends there, without an endpoint")]
    OpenAi,
    /// A path that no URL can carry, or with `.` or `..` in it.
    #[error("the endpoint's path has characters or segments that a URL cannot carry")]
    Path,
}

// === impl Endpoint ===

impl Endpoint {
    /// Who is to answer.
    pub fn authority(&self) -> &HostPort {
        &self.authority
    }

    /// The URL without a trailing slash, with room for `more` octets.
    pub(super) fn url(&self, more: usize) -> String {
        let mut url = String::with_capacity(self.url.len() + more);
        url.push_str(&self.url);
        url
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads the endpoint with or without what portals and clients append to it: a trailing slash,
    /// `/openai`, `/openai/v1`, `/openai/v1/…`, `/openai/deployments/…`, `/openai/responses`; on Microsoft's own
    /// hosts `/models` and `/v1` too.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::Scheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(EndpointError::Scheme),
        };
        if rest.contains(['?', '#']) {
            return Err(EndpointError::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        let (scheme, default_port) = if secure { ("https", 443) } else { ("http", 80) };
        let authority = HostPort::parse(authority, Some(default_port)).map_err(EndpointError::Authority)?;
        if !secure && !authority.host().is_loopback() {
            return Err(EndpointError::Cleartext { host: authority.host().clone() });
        }
        let (host, prefix) = (authority.host(), prefix(path)?);
        if is_openai(host) {
            return Err(EndpointError::OpenAi);
        }
        let prefix = if FOREIGN_PATHS.contains(&prefix) && is_microsofts(host) { "" } else { prefix };
        let url = match authority.port() {
            port if port == default_port => format!("{scheme}://{host}{prefix}"),
            port => format!("{scheme}://{host}:{port}{prefix}"),
        };
        Ok(Self { authority, url: url.into() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

fn is_openai(host: &Host) -> bool {
    const API: &str = "api.openai.com";
    matches!(host, Host::Name(name) if **name == *API || name.ends_with(&format!(".{API}")))
}

fn is_microsofts(host: &Host) -> bool {
    let Host::Name(name) = host else { return false };
    let clouds = [".com", ".us", ".cn"].into_iter().filter_map(|cloud| name.strip_suffix(cloud));
    clouds.take(1).any(|name| MICROSOFT.iter().any(|service| name.ends_with(service)))
}

/// What of a pasted path comes before Azure's own `/openai`.
fn prefix(path: &str) -> Result<&str, EndpointError> {
    let carried = path.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b));
    if !carried || refuse_dots(path) == Err(Refusal::DotSegment) {
        return Err(EndpointError::Path);
    }
    let path = path.trim_end_matches('/');
    let operations = ["/openai/v1/", "/openai/deployments/"];
    if let Some(at) = operations.into_iter().filter_map(|start| path.find(start)).min() {
        return Ok(path[..at].trim_end_matches('/'));
    }
    let suffixes = ["/openai/v1", "/openai/deployments", "/openai/responses", "/openai"];
    let bare = suffixes.into_iter().find_map(|suffix| path.strip_suffix(suffix)).unwrap_or(path);
    Ok(bare.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_paste() {
        for (text, shown) in [
            ("https://r.openai.azure.com", "https://r.openai.azure.com"),
            (" HTTPS://R.openai.azure.com/ ", "https://r.openai.azure.com"),
            ("https://r.openai.azure.com:443/openai", "https://r.openai.azure.com"),
            ("https://r.openai.azure.com/openai/v1", "https://r.openai.azure.com"),
            ("https://r.openai.azure.com//openai/v1//", "https://r.openai.azure.com"),
            (
                "https://r.openai.azure.com/openai/deployments/gpt/chat/completions",
                "https://r.openai.azure.com",
            ),
            ("https://r.openai.azure.com/openai/v1/chat/completions", "https://r.openai.azure.com"),
            ("https://r.openai.azure.com/openai/v1//responses", "https://r.openai.azure.com"),
            ("https://r.openai.azure.com/openai/responses", "https://r.openai.azure.com"),
            ("https://r.openai.azure.com//openai/responses/", "https://r.openai.azure.com"),
            ("https://g.azure-api.net/team-a/openai", "https://g.azure-api.net/team-a"),
            ("https://g.azure-api.net/team-a/openai/v1/responses", "https://g.azure-api.net/team-a"),
            ("https://g.azure-api.net/openai/v10/x", "https://g.azure-api.net/openai/v10/x"),
            ("https://g.azure-api.net/responses", "https://g.azure-api.net/responses"),
            (
                "https://r.services.ai.azure.com/api/projects/p/openai/v1/",
                "https://r.services.ai.azure.com/api/projects/p",
            ),
            ("https://r.services.ai.azure.com/models", "https://r.services.ai.azure.com"),
            ("https://r.services.ai.azure.com/models/", "https://r.services.ai.azure.com"),
            ("https://r.openai.azure.com/v1/", "https://r.openai.azure.com"),
            ("https://r.openai.azure.us/v1", "https://r.openai.azure.us"),
            ("https://r.cognitiveservices.azure.cn/v1", "https://r.cognitiveservices.azure.cn"),
            ("https://r.openai.azure.com/v1/x", "https://r.openai.azure.com/v1/x"),
            ("https://g.azure-api.net/v1", "https://g.azure-api.net/v1"),
            ("https://g.example.com/models", "https://g.example.com/models"),
            ("https://h:8443/openai-eu/", "https://h:8443/openai-eu"),
            ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x"),
            ("http://localhost", "http://localhost"),
            ("https://[::1]:1", "https://[::1]:1"),
        ] {
            assert_eq!(text.parse::<Endpoint>().map(|e| e.to_string()), Ok(shown.into()), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let host = Host::parse("r.openai.azure.com").unwrap();
        for (text, why) in [
            ("", EndpointError::Scheme),
            ("r.openai.azure.com", EndpointError::Scheme),
            ("ftp://r", EndpointError::Scheme),
            ("http://r.openai.azure.com", EndpointError::Cleartext { host }),
            ("https://", EndpointError::Authority(HostPortError::EmptyHost)),
            ("https://a b", EndpointError::Authority(HostPortError::BadHost)),
            ("https://key@r", EndpointError::UserInfo),
            ("https://api.openai.com/v1", EndpointError::OpenAi),
            ("https://EU.api.openai.com", EndpointError::OpenAi),
            ("https://r/?api-version=2024-10-21", EndpointError::Query),
            ("https://r#x", EndpointError::Query),
            ("https://r/a/../b", EndpointError::Path),
            ("https://r/%2E%2e", EndpointError::Path),
            ("https://r/a b", EndpointError::Path),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(why), "{text}");
        }
    }
}
