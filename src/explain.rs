//! What would become of a request, by the very decisions that the running proxy takes.

use std::fmt;

use anyhow::{Context, bail};
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, Uri};

use crate::admin;
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
/// `http_proxy`, by a client of this machine. A CONNECT is explained as the tunnel that it asks for.
///
/// # Errors
///
/// The method or the URL cannot be read.
pub fn explain(config: &Config, asked: &cli::Explain) -> anyhow::Result<String> {
    let method: Method = asked.method.to_ascii_uppercase().parse().context("the method cannot be read")?;
    let uri: Uri = asked.url.parse().context("the URL cannot be read")?;
    let (entry, host) = match Way::of(config, &method, &uri)? {
        Way::Exchange(entry, host) => (entry, host),
        Way::Ended(host) => return Ok(format!("{method} {uri}\n{}", ended(&host))),
        Way::Page => return Ok(format!("{method} {uri}\n{PAGE}")),
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

/// What is printed of a page of our own.
const PAGE: &str =
    "  answered    here, as a page of the proxy's own, which can only be read; nothing is sent\n";

const TUNNELLED: &str = "tunnelled   its host is not intercepted; nobody looks inside";

/// How the request reaches the proxy.
enum Way {
    /// As a page of our own.
    Page,
    /// As a CONNECT to a host that is intercepted.
    Ended(HostPort),
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
    fn of(config: &Config, method: &Method, uri: &Uri) -> anyhow::Result<Self> {
        let Some(authority) = uri.authority() else { return Ok(Self::to_us(uri.path())) };
        let intercepted = InterceptList::new(config.intercept.iter().cloned());
        if method == Method::CONNECT {
            let host = HostPort::parse(authority.as_str(), None).context("a tunnel leads to HOST:PORT")?;
            let ends = intercepted.contains(&host);
            return Ok(if ends { Self::Ended(host) } else { Self::Past(host, TUNNELLED) });
        }
        let (port, how) = match uri.scheme_str() {
            None | Some("https" | "wss") => (443, TUNNELLED),
            Some("http" | "ws") => (80, "forwarded   as by any proxy; its host is not intercepted"),
            Some(_) => bail!("only http and https URLs can be explained"),
        };
        let host =
            HostPort::parse(authority.as_str(), Some(port)).context("the URL's host cannot be read")?;
        if intercepted.contains(&host) && admin::is_identity(uri.path()) {
            return Ok(Self::Page);
        }
        if intercepted.contains(&host) {
            // In the clear it is taken from a client, but never sent on so.
            let port = if port == 80 { 443 } else { host.port() };
            return Ok(Self::Exchange(Entry::Intercepted, HostPort::new(host.host().clone(), port)));
        }
        let listens = config.listen.iter().any(|listener| listener.port() == host.port());
        let ours = host.host().is_loopback() && (listens || operation::canonical(uri.path()).is_some());
        Ok(if ours { Self::to_us(uri.path()) } else { Self::Past(host, how) })
    }

    /// To the proxy itself, as if it were the origin server.
    fn to_us(path: &str) -> Self {
        let openai = HostPort::new(Host::Name("api.openai.com".into()), 443);
        if admin::is_page(path) { Self::Page } else { Self::Exchange(Entry::Mounted, openai) }
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

fn ended(host: &HostPort) -> String {
    format!(
        "  intercepted TLS ends here, with a certificate of this proxy's CA\n              \
         to see what becomes of a request inside, ask about its URL, such as https://{}/v1/models\n",
        host.host()
    )
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
