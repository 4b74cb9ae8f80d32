//! The simulator as its clients see it: over a socket.

mod collections;
mod forms;
mod objects;
mod sockets;
mod text;
mod transport;

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;
use crate::message::body::{self, Body};
use crate::message::redact::Secret;

const KEY: &str = "azure-key";
const DATED: &str = "api-version=2025-04-01-preview";

/// A running simulator without TLS and without pauses.
struct Server {
    addr: SocketAddr,
    recorder: Recorder,
    task: JoinHandle<()>,
}

/// An answer that came whole.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    fields: HeaderMap,
    content: Bytes,
}

// === impl Server ===

impl Server {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { tls: false, pace: Duration::ZERO, ..Settings::demo(Secret::new(KEY)) };
        change(&mut settings);
        let bound = bind(settings, (Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let (addr, recorder) = (bound.addr(), bound.recorder());
        Self { addr, recorder, task: tokio::spawn(bound.run(std::future::pending())) }
    }

    async fn send(&self, request: Request<Body>) -> Response<Incoming> {
        let io = TcpStream::connect(self.addr).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let (head, content) = self.send(request).await.into_parts();
        let content = content.collect().await.unwrap().to_bytes();
        Answer { status: head.status, fields: head.headers, content }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(keyed(Method::GET, path, "", body::empty())).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.ask(keyed(Method::DELETE, path, "", body::empty())).await
    }

    async fn post(&self, path: &str, content: &Value) -> Answer {
        self.ask(keyed(Method::POST, path, "application/json", body::full(content.to_string()))).await
    }

    /// Posts a form of fields and of files, which have a name of their own.
    async fn form(&self, path: &str, parts: &[(&str, Option<&str>, &str)]) -> Answer {
        let part = |(name, filename, content): &(&str, Option<&str>, &str)| {
            let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            format!("--BB\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n{content}\r\n")
        };
        let form = format!("{}--BB--\r\n", parts.iter().map(part).collect::<String>());
        self.ask(keyed(Method::POST, path, "multipart/form-data; boundary=BB", body::full(form))).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Answer ===

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.content).unwrap_or_else(|error| panic!("{error}: {:?}", self.content))
    }

    #[track_caller]
    fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// The status and the code of an error.
    #[track_caller]
    fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"]["code"].as_str().expect("a code").to_owned())
    }

    /// The `data` of each event.
    fn events(&self) -> Vec<String> {
        let text = std::str::from_utf8(&self.content).unwrap();
        assert!(text.ends_with("\n\n"), "every event ends with an empty line");
        text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
    }
}

fn keyed(method: Method, path: &str, media_type: &str, content: Body) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "any.example");
    request.header("api-key", KEY).header("content-type", media_type).body(content).unwrap()
}

fn chat(model: &str, prompt: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] })
}
