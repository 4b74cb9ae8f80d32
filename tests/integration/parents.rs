//! The way upstream through another proxy.

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client::{self, Whole, within};
use crate::parent::{Parent, Speaks, USER};
use crate::stage::{AZURE_HOST, Stage, free_port};

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

const ALL: [Speaks; 3] = [Speaks::Http, Speaks::Https, Speaks::Socks];

/// A simulator, a parent that leads to it, and a proxy that finds nothing but the parent by itself.
struct Behind {
    /// Its proxy goes straight.
    simulator: Stage,
    parent: Parent,
    stage: Stage,
}

impl Behind {
    async fn with(speaks: Speaks, user: &str, variables: &[(&str, &str)]) -> Self {
        let simulator = Stage::set().await;
        let parent = Parent::start(speaks, simulator.simulator).await;
        let trusted = simulator.folder().join("trusted.pem");
        let roots = [simulator.simulator_ca_pem.as_str(), &parent.ca_pem].concat();
        std::fs::write(&trusted, roots).expect("the roots are written");
        let (url, resolve, trusted) = (parent.url(user), parent.resolve(), trusted.display().to_string());
        let usual = [
            ("HTTPS_PROXY", &*url),
            ("AZURE_OPENAI_PROXY_RESOLVE", &resolve),
            ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &trusted),
            ("AZURE_OPENAI_API_KEY", &simulator.key),
        ];
        let wished = |name: &str| variables.iter().any(|(wish, _)| *wish == name);
        let mut all: Vec<_> = usual.into_iter().filter(|(name, _)| !wished(name)).collect();
        all.extend(variables);
        let stage = Stage::with_variables(&all).await;
        Self { simulator, parent, stage }
    }

    async fn ask(&self) -> Whole {
        let request = client::post(&self.stage.proxy.to_string(), "/v1/chat/completions", CHAT);
        client::ask(self.stage.proxy, request).await
    }
}

#[tokio::test]
async fn exchanges_go_through_it_whatever_it_speaks() {
    for speaks in ALL {
        let behind = Behind::with(speaks, USER, &[]).await;
        let answer = behind.ask().await;
        assert_eq!(answer.status, StatusCode::OK, "{speaks:?}: {}", answer.text());
        let line = match speaks {
            Speaks::Http | Speaks::Https => format!("CONNECT {AZURE_HOST}:443 HTTP/1.1"),
            Speaks::Socks => format!("{AZURE_HOST}:443"),
        };
        assert_eq!(behind.parent.asked(), [line], "{speaks:?}");
        let seen = behind.simulator.recorder.seen().pop().expect("it arrived");
        assert!(!seen.fields.contains_key("proxy-authorization"), "{speaks:?}");
    }
}

#[tokio::test]
async fn tunnels_go_through_it_and_keep_what_the_server_says_first() {
    for speaks in ALL {
        let origin = TcpListener::bind(free_port()).await.unwrap();
        let parent = Parent::start(speaks, origin.local_addr().unwrap()).await;
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), &parent.ca_pem).unwrap();
        let stage = Stage::with_variables(&[
            ("AZURE_OPENAI_PROXY_UPSTREAM_PROXY", &parent.url(USER)),
            ("AZURE_OPENAI_PROXY_RESOLVE", &parent.resolve()),
            ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", ca.path().to_str().unwrap()),
        ])
        .await;
        let serving = tokio::spawn(async move {
            let (mut stream, _) = origin.accept().await.unwrap();
            stream.write_all(b"220 ready\r\n").await.unwrap();
            let mut heard = [0; 6];
            stream.read_exact(&mut heard).await.unwrap();
            heard
        });
        let mut tunnel = client::tunnel(stage.proxy, "mail.example:465").await.unwrap();
        let mut greeting = [0; 11];
        within(tunnel.read_exact(&mut greeting)).await.unwrap();
        assert_eq!(&greeting, b"220 ready\r\n", "{speaks:?}");
        tunnel.write_all(b"EHLO\r\n").await.unwrap();
        assert_eq!(&within(serving).await.unwrap(), b"EHLO\r\n", "{speaks:?}");
    }
}

#[tokio::test]
async fn plain_requests_are_sent_to_it_in_absolute_form() {
    for speaks in [Speaks::Http, Speaks::Https] {
        let behind = Behind::with(speaks, USER, &[]).await;
        let request = client::get("plain.example", "http://plain.example/a?b=c");
        let answer = client::ask(behind.stage.proxy, request).await;
        assert_eq!(answer.text(), "the parent\n", "{speaks:?}");
        assert_eq!(behind.parent.asked(), ["GET http://plain.example/a?b=c HTTP/1.1"], "{speaks:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_apart() {
    for speaks in ALL {
        let behind = Behind::with(speaks, "user:wrong", &[]).await;
        let answer = behind.ask().await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_GATEWAY, "parent_proxy"), "{speaks:?}");
        assert!(answer.text().contains("credentials"), "{}", answer.text());
        let refused = client::tunnel(behind.stage.proxy, "any.example:443").await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::BAD_GATEWAY, "{speaks:?}");
    }
}

#[tokio::test]
async fn certificates_are_verified_as_without_it() {
    for speaks in ALL {
        // The parent is trusted, the origin server behind it is not.
        let parents = Behind::with(speaks, USER, &[]).await;
        let only_parent = parents.simulator.folder().join("parent.pem");
        std::fs::write(&only_parent, &parents.parent.ca_pem).unwrap();
        let variables = [
            ("AZURE_OPENAI_PROXY_UPSTREAM_PROXY", &*parents.parent.url(USER)),
            ("AZURE_OPENAI_PROXY_RESOLVE", &parents.parent.resolve()),
            ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", only_parent.to_str().unwrap()),
        ];
        let stage = Stage::with_variables(&variables).await;
        let request = client::post(&stage.proxy.to_string(), "/v1/chat/completions", CHAT);
        assert_eq!(client::ask(stage.proxy, request).await.code(), "upstream_certificate", "{speaks:?}");
    }
    let simulator = Stage::set().await;
    let distrusted = simulator.folder().join("simulator-ca.pem").display().to_string();
    let behind =
        Behind::with(Speaks::Https, USER, &[("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &distrusted)]).await;
    let answer = behind.ask().await;
    assert_eq!(answer.code(), "parent_proxy");
    assert!(answer.text().contains("its certificate is signed by an authority"), "{}", answer.text());
}

#[tokio::test]
async fn exceptions_and_the_word_direct_lead_past_it() {
    for variable in [("NO_PROXY", "azure.com"), ("AZURE_OPENAI_PROXY_UPSTREAM_PROXY", "direct")] {
        let behind = Behind::with(Speaks::Http, USER, &[variable]).await;
        let answer = behind.ask().await;
        assert_eq!(answer.code(), "upstream_unreachable", "{variable:?}: there is no way but the parent");
        assert_eq!(behind.parent.asked(), [""; 0], "{variable:?}");
    }
}

#[tokio::test]
async fn a_parent_that_is_gone_is_named() {
    let gone = Behind::with(Speaks::Http, USER, &[("HTTPS_PROXY", "http://127.0.0.1:1")]).await;
    let answer = gone.ask().await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_GATEWAY, "parent_proxy"));
    assert!(answer.text().contains("127.0.0.1:1"), "{}", answer.text());
}
