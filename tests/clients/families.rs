//! What the official openai packages can ask for, family by family: the calls of `families.py` and `families.mjs`.

use azure_openai_proxy::simulator::Seen;
use http::header::SEC_WEBSOCKET_KEY;

use crate::program::Program;
use crate::sdk::{Key, assert_agent, assert_arrived, lead};
use crate::stage::{MAP, Stage};
use crate::way::Way;

/// Calls that belong together.
pub(crate) struct Family {
    /// What the programs call it.
    pub(crate) name: &'static str,
    /// What Azure sees of it on the v1 surface, in order; `*` is an id that the simulator made up.
    seen: &'static [&'static str],
    /// Whether the classic surfaces have all of it.
    pub(crate) is_classic: bool,
}

const fn row(name: &'static str, is_classic: bool, seen: &'static [&'static str]) -> Family {
    Family { name, seen, is_classic }
}

/// All that both packages have. The models are answered by the proxy, from its map.
pub(crate) const FAMILIES: &[Family] = &[
    row("chat", true, &["POST /openai/v1/chat/completions", "POST /openai/v1/chat/completions"]),
    row(
        "stored",
        true,
        &[
            "POST /openai/v1/chat/completions",
            "GET /openai/v1/chat/completions?model=gpt-4o",
            "GET /openai/v1/chat/completions/*",
            "POST /openai/v1/chat/completions/*",
            "GET /openai/v1/chat/completions/*/messages",
            "DELETE /openai/v1/chat/completions/*",
        ],
    ),
    row("completions", true, &["POST /openai/v1/completions"]),
    row("embeddings", true, &["POST /openai/v1/embeddings"]),
    // On v1 too it is asked for by the classic paths, since Azure finds it nowhere else.
    row(
        "whisper",
        true,
        &[
            "POST /openai/deployments/demo-whisper/audio/transcriptions?api-version=2025-04-01-preview",
            "POST /openai/deployments/demo-whisper/audio/translations?api-version=2025-04-01-preview",
        ],
    ),
    row("audio", true, &["POST /openai/v1/audio/transcriptions", "POST /openai/v1/audio/speech"]),
    row("images", true, &["POST /openai/v1/images/generations"]),
    row("image_edits", true, &["POST /openai/v1/images/edits"]),
    row(
        "responses",
        true,
        &[
            "POST /openai/v1/responses",
            "POST /openai/v1/responses",
            "GET /openai/v1/responses/*",
            "GET /openai/v1/responses/*/input_items",
            "DELETE /openai/v1/responses/*",
        ],
    ),
    row("background", false, &["POST /openai/v1/responses", "POST /openai/v1/responses/*/cancel"]),
    row(
        "conversations",
        false,
        &[
            "POST /openai/v1/conversations",
            "POST /openai/v1/conversations/*/items",
            "GET /openai/v1/conversations/*/items",
            "GET /openai/v1/conversations/*/items/*",
            "DELETE /openai/v1/conversations/*/items/*",
            "POST /openai/v1/conversations/*",
            "GET /openai/v1/conversations/*",
            "DELETE /openai/v1/conversations/*",
        ],
    ),
    row(
        "files",
        true,
        &[
            "POST /openai/v1/files",
            "GET /openai/v1/files",
            "GET /openai/v1/files/*",
            "GET /openai/v1/files/*/content",
            "DELETE /openai/v1/files/*",
        ],
    ),
    row(
        "batches",
        true,
        &[
            "POST /openai/v1/files",
            "POST /openai/v1/batches",
            "GET /openai/v1/batches",
            "GET /openai/v1/batches/*",
            "POST /openai/v1/batches/*/cancel",
        ],
    ),
    row(
        "uploads",
        true,
        &[
            "POST /openai/v1/uploads",
            "POST /openai/v1/uploads/*/parts",
            "POST /openai/v1/uploads/*/parts",
            "POST /openai/v1/uploads/*/complete",
            "GET /openai/v1/files/*/content",
            "POST /openai/v1/uploads",
            "POST /openai/v1/uploads/*/cancel",
        ],
    ),
    row(
        "vector_stores",
        true,
        &[
            "POST /openai/v1/files",
            "POST /openai/v1/vector_stores",
            "POST /openai/v1/vector_stores/*",
            "POST /openai/v1/vector_stores/*/files",
            "GET /openai/v1/vector_stores/*/files",
            "DELETE /openai/v1/vector_stores/*/files/*",
            "GET /openai/v1/vector_stores/*",
            "DELETE /openai/v1/vector_stores/*",
        ],
    ),
    row(
        "fine_tuning",
        true,
        &[
            "POST /openai/v1/files",
            "POST /openai/v1/fine_tuning/jobs",
            "GET /openai/v1/fine_tuning/jobs",
            "GET /openai/v1/fine_tuning/jobs/*",
            "POST /openai/v1/fine_tuning/jobs/*/cancel",
        ],
    ),
    row(
        "evals",
        true,
        &[
            "POST /openai/v1/evals",
            "GET /openai/v1/evals/*",
            "POST /openai/v1/evals/*/runs",
            "GET /openai/v1/evals/*/runs",
            "GET /openai/v1/evals/*/runs/*/output_items",
            "DELETE /openai/v1/evals/*/runs/*",
            "DELETE /openai/v1/evals/*",
        ],
    ),
    row(
        "containers",
        false,
        &[
            "POST /openai/v1/containers",
            "POST /openai/v1/containers/*/files",
            "GET /openai/v1/containers/*/files",
            "GET /openai/v1/containers/*/files/*/content",
            "DELETE /openai/v1/containers/*/files/*",
            "DELETE /openai/v1/containers/*",
        ],
    ),
    row(
        "videos",
        false,
        &[
            "POST /openai/v1/videos",
            "GET /openai/v1/videos/*",
            "GET /openai/v1/videos/*/content",
            "POST /openai/v1/videos/*/remix",
            "GET /openai/v1/videos",
            "DELETE /openai/v1/videos/*",
        ],
    ),
    row("models", false, &[]),
    row("client_secrets", false, &["POST /openai/v1/realtime/client_secrets"]),
    row("realtime", false, &["GET /openai/v1/realtime?model=gpt-realtime"]),
    row("responses_socket", false, &["GET /openai/v1/responses"]),
];

/// The one that only Node has: its own WebSocket, as in a browser.
pub(crate) const BROWSER: Family =
    row("browser_realtime", false, &["GET /openai/v1/realtime?model=gpt-realtime"]);

/// The map of the stage for all of them, with each name of theirs that differs.
pub(crate) fn map() -> String {
    format!(
        "{MAP},gpt-3.5-turbo-instruct=gpt-35-turbo-instruct,sora-2=demo-sora,gpt-4o-realtime-preview=gpt-realtime"
    )
}

/// The same as the JSON that the programs take for `MODELS`.
pub(crate) fn models() -> String {
    let pair =
        |pair: &str| pair.trim().split_once('=').map(|(model, name)| format!("\"{model}\":\"{name}\""));
    let pairs: Vec<String> = map().split(',').filter_map(pair).collect();
    format!("{{{}}}", pairs.join(","))
}

/// Runs these families through the proxy, and checks what came to Azure of each.
pub(crate) async fn check(
    agent: &str,
    program: impl FnOnce(&Stage, &[&str]) -> Program,
    way: Way,
    families: &[&Family],
) {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_MODEL_MAPPER", &map())]).await;
    let names: Vec<&str> = families.iter().map(|family| family.name).collect();
    lead(program(&stage, &names), &stage, way, Key::Configured).run().await.succeeded(agent);
    let seen = stage.recorder.seen();
    let asked: Vec<String> = seen.iter().map(asked).collect();
    let wanted: Vec<&str> = families.iter().flat_map(|family| family.seen).copied().collect();
    assert_eq!(asked.join("\n"), wanted.join("\n"), "{agent} {way:?}");
    for seen in &seen {
        assert_arrived(seen, &stage);
        if seen.fields.contains_key(SEC_WEBSOCKET_KEY) {
            assert_mapped(&String::from_utf8_lossy(&seen.content));
        } else {
            // Of WebSockets, not all say who asks.
            assert_agent(seen, agent);
        }
    }
}

/// Each WebSocket of the programs names one model in a message; to Azure it is a deployment.
fn assert_mapped(messages: &str) {
    let names = |all: [&str; 2]| all.iter().any(|name| messages.contains(&format!("\"{name}\"")));
    assert!(names(["demo-whisper", "demo-gpt-4o"]) && !names(["whisper-1", "gpt-4o"]), "{messages}");
}

/// The method and the target, with `*` for what the simulator made up.
fn asked(seen: &Seen) -> String {
    let target = without_ids(&seen.path_and_query);
    format!("{} {target}", seen.method)
}

/// The text with `*` for each id that the simulator made up: a name and 32 hexadecimal digits.
pub(crate) fn without_ids(text: &str) -> String {
    let is_of_word = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let words = text.split_inclusive(|character| !is_of_word(character));
    words
        .map(|word| {
            let id = word.trim_end_matches(|character| !is_of_word(character));
            let number = id.len().checked_sub(32).and_then(|start| id.get(start..)).unwrap_or("?");
            let is_made_up =
                number.starts_with("000000") && number.bytes().all(|octet| octet.is_ascii_hexdigit());
            if is_made_up { format!("*{}", &word[id.len()..]) } else { word.into() }
        })
        .collect()
}
