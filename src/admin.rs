//! The proxy's own pages, for people and for their tools on the same machine.

mod events;
pub mod journal;
pub mod metrics;
mod pac;
mod page;
pub mod probe;
mod snippets;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use serde_json::json;

use crate::error::{Error, Kind};
use crate::message::Response;
use crate::message::body::{self, Body};
use crate::message::fields::{self, Fields};
use crate::message::host_port::HostPort;
use crate::shutdown::Shutdown;
use crate::tls::ca::Authority;
use journal::Journal;
use metrics::Metrics;

/// Answered by us on the names that we intercept, too: who reads it there knows that interception works.
pub const WELL_KNOWN: &str = "/.well-known/azure-openai-proxy";

/// On each page of ours, with our version: what answers is this program and not just anything on the port.
pub const PRODUCT_FIELD: HeaderName = HeaderName::from_static("x-azure-openai-proxy");

/// Where our root is, as people install it.
pub const ROOT: &str = "/ca.pem";

/// Where the list of revoked leaves is (RFC 5280 §5).
pub const CRL: &str = "/ca.crl";

/// Where the root's list of revoked intermediates is.
pub const ROOT_CRL: &str = "/root.crl";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The media type of both lists (RFC 2585 §4.2).
const CRL_TYPE: &str = "application/pkix-crl";

const TEXT: &str = "text/plain; charset=utf-8";

/// What the pages show; nothing of it is secret.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Whose root certificate clients have to trust.
    pub authority: Arc<Authority>,
    /// The flags that lead this program, run in another shell, to this very proxy.
    pub flags: Vec<String>,
    /// Who answers OpenAI requests: `azure` or `openai`.
    pub mode: &'static str,
    /// Where OpenAI requests go, in words.
    pub destination: String,
    /// Whether they are paid for with a key that the proxy holds.
    pub holds_key: bool,
    /// Models and the deployments that answer for them, where they are mapped.
    pub models: Vec<(String, String)>,
    /// Whose tunnels are intercepted.
    pub intercepted: Vec<String>,
    /// Names besides the loopback ones by which this listener may be asked.
    pub names: Vec<String>,
    /// The last exchanges.
    pub journal: Journal,
    /// All exchanges, counted.
    pub metrics: Metrics,
}

/// A page of ours.
enum Page {
    Front,
    Events,
    Root,
    Crl,
    RootCrl,
    Pac,
    Metrics,
    Identity,
    /// What the front page is made of.
    Part(Response<Body>),
}

/// The head of a request for a page.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The path of its target.
    pub path: &'a str,
    /// Its fields.
    pub fields: &'a Fields,
    /// Whom it names.
    pub authority: &'a HostPort,
}

/// Answers a page. The caller has answered a probe itself, and has checked that the client is on this machine.
///
/// A stream of events ends on shutdown.
pub fn respond(admin: &Admin, asked: &Asked<'_>, shutdown: Shutdown) -> Result<Response<Body>, Error> {
    if !asked.names_us(admin) || asked.is_of_another_site() {
        return Err(Kind::NotFound.into());
    }
    // What is no page was meant for OpenAI, and the answer says how its paths begin.
    let page = Page::at(asked.path).ok_or(Kind::NotFound)?;
    only_read(asked.method)?;
    let authority = asked.authority;
    match page {
        Page::Front if asked.wants_html() => Ok(page::page(admin, authority)),
        Page::Front => Ok(answer(TEXT, overview(admin, authority))),
        Page::Events => Ok(of_type(events::MEDIA_TYPE, events::stream(&admin.journal, shutdown))),
        Page::Root => Ok(answer("application/x-pem-file", admin.authority.root_pem())),
        Page::Crl => crl(admin),
        Page::RootCrl => root_crl(admin),
        Page::Pac => Ok(answer(pac::MEDIA_TYPE, pac::file(&admin.intercepted, &authority.to_string()))),
        Page::Metrics => Ok(answer(metrics::MEDIA_TYPE, admin.metrics.text())),
        Page::Identity => identify(admin, asked.method, false),
        Page::Part(response) => Ok(response),
    }
}

/// Whether there is a page of ours at this path, where the proxy is asked as if it were the origin server.
pub fn is_page(path: &str) -> bool {
    probe::is_probe(path) || Page::at(path).is_some()
}

/// Whether this path is answered by us on the names that we intercept, too.
pub fn is_identity(path: &str) -> bool {
    path.strip_prefix(WELL_KNOWN).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Answers [`WELL_KNOWN`] where it was asked of a name that is not ours. What is below it is nothing, but ours too:
/// some clients cannot ask for a page and no more. `None` for all other paths.
///
/// Every client may ask: it learns what it is connected to, and nothing of what others do.
pub fn identify_at(admin: &Admin, method: &Method, path: &str) -> Option<Result<Response<Body>, Error>> {
    match path.strip_prefix(WELL_KNOWN)? {
        "" => Some(identify(admin, method, true)),
        below if below.starts_with('/') => Some(only_read(method).and_then(|()| Err(Kind::NotFound.into()))),
        _ => None,
    }
}

fn identify(admin: &Admin, method: &Method, intercepted: bool) -> Result<Response<Body>, Error> {
    only_read(method)?;
    let content = json!({ "azure_openai_proxy": VERSION, "intercepted": intercepted, "mode": admin.mode });
    Ok(answer("application/json", format!("{content}\n")))
}

fn crl(admin: &Admin) -> Result<Response<Body>, Error> {
    let list = admin.authority.crl(SystemTime::now());
    let list = list.map_err(|error| Error::because(Kind::Certificate, error))?;
    Ok(answer(CRL_TYPE, list))
}

fn root_crl(admin: &Admin) -> Result<Response<Body>, Error> {
    let list = admin.authority.root_crl().ok_or(Kind::NotFound)?;
    Ok(answer(CRL_TYPE, list.to_vec()))
}

/// What a person runs behind the proxy to see whether interception works.
fn check(admin: &Admin) -> String {
    let host = admin.intercepted.first().map_or("api.openai.com", String::as_str);
    format!("curl https://{host}{WELL_KNOWN}")
}

fn only_read(method: &Method) -> Result<(), Error> {
    if method == Method::GET || method == Method::HEAD { Ok(()) } else { Err(Kind::MethodNotAllowed.into()) }
}

fn overview(admin: &Admin, authority: &HostPort) -> String {
    format!(
        "azure-openai-proxy is running.\n\n\
         As a proxy:     export https_proxy=http://{authority}\n\
         As a base URL:  export OPENAI_BASE_URL=http://{authority}/v1\n\
         Certificate:    http://{authority}{ROOT} (clients behind https_proxy must trust it)\n\
         Is it set up?   {} (behind the proxy, answered by it)\n\
         Live:           http://{authority}/ in a browser\n\n\
         Intercepted:    {}\n\
         Goes to:        {}\n",
        check(admin),
        admin.intercepted.join(", "),
        admin.destination,
    )
}

fn answer(media_type: &'static str, content: impl Into<Bytes>) -> Response<Body> {
    of_type(media_type, body::full(content))
}

fn of_type(media_type: &'static str, content: Body) -> Response<Body> {
    let mut response = Response::new(content);
    let fields = &mut response.head.fields;
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    fields.insert(PRODUCT_FIELD, HeaderValue::from_static(VERSION));
    response
}

// === impl Page ===

impl Page {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/" => Self::Front,
            "/events" => Self::Events,
            ROOT => Self::Root,
            CRL => Self::Crl,
            ROOT_CRL => Self::RootCrl,
            "/proxy.pac" => Self::Pac,
            "/metrics" => Self::Metrics,
            WELL_KNOWN => Self::Identity,
            path => Self::Part(page::part(path)?),
        })
    }
}

// === impl Asked ===

impl Asked<'_> {
    /// Whether it names this machine, or us by a name of the listener's certificate.
    ///
    /// Under any other name a page in a browser could have that name point here and read ours (DNS rebinding).
    fn names_us(&self, admin: &Admin) -> bool {
        let host = self.authority.host();
        host.is_loopback() || host.name().is_some_and(|name| admin.names.iter().any(|own| own == name))
    }

    /// Whether another site's page asks, another port of this machine included (Fetch Metadata, RFC 6454 §7).
    ///
    /// A link to the page is followed from anywhere: who sees it then is the person, not the other site.
    fn is_of_another_site(&self) -> bool {
        let field = |name: &str| self.fields.get(name);
        let link = self.path == "/"
            && field("sec-fetch-mode") == Some(b"navigate")
            && field("sec-fetch-dest") == Some(b"document");
        let foreign = !matches!(field("sec-fetch-site"), None | Some(b"same-origin" | b"none"));
        let own_origin = |origin: &[u8]| {
            let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
            authority == Some(self.authority.to_string().as_bytes())
        };
        foreign && !link || field("origin").is_some_and(|origin| !own_origin(origin))
    }

    /// Whether it is a browser's; `curl` and its like take anything and get text.
    fn wants_html(&self) -> bool {
        let mut lines = self.fields.get_all(ACCEPT).filter_map(fields::text);
        lines.any(|line| line.contains("text/html"))
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
