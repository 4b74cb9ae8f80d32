//! The annotations that Azure's content filter leaves.

use serde_json::{Value, json};

/// Nothing found.
pub(super) fn safe() -> Value {
    categories("safe")
}

/// Violence found and filtered.
pub(super) fn violent() -> Value {
    categories("high")
}

/// The prompt's own annotation.
pub(super) fn prompt_results() -> Value {
    json!([{ "prompt_index": 0, "content_filter_results": safe() }])
}

fn categories(violence: &str) -> Value {
    let safe = json!({ "filtered": false, "severity": "safe" });
    json!({
        "hate": safe,
        "self_harm": safe,
        "sexual": safe,
        "violence": { "filtered": violence != "safe", "severity": violence },
    })
}
