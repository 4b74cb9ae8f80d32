//! What the official openai packages send, whatever their language.

use std::path::{Path, PathBuf};

use azure_openai_proxy::simulator::Seen;

use crate::arrivals::{PACE, assert_paced};
use crate::program::Program;
use crate::stage::{AZURE_HOST, Stage, Wishes};
use crate::way::Way;

/// What the streamed answer says, as both programs ask for it.
const STREAMED: &str = "You said: one two three four five six seven eight nine ten";

/// Requests in the order of the programs, on the v1 surface. The models are answered by the proxy, and so is what
/// Azure does not have.
const ON_V1: [&str; 8] = [
    "/openai/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/openai/v1/responses",
    "/openai/v1/responses",
    "/openai/v1/embeddings",
    "/openai/v1/audio/transcriptions",
    "/openai/deployments/demo-whisper/audio/transcriptions?api-version=2025-04-01-preview",
    "/openai/v1/chat/completions",
];

/// The same on the classic surfaces.
const ON_CLASSIC: [&str; 8] = [
    "/openai/deployments/demo-gpt-4o/chat/completions?api-version=2025-04-01-preview",
    "/openai/deployments/demo-gpt-4o/chat/completions?api-version=2025-04-01-preview",
    "/openai/responses?api-version=2025-04-01-preview",
    "/openai/responses?api-version=2025-04-01-preview",
    "/openai/deployments/demo-embedding/embeddings?api-version=2025-04-01-preview",
    "/openai/deployments/gpt-4o-transcribe/audio/transcriptions?api-version=2025-04-01-preview",
    "/openai/deployments/demo-whisper/audio/transcriptions?api-version=2025-04-01-preview",
    "/openai/deployments/no-such-model/chat/completions?api-version=2025-04-01-preview",
];

/// Which paths Azure is asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    V1,
    Classic,
}

/// Whose key Azure gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    /// The proxy has it; the client sends something else.
    Configured,
    /// The client sends it as if it were OpenAI's.
    OfTheClient,
}

/// Where scripts/test installs the packages.
pub(crate) fn installed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(path)
}

/// Runs one of the programs, led to the proxy by nothing but its environment, and checks what Azure saw of it.
pub(crate) async fn check(
    agent: &str,
    program: impl FnOnce(&Stage) -> Program,
    way: Way,
    surface: Surface,
    key: Key,
) {
    let stage = set(surface, key).await;
    let ran = lead(program(&stage), &stage, way, key).run().await.succeeded(agent);
    let words: Vec<&str> = ran.lines.iter().map(|(_, line)| line.trim_end()).collect();
    assert_eq!(words.join(" "), STREAMED);
    assert_paced(agent, ran.lines.iter().map(|(moment, _)| *moment));
    let seen = stage.recorder.seen();
    let asked: Vec<&str> = seen.iter().map(|seen| seen.path_and_query.as_str()).collect();
    assert_eq!(asked, if matches!(surface, Surface::V1) { ON_V1 } else { ON_CLASSIC });
    for seen in &seen {
        assert_arrived(seen, &stage);
        assert_agent(seen, agent);
    }
}

async fn set(surface: Surface, key: Key) -> Stage {
    let mut variables = Vec::new();
    if let Surface::Classic = surface {
        variables.push(("AZURE_OPENAI_APIVERSION", "2025-04-01-preview"));
    }
    if let Key::OfTheClient = key {
        variables.push(("AZURE_OPENAI_API_KEY", ""));
    }
    Stage::with(Wishes { variables: &variables, resource: Some(|resource| resource.pace = PACE) }).await
}

/// The variables that the README names, and some that the packages make fields of which are not Azure's business.
pub(crate) fn lead(program: Program, stage: &Stage, way: Way, key: Key) -> Program {
    let mut program = program
        .env("OPENAI_API_KEY", if let Key::OfTheClient = key { &stage.key } else { "sk-of-the-client" })
        .env("OPENAI_ORG_ID", "org-of-the-client")
        .env("OPENAI_PROJECT_ID", "project-of-the-client");
    if let Some(proxy) = way.proxy(stage) {
        program = program.env("https_proxy", proxy).env("NODE_USE_ENV_PROXY", "1");
    }
    if let Some(base_url) = way.base_url(stage) {
        program = program.env("OPENAI_BASE_URL", base_url);
    }
    if way.needs_trust() {
        program = program.env("SSL_CERT_FILE", &stage.ca_file).env("NODE_EXTRA_CA_CERTS", &stage.ca_file);
    }
    program
}

/// Azure was asked with its key, and told nothing else about the client's account.
pub(crate) fn assert_arrived(seen: &Seen, stage: &Stage) {
    let path = &seen.path_and_query;
    let field = |name| seen.fields.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    assert_eq!(seen.authority, AZURE_HOST, "{path}");
    assert_eq!(field("api-key").as_deref(), Some(stage.key.as_str()), "{path}");
    for leaked in ["authorization", "openai-organization", "openai-project"] {
        assert_eq!(field(leaked), None, "{path}");
    }
}

/// It was this package that asked.
pub(crate) fn assert_agent(seen: &Seen, agent: &str) {
    let found = seen.fields.get("user-agent").map(|found| String::from_utf8_lossy(found.as_bytes()));
    assert!(found.is_some_and(|found| found.starts_with(agent)), "{}: not {agent}", seen.path_and_query);
}
