//! What would become of a request, by the very decisions that the running proxy takes.

use std::fmt;

use anyhow::{Context, bail};
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, Uri};

use crate::cli;
use crate::config::Config;
use crate::error::Kind;
use crate::message::Fields;
use crate::message::host_port::{Host, HostPort};
use crate::rewrite::{self, Asked, Entry, Explained, Refusal, UpstreamRequest, operation};
use crate::route::InterceptList;

/// Explains a request in a few lines for people. Sends nothing and reads nothing but the settings.
///
/// A URL of an intercepted host is explained as it would go through `https_proxy`; a bare path, or a URL of this
/// machine with a path of OpenAI's, as it would go by base URL; any other URL as it would go through `https_proxy` or
/// `http_proxy`, by a client of this machine.
///
/// # Errors
///
/// The method or the URL cannot be read.
pub fn explain(config: &Config, asked: &cli::Explain) -> anyhow::Result<String> {
    let method: Method = asked.method.to_ascii_uppercase().parse().context("the method cannot be read")?;
    let uri: Uri = asked.url.parse().context("the URL cannot be read")?;
    let (entry, host) = match Way::of(config, &uri)? {
        Way::Exchange(entry, host) => (entry, host),
        Way::Past(host, how) => return Ok(format!("{method} {uri}\n{}", Passed { config, host, how })),
    };
    let mut fields = Fields::new();
    // What every OpenAI client sends; it goes upstream only where no key is configured.
    fields.insert(AUTHORIZATION, HeaderValue::from_static("Bearer key-of-the-client"));
    let head =
        Asked { method: &method, path: uri.path(), query: uri.query(), fields: &fields, host: &host, entry };
    let explained = rewrite::explain(&config.rewrite, &head, asked.model.as_deref());
    Ok(format!("{method} {uri}\n{}", Told { entry, explained }))
}

/// How the request reaches the proxy.
enum Way {
    /// As one of OpenAI's.
    Exchange(Entry, HostPort),
    /// On its way to a host that is not intercepted.
    Past(HostPort, &'static str),
}

/// The explanation as it is printed.
struct Told {
    entry: Entry,
    explained: Result<Explained, Refusal>,
}

/// What is printed of a request that only passes.
struct Passed<'a> {
    config: &'a Config,
    host: HostPort,
    how: &'static str,
}

// === impl Way ===

impl Way {
    fn of(config: &Config, uri: &Uri) -> anyhow::Result<Self> {
        let openai = || HostPort::new(Host::Name("api.openai.com".into()), 443);
        let Some(authority) = uri.authority() else {
            return Ok(Self::Exchange(Entry::Mounted, openai()));
        };
        let (port, how) = match uri.scheme_str() {
            None | Some("https" | "wss") => {
                (443, "tunnelled   its host is not intercepted; nobody looks inside")
            }
            Some("http" | "ws") => (80, "forwarded   as by any proxy; its host is not intercepted"),
            Some(_) => bail!("only http and https URLs can be explained"),
        };
        let host =
            HostPort::parse(authority.as_str(), Some(port)).context("the URL's host cannot be read")?;
        if InterceptList::new(config.intercept.iter().cloned()).contains(&host) {
            // In the clear it is taken from a client, but never sent on so.
            let port = if port == 80 { 443 } else { host.port() };
            return Ok(Self::Exchange(Entry::Intercepted, HostPort::new(host.host().clone(), port)));
        }
        let ours = host.host().is_loopback() && operation::canonical(uri.path()).is_some();
        Ok(if ours { Self::Exchange(Entry::Mounted, openai()) } else { Self::Past(host, how) })
    }
}

// === impl Told ===

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.entry {
            Entry::Intercepted => "intercepted on its way to its host",
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

// === impl Passed ===

impl fmt::Display for Passed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.config.policy.destinations.permit_host(self.host.host()) {
            Ok(()) => writeln!(f, "  {}", self.how),
            Err(denied) => {
                let kind = Kind::Denied(denied);
                writeln!(f, "  refused     {} {}; nothing is sent", kind.status(), kind.reason())?;
                writeln!(f, "              {kind}")
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
