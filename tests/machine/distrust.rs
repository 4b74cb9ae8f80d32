//! What the proxy's log says of clients that do not believe its certificates.

use std::path::Path;

use crate::client::{self, OPENAI_HOST};
use crate::program::Program;
use crate::user::{User, end};

const LINE: &str = "does not trust the certificate for api.openai.com:443";

async fn serve(user: &User) -> Program {
    let certs = user.certs().display().to_string();
    let arguments =
        ["--mode", "openai", "--listen", "127.0.0.1:0", "--certs", &certs, "--log-format", "human"];
    Program::start(user.home.path(), &arguments, &[])
}

/// Asks for a page of ours, then ends it; all that it said, up to the answer and beyond.
async fn said(mut program: Program, user: &User) -> String {
    let address = program.address().await;
    let ca = std::fs::read_to_string(user.certs().join("ca.pem")).unwrap();
    let mut sender = client::intercepted(address, &ca).await;
    drop(sender.send_request(client::get(OPENAI_HOST, "/.well-known/azure-openai-proxy")).await.unwrap());
    program.terminate().await;
    program.ended().await.1
}

#[tokio::test]
async fn a_client_that_refuses_the_certificate_is_told_once() {
    let user = User::new();
    let mut program = serve(&user).await;
    let address = program.address().await;
    for _ in 0..3 {
        let proxy = format!("http://{address}");
        let curl =
            user.command(Path::new("curl"), &["-sS", "--proxy", &proxy, "https://api.openai.com/v1/models"]);
        let said = end(curl).await;
        assert_eq!(said.code, Some(60), "curl does not believe the certificate: {said:?}");
    }
    program.says(LINE).await;
    let said = said(program, &user).await;
    let told: Vec<&str> = said.lines().filter(|line| line.contains(LINE)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("curl/") && told[0].contains("CURL_CA_BUNDLE"), "{told:?}");
}

#[tokio::test]
async fn a_client_that_leaves_without_a_word_is_told_too() {
    let user = User::new();
    let mut program = serve(&user).await;
    let address = program.address().await;
    let ca = std::fs::read_to_string(user.certs().join("ca.pem")).unwrap();
    for _ in 0..2 {
        let tunnel = client::tunnel(address, "api.openai.com:443").await.unwrap();
        drop(client::tls(tunnel, OPENAI_HOST, &ca, &["http/1.1"]).await.unwrap());
    }
    program.says(LINE).await;
    assert_eq!(said(program, &user).await.matches(LINE).count(), 1);
}

#[tokio::test]
async fn a_client_that_asks_something_is_believed_to_believe() {
    let user = User::new();
    let said = said(serve(&user).await, &user).await;
    assert!(!said.contains("does not trust"), "{said}");
}
