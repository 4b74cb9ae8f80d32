//! The requests that are shown, each with what became of it.

use std::time::Instant;

use anyhow::{Context, ensure};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use super::stage::{AZURE_HOST, Stage};
use crate::client::{self, within};

const OPENAI_HOST: &str = "api.openai.com";
const CHAT: &str = "/v1/chat/completions";

/// Shows them all; gives the names of those that were not answered as they should be.
pub(super) async fn show(stage: &Stage, say: fn(&str)) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let mut judge = |name: &'static str, shown: anyhow::Result<()>| {
        if let Err(error) = shown {
            say(&format!("   WRONG   {error:#}\n"));
            wrong.push(name);
        }
    };
    say("1. Through https_proxy");
    judge("https_proxy", through_proxy(stage, say).await);
    say("2. Through the base URL");
    judge("base URL", by_base_url(stage, say).await);
    say("3. Streamed, through https_proxy");
    judge("stream", streamed(stage, say).await);
    say("4. Tunnelled: a host that is not intercepted");
    judge("tunnel", tunnelled(stage, say).await);
    say("5. Refused: an operation that Azure OpenAI does not have");
    judge("refusal", refused(stage, say).await);
    if wrong.is_empty() {
        say("All five were right.\n");
    }
    wrong
}

async fn through_proxy(stage: &Stage, say: fn(&str)) -> anyhow::Result<()> {
    say(&format!("   client  POST https://{OPENAI_HOST}{CHAT}  model gpt-4o"));
    let asked = chat("hello through the tunnel", false);
    let response = client::through_proxy(stage.proxy, &stage.ca_pem, OPENAI_HOST, CHAT, &asked).await?;
    answered(stage, say, response, "hello through the tunnel").await
}

async fn by_base_url(stage: &Stage, say: fn(&str)) -> anyhow::Result<()> {
    say(&format!("   client  POST http://{}{CHAT}  model gpt-4o", stage.proxy));
    let asked = chat("hello by base URL", false);
    let response = client::by_base_url(stage.proxy, CHAT, &asked).await?;
    answered(stage, say, response, "hello by base URL").await
}

async fn streamed(stage: &Stage, say: fn(&str)) -> anyhow::Result<()> {
    say(&format!("   client  POST https://{OPENAI_HOST}{CHAT}  model gpt-4o, stream"));
    let asked = chat("each word as it comes", true);
    let response = client::through_proxy(stage.proxy, &stage.ca_pem, OPENAI_HOST, CHAT, &asked).await?;
    ensure!(response.status() == StatusCode::OK, "answered {}", response.status());
    arrived(stage, say)?;
    let (begun, mut content) = (Instant::now(), response.into_body());
    let (mut text, mut moments) = (String::new(), Vec::new());
    while let Some(frame) = within(content.frame()).await? {
        let Ok(data) = frame?.into_data() else { continue };
        let words: String = data.split(|&b| b == b'\n').filter_map(word_of).collect();
        if !words.is_empty() {
            moments.push(begun.elapsed());
            say(&format!("   +{:>4} ms {words:?}", begun.elapsed().as_millis()));
            text.push_str(&words);
        }
    }
    ensure!(text.contains("each word as it comes"), "the words came as {text:?}");
    let spread = moments.last().zip(moments.first()).map(|(last, first)| *last - *first);
    ensure!(spread.is_some_and(|spread| spread.as_millis() > 100), "the words came all at once");
    say("");
    Ok(())
}

async fn tunnelled(stage: &Stage, say: fn(&str)) -> anyhow::Result<()> {
    say(&format!("   client  CONNECT {AZURE_HOST}:443"));
    let tunnel = client::tunnel(stage.proxy, AZURE_HOST, &stage.simulator_ca_pem).await?;
    let certificate = tunnel.certificate().context("no certificate was shown")?.len();
    say(&format!("   origin  shows its own certificate ({certificate} octets), which its own CA signed"));
    let intercepted = client::tunnel(stage.proxy, OPENAI_HOST, &stage.simulator_ca_pem).await;
    ensure!(intercepted.is_err(), "the origin's CA vouched for the proxy");
    say("");
    Ok(())
}

async fn refused(stage: &Stage, say: fn(&str)) -> anyhow::Result<()> {
    let path = "/v1/organization/projects";
    let before = stage.recorder.seen().len();
    say(&format!("   client  GET https://{OPENAI_HOST}{path}"));
    let response = client::through_proxy(stage.proxy, &stage.ca_pem, OPENAI_HOST, path, "").await?;
    let status = response.status();
    let content: Value = serde_json::from_str(&client::text(response).await?)?;
    let code = content["error"]["code"].as_str().unwrap_or_default();
    ensure!(status == StatusCode::NOT_FOUND && code == "unsupported_on_azure", "answered {status} {content}");
    ensure!(stage.recorder.seen().len() == before, "something was sent to Azure");
    say(&format!("   answer  {status}  {code}; nothing was sent to Azure\n"));
    Ok(())
}

/// Shows what arrived at Azure and that the answer holds what was asked.
async fn answered(
    stage: &Stage,
    say: fn(&str),
    response: Response<Incoming>,
    expected: &str,
) -> anyhow::Result<()> {
    let status = response.status();
    let content: Value = serde_json::from_str(&client::text(response).await?)?;
    ensure!(status == StatusCode::OK, "answered {status} {content}");
    arrived(stage, say)?;
    let text = content["choices"][0]["message"]["content"].as_str().unwrap_or_default();
    ensure!(text.contains(expected), "answered {text:?}");
    say(&format!("   answer  {status}  {text:?}\n"));
    Ok(())
}

/// Shows the last request as Azure saw it, and that it is the one that Azure wants.
fn arrived(stage: &Stage, say: fn(&str)) -> anyhow::Result<()> {
    let seen = stage.recorder.seen().pop().context("nothing arrived at Azure")?;
    let content: Value = serde_json::from_slice(&seen.content)?;
    let deployment = content["model"].as_str().unwrap_or_default();
    let rewritten = seen.path_and_query == "/openai/v1/chat/completions" && deployment == "demo-gpt-4o";
    let credential = seen.fields.contains_key("api-key") && !seen.fields.contains_key("authorization");
    say(&format!(
        "   azure   {} https://{AZURE_HOST}{}  model {deployment}, {}",
        seen.method,
        seen.path_and_query,
        if credential { "api-key in place of the client's token" } else { "the client's token" },
    ));
    ensure!(rewritten && credential, "this is not what Azure wants");
    Ok(())
}

fn chat(prompt: &str, stream: bool) -> String {
    let messages = [serde_json::json!({ "role": "user", "content": prompt })];
    serde_json::json!({ "model": "gpt-4o", "stream": stream, "messages": messages }).to_string()
}

/// The piece of text in one line of a stream.
fn word_of(line: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(line.strip_prefix(b"data: ")?).ok()?;
    event["choices"][0]["delta"]["content"].as_str().map(str::to_owned)
}
