//! The requests that the load is made of, written once before anything is measured.

use crate::origin::DEPLOYMENT;
use crate::target::Target;

/// A chat of about 2 KiB.
pub(crate) fn chat(target: &Target) -> Vec<u8> {
    post(target, "/v1/chat/completions", "application/json", &chat_content(target, ""))
}

/// A chat that is to be answered by so many chunks, a gap of so many microseconds apart.
pub(crate) fn stream(target: &Target, chunks: u64, gap: u64) -> Vec<u8> {
    let members = format!("\"stream\":true,\"metadata\":{{\"chunks\":\"{chunks}\",\"gap\":\"{gap}\"}},");
    post(target, "/v1/chat/completions", "application/json", &chat_content(target, &members))
}

/// Where the model is in an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelAt {
    First,
    Last,
}

/// The octets before and after the file of an upload.
pub(crate) fn upload(target: &Target, file: usize, model: ModelAt) -> (Vec<u8>, Vec<u8>) {
    let field = format!(
        "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{}\r\n",
        model_for(target, "gpt-4o-transcribe")
    );
    let begin = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n";
    let (before, after) = match model {
        ModelAt::First => (format!("{field}{begin}"), "\r\n--B--\r\n".to_owned()),
        ModelAt::Last => (begin.to_owned(), format!("\r\n{field}--B--\r\n")),
    };
    let length = before.len() + file + after.len();
    let head = head(target, "/v1/audio/transcriptions", "multipart/form-data; boundary=B", length);
    ((head + &before).into_bytes(), after.into_bytes())
}

fn chat_content(target: &Target, members: &str) -> String {
    let model = model_for(target, "gpt-4o");
    let text = "Say at some length what was asked before, and then what is to be done about it. ".repeat(22);
    let system = "You are a helpful assistant.";
    format!(
        "{{\"model\":\"{model}\",{members}\"messages\":[{{\"role\":\"system\",\"content\":\"{system}\"}},\
         {{\"role\":\"user\",\"content\":\"{text}\"}}],\"temperature\":0.2}}"
    )
}

/// Who speaks to Azure knows the deployment.
fn model_for<'a>(target: &Target, model: &'a str) -> &'a str {
    if target.azure { DEPLOYMENT } else { model }
}

fn post(target: &Target, path: &str, content_type: &str, content: &str) -> Vec<u8> {
    (head(target, path, content_type, content.len()) + content).into_bytes()
}

/// As OpenAI's package for Python sends it, more or less.
fn head(target: &Target, path: &str, content_type: &str, length: usize) -> String {
    let Target { host, azure, .. } = target;
    let (prefix, key) =
        if *azure { ("/openai", "api-key: k") } else { ("", "Authorization: Bearer sk-of-the-client") };
    format!(
        "POST {prefix}{path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nContent-Type: {content_type}\r\n\
         User-Agent: OpenAI/Python 2.0.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 2.0.0\r\n\
         X-Stainless-OS: Linux\r\nX-Stainless-Runtime: CPython\r\nx-stainless-retry-count: 0\r\n\
         x-stainless-read-timeout: 600\r\n{key}\r\nContent-Length: {length}\r\n\r\n"
    )
}
