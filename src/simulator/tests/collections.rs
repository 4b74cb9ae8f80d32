//! Objects below objects: uploads, containers, conversations, evals, videos, and completions that were stored.

use super::*;

const V1: &str = "/openai/v1";

/// The id of an object.
fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

/// The ids of a list.
fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().expect("a list").iter().map(id).collect()
}

#[tokio::test]
async fn an_upload_becomes_a_file_in_the_order_that_the_client_names() {
    let server = Server::start().await;
    let wanted = json!({ "bytes": 6, "filename": "in.jsonl", "mime_type": "text/jsonl", "purpose": "batch" });
    let upload = server.post(&format!("{V1}/uploads"), &wanted).await.ok();
    assert_eq!((&upload["object"], &upload["status"]), (&json!("upload"), &json!("pending")));
    let path = format!("{V1}/uploads/{}", id(&upload));
    let mut parts = Vec::new();
    for data in ["{}\n", "[]\n"] {
        let part = server.form(&format!("{path}/parts"), &[("data", Some("blob"), data)]).await.ok();
        assert_eq!(part["upload_id"], upload["id"]);
        parts.push(part["id"].clone());
    }
    let one = server.post(&format!("{path}/complete"), &json!({ "part_ids": parts[..1] })).await;
    assert_eq!(one.json()["error"]["param"], "bytes", "a part is missing");
    parts.reverse();
    let complete = server.post(&format!("{path}/complete"), &json!({ "part_ids": parts })).await.ok();
    assert_eq!((&complete["status"], &complete["file"]["bytes"]), (&json!("completed"), &json!(6)));
    let file = format!("{V1}/files/{}/content", id(&complete["file"]));
    assert_eq!(server.get(&file).await.content, "[]\n{}\n");
    let late = server.form(&format!("{path}/parts"), &[("data", Some("blob"), "x")]).await;
    assert_eq!(late.refusal(), (400, "invalid_value".into()));

    let other = server.post(&format!("/openai/uploads?{DATED}"), &wanted).await.ok();
    let cancelled = server.post(&format!("{V1}/uploads/{}/cancel", id(&other)), &json!({})).await.ok();
    assert_eq!(cancelled["status"], "cancelled");
}

#[tokio::test]
async fn a_container_has_files() {
    let server = Server::start().await;
    let container = server.post(&format!("{V1}/containers"), &json!({ "name": "c" })).await.ok();
    let path = format!("{V1}/containers/{}", id(&container));
    let files = format!("{path}/files");
    let file = server.form(&files, &[("file", Some("a.txt"), "octets")]).await.ok();
    assert_eq!((&file["path"], &file["bytes"]), (&json!("/mnt/data/a.txt"), &json!(6)));
    assert_eq!(ids(&server.get(&files).await.ok()), [id(&file)]);
    let own = format!("{files}/{}", id(&file));
    assert_eq!(server.get(&format!("{own}/content")).await.content, "octets");
    assert_eq!(server.delete(&own).await.ok()["object"], "container.file.deleted");
    assert_eq!(server.get(&format!("{own}/content")).await.refusal(), (404, "notFound".into()));
    assert_eq!(server.delete(&path).await.ok()["deleted"], true);
    for gone in [&files, &path] {
        assert_eq!(server.get(gone).await.refusal(), (404, "notFound".into()), "{gone}");
    }
    let classic = server.get(&format!("/openai/containers?{DATED}")).await;
    assert_eq!(classic.refusal(), (404, "404".into()), "containers are on v1 only");
}

#[tokio::test]
async fn a_conversation_has_items() {
    let server = Server::start().await;
    let said = |text: &str| json!({ "type": "message", "role": "user", "content": text });
    let made = json!({ "metadata": { "a": "1" }, "items": [said("first")] });
    let conversation = server.post(&format!("{V1}/conversations"), &made).await.ok();
    let path = format!("{V1}/conversations/{}", id(&conversation));
    let items = format!("{path}/items");
    let added = server.post(&items, &json!({ "items": [said("second")] })).await.ok();
    assert_eq!(added["data"][0]["content"], "second");
    let all = server.get(&items).await.ok();
    assert_eq!(ids(&all).len(), 2);
    let item = format!("{items}/{}", id(&added["data"][0]));
    assert_eq!(server.get(&item).await.ok()["content"], "second");
    assert_eq!(server.delete(&item).await.ok()["id"], conversation["id"], "it answers with the conversation");
    let updated = server.post(&path, &json!({ "metadata": { "a": "2" } })).await.ok();
    assert_eq!((&updated["metadata"]["a"], ids(&server.get(&items).await.ok()).len()), (&json!("2"), 1));
    assert_eq!(server.delete(&path).await.ok()["object"], "conversation.deleted");
}

#[tokio::test]
async fn an_eval_and_its_runs_name_deployments() {
    let server = Server::start().await;
    let eval = |model: &str| {
        let grader = json!({ "type": "label_model", "model": model });
        json!({ "name": "e", "data_source_config": { "type": "custom" }, "testing_criteria": [grader] })
    };
    let evals = format!("{V1}/evals");
    assert_eq!(server.post(&evals, &eval("gpt-4o")).await.refusal(), (404, "DeploymentNotFound".into()));
    let made = server.post(&evals, &eval("demo-gpt-4o")).await.ok();
    let runs = format!("{evals}/{}/runs", id(&made));
    let source = |model: &str| json!({ "data_source": { "type": "completions", "model": model } });
    assert_eq!(server.post(&runs, &source("gpt-4o")).await.refusal().0, 404);
    let run = server.post(&runs, &source("demo-gpt-4o")).await.ok();
    assert_eq!((&run["eval_id"], &run["status"]), (&made["id"], &json!("queued")));
    let own = format!("{runs}/{}", id(&run));
    assert_eq!(ids(&server.get(&format!("{own}/output_items")).await.ok()), Vec::<&str>::new());
    assert_eq!(server.post(&own, &json!({})).await.ok()["status"], "canceled");
    assert_eq!(server.delete(&own).await.ok()["run_id"], run["id"]);
    assert_eq!(server.get(&format!("{own}/output_items")).await.refusal().0, 404);
    assert_eq!(server.delete(&format!("{evals}/{}", id(&made))).await.ok()["eval_id"], made["id"]);
}

#[tokio::test]
async fn a_video_is_made_by_form_or_by_json_and_made_again() {
    let server = Server::start().await;
    let videos = format!("{V1}/videos");
    let form = [("model", None, "demo-sora"), ("prompt", None, "a cat")];
    let by_form = server.form(&videos, &form).await.ok();
    let by_json = server.post(&videos, &json!({ "model": "demo-sora", "prompt": "a cat" })).await.ok();
    assert_eq!((&by_form["model"], &by_json["prompt"]), (&json!("sora-2"), &json!("a cat")));
    assert_eq!(server.post(&videos, &json!({ "model": "sora-2", "prompt": "x" })).await.refusal().0, 404);
    let own = format!("{videos}/{}", id(&by_form));
    let remix = server.post(&format!("{own}/remix"), &json!({ "prompt": "a dog" })).await.ok();
    assert_eq!(remix["remixed_from_video_id"], by_form["id"]);
    let (cat, dog) = (
        server.get(&format!("{own}/content")).await,
        server.get(&format!("{videos}/{}/content", id(&remix))).await,
    );
    assert_eq!((&cat.fields["content-type"], cat.content.len()), (&"video/mp4".parse().unwrap(), 4096));
    assert_ne!(cat.content, dog.content);
    assert_eq!(ids(&server.get(&videos).await.ok()), [id(&remix), id(&by_json), id(&by_form)]);
    assert_eq!(server.delete(&own).await.ok()["object"], "video.deleted");
}

#[tokio::test]
async fn a_completion_is_stored_where_that_is_asked_for() {
    let server = Server::start().await;
    let path = format!("{V1}/chat/completions");
    server.post(&path, &chat("demo-gpt-4o", "forget me")).await.ok();
    let mut content = chat("demo-gpt-4o", "remember me");
    content["store"] = true.into();
    content["metadata"] = json!({ "a": "1" });
    let made = server.post(&path, &content).await.ok();
    for (query, found) in [("", 1), ("?model=gpt-4o", 1), ("?model=demo-gpt-4o", 0)] {
        let list = server.get(&format!("{path}{query}")).await.ok();
        assert_eq!(ids(&list).len(), found, "{query}: the filter is for the model, not the deployment");
    }
    let own = format!("{path}/{}", id(&made));
    assert_eq!(server.get(&own).await.ok()["metadata"]["a"], "1");
    assert_eq!(server.post(&own, &json!({ "metadata": {} })).await.ok()["metadata"], json!({}));
    let messages = server.get(&format!("{own}/messages")).await.ok();
    assert_eq!(messages["data"][0]["content"], "remember me");
    assert_eq!(server.delete(&own).await.ok()["object"], "chat.completion.deleted");
    assert_eq!(server.get(&format!("{own}/messages")).await.refusal().0, 404);
}

#[tokio::test]
async fn only_what_works_in_the_background_is_cancelled() {
    let server = Server::start().await;
    let path = format!("{V1}/responses");
    let create = |background: bool| json!({ "model": "demo-gpt-4o", "input": "x", "background": background });
    let waiting = server.post(&path, &create(true)).await.ok();
    assert_eq!(waiting["status"], "queued");
    let own = format!("{path}/{}", id(&waiting));
    assert_eq!(server.post(&format!("{own}/cancel"), &json!({})).await.ok()["status"], "cancelled");
    assert_eq!(server.get(&own).await.ok()["status"], "cancelled");
    let done = server.post(&path, &create(false)).await.ok();
    let cancel = format!("{path}/{}/cancel", id(&done));
    assert_eq!(server.post(&cancel, &json!({})).await.refusal(), (400, "BadRequest".into()));
    let classic = cancel.replace("/v1", "");
    assert_eq!(server.post(&format!("{classic}?{DATED}"), &json!({})).await.refusal(), (404, "404".into()));
}

#[tokio::test]
async fn a_vector_store_has_files() {
    let server = Server::start().await;
    let parts = [("purpose", None, "assistants"), ("file", Some("a.txt"), "x")];
    let file = server.form(&format!("{V1}/files"), &parts).await.ok();
    let store = server.post(&format!("{V1}/vector_stores"), &json!({ "name": "n" })).await.ok();
    let path = format!("{V1}/vector_stores/{}", id(&store));
    assert_eq!(server.post(&path, &json!({ "name": "m" })).await.ok()["name"], "m");
    let files = format!("{path}/files");
    let added = server.post(&files, &json!({ "file_id": file["id"] })).await.ok();
    assert_eq!((&added["id"], &added["vector_store_id"]), (&file["id"], &store["id"]));
    let own = format!("{files}/{}", id(&added));
    let changed = server.post(&own, &json!({ "attributes": { "a": 1 } })).await.ok();
    assert_eq!(changed["attributes"]["a"], 1);
    assert_eq!(server.delete(&own).await.ok()["object"], "vector_store.file.deleted");
    assert_eq!(server.post(&files, &json!({ "file_id": "file-none" })).await.refusal().0, 404);
}
