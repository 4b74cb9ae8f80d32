//! The simulator with the proxy in front of it, in this process, on free ports of loopback.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use azure_openai_proxy::app;
use azure_openai_proxy::app::reload::{Reloader, Source};
use azure_openai_proxy::cli::Flags;
use azure_openai_proxy::config::{Config, env::Environment};
use azure_openai_proxy::message::redact::Secret;
use azure_openai_proxy::proxy::room::Room;
use azure_openai_proxy::proxy::{Peer, Proxy, connection};
use azure_openai_proxy::shutdown::{self, Shutdown, Stopper};
use azure_openai_proxy::simulator::{self, Recorder};
use azure_openai_proxy::tls;
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

/// The simulated resource's host.
pub(crate) const AZURE_HOST: &str = "demo.openai.azure.com";

/// Models of the simulator's deployments whose names differ.
pub(crate) const MAP: &str = "gpt-4o=demo-gpt-4o,text-embedding-3-small=demo-embedding,whisper-1=demo-whisper,\
                       tts-1=demo-tts,gpt-image-1=demo-image,o4-mini=demo-o4-mini";

/// A running simulator and a running proxy; both stop when it is dropped.
pub(crate) struct Stage {
    /// Where the proxy listens.
    pub(crate) proxy: SocketAddr,
    /// Where the simulator listens.
    pub(crate) simulator: SocketAddr,
    /// What arrives at the simulator.
    pub(crate) recorder: Recorder,
    /// The Azure key, which only proxy and simulator know.
    pub(crate) key: String,
    /// The proxy's root certificate.
    pub(crate) ca_pem: String,
    /// The file that holds it.
    pub(crate) ca_file: PathBuf,
    /// The simulator's root certificate.
    pub(crate) simulator_ca_pem: String,
    /// What serves connections, and its room for those of [`Stage::from`].
    serving: (Proxy, Room, Shutdown),
    /// Reads the proxy's settings again.
    pub(crate) reloader: Reloader,
    folder: TempDir,
    stoppers: [Stopper; 2],
    running: [JoinHandle<()>; 2],
}

/// What a test wants otherwise than usual.
#[derive(Default)]
pub(crate) struct Wishes<'a> {
    /// Settings as environment variables; an empty value takes one of the usual ones away.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Changes to the simulated resource.
    pub(crate) resource: Option<fn(&mut simulator::Settings)>,
}

impl Stage {
    /// The usual stage: azure mode, v1 surface, the key with the proxy.
    pub(crate) async fn set() -> Self {
        Self::with(Wishes::default()).await
    }

    /// The usual stage with these variables set.
    pub(crate) async fn with_variables(variables: &[(&str, &str)]) -> Self {
        Self::with(Wishes { variables, ..Wishes::default() }).await
    }

    /// A stage as wished.
    pub(crate) async fn with(wishes: Wishes<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = tls::random_token().expect("randomness");
        let mut resource = simulator::Settings::demo(Secret::new(&key));
        if let Some(change) = wishes.resource {
            change(&mut resource);
        }
        let simulator = simulator::bind(resource, free_port()).await.expect("the simulator binds");
        let simulator_ca_pem = simulator.root_pem().unwrap_or_default().to_owned();
        let simulator_ca = folder.path().join("simulator-ca.pem");
        std::fs::write(&simulator_ca, &simulator_ca_pem).expect("the CA file is written");
        let certs = folder.path().join("certs");
        let usual = [
            ("AZURE_OPENAI_PROXY_LISTEN", "127.0.0.1:0".to_owned()),
            ("AZURE_OPENAI_PROXY_CERTS", certs.display().to_string()),
            ("AZURE_OPENAI_ENDPOINT", format!("https://{AZURE_HOST}")),
            ("AZURE_OPENAI_API_KEY", key.clone()),
            ("AZURE_OPENAI_MODEL_MAPPER", MAP.to_owned()),
            ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", simulator_ca.display().to_string()),
            ("AZURE_OPENAI_PROXY_RESOLVE", format!("{AZURE_HOST}:443:{}", simulator.addr())),
        ];
        let wished = |name: &str| wishes.variables.iter().any(|(wish, _)| *wish == name);
        let variables =
            usual.iter().filter(|(name, _)| !wished(name)).map(|(name, value)| (*name, value.as_str()));
        let environment = Environment::new(variables.chain(wishes.variables.iter().copied()));
        let (source, config) = Source::read(Flags::default(), environment);
        let mut config = config.expect("the test's settings are valid");
        config.fetch_key().await.expect("the test's key command prints a key");
        let proxy = app::bind(config).expect("the proxy binds");
        let (stop_proxy, proxy_stops) = shutdown::channel();
        let (stop_simulator, mut simulator_stops) = shutdown::channel();
        Self {
            proxy: proxy.addresses()[0],
            simulator: simulator.addr(),
            recorder: simulator.recorder(),
            key,
            ca_pem: std::fs::read_to_string(certs.join("ca.pem")).expect("the CA was made"),
            ca_file: certs.join("ca.pem"),
            simulator_ca_pem,
            serving: (proxy.proxy(), Room::new(64, 64), proxy_stops.clone()),
            folder,
            reloader: proxy.reloader(source),
            stoppers: [stop_proxy, stop_simulator],
            running: [
                tokio::spawn(proxy.run(proxy_stops)),
                tokio::spawn(async move { simulator.run(simulator_stops.requested()).await }),
            ],
        }
    }

    /// A connection to the proxy from that address, which no socket of a test could have.
    pub(crate) fn from(&self, address: &str) -> DuplexStream {
        let (proxy, room, stops) = &self.serving;
        let address = SocketAddr::new(address.parse().expect("an address"), 50_000);
        let client = proxy.access().client(address.ip());
        let place = room.enter(address.ip(), client).expect("there is room");
        let (near, far) = tokio::io::duplex(64 << 10);
        let (place, shutdown) = (Arc::new(place), stops.clone());
        let peer = Peer { address, client, over_tls: false, sni: None, place, shutdown };
        tokio::spawn(connection::drive(proxy.latest(), far, peer));
        near
    }

    /// Asks the proxy to stop.
    pub(crate) fn stop_proxy(&self) {
        self.stoppers[0].stop();
    }

    /// Waits until the proxy has stopped.
    pub(crate) async fn proxy_stopped(&mut self) {
        (&mut self.running[0]).await.expect("the proxy does not panic");
    }

    /// A folder that goes with the stage.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for running in &self.running {
            running.abort();
        }
    }
}

/// What these variables and nothing else configure.
pub(crate) fn configuration<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Config {
    let (_, config) = Source::read(Flags::default(), Environment::new(variables));
    config.expect("the test's settings are valid")
}

/// Any port of IPv4 loopback.
pub(crate) fn free_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
