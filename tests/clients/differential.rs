//! A plain `OpenAI` client through the proxy is to Azure what the official Azure client is without it.
//!
//! Both ask the same simulator for the same: `AzureOpenAI`, or on v1 `OpenAI` with the resource's base URL and key as
//! Microsoft documents it, through a tunnel that nobody looks into; and `OpenAI`, told of nothing but the proxy. Then the
//! requests that arrived are compared, whole.

use std::collections::BTreeMap;

use azure_openai_proxy::simulator::Seen;

use crate::families::{self, FAMILIES, Family, without_ids};
use crate::program::Program;
use crate::sdk::{Key, Surface, lead};
use crate::stage::{AZURE_HOST, Stage};
use crate::way::Way;
use crate::{node, python};

const API_VERSION: &str = "2025-04-01-preview";

/// The fields that may differ, and why it is right. Beside these and the order of the query, where `api-version` comes
/// last, any difference fails.
const FIELDS: &[(&str, &str)] = &[
    ("host", "the proxy speaks HTTP/2 upstream, where it is the authority, which is compared"),
    ("connection", "it is for one connection"),
    ("upgrade", "it is for one connection"),
    ("sec-websocket-key", "it is random"),
    ("sec-websocket-extensions", "no compression is offered where models in messages are mapped"),
    ("user-agent", "on the classic surfaces it names another class; what it names is not Azure's business"),
    ("authorization", "v1 takes a key in either field, and the proxy writes the one that all surfaces take"),
    ("api-key", "the same; that the right key came in one of them, the simulator saw to"),
];

/// The families that cannot be compared on a surface, and why. What is on v1 only is not asked for on the classic ones.
const APART: &[(&[Pair], &str, &str)] = &[
    (ON_V1, "models", "the proxy answers from its map: Azure's list is its catalogue, not what is deployed"),
    (ON_V1, "whisper", "Azure does not find it on v1, so the proxy asks for it by the classic paths"),
    (
        &[(NODE, Surface::Classic)],
        "image_edits",
        "AzureOpenAI for Node asks without a deployment, which Azure answers with 404",
    ),
];

/// A package and the surface that it is tried on.
type Pair = (&'static str, Surface);

const PYTHON: &str = "openai for Python";
const NODE: &str = "openai for Node";
const ON_V1: &[Pair] = &[(PYTHON, Surface::V1), (NODE, Surface::V1)];

/// A request with all that may not differ.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    asked: String,
    fields: BTreeMap<String, Vec<String>>,
    content: String,
}

#[tokio::test]
async fn python_on_the_classic_surfaces() {
    compare((PYTHON, Surface::Classic), python::families).await;
}

#[tokio::test]
async fn python_on_v1() {
    compare((PYTHON, Surface::V1), python::families).await;
}

#[tokio::test]
async fn node_on_the_classic_surfaces() {
    compare((NODE, Surface::Classic), node::families).await;
}

#[tokio::test]
async fn node_on_v1() {
    compare((NODE, Surface::V1), node::families).await;
}

async fn compare((package, surface): Pair, program: fn(&Stage, &[&str]) -> Program) {
    let version = if let Surface::Classic = surface { API_VERSION } else { "v1" };
    let (map, names) = (families::map(), names((package, surface)));
    let variables = [("AZURE_OPENAI_MODEL_MAPPER", map.as_str()), ("AZURE_OPENAI_APIVERSION", version)];
    let stage = Stage::with_variables(&variables).await;
    lead(program(&stage, &names), &stage, Way::Proxy, Key::Configured).run().await.succeeded(package);
    let ours = stage.recorder.seen();
    direct(program(&stage, &names), &stage, surface).run().await.succeeded(package);
    let theirs = stage.recorder.seen().split_off(ours.len());
    assert!(ours.len() > 40, "only {} requests", ours.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(Request::of(ours, &stage), Request::of(theirs, &stage));
    }
    assert_eq!(ours.len(), theirs.len());
}

/// The families that both clients ask Azure for on this surface.
fn names(pair: Pair) -> Vec<&'static str> {
    let apart =
        |family: &Family| APART.iter().any(|(of, name, _)| of.contains(&pair) && *name == family.name);
    let there = |family: &Family| pair.1 == Surface::V1 || family.is_classic;
    FAMILIES.iter().filter(|family| there(family) && !apart(family)).map(|family| family.name).collect()
}

/// Leads a program to the simulator as Microsoft documents it; the tunnel is but the way there.
fn direct(program: Program, stage: &Stage, surface: Surface) -> Program {
    let origin_ca = stage.folder().join("simulator-ca.pem");
    let program = program
        .env("https_proxy", format!("http://{}", stage.proxy))
        .env("NODE_USE_ENV_PROXY", "1")
        .env("SSL_CERT_FILE", &origin_ca)
        .env("NODE_EXTRA_CA_CERTS", &origin_ca)
        .env("MODELS", families::models());
    match surface {
        Surface::V1 => program
            .env("OPENAI_BASE_URL", format!("https://{AZURE_HOST}/openai/v1/"))
            .env("OPENAI_API_KEY", &stage.key),
        Surface::Classic => program
            .env("AZURE_OPENAI_ENDPOINT", format!("https://{AZURE_HOST}"))
            .env("AZURE_OPENAI_API_KEY", &stage.key)
            .env("OPENAI_API_VERSION", API_VERSION),
    }
}

// === impl Request ===

impl Request {
    fn of(seen: &Seen, stage: &Stage) -> Self {
        let boundary = boundary(seen);
        let plain = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).replace(&stage.key, "KEY");
            without_ids(
                &boundary.as_ref().map_or(text.clone(), |boundary| text.replace(boundary, "BOUNDARY")),
            )
        };
        let may_differ = |name: &str| FIELDS.iter().any(|(field, _)| *field == name);
        let mut fields = BTreeMap::new();
        for (name, value) in seen.fields.iter().filter(|(name, _)| !may_differ(name.as_str())) {
            fields.entry(name.to_string()).or_insert_with(Vec::new).push(plain(value.as_bytes()));
        }
        let (path, query) = seen.path_and_query.split_once('?').unwrap_or((&seen.path_and_query, ""));
        let mut query: Vec<&str> = query.split('&').collect();
        query.sort_unstable();
        let target = without_ids(&format!("{path}?{}", query.join("&")));
        let asked = format!("{} {} {target}", seen.method, seen.authority);
        Self { asked, fields, content: plain(&seen.content) }
    }
}

/// What a form's parts are told apart by: random.
fn boundary(seen: &Seen) -> Option<String> {
    let media_type = seen.fields.get("content-type")?.to_str().ok()?;
    Some(media_type.split_once("boundary=")?.1.to_owned())
}
