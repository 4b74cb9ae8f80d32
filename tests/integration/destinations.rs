//! Where clients may go through the proxy.

use http::{Request, StatusCode};

use azure_openai_proxy::message::body::{self, Body};

use crate::access::{KEY, KEYS, STRANGER, ask_over, basic, connect};
use crate::client::{self, Whole, within};
use crate::origin::Origin;
use crate::stage::{AZURE_HOST, Stage};

fn forward(authority: &str) -> Request<Body> {
    Request::get(format!("http://{authority}/asked"))
        .header("Host", authority)
        .header("Proxy-Authorization", basic(KEY))
        .body(body::empty())
        .unwrap()
}

fn assert_refused(answer: &Whole, reason: &str, what: &str) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}: {}", answer.text());
    assert_eq!(answer.field("x-azure-openai-proxy-error"), reason, "{what}");
}

/// Answers one request on a connection that stays open.
async fn answer_once(there: &mut crate::conversation::Conversation) {
    let head = there.head().await;
    assert!(head.starts_with("GET /asked HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_ascii_lowercase().contains("proxy-authorization"), "{head}");
    there.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
}

#[tokio::test]
async fn a_key_opens_no_way_into_the_private_network() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for authority in [
        "127.0.0.1:443",
        "localhost:443",
        "10.0.0.1:443",
        "172.16.0.1:443",
        "192.168.1.1:80",
        "169.254.169.254:80",
        "168.63.129.16:80",
        "100.64.0.1:443",
        "0.0.0.0:443",
        "224.0.0.1:443",
        "192.0.2.1:443",
        "[::1]:443",
        "[::]:443",
        "[::ffff:127.0.0.1]:443",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::10.0.0.1]:443",
        "[2002:7f00:1::]:443",
        "[fe80::1]:443",
        "[fd00:ec2::254]:80",
        "[ff02::1]:443",
        "example.com:22",
        "example.com:8443",
    ] {
        let answer = ask_over(stage.from(STRANGER), connect(authority, Some(basic(KEY)))).await;
        assert_refused(&answer, "destination_not_allowed", authority);
        let answer = ask_over(stage.from(STRANGER), forward(authority)).await;
        assert_refused(&answer, "destination_not_allowed", authority);
    }
}

#[tokio::test]
async fn an_address_that_the_operator_wrote_is_reached() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let request = connect(&format!("{AZURE_HOST}:443"), Some(basic(KEY)));
    let mut sender = client::http1_over(stage.from(STRANGER)).await;
    assert_eq!(within(sender.send_request(request)).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn clients_of_this_machine_reach_their_own_network_on_any_port() {
    let (stage, origin) = (Stage::with_variables(&[KEYS]).await, Origin::plain());
    let mut tunnel =
        client::tunnel(stage.proxy, &origin.address().to_string()).await.expect("the tunnel is opened");
    let mut there = origin.accept().await;
    there.write("220 I speak first\r\n").await;
    let mut said = [0; 19];
    within(tokio::io::AsyncReadExt::read_exact(&mut tunnel, &mut said)).await.unwrap();
    assert_eq!(&said, b"220 I speak first\r\n");
}

#[tokio::test]
async fn what_this_machine_reached_is_no_way_for_others() {
    let origin = Origin::plain();
    let (port, authority) = (origin.address().port().to_string(), origin.address().to_string());
    let names = [authority, format!("localhost:{port}")];
    let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_PROXY_TUNNEL_PORTS", &port)]).await;
    for authority in &names {
        let (answer, mut there) = tokio::join!(client::ask(stage.proxy, forward(authority)), async {
            let mut there = origin.accept().await;
            answer_once(&mut there).await;
            there
        });
        assert_eq!(answer.status, StatusCode::OK, "{authority}: {}", answer.text());
        // The connection is in a pool now, but not in that of strangers.
        let refused = ask_over(stage.from(STRANGER), forward(authority)).await;
        assert_refused(&refused, "destination_not_allowed", authority);
        let (again, ()) = tokio::join!(client::ask(stage.proxy, forward(authority)), answer_once(&mut there));
        assert_eq!(again.status, StatusCode::OK, "{authority}");
    }
    assert!(origin.is_untouched());
}

#[tokio::test]
async fn lists_of_hosts_hold_for_every_client() {
    let stage = Stage::with_variables(&[
        KEYS,
        ("AZURE_OPENAI_PROXY_ALLOW_DESTINATIONS", "openai.azure.com"),
        ("AZURE_OPENAI_PROXY_DENY_DESTINATIONS", "secret.openai.azure.com"),
    ])
    .await;
    for (address, host, allowed) in [
        ("127.0.0.1", AZURE_HOST, true),
        (STRANGER, AZURE_HOST, true),
        ("127.0.0.1", "secret.openai.azure.com", false),
        (STRANGER, "a.secret.openai.azure.com", false),
        ("127.0.0.1", "example.com", false),
        ("127.0.0.1", "notopenai.azure.com", false),
        ("127.0.0.1", "127.0.0.1", false),
    ] {
        let request = connect(&format!("{host}:443"), Some(basic(KEY)));
        let mut sender = client::http1_over(stage.from(address)).await;
        let response = within(sender.send_request(request)).await.unwrap();
        if allowed {
            assert_eq!(response.status(), StatusCode::OK, "{address} {host}");
        } else {
            assert_refused(&client::whole(response).await, "destination_not_allowed", host);
        }
    }
}
