use super::*;
use crate::admin::journal::{Outcome, Tokens};

fn metrics() -> Metrics {
    Metrics::new(|| 3)
}

fn record(model: &str) -> Record {
    Record {
        operation: "responses",
        model: Some(model.into()),
        status: Some(200),
        outcome: Outcome::Complete,
        tokens: Some(Tokens { input: 100, output: 7 }),
        ..Record::default()
    }
}

fn measured(known_model: bool) -> Measured {
    Measured {
        provider: "azure.ai.openai",
        known_model,
        total: Duration::from_millis(700),
        own: Duration::from_micros(30),
        first_token: Some(Duration::from_millis(50)),
    }
}

#[track_caller]
fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|has| has == *line), "{line}\nin\n{text}");
    }
}

#[test]
fn an_exchange_is_counted_under_the_names_of_the_conventions() {
    let metrics = metrics();
    metrics.exchange(&record("gpt-4o"), Some(&measured(true)));
    let call = r#"gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o""#;
    assert_has(
        &metrics.text(),
        &[
            r#"azure_openai_proxy_requests_total{operation="responses",status="200",outcome="complete"} 1"#,
            "azure_openai_proxy_own_latency_seconds_sum 0.00003",
            &format!(r#"gen_ai_server_request_duration_seconds_sum{{{call},error_type=""}} 0.7"#),
            &format!(r#"gen_ai_server_time_to_first_token_seconds_bucket{{le="0.08",{call}}} 1"#),
            &format!(r#"gen_ai_client_token_usage_sum{{{call},gen_ai_token_type="input"}} 100.0"#),
            &format!(r#"gen_ai_client_token_usage_bucket{{le="16.0",{call},gen_ai_token_type="output"}} 1"#),
        ],
    );
}

#[test]
fn what_a_client_invents_is_no_label() {
    let metrics = metrics();
    for name in ["x1", "x2", "x3"] {
        metrics.exchange(&record(name), Some(&measured(false)));
    }
    let text = metrics.text();
    assert!(!text.contains("x1") && text.contains(r#"gen_ai_request_model="unresolved""#), "{text}");
}

#[test]
fn failures_are_told_apart() {
    let metrics = metrics();
    for (status, outcome, error) in [
        (Some(429), Outcome::Complete, "429"),
        (Some(200), Outcome::Broken, "broken"),
        (Some(200), Outcome::Cancelled, "cancelled"),
    ] {
        metrics.exchange(&Record { status, outcome, ..record("m") }, Some(&measured(true)));
        assert!(metrics.text().contains(&format!(r#"error_type="{error}"}}"#)), "{error}");
    }
    metrics.exchange(&Record { status: None, ..Record::default() }, None);
    assert_has(
        &metrics.text(),
        &[r#"azure_openai_proxy_requests_total{operation="none",status="0",outcome="open"} 1"#],
    );
}

#[test]
fn connections_tunnels_and_the_build_are_told() {
    let metrics = metrics();
    metrics.tunnel(TunnelKind::Blind, false);
    metrics.tunnel(TunnelKind::Intercepted, true);
    let text = metrics.text();
    let build = format!("azure_openai_proxy_build_info{{version=\"{VERSION}\"}} 1");
    assert_has(
        &text,
        &[
            "azure_openai_proxy_open_connections 3",
            r#"azure_openai_proxy_tunnels_total{kind="blind",opened="false"} 1"#,
            r#"azure_openai_proxy_tunnels_total{kind="intercepted",opened="true"} 1"#,
            &build,
            "# EOF",
        ],
    );
}
