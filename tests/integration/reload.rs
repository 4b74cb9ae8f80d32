//! Settings change under a proxy that goes on serving.

use std::fs;
use std::time::Duration;

use azure_openai_proxy::app::reload::Due;
use azure_openai_proxy::message::redact::Secret;
use azure_openai_proxy::simulator;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;

use crate::client::{self, OPENAI_HOST, within};
use crate::stage::{Stage, Wishes};

const KEY: &str = "the-key-of-the-resource";
const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"one two three"}]}"#;

/// Files that an operator edits, and a proxy that goes by them.
struct Operated {
    folder: TempDir,
    stage: Stage,
}

impl Operated {
    async fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("key"), KEY).expect("the key is written");
        fs::write(path("config.toml"), "api_key_file = 'key'\nmap = { m = 'demo-gpt-4o' }\n")
            .expect("the settings are written");
        let variables = &[
            ("AZURE_OPENAI_PROXY_CONFIG", &*path("config.toml")),
            ("AZURE_OPENAI_MODEL_MAPPER", ""),
            ("AZURE_OPENAI_API_KEY", ""),
        ];
        let resource = |resource: &mut simulator::Settings| {
            resource.key = Secret::new(KEY);
            resource.pace = Duration::from_millis(20);
        };
        let stage = Stage::with(Wishes { variables, resource: Some(resource) }).await;
        Self { folder, stage }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("it is written");
    }

    /// The deployment that answered for model `m` last.
    fn deployment(&self) -> String {
        let seen = self.stage.recorder.seen().pop().expect("something arrived");
        let content: serde_json::Value = serde_json::from_slice(&seen.content).expect("JSON");
        content["model"].as_str().expect("a model").to_owned()
    }

    async fn ask(&self) -> StatusCode {
        let request = client::post(&self.stage.proxy.to_string(), "/v1/chat/completions", CHAT);
        client::ask(self.stage.proxy, request).await.status
    }
}

#[tokio::test]
async fn a_connection_lives_on_and_its_next_request_goes_by_the_new_map() {
    let mut operated = Operated::start().await;
    let mut tunnel = client::intercepted(operated.stage.proxy, &operated.stage.ca_pem).await;
    let mut mounted = client::http1_over(client::connect(operated.stage.proxy).await).await;
    for (deployment, change) in [("demo-gpt-4o", false), ("gpt-4o-mini", true)] {
        if change {
            operated.write("config.toml", &format!("api_key_file = 'key'\nmap = {{ m = '{deployment}' }}"));
            operated.stage.reloader.reload().await;
        }
        let request = client::post(OPENAI_HOST, "/v1/chat/completions", CHAT);
        client::whole(within(tunnel.send_request(request)).await.unwrap()).await;
        assert_eq!(operated.deployment(), deployment, "inside the tunnel");
        let request = client::post("localhost", "/v1/chat/completions", CHAT);
        client::whole(within(mounted.send_request(request)).await.unwrap()).await;
        assert_eq!(operated.deployment(), deployment, "on the reverse route");
    }
}

#[tokio::test]
async fn a_stream_that_has_begun_ends_under_the_settings_that_it_began_with() {
    let mut operated = Operated::start().await;
    let mut sender = client::http1_over(client::connect(operated.stage.proxy).await).await;
    let request = client::post("localhost", "/v1/chat/completions", STREAM);
    let mut response = within(sender.send_request(request)).await.unwrap();
    let first = within(response.body_mut().frame()).await.unwrap().unwrap().into_data().unwrap();
    operated.write("key", "revoked");
    operated.stage.reloader.reload().await;
    let rest = client::whole(response).await;
    assert!([&first[..], &rest.content].concat().ends_with(b"data: [DONE]\n\n"));
    assert_eq!(operated.ask().await, StatusCode::UNAUTHORIZED, "the next one has the new key");
}

#[tokio::test]
async fn bad_settings_change_nothing() {
    let mut operated = Operated::start().await;
    for bad in ["map = 7", "idle_timeout = 'soon'", "unfinished = [", "api_key_file = 'absent'"] {
        operated.write("config.toml", bad);
        operated.stage.reloader.reload().await;
        assert_eq!(operated.ask().await, StatusCode::OK, "{bad}");
        assert_eq!(operated.deployment(), "demo-gpt-4o", "{bad}");
    }
    // Valid, but the CA may not sign for it.
    operated.write("config.toml", "api_key_file = 'key'\nmap = { m = 'x' }\nintercept = ['other.example']");
    operated.stage.reloader.reload().await;
    assert_eq!(operated.ask().await, StatusCode::OK);
    assert_eq!(operated.deployment(), "demo-gpt-4o");
}

#[tokio::test]
async fn upstream_trust_is_swapped_with_its_pooled_connections() {
    let mut operated = Operated::start().await;
    assert_eq!(operated.ask().await, StatusCode::OK);
    let trusted = operated.stage.folder().join("simulator-ca.pem");
    fs::write(&trusted, &operated.stage.ca_pem).unwrap();
    operated.stage.reloader.reload().await;
    assert_eq!(operated.ask().await, StatusCode::BAD_GATEWAY, "no pooled connection keeps the old trust");
    fs::write(&trusted, &operated.stage.simulator_ca_pem).unwrap();
    operated.stage.reloader.reload().await;
    assert_eq!(operated.ask().await, StatusCode::OK);
}

#[tokio::test]
async fn a_network_that_is_trusted_no_more_is_so_on_open_connections_and_tunnels_too() {
    const SETTINGS: &str = "api_key_file = 'key'\nmap = { m = 'demo-gpt-4o' }\n";
    let mut operated = Operated::start().await;
    operated.write("config.toml", &format!("{SETTINGS}trusted_clients = ['10.9.0.0/16']\n"));
    operated.stage.reloader.reload().await;
    let mut open = client::http1_over(operated.stage.from("10.9.1.2")).await;
    let connect = crate::access::connect(&format!("{OPENAI_HOST}:443"), None);
    let mut tunnelling = client::http1_over(operated.stage.from("10.9.1.2")).await;
    let tunnel = within(tunnelling.send_request(connect)).await.unwrap();
    let tunnel = TokioIo::new(within(hyper::upgrade::on(tunnel)).await.unwrap());
    let mut tunnelled = client::http1_over(tunnel).await;
    for status in [StatusCode::OK, StatusCode::FORBIDDEN] {
        for (sender, host) in [(&mut open, "10.9.0.1"), (&mut tunnelled, OPENAI_HOST)] {
            let asked = client::post(host, "/v1/chat/completions", CHAT);
            let answer = within(sender.send_request(asked)).await.unwrap();
            assert_eq!(answer.status(), status, "{host}");
            answer.into_body().collect().await.unwrap();
        }
        operated.write("config.toml", SETTINGS);
        operated.stage.reloader.reload().await;
    }
}

#[tokio::test]
async fn a_changed_file_is_noticed() {
    let mut operated = Operated::start().await;
    operated.write("config.toml", "api_key_file = 'key'\nmap = { m = 'gpt-4o-mini' }\n# longer than it was");
    within(operated.stage.reloader.due()).await;
    operated.stage.reloader.reload().await;
    operated.ask().await;
    assert_eq!(operated.deployment(), "gpt-4o-mini");
}

/// An Entra token of this moment's end, in seconds since the Unix epoch.
#[cfg(unix)]
fn token(expires: u64) -> String {
    let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(&format!(r#"{{"exp":{expires}}}"#)))
}

#[cfg(unix)]
#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    const LATER: u64 = 4_102_444_800;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (settings, printed) = (path("config.toml"), path("printed"));
    // Whose resource takes tokens only.
    fs::write(&settings, format!("api_key_command = \"cat '{printed}'\"")).unwrap();
    fs::write(&printed, token(1)).unwrap();
    let resource =
        |resource: &mut simulator::Settings| resource.entra_token = Some(Secret::new(&token(LATER)));
    let variables = &[("AZURE_OPENAI_PROXY_CONFIG", &*settings), ("AZURE_OPENAI_API_KEY", "")];
    let mut stage = Stage::with(Wishes { variables, resource: Some(resource) }).await;
    let request = || client::post("localhost", "/v1/chat/completions", CHAT.replace("\"m\"", "\"gpt-4o\""));
    assert_eq!(client::ask(stage.proxy, request()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(within(stage.reloader.due()).await, Due::Token);
    fs::remove_file(&printed).unwrap();
    stage.reloader.renew().await;
    assert_eq!(client::ask(stage.proxy, request()).await.status, StatusCode::UNAUTHORIZED);
    fs::write(&printed, token(LATER)).unwrap();
    stage.reloader.renew().await;
    assert_eq!(client::ask(stage.proxy, request()).await.status, StatusCode::OK);
    let seen = stage.recorder.seen().pop().unwrap();
    assert_eq!(seen.fields.get("authorization").unwrap(), &format!("Bearer {}", token(LATER)));
    assert!(!seen.fields.contains_key("api-key"));
}

#[tokio::test]
async fn a_listeners_own_certificate_is_shown_for_its_names_and_swapped() {
    let folder = TempDir::new().unwrap();
    let [certificate, key] = ["own.pem", "own.key"].map(|name| folder.path().join(name));
    let renew = || {
        let pair = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(["proxy.example".to_owned()]).unwrap().self_signed(&pair);
        fs::write(&certificate, made.unwrap().pem()).unwrap();
        fs::write(&key, pair.serialize_pem()).unwrap();
        fs::read_to_string(&certificate).unwrap()
    };
    let first = renew();
    let mut stage = Stage::with_variables(&[
        ("AZURE_OPENAI_PROXY_TLS_CERT_FILE", certificate.to_str().unwrap()),
        ("AZURE_OPENAI_PROXY_TLS_KEY_FILE", key.to_str().unwrap()),
    ])
    .await;
    let shown = async |name: &str, root: &str| {
        client::tls(client::connect(stage.proxy).await, name, root, &["http/1.1"]).await
    };
    let open = shown("proxy.example", &first).await.unwrap();
    shown("localhost", &stage.ca_pem).await.expect("the CA's beside it");
    let second = renew();
    assert!(shown("proxy.example", &second).await.is_err(), "not before it is reloaded");
    stage.reloader.reload().await;
    let shown = async |name: &str, root: &str| {
        client::tls(client::connect(stage.proxy).await, name, root, &["http/1.1"]).await
    };
    shown("proxy.example", &second).await.unwrap();
    let mut old = client::http1_over(open).await;
    let request = client::post("proxy.example", "/v1/chat/completions", CHAT);
    assert!(within(old.send_request(request)).await.is_ok(), "the old connection lives on");
}
