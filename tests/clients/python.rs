//! The official openai package for Python.

use std::path::Path;

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
