//! curl, with what it can do that the packages cannot: each way to name the CA, and tunnels to other hosts.

use azure_openai_proxy::simulator::{Crc32, Seen};

use crate::arrivals::{PACE, assert_paced};
use crate::program::{Program, Ran};
use crate::stage::{AZURE_HOST, Stage, Wishes};
use crate::way::Way;

const CHAT: &str = "/chat/completions";

/// curl's exit code when a certificate cannot be verified.
const NOT_TRUSTED: i32 = 60;

/// More than curl sends over HTTP/1.1 without asking first (`Expect: 100-continue`).
const RECORDING: usize = 3 << 19;

/// curl on its way to the proxy; it trusts the CA by options, and for the proxy itself there is no other way.
fn curl(stage: &Stage, way: Way) -> Program {
    let mut curl = untrusting(stage, way);
    if way.needs_trust() {
        curl = curl.arg("--cacert").arg(&stage.ca_file);
    }
    if way == Way::TlsProxy {
        curl = curl.arg("--proxy-cacert").arg(&stage.ca_file);
    }
    curl
}

/// curl on its way to the proxy, without a CA of ours.
fn untrusting(stage: &Stage, way: Way) -> Program {
    let curl = Program::new("curl", stage.folder()).args([
        "--silent",
        "--show-error",
        "--fail-with-body",
        "--no-buffer",
    ]);
    match way.proxy(stage) {
        Some(proxy) => curl.env("https_proxy", proxy),
        None => curl,
    }
}

/// A question about chat in JSON.
fn asking(curl: Program, url: String, token: &str, content: &str) -> Program {
    let fields = [format!("Authorization: Bearer {token}"), "Content-Type: application/json".into()];
    curl.args(["--header", &fields[0], "--header", &fields[1], "--data", content, &url])
}

async fn paced(variables: &[(&str, &str)]) -> Stage {
    Stage::with(Wishes { variables, resource: Some(|resource| resource.pace = PACE) }).await
}

/// The last request that arrived, checked for whose it is.
fn arrived(stage: &Stage, what: &str) -> Seen {
    let seen = stage.recorder.seen().pop().unwrap_or_else(|| panic!("{what}: nothing arrived"));
    assert_eq!(seen.authority, AZURE_HOST, "{what}");
    assert_eq!(seen.fields["api-key"], stage.key.as_str(), "{what}");
    assert!(!seen.fields.contains_key("authorization"), "{what}");
    assert!(seen.fields["user-agent"].as_bytes().starts_with(b"curl/"), "{what}");
    seen
}

#[tokio::test]
async fn asks_in_every_way() {
    const ASKED: &str = r#"{"seed": 1e2, "model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
    let stage = Stage::set().await;
    for (count, way) in Way::ALL.into_iter().enumerate() {
        let what = format!("{way:?}");
        let asking = asking(curl(&stage, way), way.url(&stage, CHAT), "sk-of-the-client", ASKED);
        let ran = asking.run().await.succeeded(&what);
        assert!(ran.stdout().contains("You said: hi"), "{what}: {}", ran.stdout());
        let seen = arrived(&stage, &what);
        assert_eq!(seen.path_and_query, "/openai/v1/chat/completions", "{what}");
        assert_eq!(String::from_utf8_lossy(&seen.content), ASKED.replace("gpt-4o", "demo-gpt-4o"), "{what}");
        assert_eq!(stage.recorder.seen().len(), count + 1, "{what}");
    }
}

#[tokio::test]
async fn streams_in_every_way() {
    const ASKED: &str = r#"{"model":"gpt-4o","stream":true,
        "messages":[{"role":"user","content":"one two three four five six seven eight"}]}"#;
    let stage = paced(&[]).await;
    for way in Way::ALL {
        let what = format!("{way:?}");
        let asking = asking(curl(&stage, way), way.url(&stage, CHAT), "sk-of-the-client", ASKED);
        assert_streamed(&asking.run().await.succeeded(&what), &what);
        assert_eq!(arrived(&stage, &what).path_and_query, "/openai/v1/chat/completions");
    }
}

fn assert_streamed(ran: &Ran, what: &str) {
    let events = || ran.lines.iter().filter(|(_, line)| line.starts_with("data: "));
    assert_eq!(events().next_back().map(|(_, line)| line.as_str()), Some("data: [DONE]"), "{what}");
    assert_paced(what, events().map(|(moment, _)| *moment));
}

#[tokio::test]
async fn sends_multipart_in_every_way_with_the_model_before_or_after_the_file() {
    let stage = Stage::set().await;
    let recording: Vec<u8> = (0..RECORDING).map(|octet| (octet % 251) as u8).collect();
    let file = stage.folder().join("speech.wav");
    std::fs::write(&file, &recording).unwrap();
    let (file, model) = (format!("file=@{}", file.display()), "model=whisper-1".to_owned());
    let heard = format!("{RECORDING} bytes of speech.wav with the CRC-32 {}", Crc32::of(&recording));
    for way in Way::ALL {
        for form in [[&model, &file], [&file, &model]] {
            let what = format!("{way:?} {form:?}");
            let curl = curl(&stage, way).args(["--header", "Authorization: Bearer sk-of-the-client"]);
            let curl = curl.args(form.into_iter().flat_map(|part| ["--form", part]));
            let ran = curl.arg(way.url(&stage, "/audio/transcriptions")).run().await.succeeded(&what);
            assert!(ran.stdout().contains(&heard), "{what}: {}", ran.stdout());
            assert_eq!(
                arrived(&stage, &what).path_and_query,
                "/openai/deployments/demo-whisper/audio/transcriptions?api-version=2025-04-01-preview",
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn streams_with_its_own_key_on_the_classic_surface() {
    const ASKED: &str = r#"{"messages":[{"role":"user","content":"one two three four five six seven eight"}],
        "stream":true,"model":"gpt-4o"}"#;
    let stage = paced(&[("AZURE_OPENAI_APIVERSION", "2024-10-21"), ("AZURE_OPENAI_API_KEY", "")]).await;
    for way in [Way::Proxy, Way::BaseUrl] {
        let what = format!("{way:?}");
        let asking = asking(curl(&stage, way), way.url(&stage, CHAT), &stage.key, ASKED);
        assert_streamed(&asking.run().await.succeeded(&what), &what);
        let path = "/openai/deployments/demo-gpt-4o/chat/completions?api-version=2024-10-21";
        assert_eq!(arrived(&stage, &what).path_and_query, path, "{what}");
    }
}

#[tokio::test]
async fn takes_the_ca_from_each_of_its_variables() {
    let stage = Stage::set().await;
    for variable in ["CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        let curl = untrusting(&stage, Way::Proxy).env(variable, &stage.ca_file);
        let ran = curl.arg(Way::Proxy.url(&stage, "/models")).run().await.succeeded(variable);
        assert!(ran.stdout().contains("text-embedding-3-small"), "{variable}: {}", ran.stdout());
    }
}

#[tokio::test]
async fn sends_nothing_where_the_ca_is_not_trusted() {
    let stage = Stage::set().await;
    let asking =
        asking(untrusting(&stage, Way::Proxy), Way::Proxy.url(&stage, CHAT), "sk-of-the-client", "{}");
    let ran = asking.run().await;
    assert_eq!(ran.code, Some(NOT_TRUSTED), "{}", ran.stderr);
    assert_eq!(stage.recorder.seen().len(), 0);
}

#[tokio::test]
async fn reaches_another_host_through_a_tunnel_that_nobody_looks_into() {
    let stage = Stage::set().await;
    let url = format!("https://{AZURE_HOST}/openai/v1/models");
    let key = format!("api-key: {}", stage.key);
    let asking = |ca| untrusting(&stage, Way::Proxy).arg("--cacert").arg(ca).args(["--header", &key, &url]);
    assert_eq!(asking(stage.ca_file.clone()).run().await.code, Some(NOT_TRUSTED), "the proxy's CA vouched");
    assert_eq!(stage.recorder.seen().len(), 0);
    let origin_ca = stage.folder().join("origin-ca.pem");
    std::fs::write(&origin_ca, &stage.simulator_ca_pem).unwrap();
    asking(origin_ca).run().await.succeeded("tunnel");
    assert_eq!(arrived(&stage, "tunnel").path_and_query, "/openai/v1/models");
}
