//! The official openai package for Node.

use std::path::PathBuf;

use crate::families::{self, BROWSER, FAMILIES};
use crate::program::Program;
use crate::sdk::{Key, Surface, check, installed};
use crate::stage::Stage;
use crate::way::Way;

const AGENT: &str = "OpenAI/JS";

/// The program as an argument: so its imports are looked up in the working folder, where the package is.
fn program(node: PathBuf, stage: &Stage) -> Program {
    Program::new(node, stage.folder()).folder(&installed("node")).args([
        "--input-type=module",
        "--eval",
        include_str!("openai_node.mjs"),
    ])
}

/// Node 24, the first that follows `https_proxy`.
fn node_24(stage: &Stage) -> Program {
    program(installed("node/node_modules/.bin/node"), stage)
}

/// Node 24 with these families of calls.
pub(crate) fn families(stage: &Stage, names: &[&str]) -> Program {
    let node =
        Program::new(installed("node/node_modules/.bin/node"), stage.folder()).folder(&installed("node"));
    let script = ["--input-type=module", "--eval", include_str!("families.mjs")];
    node.args(script).env("FAMILIES", names.join(" "))
}

/// Whatever Node the machine has.
fn any_node(stage: &Stage) -> Program {
    program("node".into(), stage)
}

#[tokio::test]
async fn node_24_through_https_proxy() {
    check(AGENT, node_24, Way::Proxy, Surface::V1, Key::Configured).await;
}

#[tokio::test]
async fn node_24_through_https_proxy_with_its_own_key_on_the_classic_surfaces() {
    check(AGENT, node_24, Way::Proxy, Surface::Classic, Key::OfTheClient).await;
}

#[tokio::test]
async fn node_24_through_https_proxy_over_tls() {
    check(AGENT, node_24, Way::TlsProxy, Surface::V1, Key::OfTheClient).await;
}

#[tokio::test]
async fn any_node_by_base_url() {
    check(AGENT, any_node, Way::BaseUrl, Surface::V1, Key::Configured).await;
}

#[tokio::test]
async fn any_node_by_base_url_over_tls() {
    check(AGENT, any_node, Way::TlsBaseUrl, Surface::Classic, Key::Configured).await;
}

/// The `ws` package, by which it speaks realtime, is given an agent for `https_proxy`; Node's own WebSocket finds it.
#[tokio::test]
async fn every_family_through_https_proxy() {
    let every: Vec<_> = FAMILIES.iter().chain([&BROWSER]).collect();
    families::check(AGENT, families, Way::Proxy, &every).await;
}

/// Over TLS, since its realtime classes make any base URL a `wss` one.
#[tokio::test]
async fn every_family_by_base_url() {
    let every: Vec<_> = FAMILIES.iter().chain([&BROWSER]).collect();
    families::check(AGENT, families, Way::TlsBaseUrl, &every).await;
}
