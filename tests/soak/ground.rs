//! What the workers share.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use azure_openai_proxy::message::redact::Secret;
use azure_openai_proxy::shutdown::{self, Stopper};
use azure_openai_proxy::{simulator, tls};
use tokio::task::JoinHandle;

use crate::origin::Origin;
use crate::process::Process;
use crate::tally::Tally;

/// The simulated resource's host.
pub(crate) const AZURE_HOST: &str = "demo.openai.azure.com";

/// Where everything is, and what came of it.
pub(crate) struct Ground {
    pub(crate) proxy: SocketAddr,
    pub(crate) ca_pem: String,
    pub(crate) origin: SocketAddr,
    pub(crate) tally: Tally,
    /// Whether it is long enough for what takes long.
    pub(crate) long: bool,
    end: Instant,
}

/// A simulated Azure resource.
pub(crate) struct Simulator {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) root_pem: String,
    stopper: Stopper,
    running: JoinHandle<()>,
}

// === impl Ground ===

impl Ground {
    pub(crate) fn new(process: &Process, origin: &Origin, length: Duration) -> Self {
        Self {
            proxy: process.address,
            ca_pem: process.ca_pem(),
            origin: origin.address,
            tally: Tally::default(),
            long: length >= Duration::from_secs(120),
            end: Instant::now() + length,
        }
    }

    pub(crate) fn goes_on(&self) -> bool {
        Instant::now() < self.end
    }
}

// === impl Simulator ===

impl Simulator {
    pub(crate) async fn start() -> Self {
        let key = tls::random_token().expect("randomness");
        let mut settings = simulator::Settings::demo(Secret::new(&key));
        settings.pace = Duration::from_millis(1);
        let bound = simulator::bind(settings, ([127, 0, 0, 1], 0).into()).await.expect("it binds");
        let (stopper, mut stops) = shutdown::channel();
        let (address, root_pem) = (bound.addr(), bound.root_pem().expect("it speaks TLS").to_owned());
        let running = tokio::spawn(async move { bound.run(stops.requested()).await });
        Self { address, key, root_pem, stopper, running }
    }

    /// Ends, with all its connections.
    pub(crate) async fn stop(self) {
        self.stopper.stop();
        // What it would wait for are the proxy's pooled connections.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.running).await;
    }
}
