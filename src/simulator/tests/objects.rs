//! Models, batches, vector stores, fine-tuning jobs and client secrets.

use super::*;

async fn upload(server: &Server, purpose: &str) -> String {
    let parts = [("purpose", None, purpose), ("file", Some("in.jsonl"), "{}\n")];
    server.form("/openai/v1/files", &parts).await.ok()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn models_are_the_catalogue_in_each_surface_s_form() {
    let server = Server::start().await;
    let v1 = server.get("/openai/v1/models/gpt-4o").await.ok();
    assert_eq!((&v1["owned_by"], v1["created"].is_u64()), (&json!("system"), true));
    let classic = server.get(&format!("/openai/models/gpt-4o?{DATED}")).await.ok();
    assert_eq!(classic["capabilities"]["chat_completion"], true);
    assert_eq!((&classic["created"], &classic["owned_by"]), (&Value::Null, &Value::Null));
    let all = server.get("/openai/v1/models").await.ok();
    let ids: Vec<&str> =
        all["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    assert!(ids.contains(&"gpt-4o") && !ids.contains(&"demo-gpt-4o"), "{ids:?}");
    assert_eq!(server.get("/openai/v1/models/demo-gpt-4o").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_batch_needs_its_file() {
    let server = Server::start().await;
    let file = upload(&server, "batch").await;
    let batch = |file: &str| {
        let endpoint = "/chat/completions";
        json!({ "input_file_id": file, "endpoint": endpoint, "completion_window": "24h" })
    };
    let made = server.post(&format!("/openai/batches?{DATED}"), &batch(&file)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert!(made.fields.contains_key("deployment-enqueued-tokens"));
    let path = format!("/openai/v1/batches/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.ok()["status"], "validating");
    assert_eq!(server.post(&format!("{path}/cancel"), &json!({})).await.ok()["status"], "cancelling");
    assert_eq!(server.get(&path).await.ok()["status"], "cancelling");
    assert_eq!(server.post("/openai/v1/batches", &batch("file-none")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn fine_tuning_starts_from_a_base_model() {
    let server = Server::start().await;
    let file = upload(&server, "fine-tune").await;
    let job = |model: &str, file: &str| json!({ "model": model, "training_file": file });
    let path = "/openai/v1/fine_tuning/jobs";
    let made = server.post(path, &job("gpt-4o", &file)).await.ok();
    assert_eq!(server.get(path).await.ok()["data"], json!([made]));
    let mapped = server.post(path, &job("demo-gpt-4o", &file)).await;
    assert_eq!(mapped.json()["error"]["param"], "model", "the name of a deployment is no base model");
    let other = upload(&server, "batch").await;
    assert_eq!(server.post(path, &job("gpt-4o", &other)).await.json()["error"]["param"], "training_file");
}

#[tokio::test]
async fn vector_stores_come_and_go() {
    let server = Server::start().await;
    let made = server.post("/openai/v1/vector_stores", &json!({ "name": "n" })).await.ok();
    let path = format!("/openai/v1/vector_stores/{}", made["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.ok()["name"], "n");
    assert_eq!(server.delete(&path).await.ok()["object"], "vector_store.deleted");
    assert_eq!(server.delete(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_client_secret_names_deployments() {
    let server = Server::start().await;
    let session = |model: &str, transcription: &str| {
        let audio = json!({ "input": { "transcription": { "model": transcription } } });
        json!({ "session": { "type": "realtime", "model": model, "audio": audio } })
    };
    let path = "/openai/v1/realtime/client_secrets";
    let secret = server.post(path, &session("gpt-realtime", "demo-whisper")).await.ok();
    assert!(secret["value"].as_str().unwrap().starts_with("ek_"));
    for (model, transcription) in [("gpt-realtime-2", "demo-whisper"), ("gpt-realtime", "whisper-1")] {
        let refused = server.post(path, &session(model, transcription)).await;
        assert_eq!(refused.refusal(), (404, "DeploymentNotFound".into()), "{model} {transcription}");
    }
    let dated =
        server.post(&format!("{path}?api-version=preview"), &session("gpt-realtime", "demo-whisper")).await;
    assert_eq!(dated.refusal(), (401, "401".into()));
    assert_eq!(server.post(path, &json!({ "session": "text" })).await.refusal().0, 400);
}
