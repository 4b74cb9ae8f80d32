//! What `explain` says is what the running proxy does, for every operation that OpenAI documents.

use std::time::Duration;

use azure_openai_proxy::cli::Explain;
use azure_openai_proxy::config::Config;
use azure_openai_proxy::explain;
use azure_openai_proxy::message::body::Body;
use http::StatusCode;
use hyper::client::conn::http1;

use crate::client::{self, OPENAI_HOST, within};
use crate::stage::{AZURE_HOST, MAP, Stage, configuration};

/// `METHOD /path` of every operation in OpenAI's own description of its API.
const DOCUMENTED: &str = include_str!("../fixtures/openai-operations.txt");

/// A content that names a model wherever an operation may look for it.
const CONTENT: &str = r#"{"session":{"model":"MODEL"},"model":"MODEL"}"#;

const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{}\r\n--b\r\n\
    Content-Disposition: form-data; name=\"model\"\r\n\r\nMODEL\r\n--b--\r\n";

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    SentTo(String),
    AnsweredHere(StatusCode),
    Refused(StatusCode, String),
}

/// A running proxy and a client of it.
struct Running {
    stage: Stage,
    sender: http1::SendRequest<Body>,
    /// How many requests have arrived upstream.
    arrived: u64,
}

// === impl Outcome ===

impl Outcome {
    /// As `explain` tells it.
    fn told(text: &str) -> Self {
        let after = |label: &str| {
            let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label));
            line.map(|rest| rest.trim_start().to_owned())
        };
        let status = |text: &str| text.split(' ').next().unwrap().parse().unwrap();
        if let Some(url) = after("sent to ") {
            Self::SentTo(url)
        } else if let Some(answered) = after("answered ") {
            let (_, rest) = answered.split_once("here, ").unwrap();
            Self::AnsweredHere(status(rest))
        } else {
            let refused = after("refused ").unwrap_or_else(|| panic!("no outcome in {text}"));
            let code = refused.split([' ', ';']).find(|word| word.contains('_')).unwrap_or_default();
            Self::Refused(status(&refused), code.to_owned())
        }
    }
}

// === impl Running ===

impl Running {
    /// Sends a request through the tunnel, and says where it arrived or how it was answered.
    async fn outcome(&mut self, method: &str, target: &str, media_type: &str, content: String) -> Outcome {
        let mut request = client::post(OPENAI_HOST, target, content);
        *request.method_mut() = method.parse().unwrap();
        request.headers_mut().insert("content-type", media_type.parse().unwrap());
        within(self.sender.ready()).await.unwrap();
        let answer = client::whole(within(self.sender.send_request(request)).await.unwrap()).await;
        // Whatever was sent has arrived, for it has been answered.
        let arriving = self.stage.recorder.wait_for(|seen| seen.number == self.arrived);
        match tokio::time::timeout(Duration::ZERO, arriving).await {
            Ok(seen) => {
                self.arrived += 1;
                Outcome::SentTo(format!("https://{}{}", seen.authority, seen.path_and_query))
            }
            Err(_) if answer.field("x-azure-openai-proxy-error").is_empty() => {
                Outcome::AnsweredHere(answer.status)
            }
            Err(_) => Outcome::Refused(answer.status, answer.code()),
        }
    }
}

/// The operations with something in the place of each parameter.
pub(crate) fn operations() -> impl Iterator<Item = (&'static str, String)> {
    DOCUMENTED.lines().map(|line| {
        let (method, target) = line.split_once(' ').unwrap();
        let segment = |segment: &'static str| match segment.strip_prefix('{') {
            Some(rest) => rest.replace('}', "-1"),
            None => segment.to_owned(),
        };
        (method, target.split('/').map(segment).collect::<Vec<_>>().join("/"))
    })
}

fn explained(config: &Config, method: &str, target: &str, model: &str) -> Outcome {
    let url = format!("https://{OPENAI_HOST}{target}");
    let asked = Explain { method: method.into(), url, model: Some(model.into()) };
    Outcome::told(&explain::explain(config, &asked).unwrap())
}

async fn explains_what_it_does(version: &str) {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_APIVERSION", version)]).await;
    let endpoint = format!("https://{AZURE_HOST}");
    let config = configuration([
        ("AZURE_OPENAI_APIVERSION", version),
        ("AZURE_OPENAI_ENDPOINT", &endpoint),
        ("AZURE_OPENAI_MODEL_MAPPER", MAP),
        ("AZURE_OPENAI_API_KEY", "k"),
        ("AZURE_OPENAI_PROXY_CERTS", "nowhere"),
    ]);
    let sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
    let mut running = Running { stage, sender, arrived: 0 };
    let mut outcomes = [0; 3];
    for (method, target) in operations() {
        // Whisper is where the model alone changes the place.
        let models = if target.contains("/audio/") { &["gpt-4o", "whisper-1"][..] } else { &["gpt-4o"] };
        let forms = [("application/json", CONTENT), ("multipart/form-data; boundary=b", FORM)];
        let forms = if method == "POST" { &forms[..] } else { &forms[..1] };
        for model in models {
            let expected = explained(&config, method, &target, model);
            for (media_type, content) in forms {
                let content = content.replace("MODEL", model);
                let outcome = running.outcome(method, &target, media_type, content).await;
                assert_eq!(outcome, expected, "{method} {target} {model} {media_type} on {version}");
            }
            outcomes[match expected {
                Outcome::SentTo(_) => 0,
                Outcome::AnsweredHere(_) => 1,
                Outcome::Refused(..) => 2,
            }] += 1;
        }
    }
    assert!(outcomes.iter().all(|&count| count > 0), "{outcomes:?}");
    assert!(outcomes.iter().sum::<i32>() > 288, "{outcomes:?}");
}

#[tokio::test]
async fn on_the_v1_surface() {
    explains_what_it_does("v1").await;
}

#[tokio::test]
async fn on_the_preview_of_the_v1_surface() {
    explains_what_it_does("preview").await;
}

#[tokio::test]
async fn on_the_classic_surface() {
    explains_what_it_does("2025-04-01-preview").await;
}

#[test]
fn what_is_not_for_openai_is_said_to_pass_or_to_be_refused() {
    let asked = |url: &str| Explain { method: "get".into(), url: url.into(), model: None };
    let config = configuration([
        ("AZURE_OPENAI_ENDPOINT", "https://r.example"),
        ("AZURE_OPENAI_PROXY_CERTS", "nowhere"),
        ("AZURE_OPENAI_PROXY_DENY_DESTINATIONS", "bad.example"),
    ]);
    for (url, told) in [
        ("https://other.example/v1/models", "  tunnelled "),
        ("wss://other.example/", "  tunnelled "),
        ("http://other.example/v1/models", "  forwarded "),
        ("https://www.bad.example/", "  refused     403 Forbidden destination_not_allowed;"),
        ("http://localhost:8080/v1/models", "  comes in    by base URL"),
        ("http://localhost:9999/elsewhere", "  forwarded "),
        ("ws://api.openai.com/v1/realtime?model=m", "  comes in    intercepted"),
        ("https://api.openai.com/.well-known/azure-openai-proxy", "  answered    here, as a page"),
        ("/.well-known/azure-openai-proxy", "  answered    here, as a page"),
        ("/healthz", "  answered    here, as a page"),
        ("http://127.0.0.1:8080/metrics", "  answered    here, as a page"),
        ("http://127.0.0.1:9999/metrics", "  forwarded "),
    ] {
        let text = explain::explain(&config, &asked(url)).unwrap();
        assert!(text.starts_with(&format!("GET {url}\n{told}")), "{text}");
    }
    let tunnel = |to: &str| Explain { method: "connect".into(), url: to.into(), model: None };
    for (to, told) in [
        ("api.openai.com:443", "  intercepted TLS ends here"),
        ("other.example:443", "  tunnelled "),
        ("www.bad.example:443", "  refused     403 Forbidden destination_not_allowed;"),
    ] {
        let text = explain::explain(&config, &tunnel(to)).unwrap();
        assert!(text.starts_with(&format!("CONNECT {to}\n{told}")), "{text}");
    }
    assert!(explain::explain(&config, &tunnel("api.openai.com")).is_err());
    let config =
        configuration([("AZURE_OPENAI_PROXY_MODE", "openai"), ("AZURE_OPENAI_PROXY_CERTS", "nowhere")]);
    assert_eq!(
        Outcome::told(&explain::explain(&config, &asked("http://api.openai.com/v1/models")).unwrap()),
        Outcome::SentTo("https://api.openai.com/v1/models".into()),
        "never in the clear"
    );
    assert!(
        explain::explain(&config, &asked("ftp://other.example/"))
            .unwrap_err()
            .to_string()
            .contains("only http and https")
    );
}
