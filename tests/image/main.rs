//! The container image: what the Dockerfile says of user, variables, volume and entry point, and what the README says of
//! it all. `scripts/image` builds it and runs this.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../support/client.rs"]
mod client;
mod container;
#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../support/program.rs"]
mod program;
#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../support/stage.rs"]
mod stage;

use std::net::{IpAddr, SocketAddr};

use azure_openai_proxy::message::body::Body;
use container::{Container, USER};
use http::{HeaderValue, Request, StatusCode};
use stage::{AZURE_HOST, Stage};

use crate::client::Whole;
use crate::program::Program;

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// As in the README, towards a simulator; and any port.
fn variables(stage: &Stage) -> Vec<(&'static str, String)> {
    vec![
        ("AZURE_OPENAI_PROXY_ADDRESS", "0.0.0.0:0".to_owned()),
        ("AZURE_OPENAI_ENDPOINT", format!("https://{AZURE_HOST}")),
        ("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=demo-gpt-4o".to_owned()),
        ("AZURE_OPENAI_PROXY_RESOLVE", format!("{AZURE_HOST}:443:{}", stage.simulator)),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", container::CA_FILE.to_owned()),
    ]
}

/// A chat completion with this key.
fn chat(key: &str) -> Request<Body> {
    let mut request = client::post("container", "/v1/chat/completions", CHAT);
    request.headers_mut().insert("authorization", HeaderValue::try_from(format!("Bearer {key}")).unwrap());
    request
}

/// Where clients of this machine find it, and a stranger, if there is one.
async fn addresses(program: &mut Program) -> (SocketAddr, Option<SocketAddr>) {
    let port = program.address().await.port();
    let stranger: Option<IpAddr> = std::env::var("IMAGE_STRANGER").ok().map(|text| text.parse().unwrap());
    (([127, 0, 0, 1], port).into(), stranger.map(|address| (address, port).into()))
}

/// Whose socket listens on that port.
fn owner(port: u16) -> u32 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("00000000:{port:04X}");
    let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    row.into_iter().find(|row| row[1] == local).expect("it listens")[7].parse().unwrap()
}

async fn assert_serves_nothing_else(stranger: SocketAddr) {
    for path in ["/", "/metrics", "/proxy.pac", "/ca.pem"] {
        let refused = client::ask(stranger, client::get("container", path)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.text());
    }
    let refused = client::tunnel(stranger, "other.example:443").await.expect_err("it is refused");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn it_answers_whoever_brings_a_key_of_their_own_and_is_nobody_on_the_machine() {
    let stage = Stage::set().await;
    let container = Container::new(&stage);
    let mut program = container.start(&variables(&stage));
    let (near, stranger) = addresses(&mut program).await;
    assert_eq!(owner(near.port()), USER);
    for address in [Some(near), stranger].into_iter().flatten() {
        let answer: Whole = client::ask(address, chat(&stage.key)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(client::ask(address, chat("of-nobody")).await.status, StatusCode::UNAUTHORIZED);
        let healthy = client::ask(address, client::get("container", "/healthz")).await;
        assert_eq!(healthy.text(), "ok\n");
    }
    match stranger {
        Some(stranger) => assert_serves_nothing_else(stranger).await,
        None => eprintln!("skipped: nobody here is a stranger"),
    }
    program.terminate().await;
    let (status, said) = program.ended().await;
    assert!(status.success(), "{status}: {said}");
}

#[tokio::test]
async fn its_ca_is_in_the_volume_and_outlives_it() {
    let stage = Stage::set().await;
    let container = Container::new(&stage);
    let mut shown = Vec::new();
    for _ in 0..2 {
        let mut program = container.start(&variables(&stage));
        let (near, _) = addresses(&mut program).await;
        let ca = container.run(&["ca", "show"]).await;
        let tls = client::tls(client::connect(near).await, "localhost", &ca, &["http/1.1"]).await;
        let mut sender = client::http1_over(tls.expect("what it shows is what it signs with")).await;
        let response = sender.send_request(chat(&stage.key)).await.unwrap();
        assert_eq!(client::whole(response).await.status, StatusCode::OK);
        program.terminate().await;
        assert!(program.ended().await.0.success());
        shown.push(ca);
    }
    assert_eq!(shown[0], shown[1]);
}

#[tokio::test]
async fn an_azure_key_for_everybody_is_refused_at_the_start() {
    let stage = Stage::set().await;
    let mut variables = variables(&stage);
    variables.push(("AZURE_OPENAI_TOKEN", stage.key.clone()));
    let (status, said) = Container::new(&stage).start(&variables).ended().await;
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("--client-keys-file") && said.contains("--allow-anonymous"), "{said}");
}
