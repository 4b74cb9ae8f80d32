//! The demonstration: a simulated Azure OpenAI, the proxy in front of it, and real requests through both.

pub mod alone;
mod round;
mod stage;

use std::fmt::Write as _;
use std::io::Write as _;
use std::pin::pin;

use anyhow::bail;

use crate::shutdown;
use stage::Stage;

/// Shows one round of requests; then, unless `once`, stays up for the reader's own until interrupted.
///
/// Needs no account and no network: everything happens on loopback, with certificates and a key
/// made for this run.
///
/// # Errors
///
/// Something could not be set up, or an answer was not right.
pub async fn run(once: bool) -> anyhow::Result<()> {
    let mut interrupted = pin!(shutdown::signal());
    let stage = tokio::select! {
        // First, so that it is heard from before there is anything to take away.
        biased;
        () = &mut interrupted => bail!("interrupted"),
        stage = Stage::set() => stage?,
    };
    say(&format!(
        "A simulated Azure OpenAI listens on {}, the proxy in front of it on {}.\n",
        stage.simulator, stage.proxy
    ));
    let shown = tokio::select! {
        wrong = round::show(&stage, say) => Some(wrong),
        () = &mut interrupted => None,
    };
    if !once && shown.as_ref().is_some_and(Vec::is_empty) {
        say(&try_it(&stage));
        interrupted.await;
    }
    stage.strike().await;
    match shown {
        None => bail!("interrupted"),
        Some(wrong) if !wrong.is_empty() => bail!("not right: {}", wrong.join(", ")),
        Some(_) => Ok(()),
    }
}

fn try_it(stage: &Stage) -> String {
    let (proxy, ca) = (stage.proxy, stage.ca_file.display());
    let mut text = String::from("It stays up; try it, and stop it with Ctrl-C:\n");
    let content = r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
    let _ = write!(
        text,
        "
  http://{proxy}/ in a browser shows each request as it happens.

  curl -N --proxy http://{proxy} --cacert {ca} https://api.openai.com/v1/chat/completions \\
       -H 'Authorization: Bearer unused' -H 'Content-Type: application/json' -d '{content}'

  curl -N http://{proxy}/v1/chat/completions \\
       -H 'Authorization: Bearer unused' -H 'Content-Type: application/json' -d '{content}'

  https_proxy=http://{proxy} SSL_CERT_FILE={ca} OPENAI_API_KEY=unused python3 -c '
import openai
for chunk in openai.OpenAI().chat.completions.create(model=\"gpt-4o\", stream=True,
        messages=[{{\"role\": \"user\", \"content\": \"hello\"}}]):
    print(chunk.choices[0].delta.content or \"\" if chunk.choices else \"\", end=\"\", flush=True)'
"
    );
    text
}

/// Prints at once. A reader that is gone is no reason to stop.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
