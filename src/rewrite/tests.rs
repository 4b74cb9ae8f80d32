use http::header::HeaderValue;

use super::*;
use crate::message::redact::Secret;

mod content;
mod heads;
mod targets;

const MAP: &str = "gpt-4o=prod-4o,whisper-1=ears,hush=whisper-eu,a/b=x/y z,g 4=g4";

/// Settings for `openai` or for an api-version of Azure's.
fn settings(surface: &str) -> Settings {
    let models = MAP.parse().unwrap();
    if surface == "openai" {
        return Settings { mode: Mode::OpenAi, models };
    }
    let mut azure = azure::Settings::new("https://r.openai.azure.com".parse().unwrap());
    azure.surface = surface.parse().unwrap();
    azure.key = Some(Secret::new("ours"));
    azure.classic_models = vec!["completions-only".into()];
    Settings { mode: Mode::Azure(azure), models }
}

/// A request that these tests make heads of.
struct Request<'a> {
    method: Method,
    target: &'a str,
    fields: HeaderMap,
    entry: Entry,
}

impl<'a> Request<'a> {
    fn new(line: &'a str, fields: &[(&'static str, &str)]) -> Self {
        let (method, target) = line.split_once(' ').unwrap();
        let fields = fields.iter().map(|&(n, v)| (n.parse().unwrap(), HeaderValue::from_str(v).unwrap()));
        Self { method: method.parse().unwrap(), target, fields: fields.collect(), entry: Entry::Intercepted }
    }

    fn with<T>(&self, see: impl FnOnce(&Asked<'_>) -> T) -> T {
        let host = HostPort::parse("api.openai.com:443", None).unwrap();
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        };
        see(&Asked {
            method: &self.method,
            path,
            query,
            fields: &self.fields,
            host: &host,
            entry: self.entry,
        })
    }

    fn plan(&self, settings: &Settings) -> Result<Plan, Refusal> {
        self.with(|asked| plan(settings, asked))
    }

    fn explain(&self, settings: &Settings, model: Option<&str>) -> Result<Explained, Refusal> {
        self.with(|asked| explain(settings, asked, model))
    }

    /// What is sent for this content, pushed in pieces.
    fn send(
        &self,
        settings: &Settings,
        content: &[u8],
        size: usize,
    ) -> Result<(UpstreamRequest, Vec<u8>), Refusal> {
        let (route, splice) = match self.plan(settings)? {
            Plan::Local(answer) => panic!("{answer:?}"),
            Plan::Pass(route) => (route, None),
            Plan::Search(search) => settle(search, settings, content, size)?,
        };
        let mut parts = http::Request::new(()).into_parts().0;
        parts.headers = self.fields.clone();
        let sent = apply(settings, route, parts, splice.as_ref())?;
        Ok((sent, spliced(content, splice.as_ref())))
    }
}

fn settle(
    mut search: Search,
    settings: &Settings,
    content: &[u8],
    size: usize,
) -> Result<(Route, Option<Splice>), Refusal> {
    let mut chunks = content.chunks(size);
    let found = loop {
        match chunks.next().map(|chunk| search.push(chunk)).transpose()? {
            None => break false,
            Some(Progress::More) => {}
            Some(Progress::Found) => break true,
        }
    };
    if !found {
        search.end()?;
    }
    let settled = search.settle(settings)?;
    let mut watch = search.watch();
    chunks.try_for_each(|chunk| watch.push(chunk))?;
    Ok(settled)
}

fn spliced(content: &[u8], splice: Option<&Splice>) -> Vec<u8> {
    let Some(splice) = splice else { return content.to_vec() };
    let (start, end) = (splice.at.start as usize, splice.at.end as usize);
    [&content[..start], &splice.replacement, &content[end..]].concat()
}
