//! What this shell's variables do to its clients, and to a proxy that is started from it.

use std::net::SocketAddr;

use super::again::Again;
use super::finding::{Cure, Finding};
use crate::config::Config;
use crate::config::env::Environment;
use crate::machine::environment::{Effect, Kind, VARIABLES};
use crate::machine::files::Files;
use crate::machine::no_proxy::NoProxy;
use crate::machine::proxy_url::{self, ProxyUrl};
use crate::tls::{certificate, roots};

const NAME: &str = "this shell";

/// Looks at every variable of the table.
pub(super) fn look(
    config: &Config,
    proxy: SocketAddr,
    files: &Files,
    user: &Environment,
    again: &Again,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for variable in VARIABLES {
        let Some(value) = user.text(variable.name) else { continue };
        let found = match variable.kind {
            Kind::Proxy => elsewhere(variable.name, value, proxy),
            Kind::Roots(Effect::Replaces) => roots_lost(variable.name, value, files),
            _ => None,
        };
        findings.extend(found);
    }
    let no_proxy = NoProxy::of(user);
    if let Some((host, entry)) =
        config.intercept.iter().find_map(|host| Some((host, no_proxy.bypasses(host)?)))
    {
        let cure = Cure::Run(format!("take {entry} out of NO_PROXY and no_proxy"));
        findings.push(Finding::wrong(
            NAME,
            &format!("NO_PROXY leads clients past the proxy to {host}"),
            Some(cure),
        ));
    }
    if user.text("https_proxy").or_else(|| user.text("HTTPS_PROXY")).is_none() {
        findings.push(unset(proxy_url::is_base_url_set(proxy, user), again));
    }
    if findings.is_empty() {
        findings.push(Finding::right(NAME, "leads clients to the proxy"));
    }
    findings
}

/// Who is led by a base URL needs no proxy.
fn unset(has_base_url: bool, again: &Again) -> Finding {
    let cure = Some(again.set_all());
    if has_base_url {
        let says = "https_proxy is not set; only clients that read OPENAI_BASE_URL get to the proxy";
        return Finding::remark(NAME, says, cure);
    }
    Finding::wrong(NAME, "https_proxy is not set", cure)
}

fn elsewhere(name: &'static str, value: &str, proxy: SocketAddr) -> Option<Finding> {
    if let Some(url) = ProxyUrl::to(proxy, value) {
        // The value may hold a key and is not shown.
        let cure = Cure::Run(format!("begin {name} with http://"));
        let says = format!("{name} has no http:// before it, without which some clients do not start");
        return url.scheme.is_none().then(|| Finding::remark(NAME, &says, Some(cure)));
    }
    // It may hold a password.
    let shown = value.rsplit_once('@').map_or_else(|| value.to_owned(), |(_, rest)| format!("…@{rest}"));
    let cure = Cure::Set(name, format!("http://{proxy}"));
    Some(Finding::wrong(NAME, &format!("{name} is {shown}, which is not this proxy"), Some(cure)))
}

/// A file that holds our root and no others, where it takes the place of all others.
fn roots_lost(name: &'static str, value: &str, files: &Files) -> Option<Finding> {
    let found = roots::certificates_at(value.as_ref());
    let why = match found.iter().filter(|root| certificate::is_root_of_this_program(root)).count() {
        _ if found.is_empty() => "holds no certificates",
        ours if ours == found.len() => "holds our root alone, so that its readers trust no other host",
        _ => return None,
    };
    Some(Finding::wrong(
        NAME,
        &format!("{name} names {value}, which {why}"),
        Some(Cure::Set(name, files.bundle())),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_the_password_of_another_proxy() {
        let found =
            elsewhere("https_proxy", "http://u:secret@proxy.corp:3128", "127.0.0.1:1".parse().unwrap());
        let shown = found.unwrap().to_string();
        assert!(shown.contains("…@proxy.corp:3128") && !shown.contains("secret"), "{shown}");
    }
}
