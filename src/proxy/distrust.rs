//! Clients that turned our certificate away: each is told once what to set.
//!
//! Some say so by an alert, some close during the handshake, and some (git with GnuTLS, anything over TLS 1.3 that
//! checks late) finish the handshake and then close without a word.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::USER_AGENT;

use crate::message::Fields;

/// How many are remembered. A client can invent names for itself, and past this it is forgotten who was told.
const REMEMBERED: usize = 1024;

/// The octets of a client's name that are looked at.
const LONGEST_NAME: usize = 64;

/// Who was told. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Distrust(Arc<Mutex<HashSet<(IpAddr, String, String)>>>);

/// The names that clients give themselves, in lower case, and what each of them reads.
const CURES: &[(&str, &str)] = &[
    ("curl/", "SSL_CERT_FILE or CURL_CA_BUNDLE, a file that replaces the system's roots"),
    ("git/", "GIT_SSL_CAINFO, a file that replaces the system's roots"),
    ("wget", "ca_certificate in ~/.wgetrc"),
    ("node", "NODE_EXTRA_CA_CERTS"),
    ("undici", "NODE_EXTRA_CA_CERTS"),
    ("axios", "NODE_EXTRA_CA_CERTS"),
    ("bun/", "NODE_EXTRA_CA_CERTS"),
    ("deno/", "DENO_CERT"),
    ("codex", "CODEX_CA_CERTIFICATE"),
    ("python-requests", "REQUESTS_CA_BUNDLE, a file that replaces its roots"),
    ("python", "SSL_CERT_FILE, a file that replaces its roots"),
    (
        "go-http-client",
        "SSL_CERT_FILE, a file that replaces the system's roots; on macOS and Windows the system's store",
    ),
    ("java", "the trust store of its JDK (azure-openai-proxy trust --stores java)"),
    ("ruby", "SSL_CERT_FILE, a file that replaces the system's roots"),
    ("php", "curl.cainfo in php.ini"),
];

/// For clients that give no name, or one that is not known.
const ANY_CURE: &str = "SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS or DENO_CERT";

/// How soon after the handshake a close without a word means that the certificate was the reason: ten times what
/// the handshake took, and not less than a tenth of a second.
pub fn is_soon(handshake: Duration, silent: Duration) -> bool {
    silent <= Duration::max(10 * handshake, Duration::from_millis(100))
}

/// The name that a client gives itself, in lower case; empty without one.
pub fn name_of(fields: &Fields) -> String {
    let given = fields.text(USER_AGENT).unwrap_or_default();
    given.chars().take(LONGEST_NAME).collect::<String>().to_ascii_lowercase()
}

// === impl Distrust ===

impl Distrust {
    /// Tells on the log what the client has to be told, the first time for this client and host.
    pub fn tell(&self, client: IpAddr, name: &str, host: &str) {
        if !self.is_first(client, name, host) {
            return tracing::debug!(%client, "the client does not trust the certificate for {host}, again");
        }
        let agent = if name.is_empty() { "the client" } else { name };
        tracing::warn!(
            %client,
            "{agent} does not trust the certificate for {host}: set {}; `azure-openai-proxy env` prints all \
             variables, `azure-openai-proxy doctor` says what is missing",
            cure(name)
        );
    }

    fn is_first(&self, client: IpAddr, name: &str, host: &str) -> bool {
        // A panic in there leaves a set that is whole.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert((client, name.to_owned(), host.to_owned()))
    }
}

fn cure(name: &str) -> &'static str {
    let known = CURES.iter().find(|(begins, _)| name.starts_with(begins));
    known.map_or(ANY_CURE, |(_, cure)| cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_is_told_once_for_each_host() {
        let distrust = Distrust::default();
        let [one, two] = ["127.0.0.1", "10.0.0.1"].map(|ip| ip.parse().unwrap());
        for (ip, name, host, first) in [
            (one, "curl/8", "a:443", true),
            (one, "curl/8", "a:443", false),
            (one, "node", "a:443", true),
            (one, "curl/8", "b:443", true),
            (two, "curl/8", "a:443", true),
            (one, "node", "a:443", false),
        ] {
            assert_eq!(distrust.is_first(ip, name, host), first, "{ip} {name} {host}");
        }
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let distrust = Distrust::default();
        for name in 0..3 * REMEMBERED {
            distrust.is_first(IpAddr::from([127, 0, 0, 1]), &name.to_string(), "a:443");
        }
        assert!(distrust.0.lock().unwrap().len() <= REMEMBERED);
    }

    #[test]
    fn the_variable_is_the_clients_own() {
        for (agent, variable) in [
            ("curl/7.88.1", "CURL_CA_BUNDLE"),
            ("git/2.47.3", "GIT_SSL_CAINFO"),
            ("Deno/2.9.6", "DENO_CERT"),
            ("python-requests/2.34", "REQUESTS_CA_BUNDLE"),
            ("Python/3.13 aiohttp/3.14", "SSL_CERT_FILE"),
            ("", "NODE_EXTRA_CA_CERTS"),
        ] {
            let fields = Fields::of(&[("user-agent", agent)]);
            assert!(cure(&name_of(&fields)).contains(variable), "{agent}");
        }
    }

    #[test]
    fn soon_is_measured_by_the_handshake() {
        let ms = Duration::from_millis;
        assert!(is_soon(ms(1), ms(100)) && !is_soon(ms(1), ms(101)));
        assert!(is_soon(ms(50), ms(500)) && !is_soon(ms(50), ms(501)));
    }
}
