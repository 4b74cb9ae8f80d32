//! Whether a proxy of ours is running: one that holds the key of the CA that this user trusts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

use super::files;
use super::proxy_url::ProxyUrl;
use crate::admin::{ROOT, WELL_KNOWN};
use crate::client;
use crate::config::Config;
use crate::config::env::Environment;
use crate::net::listen::client_address;
use crate::tls::pem;

/// Longest wait for what is at one address; a shell may be waiting too.
const DEADLINE: Duration = Duration::from_secs(2);

/// What is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A proxy that intercepts the host with our CA; its version, if it says.
    Ours(Option<String>),
    /// Nothing listens there.
    Nobody,
    /// Something else, or a proxy with another CA; what happened.
    Stranger(String),
}

/// Asks for our page on an intercepted host, through the proxy and believing `root_pem` alone.
///
/// TLS answers the question: nobody without the CA's key gets through, so nobody who happens to listen on the
/// address is given requests.
pub async fn probe(proxy: SocketAddr, host: &str, root_pem: &str) -> Found {
    let asked = async {
        let response = client::through_proxy(proxy, root_pem, host, WELL_KNOWN, "").await?;
        client::text(response).await
    };
    match tokio::time::timeout(DEADLINE, asked).await {
        Ok(Ok(text)) => Found::Ours(version(&text)),
        Ok(Err(error)) if is_refusal(&error) => Found::Nobody,
        Ok(Err(error)) => Found::Stranger(format!("{error:#}")),
        Err(_) => Found::Stranger("it does not answer".to_owned()),
    }
}

/// The first address that the configuration listens on and where a proxy of ours is; without one, the first of all and
/// what is there.
pub async fn configured(config: &Config) -> (SocketAddr, Found) {
    let mut first = None;
    for &listener in &config.listen {
        let address = client_address(listener);
        match at(config, address).await {
            Found::Ours(version) => return (address, Found::Ours(version)),
            found => first = first.or(Some((address, found))),
        }
    }
    first.unwrap_or((SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Found::Nobody))
}

/// The proxy to lead clients to: the configured one, else the one that this shell names; without one, the first address
/// that is configured and what is there.
pub async fn running(config: &Config, user: &Environment) -> (SocketAddr, Found) {
    let (address, found) = configured(config).await;
    match found {
        Found::Ours(_) => (address, found),
        Found::Nobody | Found::Stranger(_) => match named(config, user).await {
            Some((address, version)) => (address, Found::Ours(version)),
            None => (address, found),
        },
    }
}

/// The proxy of ours that this shell's `https_proxy` names, where that is not the configured one; its version, if it
/// says.
pub async fn named(config: &Config, user: &Environment) -> Option<(SocketAddr, Option<String>)> {
    let urls = ["https_proxy", "HTTPS_PROXY"].iter().filter_map(|name| ProxyUrl::read(user.text(name)?));
    let address = urls.map(|url| url.address).next()?;
    if config.listen.iter().any(|&listener| client_address(listener) == address) {
        return None;
    }
    match at(config, address).await {
        Found::Ours(version) => Some((address, version)),
        Found::Nobody | Found::Stranger(_) => None,
    }
}

/// What is at an address; without a root of our own nobody can be ours.
pub async fn at(config: &Config, address: SocketAddr) -> Found {
    match (files::root(&config.certs), config.intercept.first()) {
        (Ok(root), Some(host)) => probe(address, host, &pem::encode("CERTIFICATE", &root)).await,
        _ => Found::Nobody,
    }
}

/// What answers our page at an address without TLS: [`Found::Ours`] is this program then, whoever runs it and whichever
/// CA it has.
pub async fn in_clear(address: SocketAddr) -> Found {
    let asked = async {
        let response = client::by_base_url(address, WELL_KNOWN, "").await?;
        client::text(response).await
    };
    match tokio::time::timeout(DEADLINE, asked).await {
        Ok(Ok(text)) => match version(&text) {
            Some(version) => Found::Ours(Some(version)),
            None => Found::Stranger("it does not answer our page".to_owned()),
        },
        Ok(Err(error)) if is_refusal(&error) => Found::Nobody,
        Ok(Err(error)) => Found::Stranger(format!("{error:#}")),
        Err(_) => Found::Stranger("it does not answer".to_owned()),
    }
}

/// Whether it is this program that listens at an address, with another root than ours. Without a root of our own there
/// is no other.
pub async fn has_another_root(config: &Config, address: SocketAddr) -> bool {
    let asked = async {
        let response = client::by_base_url(address, ROOT, "").await?;
        client::text(response).await
    };
    let (Found::Ours(_), Ok(ours)) = (in_clear(address).await, files::root(&config.certs)) else {
        return false;
    };
    let Ok(Ok(text)) = tokio::time::timeout(DEADLINE, asked).await else { return false };
    pem::certificates(text.as_bytes()).is_ok_and(|theirs| theirs.first() != Some(&ours))
}

fn version(text: &str) -> Option<String> {
    let page: Value = serde_json::from_str(text).ok()?;
    page["azure_openai_proxy"].as_str().map(str::to_owned)
}

fn is_refusal(error: &anyhow::Error) -> bool {
    let refused = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    error.chain().any(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_page_tells_a_version() {
        assert_eq!(version(r#"{"azure_openai_proxy":"1.2","intercepted":true}"#).as_deref(), Some("1.2"));
        assert_eq!(version(r#"{"error":{}}"#), None);
    }

    #[tokio::test]
    async fn where_nobody_listens_nobody_is_found() {
        let listener = crate::net::listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let root = crate::tls::ca::Authority::in_memory(&["openai.com".into()]).unwrap().root_pem();
        assert_eq!(probe(address, "api.openai.com", &root).await, Found::Nobody);
    }
}
