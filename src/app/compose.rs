//! From a configuration to everything that a request needs, at the start and at each reload.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::StartError;
use crate::admin::journal::Journal;
use crate::admin::metrics::Metrics;
use crate::admin::{self, Admin};
use crate::config::Config;
use crate::config::env::Environment;
use crate::config::key::Key;
use crate::net::listen::client_address;
use crate::policy::destination::Reach;
use crate::policy::pages::Pages;
use crate::policy::{Access, Policy};
use crate::proxy::Parts;
use crate::proxy::distrust::Distrust;
use crate::proxy::failures::Failures;
use crate::proxy::room::Room;
use crate::rewrite::Mode;
use crate::route::InterceptList;
use crate::tls::ca::Authority;
use crate::tls::own::{OwnCertificate, OwnError};
use crate::tls::resolver::Leaves;
use crate::tls::roots::{self, UpstreamRoots};
use crate::upstream;
use crate::upstream::send::Upstream;

/// What is as it was at the start for as long as the process runs.
pub(super) struct Standing {
    pub(super) authority: Arc<Authority>,
    pub(super) addresses: Vec<SocketAddr>,
    /// Our name in `Via`.
    pseudonym: String,
    journal: Journal,
    metrics: Metrics,
    /// A reload gives nobody another ten tries.
    failures: Failures,
    /// What was taken of it before a reload is still held.
    store: Room,
    /// The settings at the start; of some of them a change waits for the next.
    pub(super) config: Config,
}

/// Everything that a request needs under this configuration. Blocks on files.
pub(super) fn compose(config: Config, standing: &Standing, leaves: Leaves) -> Result<Parts, StartError> {
    let Standing { authority, addresses, pseudonym, .. } = standing;
    let own_certificate = own_certificate(&config)?;
    let own = [authority.root_der(), authority.intermediate_der()];
    let trusted = UpstreamRoots::load(&config.upstream.ca_files, &own)?;
    for note in &trusted.notes {
        tracing::warn!("upstream roots: {note}");
    }
    let policy = Policy::new(&addresses[..], config.policy.destinations.clone());
    let admin = pages(&config, standing);
    let web_pages = Pages::new(&config.policy, config.rewrite.mode.holds_key(), leaf_names(&config));
    let upstream = without_ourselves(config.upstream, addresses);
    let tls = roots::client_config(trusted.store);
    Ok(Parts {
        access: Access::new(
            &config.policy,
            config.rewrite.mode.holds_key(),
            config.rewrite.mode.key_header(),
        ),
        failures: standing.failures.clone(),
        upstream: Upstream::new(&upstream, policy.clone(), Reach::Everywhere, tls.clone()),
        public: Upstream::new(&upstream, policy.clone(), Reach::Public, tls),
        intercepted: InterceptList::new(config.intercept),
        leaves,
        own_certificate,
        listener_names: config.tls_names,
        policy,
        pages: web_pages,
        upstream_settings: upstream,
        store: standing.store.clone(),
        limits: config.limits,
        rewrite: config.rewrite,
        admin,
        pseudonym: pseudonym.clone(),
        distrust: Distrust::default(),
    })
}

/// What the proxy's own pages show.
fn pages(config: &Config, standing: &Standing) -> Admin {
    let mapped = config.rewrite.models.entries();
    Admin {
        authority: Arc::clone(&standing.authority),
        flags: flags(config, &standing.addresses, Environment::of_process().data_dir()),
        mode: mode_name(&config.rewrite.mode),
        destination: destination(&config.rewrite.mode),
        holds_key: config.rewrite.mode.holds_key(),
        models: mapped.map(|(model, deployment)| (model.to_owned(), deployment.to_owned())).collect(),
        intercepted: config.intercept.clone(),
        names: config.tls_names.clone(),
        journal: standing.journal.clone(),
        metrics: standing.metrics.clone(),
    }
}

/// What leads this program to this proxy from a shell where nothing is set, and the CA is looked for in `usual`.
fn flags(config: &Config, addresses: &[SocketAddr], usual: Option<&Path>) -> Vec<String> {
    let mut flags = Vec::new();
    let address = addresses.first().map(ToString::to_string);
    if let Some(address) = address.filter(|address| is_not_usual(Key::Listen, address)) {
        flags.extend(["--listen".to_owned(), address]);
    }
    // Our commands ask who is here on the first of them.
    if let Some(host) = config.intercept.first().filter(|host| is_not_usual(Key::Intercept, host)) {
        flags.extend(["--intercept".to_owned(), host.clone()]);
    }
    let dir = std::path::absolute(&config.certs).unwrap_or_else(|_| config.certs.clone());
    if usual != Some(&*dir) {
        flags.extend(["--certs".to_owned(), dir.display().to_string()]);
    }
    flags
}

/// Whether this is another value than the first that a setting has by default.
fn is_not_usual(key: Key, value: &str) -> bool {
    key.default().first() != Some(&value)
}

pub(super) fn own_certificate(config: &Config) -> Result<Option<OwnCertificate>, OwnError> {
    config.tls_files.as_ref().map(OwnCertificate::load).transpose()
}

/// A shell that was set up for this proxy names it as everybody's, and so as its own parent.
fn without_ourselves(settings: upstream::Settings, own: &[SocketAddr]) -> upstream::Settings {
    let Some(parent) = settings.parent.as_ref().filter(|parent| parent.is_at(own)) else { return settings };
    tracing::warn!("the upstream proxy {parent} is this proxy itself; ignored");
    upstream::Settings { parent: None, ..settings }
}

pub(super) fn leaves(config: &Config, authority: &Arc<Authority>) -> Result<Leaves, StartError> {
    Leaves::new(Arc::clone(authority), leaf_names(config)).map_err(|error| StartError::leaf(error, config))
}

/// The names that the proxy shows a certificate of its CA for.
pub(super) fn leaf_names(config: &Config) -> impl Iterator<Item = String> {
    config.tls_names.iter().chain(&config.intercept).cloned()
}

/// Where OpenAI requests go, in words.
pub fn destination(mode: &Mode) -> String {
    match mode {
        Mode::OpenAi => "OpenAI, re-encrypted".to_owned(),
        Mode::Azure(azure) => format!("Azure OpenAI at {}", azure.endpoint),
    }
}

fn mode_name(mode: &Mode) -> &'static str {
    match mode {
        Mode::OpenAi => "openai",
        Mode::Azure(_) => "azure",
    }
}

// === impl Standing ===

impl Standing {
    /// For a proxy that listens on these addresses and has this room.
    pub(super) fn new(authority: Authority, addresses: Vec<SocketAddr>, room: Room, config: Config) -> Self {
        Self {
            authority: Arc::new(authority.with_crl_at(crl_url(&addresses, admin::CRL))),
            addresses,
            pseudonym: pseudonym(),
            journal: Journal::new(),
            metrics: Metrics::new(move || room.taken_places()),
            failures: Failures::default(),
            store: config.limits.store(),
            config,
        }
    }
}

/// Where clients on this machine get a list of what is revoked, if one of the listeners is there for them.
///
/// Port 0 will be another one.
pub(super) fn crl_url(addresses: &[SocketAddr], path: &str) -> Option<String> {
    let mut known =
        addresses.iter().filter(|address| address.port() != 0).map(|&address| client_address(address));
    known.find(|address| address.ip().is_loopback()).map(|address| format!("http://{address}{path}"))
}

/// A name that no other running proxy has: the process and when it started.
fn pseudonym() -> String {
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("azure-openai-proxy-{:x}-{:x}", std::process::id(), started.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Flags;
    use crate::config;

    #[test]
    fn lists_of_what_is_revoked_are_where_this_machine_reaches_it() {
        for (listening, url) in [
            (&["192.0.2.1:80", "127.0.0.1:8080"][..], Some("http://127.0.0.1:8080/ca.crl")),
            (&["0.0.0.0:81"], Some("http://127.0.0.1:81/ca.crl")),
            (&["[::]:82"], Some("http://[::1]:82/ca.crl")),
            (&["192.0.2.1:80"], None),
            (&["127.0.0.1:0"], None),
        ] {
            let addresses: Vec<SocketAddr> = listening.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(crl_url(&addresses, admin::CRL).as_deref(), url, "{listening:?}");
        }
    }

    #[test]
    fn a_directory_that_is_not_the_usual_one_is_named_whatever_it_is_called() {
        let usual = Path::new("/home/me/.local/share/azure-openai-proxy");
        for (certs, named) in [
            ("/home/me/.local/share/azure-openai-proxy", &[][..]),
            ("/var/lib/azure-openai-proxy", &["--certs", "/var/lib/azure-openai-proxy"]),
            ("/certs", &["--certs", "/certs"]),
        ] {
            let variables = [("AZURE_OPENAI_PROXY_MODE", "openai"), ("AZURE_OPENAI_PROXY_CERTS", certs)];
            let config = config::load(&Flags::default(), &Environment::new(variables)).config.unwrap();
            assert_eq!(flags(&config, &config.listen, Some(usual)), named, "{certs}");
        }
    }

    #[test]
    fn a_host_that_our_commands_would_not_ask_for_is_named() {
        for (hosts, named) in [
            ("api.openai.com,gw.example", &[][..]),
            ("gw.example,api.openai.com", &["--intercept", "gw.example"]),
        ] {
            let variables = [
                ("AZURE_OPENAI_PROXY_MODE", "openai"),
                ("AZURE_OPENAI_PROXY_CERTS", "/certs"),
                ("AZURE_OPENAI_PROXY_INTERCEPT", hosts),
            ];
            let config = config::load(&Flags::default(), &Environment::new(variables)).config.unwrap();
            assert_eq!(flags(&config, &config.listen, Some(Path::new("/certs"))), named, "{hosts}");
        }
    }

    #[test]
    fn a_parent_that_is_this_proxy_is_dropped() {
        let own = ["127.0.0.1:8080".parse().unwrap()];
        for (url, kept) in [
            ("http://127.0.0.1:8080", false),
            ("http://localhost:8080", false),
            ("https://[::ffff:127.0.0.1]:8080", false),
            ("http://127.0.0.1:3128", true),
            ("http://proxy.example:8080", true),
        ] {
            let settings = upstream::Settings { parent: Some(url.parse().unwrap()), ..Default::default() };
            assert_eq!(without_ourselves(settings, &own).parent.is_some(), kept, "{url}");
        }
    }
}
