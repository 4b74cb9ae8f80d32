//! The simulator without a proxy, for a proxy that somebody sets up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Context;

use crate::cli::Flags;
use crate::config::env::Environment;
use crate::config::{self, Config};
use crate::machine::shell::word;
use crate::message::redact::Secret;
use crate::tls::ca::{Authority, Purpose};
use crate::{shutdown, simulator, tls};

/// Where it listens unless an address is named: the default of the settings is the proxy's.
pub const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Runs the simulator at `address` until interrupted, and says how a proxy is pointed at it.
///
/// Its CA is kept in a directory of its own below the proxy's, so that a proxy that trusts it goes on where another
/// simulator is started; its key is made for this run.
///
/// # Errors
///
/// The address or that directory cannot be used.
pub async fn run(config: &Config, address: SocketAddr, user: &Environment) -> anyhow::Result<()> {
    let key = Secret::new(&tls::random_token().context("no randomness")?);
    let resource = simulator::Settings { host: "localhost".into(), ..simulator::Settings::demo(key.clone()) };
    let dir = config.certs.join("simulator");
    let (authority, _) = Authority::load_or_create(&dir, &Purpose::for_names([&*resource.host]))?;
    let bound = simulator::bind_with(authority, resource, address).await.context("cannot listen")?;
    super::say(&invitation(bound.addr(), &key, &dir.join("ca.pem"), user));
    bound.run(shutdown::signal()).await;
    Ok(())
}

/// The command line of a proxy in front of it.
fn invitation(address: SocketAddr, key: &Secret, ca: &Path, user: &Environment) -> String {
    let port = address.port();
    // The proxy gets none of the simulator's flags, and may find the address taken that it listens on without them.
    let usual = config::load_local(&Flags::default(), user).config;
    let taken = usual.is_ok_and(|config| config.listen.iter().any(|address| address.port() == port));
    format!(
        "A simulated Azure OpenAI listens on {address}. Point a proxy at it:\n\n  \
         AZURE_OPENAI_API_KEY={} azure-openai-proxy --endpoint https://localhost:{port}{} \\\n    \
         --upstream-ca-file {} --map gpt-4o=demo-gpt-4o",
        key.expose(),
        if taken { " --listen 0" } else { "" },
        word(&ca.display().to_string()),
    )
}
