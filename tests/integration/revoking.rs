//! Keys that are taken back by a reload, while clients are there who were let in with them.

use std::fs;

use azure_openai_proxy::policy::client_keys;
use http::StatusCode;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;

use crate::access::{KEY, STRANGER, ask_over, basic, connect};
use crate::client::{self, OPENAI_HOST, within};
use crate::errors::CHAT;
use crate::stage::{AZURE_HOST, Stage};

/// A stage whose client keys are in a file.
struct Keyed {
    folder: TempDir,
    stage: Stage,
}

impl Keyed {
    async fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("keys");
        fs::write(&file, line_of(KEY)).expect("it is written");
        let file = file.display().to_string();
        let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_CLIENT_KEYS_FILE", &file)]).await;
        Self { folder, stage }
    }

    async fn has_only(&mut self, key: &str) {
        fs::write(self.folder.path().join("keys"), line_of(key)).expect("it is written");
        within(self.stage.reloader.reload()).await;
    }
}

fn line_of(key: &str) -> String {
    client_keys::line("alice", key).expect("a name and a key")
}

/// A tunnel from another machine, for which alice's key was shown.
async fn tunnel(stage: &Stage, authority: &str) -> TokioIo<Upgraded> {
    let mut sender = client::http1_over(stage.from(STRANGER)).await;
    let response =
        within(sender.send_request(connect(authority, Some(basic(KEY))))).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    TokioIo::new(within(hyper::upgrade::on(response)).await.expect("a tunnel"))
}

#[tokio::test]
async fn a_revoked_key_ends_what_it_was_let_in_for_with_the_next_request() {
    let mut keyed = Keyed::new().await;
    let stage = &keyed.stage;
    let (openai, azure) = (format!("{OPENAI_HOST}:443"), format!("{AZURE_HOST}:443"));
    let inside = client::tls(tunnel(stage, &openai).await, OPENAI_HOST, &stage.ca_pem, &["http/1.1"]).await;
    let mut inside = client::http1_over(inside.expect("our CA is trusted")).await;
    let chat = || client::post(OPENAI_HOST, "/v1/chat/completions", CHAT);
    let answer = client::whole(within(inside.send_request(chat())).await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let blind = tunnel(stage, &azure).await;

    keyed.has_only("another-key-of-alices").await;
    let stage = &keyed.stage;
    let answer = client::whole(within(inside.send_request(chat())).await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
    assert_eq!(stage.recorder.seen().len(), 1);
    for authority in [&openai, &azure] {
        let request = connect(authority, Some(basic(KEY)));
        let answer = ask_over(stage.from(STRANGER), request).await;
        assert_eq!(answer.status, StatusCode::PROXY_AUTHENTICATION_REQUIRED, "{authority}");
    }
    // Nobody looks into this one, so there is no request that could be refused.
    client::tls(blind, AZURE_HOST, &stage.simulator_ca_pem, &["http/1.1"]).await.expect("it stands");
}

#[tokio::test]
async fn wrong_keys_are_counted_across_reloads() {
    let mut keyed = Keyed::new().await;
    let status = async |keyed: &Keyed, key: &str| {
        let request = connect(&format!("{AZURE_HOST}:443"), Some(basic(key)));
        ask_over(keyed.stage.from(STRANGER), request).await.status
    };
    for attempt in 0..10 {
        let status = status(&keyed, &format!("wrong-key-number-{attempt}")).await;
        assert_eq!(status, StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        keyed.has_only(KEY).await;
    }
    assert_eq!(status(&keyed, KEY).await, StatusCode::TOO_MANY_REQUESTS);
}
