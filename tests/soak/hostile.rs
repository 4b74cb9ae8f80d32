//! Those who mean harm, or write as if they did.

use std::sync::Arc;

use azure_openai_proxy::message::body;
use http::{Request, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use crate::client::{self, OPENAI_HOST, within};
use crate::ground::Ground;
use crate::work::repeat;

/// Tunnels to distinct names, where there is time for them.
const NAMES: u64 = 100_000;

/// A request without a Host: it is one, so it is counted.
const HOMELESS: &str = "GET /v1/models HTTP/1.1\r\n\r\n";

/// What is no request, or could be read as two.
const MALFORMED: [&str; 5] = [
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6, 7\r\n\r\n",
    "GET /v1/models HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "CONNECT user@api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com\r\n\r\n",
    "nothing of the kind\r\n\r\n",
];

/// Starts all of them.
pub(crate) fn begin(ground: &Arc<Ground>) -> Vec<JoinHandle<()>> {
    let naming = tokio::spawn(names(Arc::clone(ground)));
    vec![
        naming,
        repeat(ground, |ground| Box::pin(malformed(ground))),
        repeat(ground, |ground| Box::pin(unfinished(ground))),
        repeat(ground, |ground| Box::pin(misdirected(ground))),
    ]
}

async fn malformed(ground: Arc<Ground>) {
    for octets in MALFORMED {
        let answer = client::raw(ground.proxy, octets.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{octets}{answer}");
        ground.tally.elsewhere.add();
    }
    let answer = client::raw(ground.proxy, HOMELESS.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    ground.tally.saw(StatusCode::BAD_REQUEST);
    // To the proxy itself, and to where nobody listens.
    for (authority, status) in [(ground.proxy.to_string(), 508), ("127.0.0.1:1".to_owned(), 502)] {
        let refused = client::tunnel(ground.proxy, &authority).await.expect_err("it is refused");
        assert_eq!(refused.status().as_u16(), status);
        ground.tally.refused.add();
    }
}

/// Handshakes and heads that are begun, and tunnels in which nothing sensible is said.
async fn unfinished(ground: Arc<Ground>) {
    for octets in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HT",
        b"GET /v1/mo",
        b"\x05\x01\x00",
        b"",
    ] {
        let mut io = client::connect(ground.proxy).await;
        within(io.write_all(octets)).await.expect("it is taken");
        let mut inside =
            client::tunnel(ground.proxy, &format!("{OPENAI_HOST}:443")).await.expect("it is opened");
        ground.tally.intercepted.add();
        within(inside.write_all(octets)).await.expect("it is taken");
        ground.tally.elsewhere.add();
    }
}

/// Requests for another host than the tunnel's.
async fn misdirected(ground: Arc<Ground>) {
    let mut sender = client::intercepted(ground.proxy, &ground.ca_pem).await;
    ground.tally.intercepted.add();
    let request = client::post("other.example", "/v1/chat/completions", "{}");
    let response = within(sender.send_request(request)).await.expect("an answer");
    ground.tally.saw(response.status());
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
}

/// Tunnels to distinct names, many at once on one connection; none of them is opened.
async fn names(ground: Arc<Ground>) {
    let mut asked = 0;
    while ground.goes_on() || (ground.long && asked < NAMES) {
        let mut sender = client::http2_over(client::connect(ground.proxy).await).await;
        let requests = (asked..asked + 100).map(|name| {
            let request = Request::connect(format!("n{name}.denied.example:443"));
            request.body(body::empty()).expect("a request")
        });
        let answers: Vec<_> = requests.map(|request| sender.send_request(request)).collect();
        for answer in answers {
            assert_eq!(within(answer).await.expect("an answer").status(), StatusCode::FORBIDDEN);
            ground.tally.refused.add();
        }
        asked += 100;
    }
}
