//! What the tests of the pages share.

use std::sync::Arc;

use super::{Admin, Authority, Journal, Metrics};

/// A proxy for two hosts, which is also called `proxy.internal`.
pub(super) fn admin() -> Admin {
    Admin {
        authority: Arc::new(Authority::in_memory(&["openai.com".to_owned()]).unwrap()),
        flags: vec!["--listen".into(), "127.0.0.1:81".into()],
        mode: "azure",
        destination: "Azure OpenAI at https://r.openai.azure.com".into(),
        holds_key: true,
        models: vec![("gpt-4o".into(), "d".into())],
        intercepted: vec!["api.openai.com".into(), "eu.api.openai.com".into()],
        names: vec!["proxy.internal".into()],
        journal: Journal::new(),
        metrics: Metrics::new(|| 0),
    }
}
