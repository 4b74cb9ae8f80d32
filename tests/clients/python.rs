//! The official openai package for Python.

use std::path::Path;

use crate::families::{self, FAMILIES};
use crate::program::Program;
use crate::sdk::{Key, Surface, check, installed};
use crate::stage::Stage;
use crate::way::Way;

const AGENT: &str = "OpenAI/Python";

/// The interpreter of the virtual environment with our program.
fn program(stage: &Stage) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/openai_python.py");
    Program::new(installed("venv/bin/python"), stage.folder()).arg(script)
}

/// The interpreter with these families of calls.
pub(crate) fn families(stage: &Stage, names: &[&str]) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/families.py");
    Program::new(installed("venv/bin/python"), stage.folder()).arg(script).args(names)
}

#[tokio::test]
async fn through_https_proxy_prints_its_chunks_as_they_are_paced() {
    check(AGENT, program, Way::Proxy, Surface::V1, Key::Configured).await;
}

#[tokio::test]
async fn through_https_proxy_with_its_own_key_on_the_classic_surfaces() {
    check(AGENT, program, Way::Proxy, Surface::Classic, Key::OfTheClient).await;
}

#[tokio::test]
async fn through_https_proxy_over_tls() {
    check(AGENT, program, Way::TlsProxy, Surface::V1, Key::OfTheClient).await;
}

#[tokio::test]
async fn by_base_url() {
    check(AGENT, program, Way::BaseUrl, Surface::V1, Key::Configured).await;
}

#[tokio::test]
async fn by_base_url_over_tls() {
    check(AGENT, program, Way::TlsBaseUrl, Surface::Classic, Key::Configured).await;
}

/// Its WebSockets go through `https_proxy` too.
#[tokio::test]
async fn every_family_through_https_proxy() {
    families::check(AGENT, families, Way::Proxy, &FAMILIES.iter().collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn every_family_by_base_url() {
    families::check(AGENT, families, Way::BaseUrl, &FAMILIES.iter().collect::<Vec<_>>()).await;
}
