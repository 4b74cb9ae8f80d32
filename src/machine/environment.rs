//! Which variables lead which clients to the proxy: one table, and what it comes to on this machine.

use std::net::SocketAddr;

use super::files::Files;
use super::java;
use super::no_proxy::NoProxy;
use super::proxy_url::ProxyUrl;
use crate::cli::Extras;
use crate::config::env::Environment;

/// One variable, what it is set to and who reads it.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name, in the case in which its readers look for it.
    pub name: &'static str,
    /// What it is set to.
    pub kind: Kind,
    /// Who reads it.
    pub readers: &'static str,
}

/// What a variable is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The URL of the proxy, always with its scheme: Node crashes on one without. A client key in it stays.
    Proxy,
    /// The hosts that are reached without the proxy: the user's and those of this machine.
    NoProxy,
    /// A file of root certificates.
    Roots(Effect),
    /// The same text always.
    Fixed(&'static str),
    /// A wgetrc that names the bundle; wget reads no variable for that.
    Wgetrc,
    /// The directories of PHP's ini files, with one more that names the bundle.
    PhpIni,
    /// The JVM's options: proxy and trust store. Only on demand, for each JVM announces that it reads them.
    Java,
    /// The base URL of the reverse route. Only on demand, for it takes clients past the proxy.
    BaseUrl,
}

/// What a client does with a file of roots that a variable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Trusts them besides those that it has: `ca.pem` is enough.
    Adds,
    /// Trusts them and no others: it takes `bundle.pem`, or every other host is lost.
    Replaces,
}

/// A variable with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: &'static str,
    /// What it is set to, or that it is taken away.
    pub value: Option<String>,
}

/// The union of what OpenAI clients, their HTTP libraries and the tools beside them read.
pub const VARIABLES: &[Variable] = &[
    // Ruby takes http_proxy for https URLs too; curl reads it in lower case only, Go the upper case first.
    variable("http_proxy", Kind::Proxy, "curl, wget, Ruby"),
    variable("https_proxy", Kind::Proxy, "curl, wget, git, Python, PHP's curl, Deno, Codex"),
    variable("HTTP_PROXY", Kind::Proxy, "Go, Node, .NET"),
    variable("HTTPS_PROXY", Kind::Proxy, "Go, Node, Bun, .NET, Codex"),
    variable("WS_PROXY", Kind::Proxy, "WebSockets of JavaScript tools"),
    variable("WSS_PROXY", Kind::Proxy, "WebSockets of JavaScript tools"),
    variable("npm_config_proxy", Kind::Proxy, "npm"),
    variable("npm_config_https_proxy", Kind::Proxy, "npm"),
    variable("GLOBAL_AGENT_HTTP_PROXY", Kind::Proxy, "Node with global-agent"),
    variable("no_proxy", Kind::NoProxy, "whoever reads https_proxy"),
    variable("NO_PROXY", Kind::NoProxy, "whoever reads HTTPS_PROXY"),
    variable("NODE_USE_ENV_PROXY", Kind::Fixed("1"), "Node from 22.21 on"),
    variable("AIOHTTP_TRUST_ENV", Kind::Fixed("True"), "LiteLLM"),
    variable("NODE_EXTRA_CA_CERTS", Kind::Roots(Effect::Adds), "Node, Bun, Electron"),
    variable("DENO_CERT", Kind::Roots(Effect::Adds), "Deno"),
    variable(
        "SSL_CERT_FILE",
        Kind::Roots(Effect::Replaces),
        "OpenSSL, Python (httpx, openai, aiohttp), Ruby, Go, rustls, uv",
    ),
    variable("REQUESTS_CA_BUNDLE", Kind::Roots(Effect::Replaces), "Python's requests"),
    variable("CURL_CA_BUNDLE", Kind::Roots(Effect::Replaces), "curl"),
    variable("GIT_SSL_CAINFO", Kind::Roots(Effect::Replaces), "git"),
    variable("CARGO_HTTP_CAINFO", Kind::Roots(Effect::Replaces), "cargo"),
    variable("AWS_CA_BUNDLE", Kind::Roots(Effect::Replaces), "AWS's tools and boto3"),
    variable("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", Kind::Roots(Effect::Replaces), "Google's gcloud"),
    variable("HTTPLIB2_CA_CERTS", Kind::Roots(Effect::Replaces), "Python's httplib2"),
    variable("PIP_CERT", Kind::Roots(Effect::Replaces), "pip"),
    variable("npm_config_cafile", Kind::Roots(Effect::Replaces), "npm"),
    variable("BUNDLE_SSL_CA_CERT", Kind::Roots(Effect::Replaces), "Ruby's bundler"),
    variable("PERL_LWP_SSL_CA_FILE", Kind::Roots(Effect::Replaces), "Perl's LWP"),
    variable("CODEX_CA_CERTIFICATE", Kind::Roots(Effect::Replaces), "Codex"),
    variable("NIX_SSL_CERT_FILE", Kind::Roots(Effect::Replaces), "Nix"),
    variable("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", Kind::Roots(Effect::Replaces), "gRPC"),
    variable("WGETRC", Kind::Wgetrc, "wget"),
    variable("PHP_INI_SCAN_DIR", Kind::PhpIni, "PHP"),
    variable("JAVA_TOOL_OPTIONS", Kind::Java, "every JVM"),
    variable("OPENAI_BASE_URL", Kind::BaseUrl, "OpenAI's SDKs"),
    variable("OPENAI_API_BASE", Kind::BaseUrl, "older OpenAI clients, LangChain, aider"),
];

const fn variable(name: &'static str, kind: Kind, readers: &'static str) -> Variable {
    Variable { name, kind, readers }
}

/// What leads clients to the proxy at `proxy`. A variable that would say nothing new is left out.
pub fn set(proxy: SocketAddr, files: &Files, user: &Environment, extras: Extras) -> Vec<Assignment> {
    let assign = |variable: &Variable| {
        let value = value(variable, proxy, files, user, extras)?;
        Some(Assignment { name: variable.name, value: Some(value) })
    };
    VARIABLES.iter().filter_map(assign).collect()
}

/// What takes [`set`] back for these proxies: only what it set, so that the user's own stays.
pub fn unset(proxies: &[SocketAddr], files: &Files, user: &Environment) -> Vec<Assignment> {
    let is_of_proxy = |now: &str| {
        let user = ProxyUrl::read(now).map_or("", |url| url.user);
        proxies.iter().any(|proxy| now == format!("http://{user}{proxy}"))
    };
    let is_base_url = |now: &str| proxies.iter().any(|proxy| now == format!("http://{proxy}/v1"));
    let is_ours = |variable: &Variable| user.text(variable.name).is_some_and(is_of_proxy);
    // What anybody could have written is only ours beside what nobody else writes.
    let is_set = VARIABLES.iter().any(|variable| variable.kind == Kind::Proxy && is_ours(variable));
    let take_back = |variable: &Variable| {
        let now = user.text(variable.name)?;
        let users = |ours: bool| (!ours).then(|| now.to_owned());
        let rest = match variable.kind {
            Kind::Proxy => users(is_of_proxy(now)),
            Kind::BaseUrl => users(is_base_url(now)),
            Kind::Fixed(text) => users(is_set && now == text),
            Kind::Roots(_) | Kind::Wgetrc => users(files.contains(now)),
            Kind::NoProxy if !is_set => users(false),
            Kind::NoProxy => Some(NoProxy::without_local(now)).filter(|rest| !rest.is_empty()),
            Kind::PhpIni => files.php_scan_without(now),
            Kind::Java => java::options_without(now),
        };
        (rest.as_deref() != Some(now)).then_some(Assignment { name: variable.name, value: rest })
    };
    VARIABLES.iter().filter_map(take_back).collect()
}

fn value(
    variable: &Variable,
    proxy: SocketAddr,
    files: &Files,
    user: &Environment,
    extras: Extras,
) -> Option<String> {
    match variable.kind {
        Kind::Proxy => Some(proxy_url(user.text(variable.name), proxy, user)),
        Kind::NoProxy => Some(NoProxy::of(user).to_string()),
        // One whom the user gave further roots keeps them: they are in the bundle.
        Kind::Roots(Effect::Adds) if files.has_others(user, variable.name) => Some(files.bundle()),
        Kind::Roots(Effect::Adds) => Some(files.ca()),
        Kind::Roots(Effect::Replaces) => Some(files.bundle()),
        Kind::Fixed(text) => Some(text.to_owned()),
        Kind::Wgetrc => files.wgetrc(),
        Kind::PhpIni => Some(files.php_scan(user.text(variable.name))),
        Kind::Java if extras.java => files.java_options(user.text(variable.name), proxy),
        Kind::BaseUrl if extras.base_url => Some(format!("http://{proxy}/v1")),
        Kind::Java | Kind::BaseUrl => None,
    }
}

/// The user's own URL where it leads there; else the plain one. A client key that any of the variables has for this
/// proxy is in it, because without one the proxy may turn clients away.
fn proxy_url(now: Option<&str>, proxy: SocketAddr, user: &Environment) -> String {
    let proxies = VARIABLES.iter().filter(|variable| variable.kind == Kind::Proxy);
    let urls = proxies.filter_map(|variable| ProxyUrl::to(proxy, user.text(variable.name)?));
    let key = urls.map(|url| url.user).find(|user| !user.is_empty()).unwrap_or_default();
    match now.and_then(|now| ProxyUrl::to(proxy, now)) {
        Some(url) => url.with_user(key),
        None => format!("http://{key}{proxy}"),
    }
}

#[cfg(test)]
mod tests;
