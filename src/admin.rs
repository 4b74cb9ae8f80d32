//! The proxy's own pages, for people and for their tools on the same machine.

pub mod journal;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Response};
use serde_json::json;

use crate::error::{Error, Kind};
use crate::message::body::{self, Body};
use crate::message::host_port::HostPort;
use journal::Journal;

/// Answered by us on the names that we intercept, too: who reads it there knows that interception works.
pub const WELL_KNOWN: &str = "/.well-known/azure-openai-proxy";

/// On each page of ours, with our version: what answers is this program and not just anything on the port.
pub const PRODUCT_FIELD: HeaderName = HeaderName::from_static("x-azure-openai-proxy");

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the pages show; nothing of it is secret.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The root certificate, to be trusted by clients.
    pub root_pem: String,
    /// Who answers OpenAI requests: `azure` or `openai`.
    pub mode: &'static str,
    /// Where OpenAI requests go, in words.
    pub destination: String,
    /// Whose tunnels are intercepted.
    pub intercepted: Vec<String>,
    /// Names besides the loopback ones by which this listener may be asked.
    pub names: Vec<String>,
    /// The last exchanges.
    pub journal: Journal,
}

/// Answers a page. The caller has checked that the client is on this machine.
///
/// A name that is not ours is refused, or a page in a browser could have its own name point
/// here and read ours (DNS rebinding).
pub fn respond(
    admin: &Admin,
    method: &Method,
    path: &str,
    authority: &HostPort,
) -> Result<Response<Body>, Error> {
    let ours = |name: &str| admin.names.iter().any(|own| own == name);
    if !authority.host().is_loopback() && !authority.host().name().is_some_and(ours) {
        return Err(Kind::NotFound.into());
    }
    only_read(method)?;
    match path {
        "/" => Ok(page("text/plain; charset=utf-8", overview(admin, authority))),
        "/ca.pem" => Ok(page("application/x-pem-file", admin.root_pem.clone())),
        "/healthz" => Ok(page("text/plain; charset=utf-8", "ok\n".into())),
        WELL_KNOWN => identify(admin, method, false),
        _ => Err(Kind::NotFound.into()),
    }
}

/// Answers [`WELL_KNOWN`]; `intercepted` where it was asked of a name that is not ours.
///
/// Every client may ask: it learns what it is connected to, and nothing of what others do.
pub fn identify(admin: &Admin, method: &Method, intercepted: bool) -> Result<Response<Body>, Error> {
    only_read(method)?;
    let content = json!({ "azure_openai_proxy": VERSION, "intercepted": intercepted, "mode": admin.mode });
    Ok(page("application/json", format!("{content}\n")))
}

fn only_read(method: &Method) -> Result<(), Error> {
    if method == Method::GET || method == Method::HEAD { Ok(()) } else { Err(Kind::MethodNotAllowed.into()) }
}

fn overview(admin: &Admin, authority: &HostPort) -> String {
    format!(
        "azure-openai-proxy is running.\n\n\
         As a proxy:     export https_proxy=http://{authority}\n\
         As a base URL:  export OPENAI_BASE_URL=http://{authority}/v1\n\
         Certificate:    http://{authority}/ca.pem (clients behind https_proxy must trust it)\n\n\
         Intercepted:    {}\n\
         Goes to:        {}\n",
        admin.intercepted.join(", "),
        admin.destination,
    )
}

fn page(media_type: &'static str, content: String) -> Response<Body> {
    let mut response = Response::new(body::full(content));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    fields.insert(PRODUCT_FIELD, HeaderValue::from_static(VERSION));
    response
}
