//! Chat, legacy completions, embeddings and responses.

use data_encoding::BASE64;

use super::*;

#[tokio::test]
async fn a_deployment_is_found_by_path_or_by_model() {
    let server = Server::start().await;
    let scoped = |name: &str| format!("/openai/deployments/{name}/chat/completions?{DATED}");
    let v1 = "/openai/v1/chat/completions";
    let missing = Err((404, "DeploymentNotFound".to_owned()));
    let unsupported = Err((400, "OperationNotSupported".to_owned()));
    for (path, model, expected) in [
        (scoped("demo-gpt-4o"), json!("ignored"), Ok("gpt-4o")),
        (scoped("demo-gpt-4o"), json!(7), Ok("gpt-4o")),
        (scoped("gpt-4o"), json!("demo-gpt-4o"), missing.clone()),
        (scoped(""), json!("demo-gpt-4o"), missing.clone()),
        (scoped("a%2Fb"), json!("demo-gpt-4o"), missing.clone()),
        (scoped("demo-embedding"), json!("x"), unsupported.clone()),
        (v1.into(), json!("demo-gpt-4o"), Ok("gpt-4o")),
        (v1.into(), json!("gpt-4o"), missing),
        (v1.into(), json!("demo-whisper"), unsupported),
        (v1.into(), Value::Null, Err((400, "missing_required_parameter".into()))),
    ] {
        let mut content = chat("", "hello");
        content["model"] = model;
        let answer = server.post(&path, &content).await;
        let got = if answer.status.is_success() {
            Ok(answer.json()["model"].clone())
        } else {
            Err(answer.refusal())
        };
        assert_eq!(got, expected.map(Value::from), "{path}");
    }
}

#[tokio::test]
async fn a_plain_completion_repeats_the_prompt() {
    let server = Server::start().await;
    let content = json!({ "model": "gpt-4o-mini", "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": [{ "type": "text", "text": "grüß dich" }, { "type": "image_url" }] },
        { "role": "assistant", "content": "…" },
    ] });
    let answer = server.post("/openai/v1/chat/completions", &content).await.ok();
    assert_eq!(answer["object"], "chat.completion");
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["content"], "You said: grüß dich");
    assert_eq!(
        choice["content_filter_results"]["violence"],
        json!({ "filtered": false, "severity": "safe" })
    );
    assert_eq!(answer["prompt_filter_results"][0]["prompt_index"], 0);
    assert_eq!(answer["usage"], json!({ "prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6 }));
}

#[tokio::test]
async fn a_chat_stream_has_azure_s_chunks() {
    let server = Server::start().await;
    let mut content = chat("demo-gpt-4o", "one two");
    content["stream"] = true.into();
    content["stream_options"] = json!({ "include_usage": true });
    let answer = server.post("/openai/v1/chat/completions", &content).await;
    assert_eq!(answer.fields["content-type"], "text/event-stream; charset=utf-8");
    let events = answer.events();
    let (done, chunks) = events.split_last().unwrap();
    assert_eq!(done, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!((&chunks[0]["id"], &chunks[0]["choices"]), (&json!(""), &json!([])));
    assert!(chunks[0]["prompt_filter_results"].is_array());
    assert_eq!(chunks[1]["choices"][0]["delta"]["role"], "assistant");
    let said = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    assert_eq!(said.collect::<String>(), "You said: one two");
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
    let last = &chunks[chunks.len() - 1];
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(6)));

    content["stream_options"] = Value::Null;
    let without = server.post("/openai/v1/chat/completions", &content).await;
    assert!(!without.events().iter().any(|data| data.contains("usage")));
}

#[tokio::test]
async fn special_words_in_a_prompt_do_what_they_say() {
    let server = Server::start().await;
    let path = "/openai/v1/chat/completions";
    let blocked = server.post(path, &chat("demo-gpt-4o", "a [blocked] one")).await;
    assert_eq!(blocked.refusal(), (400, "content_filter".into()));
    let error = &blocked.json()["error"];
    assert_eq!(error["innererror"]["code"], "ResponsibleAIPolicyViolation");
    assert_eq!(error["innererror"]["content_filter_result"]["violence"]["filtered"], true);

    let limited = server.post(path, &chat("demo-gpt-4o", "[429]")).await;
    assert_eq!(limited.refusal(), (429, "429".into()));
    assert_eq!(
        (&limited.fields["retry-after"], &limited.fields["retry-after-ms"]),
        (&"1".parse().unwrap(), &"100".parse().unwrap())
    );

    let mut content = chat("demo-gpt-4o", "[async-filter]");
    content["stream"] = true.into();
    let annotated = server.post(path, &content).await.events();
    let annotations = annotated.iter().filter(|data| data.contains("content_filter_offsets"));
    assert!(annotations.clone().all(|data| !data.contains("delta")));
    assert_eq!(annotations.count(), 2);

    content["messages"][0]["content"] = "[broken] in the middle".into();
    let request = keyed(Method::POST, path, "application/json", body::full(content.to_string()));
    let content = server.send(request).await.into_body();
    assert!(content.collect().await.is_err(), "the stream must not end cleanly");
    server.recorder.wait_for(|seen| seen.progress == Progress::Abandoned).await;
}

#[tokio::test]
async fn parameters_depend_on_model_and_version() {
    let server = Server::start().await;
    let mut content = chat("demo-o4-mini", "hello");
    content["max_tokens"] = 5.into();
    let v1 = "/openai/v1/chat/completions";
    assert_eq!(server.post(v1, &content).await.refusal(), (400, "unsupported_parameter".into()));

    content = chat("x", "hello");
    content["stream_options"] = json!({});
    for (version, good) in [("2024-10-21", true), ("2024-08-01-preview", false), ("2024-06-01", false)] {
        let path = format!("/openai/deployments/gpt-4o-mini/chat/completions?api-version={version}");
        assert_eq!(server.post(&path, &content).await.status.is_success(), good, "{version}");
    }
    let messageless = server.post(v1, &json!({ "model": "demo-gpt-4o", "messages": [] })).await;
    assert_eq!(messageless.json()["error"]["param"], "messages");
}

#[tokio::test]
async fn legacy_completions_come_whole_or_in_pieces() {
    let server = Server::start().await;
    let path = format!("/openai/deployments/gpt-35-turbo-instruct/completions?{DATED}");
    let whole = server.post(&path, &json!({ "prompt": ["a", "b"] })).await.ok();
    assert_eq!(
        (&whole["object"], &whole["choices"][0]["text"]),
        (&json!("text_completion"), &json!("You said: a b"))
    );
    let events = server.post(&path, &json!({ "prompt": "a", "stream": true })).await.events();
    assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
    assert!(events[0].contains("prompt_filter_results"));
}

#[tokio::test]
async fn embeddings_are_the_same_in_both_encodings() {
    let server = Server::start().await;
    let ask = async |more: Value| {
        let mut content = json!({ "model": "demo-embedding", "input": ["one", "two"] });
        content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/openai/v1/embeddings", &content).await
    };
    let floats = ask(json!({})).await.ok();
    let vector: Vec<f32> = serde_json::from_value(floats["data"][1]["embedding"].clone()).unwrap();
    assert_eq!(vector.len(), 8);
    assert!((vector.iter().map(|number| number * number).sum::<f32>() - 1.0).abs() < 1e-5);
    assert_ne!(floats["data"][0]["embedding"], floats["data"][1]["embedding"]);

    let packed = ask(json!({ "encoding_format": "base64" })).await.ok();
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(packed["data"][1]["embedding"], BASE64.encode(&bytes));
    assert_eq!(
        ask(json!({ "dimensions": 3 })).await.ok()["data"][0]["embedding"].as_array().unwrap().len(),
        3
    );
    for bad in [json!({ "dimensions": 0 }), json!({ "input": [] }), json!({ "encoding_format": "hex" })] {
        assert_eq!(ask(bad.clone()).await.refusal(), (400, "invalid_value".into()), "{bad}");
    }
}

#[tokio::test]
async fn a_response_is_kept_unless_told_otherwise() {
    let server = Server::start().await;
    for prefix in ["/openai/v1/responses", "/openai/responses"] {
        let query = if prefix.contains("v1") { String::new() } else { format!("?{DATED}") };
        let path = |rest: &str| format!("{prefix}{rest}{query}");
        let made = server.post(&path(""), &json!({ "model": "demo-gpt-4o", "input": "hello" })).await.ok();
        assert_eq!(made["output"][0]["content"][0]["text"], "You said: hello");
        let id = made["id"].as_str().unwrap();
        assert_eq!(server.get(&path(&format!("/{id}"))).await.ok(), made);
        let items = server.get(&path(&format!("/{id}/input_items"))).await.ok();
        assert_eq!(items["data"][0]["content"][0]["text"], "hello");

        let next =
            json!({ "model": "demo-gpt-4o", "input": "more", "previous_response_id": id, "store": false });
        let loose = server.post(&path(""), &next).await.ok();
        let loose = path(&format!("/{}", loose["id"].as_str().unwrap()));
        assert_eq!(server.get(&loose).await.status, StatusCode::NOT_FOUND);
        assert_eq!(server.delete(&path(&format!("/{id}"))).await.ok()["deleted"], true);
        assert_eq!(server.post(&path(""), &next).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_response_stream_names_its_events() {
    let server = Server::start().await;
    let content = json!({ "model": "demo-gpt-4o", "input": "one two", "stream": true });
    let answer = server.post("/openai/v1/responses", &content).await;
    let events: Vec<Value> = answer.events().iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let text = String::from_utf8(answer.content.to_vec()).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names.len(), events.len());
    for (number, (name, event)) in names.iter().zip(&events).enumerate() {
        assert_eq!((&event["type"], &event["sequence_number"]), (&json!(name), &json!(number)));
    }
    assert_eq!((names[0], names[names.len() - 1]), ("response.created", "response.completed"));
    let deltas = events.iter().filter_map(|event| event["delta"].as_str());
    assert_eq!(deltas.collect::<String>(), "You said: one two");
    let completed = &events[events.len() - 1]["response"];
    assert_eq!(completed["status"], "completed");
    let kept = server.get(&format!("/openai/v1/responses/{}", completed["id"].as_str().unwrap())).await;
    assert_eq!(&kept.ok(), completed);
}

#[tokio::test]
async fn a_response_s_model_may_be_absent_only_with_a_stored_prompt() {
    let server = Server::start().await;
    let stored = json!({ "prompt": { "id": "pmpt_1" }, "input": "hello" });
    server.post("/openai/v1/responses", &stored).await.ok();
    let neither = server.post("/openai/v1/responses", &json!({ "input": "hello" })).await;
    assert_eq!(neither.json()["error"]["param"], "model");
}
