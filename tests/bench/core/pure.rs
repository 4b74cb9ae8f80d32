//! The rewrite core alone, on messages such as clients and Azure send.

use anyhow::{Context, ensure};
use azure_openai_proxy::message::host_port::HostPort;
use azure_openai_proxy::message::redact::Secret;
use azure_openai_proxy::message::{Fields, RequestHead};
use azure_openai_proxy::rewrite::sse::{Events, Normaliser};
use azure_openai_proxy::rewrite::{self, Asked, Entry, Mode, Plan, Progress, Settings, azure};
use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, HeaderValue};

/// A request, and what it is rewritten by.
pub struct Rewrite {
    settings: Settings,
    host: HostPort,
    path: &'static str,
    fields: Fields,
    content: Bytes,
}

impl Rewrite {
    /// A chat of about so many octets whose model is mapped; the model comes first, as OpenAI's packages send it.
    pub fn chat(octets: usize) -> anyhow::Result<Self> {
        let text = "Say at some length what was asked before. ".repeat(octets / 42);
        let content = format!(
            "{{\"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}],\"temperature\":0.2}}"
        );
        Self::new("/v1/chat/completions", "application/json", content)
    }

    /// An upload whose model comes behind a file of so many octets.
    pub fn upload(octets: usize) -> anyhow::Result<Self> {
        let file = "x".repeat(octets);
        let content = format!(
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n{file}\r\n\
             --B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o\r\n--B--\r\n"
        );
        Self::new("/v1/audio/transcriptions", "multipart/form-data; boundary=B", content)
    }

    fn new(path: &'static str, content_type: &'static str, content: String) -> anyhow::Result<Self> {
        let mut azure = azure::Settings::new("https://r.openai.azure.com".parse()?);
        azure.key = Some(Secret::new("ours"));
        let settings = Settings { mode: Mode::Azure(azure), models: "gpt-4o=prod-4o".parse()? };
        let host = HostPort::parse("api.openai.com:443", None)?;
        let mut fields = Fields::new();
        for (name, value) in [
            ("host", "api.openai.com"),
            ("accept", "application/json"),
            ("content-type", content_type),
            ("user-agent", "OpenAI/Python 2.0.0"),
            ("authorization", "Bearer sk-of-the-client"),
            ("x-stainless-lang", "python"),
            ("x-stainless-package-version", "2.0.0"),
            ("x-stainless-os", "Linux"),
            ("x-stainless-runtime", "CPython"),
            ("x-stainless-retry-count", "0"),
        ] {
            fields.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        fields.insert(http::header::CONTENT_LENGTH, HeaderValue::from(content.len()));
        Ok(Self { settings, host, path, fields, content: content.into() })
    }

    /// Octets of its content.
    pub fn octets(&self) -> usize {
        self.content.len()
    }

    /// Plans, reads as far as the model, watches the rest, and makes the head that is sent.
    ///
    /// # Errors
    ///
    /// It was not rewritten: then nothing was measured.
    pub fn once(&self) -> anyhow::Result<()> {
        let head =
            RequestHead { method: Method::POST, fields: self.fields.clone(), ..RequestHead::default() };
        let asked = Asked {
            method: &head.method,
            path: self.path,
            query: None,
            fields: &head.fields,
            host: &self.host,
            entry: Entry::Intercepted,
        };
        let Plan::Search(mut search) = rewrite::plan(&self.settings, &asked)? else {
            anyhow::bail!("nothing was searched")
        };
        // As it comes from a socket.
        let mut pieces = self.content.chunks(16 << 10);
        let mut found = false;
        while !found && let Some(piece) = pieces.next() {
            found = search.push(piece)? == Progress::Found;
        }
        if !found {
            search.end()?;
        }
        let (route, splice) = search.settle(&self.settings)?;
        let mut watch = search.watch();
        for piece in pieces {
            watch.push(piece)?;
        }
        let splice = splice.context("no model was mapped")?;
        let sent = rewrite::apply(&self.settings, route, Box::new(head), Some(&splice))?;
        ensure!(sent.fields().contains("api-key"), "the key is missing");
        Ok(())
    }
}

/// An answer's events.
pub struct Stream {
    chunks: Vec<Bytes>,
}

impl Stream {
    /// So many chunks of a chat; the first is the one that Azure sends about the prompt.
    pub fn new(chunks: usize) -> Self {
        let about_prompt =
            "data: {\"choices\":[],\"id\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n";
        let chunk = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",\
                     \"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";
        let words = std::iter::repeat_n(Bytes::from(chunk), chunks);
        Self { chunks: std::iter::once(Bytes::from(about_prompt)).chain(words).collect() }
    }

    /// Reads it as it comes.
    ///
    /// # Errors
    ///
    /// The first chunk was not taken out: then nothing was measured.
    pub fn once(&self) -> anyhow::Result<()> {
        let mut normaliser = Normaliser::new(Events::ChatCompletions);
        let came: usize = self.chunks.iter().map(Bytes::len).sum();
        let went: usize = self.chunks.iter().map(|chunk| normaliser.push(chunk.clone()).len()).sum();
        ensure!(went + normaliser.end().len() < came, "all chunks went on");
        Ok(())
    }
}
