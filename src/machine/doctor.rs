//! `doctor`: what keeps the clients of this machine from the proxy, and the one thing to do about each.
//!
//! First what can be read off: settings, CA, listener, stores, this shell's variables. Then the only proof: every
//! client that is installed asks for a page that the proxy answers itself on the intercepted name.

mod again;
mod authority;
pub mod clients;
pub mod finding;
mod shell_check;

use std::net::SocketAddr;
use std::path::Path;

use super::files::Files;
use super::probe::{self, Found};
use super::shell::word;
use super::trust::{self, host::Host};
use crate::app;
use crate::cli::{Extras, Flags, Store};
use crate::config::env::Environment;
use crate::config::key::Key;
use crate::config::{self, Config, Loaded};
use crate::error::chain;
use crate::tls::ca::{Authority, CaError, Purpose};
use again::Again;
use finding::{Cure, Finding, Fix};

/// A CA that has less left than this is worth a word.
const SOON: time::Duration = time::Duration::days(30);

/// What makes a CA in place of another.
const RENEW: &str = "ca init --replace";

/// Looks at everything, in the order in which one thing needs another.
pub async fn examine(flags: &Flags, user: &Environment) -> Vec<Finding> {
    let mut findings = settings(flags, user);
    let Ok(config) = config::load_local(flags, user).config else { return findings };
    let again = Again::with(flags);
    let ca = authority::look(&config, &again);
    let has_root = ca.iter().all(|finding| !finding.is_wrong());
    let foreign = matches!(Authority::load(&config.certs), Err(CaError::Foreign { .. }));
    let (address, listening) = listener(&config, foreign, flags, user).await;
    let running = !listening.is_wrong();
    if running {
        // It has settings of its own; this shell's would only matter to another one.
        findings.iter_mut().for_each(Finding::soften);
    }
    findings.extend(ca);
    findings.push(listening);
    if cfg!(windows) {
        findings.extend(
            Authority::load(&config.certs).ok().and_then(|ca| authority::root_list(&ca, address, &again)),
        );
    }
    if !has_root {
        return findings;
    }
    findings.extend(stores(&config, &again).await);
    let extras = Extras { base_url: false, java: true };
    let prepared = match Files::prepare(&config.certs, user, extras).await {
        Ok((files, _)) => Ok((files, extras)),
        // Without a JDK there is no trust store to make, and nobody to read it.
        Err(_) => Files::prepare(&config.certs, user, Extras::default())
            .await
            .map(|(files, _)| (files, Extras::default())),
    };
    match prepared {
        Ok((files, extras)) => {
            findings.extend(shell_check::look(&config, address, &files, user, &again));
            if running {
                let way = clients::Way {
                    address,
                    host: &config.intercept[0],
                    files: &files,
                    extras,
                    again: &again,
                };
                findings.extend(clients::drive(&way, user).await);
            }
        }
        Err(error) => findings.push(Finding::wrong("files", &error, None)),
    }
    findings
}

/// Applies every cure that is a matter of our own files; what was done.
pub fn fix(findings: &[Finding], config: &Config) -> Vec<String> {
    let fixes = findings.iter().filter_map(|finding| match &finding.cure {
        Some(Cure::Fix(fix)) => Some(fix),
        _ => None,
    });
    fixes
        .map(|fix| match fix.apply(&config.certs, &app::ca_purpose(config)) {
            Ok(()) => format!("done: {fix}"),
            Err(error) => format!("failed: {fix}: {error}"),
        })
        .collect()
}

fn settings(flags: &Flags, user: &Environment) -> Vec<Finding> {
    const NAME: &str = "settings";
    let Loaded { settings, config, .. } = config::load(flags, user);
    let mut findings = match config {
        Ok(_) => vec![Finding::right(NAME, "valid")],
        Err(invalid) => {
            let text = invalid.to_string();
            text.lines().map(|line| Finding::wrong(NAME, &line, None)).collect()
        }
    };
    let named = settings.get(Key::ApiKeyFile).and_then(|raw| Some((raw, raw.values.first()?)));
    let path = named.map(|(raw, value)| raw.origin.path(&value.text));
    findings.extend(path.filter(|path| others_read(path)).map(|path| {
        let cure = Cure::Run(format!("chmod 600 {}", word(&path.display().to_string())));
        let says = format!("{}, which holds the Azure key, can be read by others", path.display());
        Finding::remark(NAME, &says, Some(cure))
    }));
    findings
}

/// Whether the group or everybody may read a file.
fn others_read(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o044 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// The proxy that this shell's clients would use: the one that `https_proxy` names, if it is ours, else the configured.
/// With `foreign` it is another user's, for there is no key here to run one with.
async fn listener(
    config: &Config,
    foreign: bool,
    flags: &Flags,
    user: &Environment,
) -> (SocketAddr, Finding) {
    const NAME: &str = "proxy";
    if let Some((address, version)) = probe::named(config, user).await {
        return (address, running(address, version));
    }
    let (address, found) = probe::configured(config).await;
    let finding = match found {
        Found::Ours(version) => running(address, version),
        Found::Nobody => {
            let cure = match foreign {
                true => {
                    Cure::Run("have its user start it, or say where it is with --listen IP:PORT".to_owned())
                }
                false => Again::with(flags).cure(""),
            };
            Finding::wrong(NAME, &format!("is not running at {address}; no client was tried"), Some(cure))
        }
        Found::Stranger(why) => {
            let elsewhere = Again::with(&Flags { listen: Vec::new(), ..flags.clone() });
            let another = format!("{}, another one", elsewhere.command("--listen PORT"));
            // Who replaces a CA often forgets the proxy that runs with the old one.
            let (says, cure) = match probe::has_another_root(config, address).await {
                true => (
                    format!("the one at {address} has another CA than {}", config.certs.display()),
                    format!("restart it; if it is another user's: {another}"),
                ),
                false => (format!("{address} is somebody else's, or has another CA: {why}"), another),
            };
            Finding::wrong(NAME, &says, Some(Cure::Run(cure)))
        }
    };
    (address, finding)
}

fn running(address: SocketAddr, version: Option<String>) -> Finding {
    Finding::right(
        "proxy",
        &format!("running at {address}, version {}", version.as_deref().unwrap_or("unknown")),
    )
}

/// A store that does not believe us is only a remark: variables do what it would.
async fn stores(config: &Config, again: &Again) -> Vec<Finding> {
    let host = match Host::this(&config.certs, Environment::of_process()) {
        Ok(host) => host,
        Err(error) => return vec![Finding::wrong("stores", &error, None)],
    };
    let mut findings = Vec::new();
    for store in Store::ALL {
        let name = format!("{} store", store.name());
        for place in trust::survey(&host, store).await {
            let cure = again.cure(&format!("trust --stores {}", store.name()));
            findings.push(match &place.way {
                trust::Way::Closed(why) => Finding::right(&name, &format!("{}: none: {why}", place.name)),
                _ if place.holds.effective => Finding::right(&name, &format!("{}: trusts us", place.name)),
                _ => Finding::remark(&name, &format!("{}: does not trust us", place.name), Some(cure)),
            });
            for other in place.holds.others {
                let says = format!(
                    "another CA of azure-openai-proxy is there: {} (SHA-256 {})",
                    other.at, other.fingerprint
                );
                findings.push(Finding::remark(&name, &says, None));
            }
        }
    }
    findings
}

// === impl Fix ===

impl Fix {
    fn apply(&self, certs: &Path, purpose: &Purpose) -> Result<(), String> {
        match self {
            Self::MakeCa(_) => Authority::create(certs, purpose).map(drop).map_err(|error| chain(&error)),
            Self::Private(path, mode) => make_private(path, *mode).map_err(|error| error.to_string()),
        }
    }
}

fn make_private(path: &Path, mode: u32) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, mode);
        Ok(())
    }
}
