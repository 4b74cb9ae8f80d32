//! The simulator and the proxy, set up for one another on loopback.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinHandle;

use crate::app;
use crate::cli::Flags;
use crate::config::{self, Config, env::Environment};
use crate::message::redact::Secret;
use crate::rewrite::Mode;
use crate::shutdown::{self, Stopper};
use crate::simulator::{self, Recorder};
use crate::tls;

/// What the demonstration runs on. Certificates live in a folder that goes with it.
pub(super) struct Stage {
    /// Where the simulator listens.
    pub(super) simulator: SocketAddr,
    /// Where the proxy listens.
    pub(super) proxy: SocketAddr,
    /// What arrived at the simulator.
    pub(super) recorder: Recorder,
    /// The proxy's root certificate, in PEM.
    pub(super) ca_pem: String,
    /// The file that holds it.
    pub(super) ca_file: PathBuf,
    /// The simulator's root certificate, in PEM.
    pub(super) simulator_ca_pem: String,
    _folder: Folder,
    stoppers: [Stopper; 2],
    running: [JoinHandle<()>; 2],
}

/// A folder that vanishes when dropped, whatever ends the demonstration: a CA's key is in it.
struct Folder(PathBuf);

/// The simulated resource.
pub(super) const AZURE_HOST: &str = "demo.openai.azure.com";

/// The demonstration's model map: one name that differs for each kind of request that is shown.
const MAP: [&str; 3] =
    ["gpt-4o=demo-gpt-4o", "text-embedding-3-small=demo-embedding", "whisper-1=demo-whisper"];

/// How long an answer's words take to follow one another.
const PACE: Duration = Duration::from_millis(60);

// === impl Stage ===

impl Stage {
    /// Starts both on free ports.
    pub(super) async fn set() -> anyhow::Result<Self> {
        let made = Folder::make()?;
        let folder = &made.0;
        let key = Secret::new(&tls::random_token()?);
        let resource = simulator::Settings { pace: PACE, ..simulator::Settings::demo(key.clone()) };
        let simulator = simulator::bind(resource, free_port()).await?;
        let simulator_ca_pem = simulator.root_pem().unwrap_or_default().to_owned();
        let simulator_ca = folder.join("simulator-ca.pem");
        std::fs::write(&simulator_ca, &simulator_ca_pem)?;
        let certs = folder.join("certs");
        let flags = Flags {
            listen: vec![free_port().to_string()],
            endpoint: Some(format!("https://{AZURE_HOST}")),
            map: MAP.map(String::from).to_vec(),
            certs: Some(certs.display().to_string()),
            upstream_ca_file: vec![simulator_ca.display().to_string()],
            resolve: vec![format!("{AZURE_HOST}:443:{}", simulator.addr())],
            ..Flags::default()
        };
        let proxy = app::bind(configuration(&flags, key)?)?;
        let (stop_simulator, mut simulator_stops) = shutdown::channel();
        let (stop_proxy, proxy_stops) = shutdown::channel();
        Ok(Self {
            simulator: simulator.addr(),
            proxy: *proxy.addresses().first().context("the proxy listens nowhere")?,
            recorder: simulator.recorder(),
            ca_file: certs.join("ca.pem"),
            ca_pem: std::fs::read_to_string(certs.join("ca.pem"))?,
            simulator_ca_pem,
            _folder: made,
            stoppers: [stop_proxy, stop_simulator],
            running: [
                tokio::spawn(proxy.run(proxy_stops)),
                tokio::spawn(async move { simulator.run(simulator_stops.requested()).await }),
            ],
        })
    }

    /// Stops both and removes their folder.
    pub(super) async fn strike(self) {
        for (stopper, running) in self.stoppers.into_iter().zip(self.running) {
            stopper.stop();
            // A panic in there has been printed already, and there is nothing left to save.
            let _ = running.await;
        }
    }
}

// === impl Folder ===

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("azure-openai-proxy-demo-{}", tls::random_token()?));
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "could not remove {}", self.0.display());
        }
    }
}

/// The settings that these flags make on a machine without variables or files.
fn configuration(flags: &Flags, key: Secret) -> anyhow::Result<Config> {
    let mut config = config::load(flags, &Environment::new::<String, String>([])).config?;
    if let Mode::Azure(azure) = &mut config.rewrite.mode {
        azure.key = Some(key);
    }
    Ok(config)
}

fn free_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
