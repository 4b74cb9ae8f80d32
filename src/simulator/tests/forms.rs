//! Forms: audio, images, files.

use super::*;
use crate::simulator::crc32::Crc32;

#[tokio::test]
async fn a_transcription_says_what_arrived() {
    let server = Server::start().await;
    let whisper = format!("/openai/deployments/demo-whisper/audio/transcriptions?{DATED}");
    let file = ("file", Some("talk.wav"), "RIFF\r\n--not the end\r\n");
    let heard = format!(
        "I heard {} bytes of talk.wav with the CRC-32 {}.",
        file.2.len(),
        Crc32::of(file.2.as_bytes())
    );
    assert_eq!(server.form(&whisper, &[file]).await.ok(), json!({ "text": heard }));
    let text = server.form(&whisper, &[("response_format", None, "text"), file]).await;
    assert_eq!(
        (&text.fields["content-type"], &text.content[..]),
        (&"text/plain; charset=utf-8".parse().unwrap(), format!("{heard}\n").as_bytes())
    );
    let verbose = server.form(&whisper, &[file, ("response_format", None, "verbose_json")]).await.ok();
    assert_eq!((&verbose["task"], &verbose["segments"][0]["text"]), (&json!("transcribe"), &json!(heard)));
    let translated = whisper.replace("transcriptions", "translations");
    assert_eq!(server.form(&translated, &[file]).await.ok()["text"], heard);
}

#[tokio::test]
async fn the_v1_surface_transcribes_without_whisper() {
    let server = Server::start().await;
    let file = ("file", Some("a.wav"), "RIFF");
    let path = "/openai/v1/audio/transcriptions";
    let ask =
        async |model, more: &[_]| server.form(path, &[&[file, ("model", None, model)], more].concat()).await;
    assert_eq!(ask("demo-whisper", &[]).await.refusal(), (404, "DeploymentNotFound".into()));
    let heard = ask("gpt-4o-transcribe", &[]).await.ok();
    assert_eq!(heard["usage"]["type"], "tokens");
    let events = ask("gpt-4o-transcribe", &[("stream", None, "true")]).await.events();
    assert!(events.last().unwrap().contains(heard["text"].as_str().unwrap()));
}

#[tokio::test]
async fn a_form_must_be_whole() {
    let server = Server::start().await;
    let path = "/openai/v1/audio/transcriptions";
    let model = ("model", None, "gpt-4o-transcribe");
    assert_eq!(server.form(path, &[model]).await.json()["error"]["param"], "file");
    assert_eq!(
        server.form(path, &[model, ("file", None, "no file name")]).await.json()["error"]["param"],
        "file"
    );
    assert_eq!(server.form(path, &[("file", Some("a"), "x")]).await.json()["error"]["param"], "model");
    let cut = "--BB\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o";
    let request = keyed(Method::POST, path, "multipart/form-data; boundary=BB", body::full(cut));
    assert_eq!(server.ask(request).await.refusal(), (400, "BadRequest".into()));
    assert_eq!(
        server.post(path, &json!({ "model": "gpt-4o-transcribe" })).await.refusal(),
        (400, "BadRequest".into())
    );
}

#[tokio::test]
async fn speech_is_bytes() {
    let server = Server::start().await;
    let spoken = json!({ "model": "demo-tts", "input": "hello", "voice": "alloy" });
    let answer = server.post("/openai/v1/audio/speech", &spoken).await;
    assert_eq!(
        (&answer.fields["content-type"], answer.content.len()),
        (&"audio/mpeg".parse().unwrap(), 4096)
    );
    let silent =
        server.post("/openai/v1/audio/speech", &json!({ "model": "demo-tts", "input": "hello" })).await;
    assert_eq!(silent.json()["error"]["param"], "voice");
}

#[tokio::test]
async fn images_are_drawn_and_edited() {
    let server = Server::start().await;
    let path = "/openai/v1/images/generations";
    let drawn = server.post(path, &json!({ "model": "demo-image", "prompt": "blue", "n": 2 })).await.ok();
    assert_eq!(drawn["data"].as_array().unwrap().len(), 2);
    assert!(drawn["data"][0]["b64_json"].as_str().unwrap().starts_with("iVBORw0KGgo"));
    let url = json!({ "model": "demo-image", "prompt": "blue", "response_format": "url" });
    assert_eq!(server.post(path, &url).await.refusal(), (400, "unknown_parameter".into()));

    let parts = [("model", None, "demo-image"), ("prompt", None, "red"), ("image[]", Some("a.png"), "PNG")];
    let edited = server.form("/openai/v1/images/edits", &parts).await.ok();
    assert_ne!(edited["data"][0], drawn["data"][0]);
    let imageless = server.form("/openai/v1/images/edits", &parts[..2]).await;
    assert_eq!(imageless.json()["error"]["param"], "image");
}

#[tokio::test]
async fn a_file_comes_back_as_it_went() {
    let server = Server::start().await;
    let parts = [("purpose", None, "batch"), ("file", Some("in.jsonl"), "{}\n{}\n")];
    let made = server.form(&format!("/openai/files?{DATED}"), &parts).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = server.form("/openai/v1/files", &parts).await;
    assert_eq!(made.status, StatusCode::OK);
    let file = made.json();
    assert_eq!(
        (&file["bytes"], &file["filename"], &file["purpose"]),
        (&json!(6), &json!("in.jsonl"), &json!("batch"))
    );
    let path = format!("/openai/v1/files/{}", file["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.ok(), file);
    assert_eq!(server.get(&format!("{path}/content")).await.content, "{}\n{}\n");
    assert_eq!(server.get("/openai/v1/files").await.ok()["data"].as_array().unwrap().len(), 2);
    assert_eq!(server.delete(&path).await.ok()["deleted"], true);
    assert_eq!(server.get(&path).await.refusal(), (404, "notFound".into()));
    let vision = server.form("/openai/v1/files", &[("purpose", None, "vision"), parts[1]]).await;
    assert_eq!(vision.refusal(), (400, "invalid_value".into()));
}
