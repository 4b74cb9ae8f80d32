//! Which of Azure's three surfaces a path belongs to, and which `api-version` each of them takes.

use percent_encoding::percent_decode_str;

use super::errors::Refusal;

/// One of the three ways to address a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    /// `/openai/deployments/{deployment}…?api-version=DATE`
    Deployment,
    /// `/openai…?api-version=DATE`
    Resource,
    /// `/openai/v1…`
    V1,
}

/// A path taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) surface: Surface,
    /// The name in a deployment-scoped path, decoded.
    pub(super) deployment: Option<String>,
    /// What follows the surface's prefix, with its leading slash.
    pub(super) path: &'a str,
}

/// The dated versions that were ever published for the data plane.
const VERSIONS: &[&str] = &[
    "2022-12-01",
    "2023-03-15-preview",
    "2023-05-15",
    "2023-06-01-preview",
    "2023-07-01-preview",
    "2023-08-01-preview",
    "2023-09-01-preview",
    "2023-12-01-preview",
    "2024-02-01",
    "2024-02-15-preview",
    "2024-03-01-preview",
    "2024-04-01-preview",
    "2024-05-01-preview",
    "2024-06-01",
    "2024-07-01-preview",
    "2024-08-01-preview",
    "2024-09-01-preview",
    "2024-10-01-preview",
    "2024-10-21",
    "2024-12-01-preview",
    "2025-01-01-preview",
    "2025-02-01-preview",
    "2025-03-01-preview",
    "2025-04-01-preview",
];

// === impl Place ===

impl<'a> Place<'a> {
    /// Takes a path apart; one outside `/openai/` is nobody's.
    pub(super) fn of(path: &'a str) -> Result<Self, Refusal> {
        let path =
            path.strip_prefix("/openai").filter(|rest| rest.starts_with('/')).ok_or(Refusal::NotFound)?;
        if let Some(rest) = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')) {
            return Ok(Self { surface: Surface::V1, deployment: None, path: rest });
        }
        let Some(rest) = path.strip_prefix("/deployments/") else {
            return Ok(Self { surface: Surface::Resource, deployment: None, path });
        };
        let end = rest.find('/').ok_or(Refusal::NotFound)?;
        let (name, path) = rest.split_at(end);
        let name = percent_decode_str(name).decode_utf8().map_err(|_| Refusal::DeploymentNotFound)?;
        Ok(Self { surface: Surface::Deployment, deployment: Some(name.into_owned()), path })
    }

    /// Checks `api-version`; returns the dated version on the classic surfaces and nothing on v1.
    ///
    /// Classic: required, one of the published dates. v1: absent, `v1` or `preview`. Realtime on v1: absent,
    /// and the service answers 401 otherwise.
    pub(super) fn version(&self, query: &str) -> Result<Option<&'static str>, Refusal> {
        let mut values = parameters(query).filter(|(name, _)| name.eq_ignore_ascii_case("api-version"));
        let (first, second) = (values.next(), values.next());
        if self.surface == Surface::V1 && self.path.starts_with("/realtime") && first.is_some() {
            return Err(Refusal::Unauthorized);
        }
        match (self.surface, first, second) {
            (_, _, Some(_)) => Err(Refusal::ApiVersion),
            (Surface::V1, None | Some((_, "v1" | "preview")), None) => Ok(None),
            (Surface::V1, Some(_), None) => Err(Refusal::ApiVersion),
            (_, None, None) => Err(Refusal::NotFound),
            (_, Some((_, value)), None) => VERSIONS
                .iter()
                .find(|known| **known == value)
                .map(|known| Some(*known))
                .ok_or(Refusal::ApiVersion),
        }
    }
}

/// The parameters of a query as they are written.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_surfaces_apart() {
        for (path, surface, deployment, rest) in [
            ("/openai/v1/chat/completions", Surface::V1, None, "/chat/completions"),
            ("/openai/v1//models", Surface::V1, None, "//models"),
            ("/openai/responses", Surface::Resource, None, "/responses"),
            ("/openai/v1x/models", Surface::Resource, None, "/v1x/models"),
            ("/openai/deployments/my%2Ddep/embeddings", Surface::Deployment, Some("my-dep"), "/embeddings"),
            ("/openai/deployments//embeddings", Surface::Deployment, Some(""), "/embeddings"),
        ] {
            let expected = Place { surface, deployment: deployment.map(Into::into), path: rest };
            assert_eq!(Place::of(path), Ok(expected), "{path}");
        }
        for path in
            ["/v1/models", "/", "/openai", "/openaiv1/models", "/OpenAI/v1/models", "/openai/deployments/x"]
        {
            assert_eq!(Place::of(path), Err(Refusal::NotFound), "{path}");
        }
    }

    #[test]
    fn takes_only_the_versions_of_the_surface() {
        const DATED: Result<Option<&str>, Refusal> = Ok(Some("2024-10-21"));
        for (path, query, expected) in [
            ("/openai/models", "api-version=2024-10-21", DATED),
            ("/openai/models", "a=b&api-version=2024-10-21&", DATED),
            ("/openai/models", "", Err(Refusal::NotFound)),
            ("/openai/models", "api-version=", Err(Refusal::ApiVersion)),
            ("/openai/models", "api-version=2024-10-22", Err(Refusal::ApiVersion)),
            ("/openai/models", "api-version=v1", Err(Refusal::ApiVersion)),
            ("/openai/models", "api-version=2024-10-21&api-version=2024-10-21", Err(Refusal::ApiVersion)),
            ("/openai/v1/models", "", Ok(None)),
            ("/openai/v1/models", "api-version=v1", Ok(None)),
            ("/openai/v1/models", "api-version=preview&x=y", Ok(None)),
            ("/openai/v1/models", "api-version=2024-10-21", Err(Refusal::ApiVersion)),
            ("/openai/v1/models", "api-version=v1&api-version=v1", Err(Refusal::ApiVersion)),
            ("/openai/v1/realtime/client_secrets", "", Ok(None)),
            ("/openai/v1/realtime/client_secrets", "api-version=preview", Err(Refusal::Unauthorized)),
        ] {
            let version = Place::of(path).and_then(|place| place.version(query));
            assert_eq!(version, expected, "{path}?{query}");
        }
    }
}
