//! Numbers for Prometheus, and probes.

use http::StatusCode;

use crate::client::{self, OPENAI_HOST};
use crate::conversation::Conversation;
use crate::origin::Origin;
use crate::stage::Stage;

const STREAM: &str = r#"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},
    "messages":[{"role":"user","content":"hi"}]}"#;
const UNKNOWN: &str = r#"{"model":"invented-by-a-client","messages":[]}"#;

async fn get(stage: &Stage, host: &str, path: &str) -> client::Whole {
    client::ask(stage.proxy, client::get(host, path)).await
}

#[tokio::test]
async fn exchanges_tunnels_and_connections_are_counted() {
    let stage = Stage::set().await;
    let host = stage.proxy.to_string();
    let mut tunnel = client::intercepted(stage.proxy, &stage.ca_pem).await;
    let request = client::post(OPENAI_HOST, "/v1/chat/completions", STREAM);
    client::whole(tunnel.send_request(request).await.unwrap()).await;
    client::ask(stage.proxy, client::post(&host, "/v1/chat/completions", UNKNOWN)).await;
    assert!(client::tunnel(stage.proxy, &host).await.is_err());

    let answer = get(&stage, &host, "/metrics").await;
    assert!(answer.field("content-type").starts_with("application/openmetrics-text"));
    let text = answer.text();
    let call = r#"gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o""#;
    for line in [
        r#"azure_openai_proxy_requests_total{operation="chat/completions",status="200",outcome="complete"} 1"#,
        r#"azure_openai_proxy_requests_total{operation="chat/completions",status="404",outcome="complete"} 1"#,
        r#"azure_openai_proxy_tunnels_total{kind="intercepted",opened="true"} 1"#,
        r#"azure_openai_proxy_tunnels_total{kind="blind",opened="false"} 1"#,
        "azure_openai_proxy_own_latency_seconds_count 2",
        &format!(r#"gen_ai_server_request_duration_seconds_count{{{call},error_type=""}} 1"#),
        &format!("gen_ai_server_time_to_first_token_seconds_count{{{call}}} 1"),
        &format!(r#"gen_ai_client_token_usage_count{{{call},gen_ai_token_type="output"}} 1"#),
        "# EOF",
    ] {
        assert!(text.lines().any(|has| has == line), "{line}\nin\n{text}");
    }
    assert!(!text.contains("invented"), "{text}");
    let open = text.lines().find_map(|line| line.strip_prefix("azure_openai_proxy_open_connections "));
    assert!(open.unwrap().parse::<u32>().unwrap() >= 2, "the tunnel and this one");
}

#[tokio::test]
async fn what_is_refused_before_it_has_a_route_counts_and_what_has_no_content_is_complete() {
    let stage = Stage::set().await;
    for (method, path, status) in [("POST", "/api/v1/models", 404), ("HEAD", "/v1/models", 200)] {
        let mut request = client::get("localhost", path);
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(client::ask(stage.proxy, request).await.status, status);
    }
    let metrics = client::ask(stage.proxy, client::get("localhost", "/metrics")).await.text();
    for line in [
        r#"requests_total{operation="none",status="404",outcome="complete"} 1"#,
        r#"requests_total{operation="none",status="200",outcome="complete"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

/// As OpenAI's SDK for Python leaves.
#[tokio::test]
async fn a_client_that_leaves_after_the_end_of_a_stream_has_cancelled_nothing() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for (last, outcome) in [("data: {}\n\n", "cancelled"), ("data: {}\n\ndata: [DONE]\n\n", "complete")] {
        let mut client = Conversation::with(stage.proxy).await;
        let content = STREAM.replace("\n", "");
        let length = content.len();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost";
        client.write(format!("{head}\r\nContent-Length: {length}\r\n\r\n{content}")).await;
        let mut upstream = origin.accept().await;
        upstream.until("hi").await;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        upstream.write(format!("{head}{:x}\r\n{last}\r\n", last.len())).await;
        client.until(last).await;
        drop(client);
        let line =
            format!(r#"requests_total{{operation="chat/completions",status="200",outcome="{outcome}"}} 1"#);
        client::within(async { while !get(&stage, "localhost", "/metrics").await.text().contains(&line) {} })
            .await;
    }
}

/// Commands of ours ask that in every new shell.
#[tokio::test]
async fn whoever_asks_who_is_here_is_not_counted() {
    let stage = Stage::set().await;
    let mut tunnel = client::intercepted(stage.proxy, &stage.ca_pem).await;
    let page = client::get(OPENAI_HOST, "/.well-known/azure-openai-proxy");
    assert_eq!(client::whole(tunnel.send_request(page).await.unwrap()).await.status, StatusCode::OK);
    let numbers = get(&stage, "localhost", "/metrics").await.text();
    assert!(!numbers.contains("azure_openai_proxy_requests_total{"), "{numbers}");
}

#[tokio::test]
async fn our_own_latency_is_without_the_time_of_others() {
    let stage = Stage::with(crate::stage::Wishes {
        resource: Some(|resource| resource.pace = std::time::Duration::from_millis(100)),
        ..Default::default()
    })
    .await;
    client::ask(stage.proxy, client::post(&stage.proxy.to_string(), "/v1/chat/completions", STREAM)).await;
    let text = get(&stage, "localhost", "/metrics").await.text();
    let sum = |name: &str| -> f64 {
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (own, all) = (
        sum("azure_openai_proxy_own_latency_seconds_sum"),
        sum("gen_ai_server_request_duration_seconds_sum"),
    );
    assert!(own > 0.0 && all > 0.4 && own < all / 2.0, "{own} of {all}");
}

#[tokio::test]
async fn numbers_are_for_those_who_know_us_and_probes_for_everybody() {
    let stage = Stage::set().await;
    for (host, path, status) in [
        ("localhost", "/metrics", StatusCode::OK),
        ("rebound.example", "/metrics", StatusCode::NOT_FOUND),
        ("localhost", "/readyz", StatusCode::OK),
        ("10.1.2.3:8080", "/readyz", StatusCode::OK),
        ("10.1.2.3:8080", "/healthz", StatusCode::OK),
    ] {
        assert_eq!(get(&stage, host, path).await.status, status, "{host}{path}");
    }
}
