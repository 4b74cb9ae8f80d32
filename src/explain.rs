//! What would become of a request, by the very decisions that the running proxy takes.

use std::fmt;

use anyhow::{Context, bail};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Method, Uri};

use crate::cli;
use crate::config::Config;
use crate::message::host_port::{Host, HostPort};
use crate::rewrite::{self, Asked, Entry, Explained, Refusal, UpstreamRequest, operation};
use crate::route::InterceptList;

/// Explains a request in a few lines for people. Sends nothing and reads nothing but the settings.
///
/// A URL of an intercepted host is explained as it would go through `https_proxy`; a bare path, or
/// the URL of any other host with a path of OpenAI's, as it would go by base URL.
///
/// # Errors
///
/// The method or the URL cannot be read.
pub fn explain(config: &Config, asked: &cli::Explain) -> anyhow::Result<String> {
    let method: Method = asked.method.to_ascii_uppercase().parse().context("the method cannot be read")?;
    let uri: Uri = asked.url.parse().context("the URL cannot be read")?;
    let Some(way) = Way::of(config, &uri)? else {
        return Ok(format!(
            "{method} {uri}\n  tunnelled   its host is not intercepted; nobody looks inside\n"
        ));
    };
    let mut fields = HeaderMap::new();
    // What every OpenAI client sends; it goes upstream only where no key is configured.
    fields.insert(AUTHORIZATION, HeaderValue::from_static("Bearer key-of-the-client"));
    let head = Asked {
        method: &method,
        path: uri.path(),
        query: uri.query(),
        fields: &fields,
        host: &way.host,
        entry: way.entry,
    };
    let explained = rewrite::explain(&config.rewrite, &head, asked.model.as_deref());
    Ok(format!("{method} {uri}\n{}", Told { way: &way, explained }))
}

/// How the request reaches the proxy.
struct Way {
    entry: Entry,
    host: HostPort,
}

/// The explanation as it is printed.
struct Told<'a> {
    way: &'a Way,
    explained: Result<Explained, Refusal>,
}

// === impl Way ===

impl Way {
    /// `None` for a host that is tunnelled.
    fn of(config: &Config, uri: &Uri) -> anyhow::Result<Option<Self>> {
        let openai = || HostPort::new(Host::Name("api.openai.com".into()), 443);
        let Some(authority) = uri.authority() else {
            return Ok(Some(Self { entry: Entry::Mounted, host: openai() }));
        };
        let host = HostPort::parse(authority.as_str(), Some(443)).context("the URL's host cannot be read")?;
        if InterceptList::new(config.intercept.iter().cloned()).contains(&host) {
            return Ok(Some(Self { entry: Entry::Intercepted, host }));
        }
        if uri.scheme_str().is_some_and(|scheme| scheme != "http" && scheme != "https") {
            bail!("only http and https URLs can be explained");
        }
        let ours = host.host().is_loopback() && operation::canonical(uri.path()).is_some();
        Ok(ours.then(|| Self { entry: Entry::Mounted, host: openai() }))
    }
}

// === impl Told ===

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way.entry {
            Entry::Intercepted => "intercepted inside the tunnel to its host",
            Entry::Mounted => "by base URL",
        };
        writeln!(f, "  comes in    {way}")?;
        match &self.explained {
            Ok(Explained::Sent(request)) => sent(f, request),
            Ok(Explained::Local(answer)) => {
                writeln!(f, "  answered    here, {}, from the model map; nothing is sent", answer.status)
            }
            Err(refusal) => {
                writeln!(f, "  refused     {} {}; nothing is sent", refusal.status(), refusal.code())?;
                writeln!(f, "              {refusal}")
            }
        }
    }
}

fn sent(f: &mut fmt::Formatter<'_>, request: &UpstreamRequest) -> fmt::Result {
    let route = request.route();
    writeln!(f, "  operation   {} ({})", route.operation(), route.surface())?;
    if let (Some(model), Some(deployment)) = (route.model(), route.deployment()) {
        writeln!(f, "  model       {} → deployment {}", model.escape_debug(), deployment.escape_debug())?;
    }
    writeln!(f, "  sent to     {}", route.uri())?;
    writeln!(f, "  credential  {}", route.credential())
}
