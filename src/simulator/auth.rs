//! Who may ask, and what must not have come along.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::errors::Refusal;
use super::settings::Settings;
use super::surface::Surface;

/// Refuses fields that are the client's or its connection's own business: a proxy that lets one through
/// leaks it. Azure itself ignores the `OpenAI-*` ones.
pub(super) fn check_leaks(fields: &HeaderMap, realtime: bool) -> Result<(), Refusal> {
    let keyed = fields.contains_key("api-key");
    let leaked = |name: &HeaderName| {
        matches!(name.as_str(), "openai-organization" | "openai-project")
            || name.as_str().starts_with("proxy-")
            // The realtime service refuses the field that its preview protocol wanted.
            || (realtime && name == "openai-beta")
            || (keyed && *name == AUTHORIZATION)
    };
    fields.keys().find(|name| leaked(name)).map_or(Ok(()), |name| Err(Refusal::ClientOnlyField(name.clone())))
}

/// Checks the credential: `api-key: KEY` or an Entra bearer token everywhere, `Authorization: Bearer KEY`
/// on v1 only. A field that comes twice is no credential.
pub(super) fn check(fields: &HeaderMap, surface: Surface, settings: &Settings) -> Result<(), Refusal> {
    let key = settings.key.expose();
    let accepted = match (only(fields, "api-key"), only(fields, AUTHORIZATION.as_str())) {
        (Some(given), None) => given.as_bytes() == key.as_bytes(),
        (None, Some(given)) => bearer(given).is_some_and(|token| {
            let entra = settings.entra_token.as_ref().is_some_and(|entra| entra.expose() == token);
            entra || (surface == Surface::V1 && token == key)
        }),
        _ => false,
    };
    if accepted { Ok(()) } else { Err(Refusal::Unauthorized) }
}

fn only<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let mut lines = fields.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::redact::Secret;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut fields = HeaderMap::new();
        for (name, value) in lines.iter().map(pair) {
            fields.append(name, value);
        }
        fields
    }

    #[test]
    fn knows_each_surface_s_credentials() {
        let settings =
            Settings { entra_token: Some(Secret::new("eyJ.entra")), ..Settings::demo(Secret::new("KEY")) };
        for (lines, classic, v1) in [
            (&[("api-key", "KEY")][..], true, true),
            (&[("api-key", "KEYS")], false, false),
            (&[("api-key", "")], false, false),
            (&[], false, false),
            (&[("authorization", "Bearer KEY")], false, true),
            (&[("authorization", "bearer KEY")], false, true),
            (&[("authorization", "Bearer eyJ.entra")], true, true),
            (&[("authorization", "Bearer eyJ.other")], false, false),
            (&[("authorization", "KEY")], false, false),
            (&[("authorization", "Basic KEY")], false, false),
            (&[("api-key", "KEY"), ("api-key", "KEY")], false, false),
        ] {
            let fields = fields(lines);
            for (surface, good) in
                [(Surface::Deployment, classic), (Surface::Resource, classic), (Surface::V1, v1)]
            {
                assert_eq!(check(&fields, surface, &settings).is_ok(), good, "{lines:?} on {surface:?}");
            }
        }
    }

    #[test]
    fn names_what_leaked() {
        for (lines, leaked) in [
            (&[("openai-organization", "org-1")][..], Some("openai-organization")),
            (&[("openai-project", "p")], Some("openai-project")),
            (&[("proxy-authorization", "Basic x")], Some("proxy-authorization")),
            (&[("api-key", "KEY"), ("authorization", "Bearer sk-client")], Some("authorization")),
            (&[("authorization", "Bearer KEY"), ("openai-beta", "assistants=v2")], None),
        ] {
            let refused = leaked.map(|name| Refusal::ClientOnlyField(HeaderName::from_static(name)));
            assert_eq!(check_leaks(&fields(lines), false).err(), refused, "{lines:?}");
        }
        assert!(check_leaks(&fields(&[("openai-beta", "realtime=v1")]), true).is_err());
    }
}
