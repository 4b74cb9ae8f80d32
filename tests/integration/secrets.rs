//! No line of the program's output holds a secret, whatever happens and however much it logs.

use std::net::SocketAddr;

use azure_openai_proxy::cli::Flags;
use azure_openai_proxy::config::{self, env::Environment};
use azure_openai_proxy::message::body;
use http::{Request, StatusCode};

use crate::client::{self, OPENAI_HOST, within};
use crate::conversation::Conversation;
use crate::origin::Origin;
use crate::program::Program;
use crate::stage::{AZURE_HOST, MAP, Stage};
use crate::websocket::socket::{self, Socket, Way};

/// What `client::post` and its like send.
const OF_THE_CLIENT: &str = "sk-of-the-client";

/// More that no line may hold.
const OTHERS: [&str; 4] = ["in-the-query", "in-the-content", "proxy-password", "org-of-the-client"];

/// Exchanges of every kind, good and bad, with secrets wherever one can be.
async fn provoke(proxy: SocketAddr, ca_pem: &str, origin: &Origin) {
    let host = proxy.to_string();
    let chat =
        r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"in-the-content WORD"}]}"#;
    let post = |path: &str, word: &str| {
        let mut request = client::post(OPENAI_HOST, path, chat.replace("WORD", word));
        request.headers_mut().insert("openai-organization", "org-of-the-client".parse().unwrap());
        request.headers_mut().insert("proxy-authorization", "Basic proxy-password".parse().unwrap());
        request
    };
    let mut sender = client::intercepted(proxy, ca_pem).await;
    for (path, word, status) in [
        ("/v1/chat/completions?x=in-the-query", "hello", StatusCode::OK),
        ("/v1/chat/completions", "[429]", StatusCode::TOO_MANY_REQUESTS),
        ("/v1/chat/completions", "[blocked]", StatusCode::BAD_REQUEST),
        ("/v1/organization/users?x=in-the-query", "", StatusCode::NOT_FOUND),
        ("/v1/files/../x?x=in-the-query", "", StatusCode::BAD_REQUEST),
        ("/v1/no/such/thing?x=in-the-query", "", StatusCode::NOT_FOUND),
    ] {
        within(sender.ready()).await.unwrap();
        let response = within(sender.send_request(post(path, word))).await.unwrap();
        assert_eq!(client::whole(response).await.status, status, "{path} {word}");
    }
    let mut misdirected = post("/v1/chat/completions", "");
    misdirected.headers_mut().insert("host", "other.example".parse().unwrap());
    assert_eq!(sender.send_request(misdirected).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);

    let mut sender = client::intercepted_http2(proxy, ca_pem).await;
    let mut request = post(&format!("https://{OPENAI_HOST}/v1/chat/completions"), "[broken] a b c d");
    request.headers_mut().remove("host");
    drop(within(sender.send_request(request)).await.unwrap());

    let protocols = format!("realtime, openai-insecure-api-key.{OF_THE_CLIENT}");
    for way in [Way::Tunnel, Way::TunnelHttp2] {
        let fields = [("Sec-WebSocket-Protocol", &*protocols)];
        let opened = socket::upgrade(proxy, ca_pem, way, "/v1/responses?x=in-the-query", &fields).await;
        let (fields, io) = opened.expect("a WebSocket");
        let mut socket = Socket::over(fields, io).await;
        socket.say(r#"{"type":"response.create","model":"gpt-4o","input":"in-the-content"}"#).await;
        socket.events_to("response.completed").await;
    }

    let refused = client::tunnel(proxy, &host).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::LOOP_DETECTED);
    let forwarded = Request::get(format!("{}/?x=in-the-query", origin.url()))
        .header("Host", "x")
        .header("Authorization", format!("Bearer {OF_THE_CLIENT}"))
        .header("Proxy-Authorization", "Basic proxy-password")
        .body(body::empty())
        .unwrap();
    tokio::join!(client::ask(proxy, forwarded), async {
        let mut upstream = origin.accept().await;
        upstream.head().await;
        upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    });
    let mut nonsense = Conversation::with(proxy).await;
    nonsense.write(format!("GET /v1/x HTTP/1.1\r\nAuthorization: Bearer {OF_THE_CLIENT}\r\n\r\n")).await;
    assert!(nonsense.rest().await.0.starts_with("HTTP/1.1 400 "));
}

/// Runs the program with this log setting; all that it said, and the secrets that it had.
async fn logged(log: &str, arguments: &[&str]) -> (String, Vec<String>) {
    let stage = Stage::set().await;
    let folder = tempfile::tempdir().unwrap();
    let certs = folder.path().join("certs").display().to_string();
    let trusted = folder.path().join("simulator.pem");
    std::fs::write(&trusted, &stage.simulator_ca_pem).unwrap();
    let variables = [
        ("AZURE_OPENAI_PROXY_LISTEN", "127.0.0.1:0"),
        ("AZURE_OPENAI_PROXY_CERTS", &*certs),
        ("AZURE_OPENAI_ENDPOINT", &format!("https://{AZURE_HOST}")),
        ("AZURE_OPENAI_API_KEY", &stage.key),
        ("AZURE_OPENAI_MODEL_MAPPER", MAP),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", trusted.to_str().unwrap()),
        ("AZURE_OPENAI_PROXY_RESOLVE", &format!("{AZURE_HOST}:443:{}", stage.simulator)),
        ("AZURE_OPENAI_PROXY_LOG", log),
    ];
    let mut program = Program::start(folder.path(), arguments, &variables);
    let proxy = program.address().await;
    let ca_pem = std::fs::read_to_string(folder.path().join("certs/ca.pem")).unwrap();
    provoke(proxy, &ca_pem, &Origin::plain()).await;
    program.terminate().await;
    let (status, said) = program.ended().await;
    assert!(status.success(), "{said}");
    let key_file = std::fs::read_to_string(folder.path().join("certs/issuer.pem")).unwrap();
    let ca_key = key_file.lines().nth(1).unwrap().to_owned();
    let mut secrets = vec![stage.key.clone(), OF_THE_CLIENT.to_owned(), ca_key];
    secrets.extend(OTHERS.map(str::to_owned));
    (said, secrets)
}

#[tokio::test]
async fn no_line_of_the_log_holds_one() {
    for (log, arguments, heard) in [
        ("trace", &[][..], "azure_openai_proxy"),
        ("trace,hyper=trace,h2=trace,rustls=trace,hyper_util=trace", &["--log-format", "human"], "DEBUG"),
    ] {
        let (said, secrets) = logged(log, arguments).await;
        assert!(said.contains(heard) && said.contains("unsupported_on_azure"), "{said}");
        for secret in secrets {
            let line = said.lines().find(|line| line.contains(&secret));
            assert!(line.is_none(), "{secret:?} with {log}: {}", line.unwrap());
        }
    }
}

#[test]
fn no_configuration_shows_one() {
    for name in ["AZURE_OPENAI_TOKEN", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_PROXY_API_KEY"] {
        let variables = [
            (name, "key-of-the-resource"),
            ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com"),
            ("AZURE_OPENAI_PROXY_CERTS", "nowhere"),
        ];
        let loaded = config::load(&Flags::default(), &Environment::new(variables));
        let shown =
            format!("{:?} {:#?} {}", loaded.config, loaded.config, config::show::Show(&loaded.settings));
        assert!(shown.contains("nowhere") && !shown.contains("key-of-the-resource"), "{shown}");
    }
}
