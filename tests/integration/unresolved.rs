//! Names that lead nowhere: a clear 502 that says which one, and the next request is served.

use http::StatusCode;
use http::header::HOST;
use hyper::body::Incoming;
use tempfile::TempDir;

use crate::client::{self, OPENAI_HOST, Whole, within};
use crate::conversation::Conversation;
use crate::errors::{CHAT, assert_openai_form, assert_text_form, connect};
use crate::origin::Origin;
use crate::stage::{AZURE_HOST, Stage, Wishes};

/// No name server knows it, and where there is none at all, it is just as unknown (RFC 6761 §6.4).
const NOWHERE: &str = "nowhere.invalid";

/// A proxy whose endpoint can be changed.
struct Pointed {
    folder: TempDir,
    stage: Stage,
}

impl Pointed {
    async fn nowhere() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.toml").display().to_string();
        point(&folder, NOWHERE);
        let variables = &[("AZURE_OPENAI_PROXY_CONFIG", &*file), ("AZURE_OPENAI_ENDPOINT", "")];
        Self { stage: Stage::with(Wishes { variables, ..Wishes::default() }).await, folder }
    }

    /// From now on at the simulator.
    async fn right(&mut self) {
        point(&self.folder, AZURE_HOST);
        self.stage.reloader.reload().await;
    }
}

fn point(folder: &TempDir, host: &str) {
    std::fs::write(folder.path().join("config.toml"), format!("endpoint = 'https://{host}'\n")).unwrap();
}

/// The answer says which name it was.
fn assert_named(answer: &Whole) {
    assert!(answer.text().contains(&format!("the name {NOWHERE} cannot be resolved")), "{}", answer.text());
}

async fn whole(answer: impl Future<Output = hyper::Result<http::Response<Incoming>>>) -> Whole {
    client::whole(within(answer).await.expect("the connection goes on")).await
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_resolved_is_502_by_every_way_in_and_the_next_request_is_served() {
    let mut pointed = Pointed::nowhere().await;
    let (proxy, ca) = (pointed.stage.proxy, pointed.stage.ca_pem.clone());
    let mut intercepted = client::intercepted(proxy, &ca).await;
    let mut intercepted_http2 = client::intercepted_http2(proxy, &ca).await;
    let mut mounted = client::http1_over(client::connect(proxy).await).await;
    for expected in [StatusCode::BAD_GATEWAY, StatusCode::OK] {
        let path = "/v1/chat/completions";
        let inside = intercepted.send_request(client::post(OPENAI_HOST, path, CHAT));
        let mut request = client::post("", &format!("https://{OPENAI_HOST}{path}"), CHAT);
        request.headers_mut().remove(HOST);
        let inside_http2 = intercepted_http2.send_request(request);
        let at_the_mount = mounted.send_request(client::post(&proxy.to_string(), path, CHAT));
        for answer in [whole(inside).await, whole(inside_http2).await, whole(at_the_mount).await] {
            if expected == StatusCode::OK {
                assert_eq!(answer.status, expected, "{}", answer.text());
            } else {
                assert_openai_form(&answer, expected, "upstream_unreachable");
                assert_named(&answer);
                assert!(pointed.stage.recorder.seen().is_empty());
            }
        }
        pointed.right().await;
    }
    assert_eq!(pointed.stage.recorder.seen().len(), 3);
}

/// What follows a refused CONNECT could be meant for the tunnel, so that connection is over: the next one is another.
#[tokio::test]
async fn a_tunnel_to_nowhere_is_502_and_the_next_one_is_opened() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let refused = connect(&stage, &format!("{NOWHERE}:443")).await;
    assert_text_form(&refused, StatusCode::BAD_GATEWAY, "upstream_unreachable");
    assert_named(&refused);
    let authority = origin.address().to_string();
    let (opened, mut upstream) = tokio::join!(client::tunnel(stage.proxy, &authority), origin.accept());
    Conversation::over(opened.expect("the tunnel is opened")).write("question").await;
    assert_eq!(upstream.octets(8).await, b"question");
}

#[tokio::test]
async fn forwarding_to_nowhere_is_502_and_the_next_request_on_the_connection_is_forwarded() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let mut client = client::http1_over(client::connect(stage.proxy).await).await;
    let refused = whole(client.send_request(client::get(NOWHERE, &format!("http://{NOWHERE}/")))).await;
    assert_text_form(&refused, StatusCode::BAD_GATEWAY, "upstream_unreachable");
    assert_named(&refused);
    let request = client::get(&origin.address().to_string(), &format!("{}/page", origin.url()));
    let (answer, ()) = tokio::join!(whole(client.send_request(request)), async {
        let mut upstream = origin.accept().await;
        assert!(upstream.head().await.starts_with("GET /page HTTP/1.1\r\n"));
        upstream.write("HTTP/1.1 204 No Content\r\n\r\n").await;
    });
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}
