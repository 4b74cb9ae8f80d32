//! What the proxy answers about itself.

use http::StatusCode;

use crate::client::{self, OPENAI_HOST, within};
use crate::stage::Stage;

const WELL_KNOWN: &str = "/.well-known/azure-openai-proxy";
const PRODUCT_FIELD: &str = "x-azure-openai-proxy";
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[tokio::test]
async fn it_says_on_an_intercepted_name_who_answers_and_sends_nothing_on() {
    let stage = Stage::set().await;
    let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
    let answer =
        client::whole(sender.send_request(client::get(OPENAI_HOST, WELL_KNOWN)).await.unwrap()).await;
    assert_eq!((answer.status, answer.field(PRODUCT_FIELD)), (StatusCode::OK, VERSION));
    let expected = serde_json::json!({ "azure_openai_proxy": VERSION, "intercepted": true, "mode": "azure" });
    assert_eq!(answer.json(), expected);
    assert!(stage.recorder.seen().is_empty());

    let answer =
        client::whole(sender.send_request(client::post(OPENAI_HOST, WELL_KNOWN, "")).await.unwrap()).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
}

#[tokio::test]
async fn what_is_below_that_page_is_answered_here_too_and_sent_on_in_no_mode() {
    for mode in ["azure", "openai"] {
        let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_MODE", mode)]).await;
        let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
        for (request, status, code) in [
            // git's, and Codex's.
            (
                client::get(OPENAI_HOST, &format!("{WELL_KNOWN}/info/refs")),
                StatusCode::NOT_FOUND,
                "not_found",
            ),
            (
                client::post(OPENAI_HOST, &format!("{WELL_KNOWN}/responses"), "{}"),
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
            ),
        ] {
            within(sender.ready()).await.unwrap();
            let answer = client::whole(within(sender.send_request(request)).await.unwrap()).await;
            assert_eq!((answer.status, &*answer.code()), (status, code), "{mode}");
            assert_eq!(answer.field("x-azure-openai-proxy-error"), code, "{mode}");
        }
    }
}

#[tokio::test]
async fn it_says_on_its_own_name_that_nothing_was_intercepted() {
    let stage = Stage::set().await;
    let host = stage.proxy.to_string();
    let answer = client::ask(stage.proxy, client::get(&host, WELL_KNOWN)).await;
    assert_eq!(answer.json()["intercepted"], false);
    for path in [WELL_KNOWN, "/healthz", "/", "/ca.pem"] {
        let answer = client::ask(stage.proxy, client::get(&host, path)).await;
        assert_eq!((answer.status, answer.field(PRODUCT_FIELD)), (StatusCode::OK, VERSION), "{path}");
    }
}
