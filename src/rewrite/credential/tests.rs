use proptest::prelude::*;

use super::*;
use crate::message::hop_by_hop;

const JWT: &str = "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln-_";

fn settings(key: Option<&str>, key_header: &'static str) -> Settings {
    let mut settings = Settings::new("https://r.openai.azure.com".parse().unwrap());
    settings.key = key.map(Secret::new);
    settings.key_header = HeaderName::from_static(key_header);
    settings
}

/// As a request is rewritten.
fn replace(credential: &Credential, settings: &Settings, fields: &mut Fields) {
    hop_by_hop::sanitise_without(fields, |name| credential.replaces(settings, name));
    credential.write(fields);
}

/// The fields as they go upstream, and whose credential it is.
fn sent(
    settings: &Settings,
    operation: &str,
    lines: &[(&'static str, &str)],
) -> Result<(CredentialKind, Vec<String>), Refusal> {
    let mut fields = Fields::of(lines);
    let credential = Credential::for_azure(settings, &fields, operation)?;
    replace(&credential, settings, &mut fields);
    let mut shown = fields.shown();
    shown.sort();
    Ok((credential.kind(), shown))
}

#[test]
fn without_a_configured_key_the_clients_own_is_azures() {
    use CredentialKind::{ClientKey, ClientToken};
    let jwt = format!("Bearer {JWT}");
    for (lines, kind, expected) in [
        (&[("authorization", "Bearer k")][..], ClientKey, "api-key: k".to_owned()),
        (&[("authorization", "bEARER  k ")], ClientKey, "api-key: k".into()),
        (&[("api-key", "k")], ClientKey, "api-key: k".into()),
        (&[("api-key", "k"), ("authorization", "Bearer other")], ClientKey, "api-key: k".into()),
        (&[("api-key", ""), ("authorization", "Bearer k")], ClientKey, "api-key: k".into()),
        (&[("authorization", &jwt)], ClientToken, format!("authorization: {jwt}")),
        // Only the scheme is taken off, and only at the front.
        (&[("authorization", "Bearer aBearer b")], ClientKey, "api-key: aBearer b".into()),
        (&[("authorization", "Bearer eyJ.x")], ClientKey, "api-key: eyJ.x".into()),
    ] {
        assert_eq!(sent(&settings(None, "api-key"), "", lines), Ok((kind, vec![expected])), "{lines:?}");
    }
    for lines in [
        &[][..],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic azprZXk=")],
        &[("authorization", "Bearerk")],
    ] {
        assert_eq!(sent(&settings(None, "api-key"), "", lines), Err(Refusal::CredentialMissing), "{lines:?}");
    }
}

#[test]
fn a_gateways_key_field_takes_the_key() {
    let gateway = settings(None, "ocp-apim-subscription-key");
    for lines in [
        &[("ocp-apim-subscription-key", "k"), ("api-key", "no")][..],
        &[("api-key", "k"), ("authorization", "Bearer no")],
        &[("authorization", "Bearer k")],
    ] {
        let expected = vec!["ocp-apim-subscription-key: k".to_owned()];
        assert_eq!(sent(&gateway, "", lines), Ok((CredentialKind::ClientKey, expected)), "{lines:?}");
    }
    let bearer = settings(Some("k"), "authorization");
    let expected = vec!["authorization: Bearer k".to_owned()];
    assert_eq!(sent(&bearer, "", &[("api-key", "no")]), Ok((CredentialKind::ConfiguredKey, expected)));
}

#[test]
fn a_configured_token_goes_where_azure_reads_tokens() {
    for key_header in ["api-key", "authorization", "ocp-apim-subscription-key"] {
        let ours = settings(Some(JWT), key_header);
        let expected = vec![format!("authorization: Bearer {JWT}")];
        let lines = [("api-key", "client's"), ("authorization", "Bearer client's"), (key_header, "client's")];
        assert_eq!(sent(&ours, "", &lines), Ok((CredentialKind::ConfiguredToken, expected)), "{key_header}");
    }
}

#[test]
fn only_a_calls_ephemeral_token_outlives_a_configured_key() {
    let configured = settings(Some("ours"), "api-key");
    let lines = [("authorization", "Bearer ek_1")];
    let kept = vec!["authorization: Bearer ek_1".to_owned()];
    for operation in ["realtime/calls", "realtime/translations/calls"] {
        let kept = kept.clone();
        assert_eq!(
            sent(&configured, operation, &lines),
            Ok((CredentialKind::Ephemeral, kept)),
            "{operation}"
        );
    }
    for (operation, token) in [("realtime", "Bearer ek_1"), ("realtime/calls", "Bearer sk-1")] {
        let expected = vec!["api-key: ours".to_owned()];
        let lines = [("authorization", token)];
        assert_eq!(sent(&configured, operation, &lines), Ok((CredentialKind::ConfiguredKey, expected)));
    }
}

#[test]
fn a_browsers_key_leaves_the_list_of_subprotocols() {
    let lines = [("sec-websocket-protocol", "realtime, openai-insecure-api-key.k")];
    let expected = vec!["api-key: k".to_owned(), "sec-websocket-protocol: realtime".to_owned()];
    assert_eq!(
        sent(&settings(None, "api-key"), "realtime", &lines),
        Ok((CredentialKind::ClientKey, expected))
    );
    let lines = [("sec-websocket-protocol", "openai-insecure-api-key.ek_1")];
    let expected = vec!["authorization: Bearer ek_1".to_owned()];
    let theirs = sent(&settings(None, "api-key"), "realtime", &lines);
    assert_eq!(theirs, Ok((CredentialKind::Ephemeral, expected)));
    let expected = vec!["api-key: ours".to_owned()];
    let ours = settings(Some("ours"), "api-key");
    assert_eq!(sent(&ours, "realtime", &lines), Ok((CredentialKind::ConfiguredKey, expected)));
}

#[test]
fn is_never_shown() {
    let credential = Credential::for_azure(&settings(Some("hush"), "api-key"), &Fields::new(), "").unwrap();
    assert!(!format!("{credential:?}").contains("hush"));
    let broken = settings(Some("a\nb"), "api-key");
    assert_eq!(sent(&broken, "", &[]), Err(Refusal::CredentialUnusable));
}

proptest! {
    #[test]
    fn no_credential_of_the_clients_survives_a_configured_key(
        secrets in prop::collection::vec("client[a-z]{4}", 6),
        repeated in any::<bool>(),
        operation in prop::sample::select(vec!["chat/completions", "realtime", "realtime/calls", "realtime/translations/calls", ""]),
        header in prop::sample::select(vec!["api-key", "ocp-apim-subscription-key", "authorization"]),
    ) {
        let settings = settings(Some("ours"), header);
        let mut fields = Fields::new();
        for _ in 0..=usize::from(repeated) {
            for (name, value) in [
                ("authorization", format!("Bearer {}", secrets[0])),
                ("api-key", secrets[1].clone()),
                (header, secrets[2].clone()),
                ("openai-organization", secrets[3].clone()),
                ("openai-project", secrets[4].clone()),
                ("sec-websocket-protocol", format!("realtime, {KEY_PROTOCOL}{}", secrets[5])),
            ] {
                fields.append(HeaderName::from_static(name), value.parse::<HeaderValue>().unwrap());
            }
        }
        let credential = Credential::for_azure(&settings, &fields, operation).unwrap();
        replace(&credential, &settings, &mut fields);
        let survivors: Vec<_> = fields.shown().into_iter().filter(|line| line.contains("client")).collect();
        prop_assert!(survivors.is_empty(), "{:?}", survivors);
        prop_assert_eq!(fields.get_all(header).count(), 1);
    }
}
