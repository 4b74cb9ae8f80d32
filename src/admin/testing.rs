//! What the tests of the pages share.

use super::{Admin, Journal};

/// A proxy for two hosts, which is also called `proxy.internal`.
pub(super) fn admin() -> Admin {
    Admin {
        root_pem: "-----BEGIN CERTIFICATE-----\n".into(),
        ca_path: "/home/u/ca.pem".into(),
        fingerprint: "00ff".into(),
        permitted: vec!["openai.com".into()],
        expiry: "2036-11-01".into(),
        mode: "azure",
        destination: "Azure OpenAI at https://r.openai.azure.com".into(),
        holds_key: true,
        models: vec![("gpt-4o".into(), "d".into())],
        intercepted: vec!["api.openai.com".into(), "eu.api.openai.com".into()],
        names: vec!["proxy.internal".into()],
        journal: Journal::new(),
    }
}
