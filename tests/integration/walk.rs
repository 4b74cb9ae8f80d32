//! Every operation that OpenAI documents, through a running proxy: what comes back is what was answered, but for the
//! events of chat completions and the ends of streams.

use http::Method;

use crate::client::{self, OPENAI_HOST, within};
use crate::explain::operations;
use crate::origin::{Origin, Pki};
use crate::responses::field;
use crate::stage::Stage;

const CONTENT: &str = r#"{"session":{"model":"gpt-4o"},"model":"gpt-4o"}"#;

const FILTER: &str = "data: {\"choices\":[],\"prompt_filter_results\":[{}]}\n\n";
const REST: &str = "event: x\ndata: {\"choices\":[], \"usage\":{}}\n\ndata: [DONE]\n";

/// What nobody would write again as it is: numbers, repeated keys, white space, and a lone `error`.
const JSON: &str = "{ \"n\":1.0e2,\"error\" : {\"message\":\"\"},\"n\":-0,\"x\":\"\\u00e9\" }\n";

/// Answers every request of one connection alike.
async fn answer_all(origin: Origin, answer: String) {
    let mut upstream = origin.accept().await;
    loop {
        let head = upstream.head().await;
        let length = field(&head, "content-length").map_or(0, |length| length.parse().expect("a length"));
        upstream.octets(length).await;
        upstream.write(&answer).await;
    }
}

/// The operations that reached the origin, and what came back of its answer.
async fn walk(stage: &Stage) -> Vec<(&'static str, String, String)> {
    let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
    let mut walked = Vec::new();
    for (method, target) in operations() {
        let mut request = client::post(OPENAI_HOST, &target, CONTENT);
        *request.method_mut() = method.parse::<Method>().expect("a method");
        within(sender.ready()).await.expect("the connection goes on");
        let answer = client::whole(within(sender.send_request(request)).await.expect("an answer")).await;
        if answer.fields.contains_key("x-of-the-origin") {
            assert_eq!(answer.status, 200, "{method} {target}");
            walked.push((method, target, answer.text()));
        }
    }
    walked
}

async fn walk_with(media_type: &str, content: &str, surface: &str) -> Vec<(&'static str, String, String)> {
    let length = content.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nX-Of-The-Origin: 1\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n{content}"
    );
    let (pki, version) = (Pki::new(), ("AZURE_OPENAI_APIVERSION", surface));
    let (origin, stage) = if surface == "openai" {
        let origin = Origin::secure(pki.server(OPENAI_HOST));
        let resolve = format!("{OPENAI_HOST}:443:{}", origin.address());
        let root = pki.root_file();
        let variables = [
            ("AZURE_OPENAI_PROXY_MODE", "openai"),
            ("AZURE_OPENAI_PROXY_RESOLVE", &resolve),
            ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", root.to_str().expect("a path of ours")),
        ];
        (origin, Stage::with_variables(&variables).await)
    } else {
        let origin = Origin::plain();
        let stage = Stage::before(&origin, &[version]).await;
        (origin, stage)
    };
    let answering = tokio::spawn(answer_all(origin, answer));
    let walked = walk(&stage).await;
    answering.abort();
    walked
}

#[tokio::test]
async fn only_events_of_completions_and_ends_of_streams_are_changed() {
    let events = [FILTER, REST].concat();
    for (surface, least) in [("v1", 140), ("2024-10-21", 140), ("openai", 280)] {
        let walked = walk_with("text/event-stream", &events, surface).await;
        assert!(walked.len() >= least, "{} on {surface}", walked.len());
        for (method, target, text) in walked {
            let expected = match (surface, method, &*target) {
                ("openai", ..) => events.clone(),
                (_, "POST", target) if target.ends_with("completions") => format!("{REST}\n"),
                _ => format!("{events}\n"),
            };
            assert_eq!(text, expected, "{method} {target} on {surface}");
        }
        for (method, target, text) in walk_with("application/json", JSON, surface).await {
            assert_eq!(text, JSON, "{method} {target} on {surface}");
        }
    }
}
