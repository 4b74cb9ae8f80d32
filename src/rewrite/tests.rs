use http::header::HeaderValue;

use super::*;
use crate::message::redact::Secret;

mod coded;
mod content;
mod heads;
mod law;
mod targets;
mod websockets;

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
    fields: Fields,
    entry: Entry,
}

impl<'a> Request<'a> {
    fn new(line: &'a str, fields: &[(&str, &str)]) -> Self {
        let (method, target) = line.split_once(' ').unwrap();
        let method = method.parse().unwrap();
        Self { method, target, fields: Fields::of(fields), entry: Entry::Intercepted }
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
        let mut head = RequestHead { fields: self.fields.clone(), ..RequestHead::default() };
        let (route, splice, content) = match self.plan(settings)? {
            Plan::Local(answer) => panic!("{answer:?}"),
            Plan::Pass(route) => (route, None, content.to_vec()),
            Plan::Search(search) => settle(search, settings, &mut head.fields, content, size)?,
        };
        let sent = apply(settings, route, Box::new(head), splice.as_ref())?;
        Ok((sent, content))
    }
}

/// What the proxy does about a search.
fn settle(
    mut search: Box<Search>,
    settings: &Settings,
    fields: &mut Fields,
    content: &[u8],
    size: usize,
) -> Result<(Route, Option<Splice>, Vec<u8>), Refusal> {
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
    let (route, splice) = search.settle(settings)?;
    if search.needs_whole(splice.as_ref()) {
        chunks.try_for_each(|chunk| search.push(chunk).map(|_| ()))?;
        search.end()?;
        let reworked = search.rework(settings, content, splice)?;
        let changed = reworked.map(|reworked| {
            reworked.fit_fields(fields);
            reworked.content
        });
        return Ok((route, None, changed.unwrap_or_else(|| content.to_vec())));
    }
    let mut watch = search.watch();
    chunks.try_for_each(|chunk| watch.push(chunk))?;
    let content = spliced(content, splice.as_ref());
    Ok((route, splice, content))
}

fn spliced(content: &[u8], splice: Option<&Splice>) -> Vec<u8> {
    let Some(splice) = splice else { return content.to_vec() };
    let (start, end) = (splice.at.start as usize, splice.at.end as usize);
    [&content[..start], &splice.replacement, &content[end..]].concat()
}
