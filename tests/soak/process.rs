//! The program as its own process: what it takes, and what it says of itself.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::client::{self, within};
use crate::ground::{AZURE_HOST, Simulator};
use crate::tally::Tally;

/// Longest wait for what is over to be counted, and for sockets to be closed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    home: TempDir,
}

// === impl Process ===

impl Process {
    pub(crate) async fn start(simulator: &Simulator) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| home.path().join(name);
        fs::write(path("simulator.pem"), &simulator.root_pem).expect("it is written");
        fs::write(path("config.toml"), settings(simulator.address, 0)).expect("it is written");
        fs::write(path("address"), simulator.address.to_string()).expect("it is written");
        let log = File::create(path("log")).expect("a file");
        let built = || env!("CARGO_BIN_EXE_azure-openai-proxy").into();
        let mut command = Command::new(std::env::var_os("SOAK_PROGRAM").unwrap_or_else(built));
        command.args(["--config", "config.toml", "--certs", "certs"]).current_dir(home.path()).env_clear();
        command.env("HOME", home.path()).env("AZURE_OPENAI_API_KEY", &simulator.key);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let child = command.spawn().expect("the program starts");
        let address = within(listening(path("log"))).await;
        Self { address, child, home }
    }

    pub(crate) fn ca_pem(&self) -> String {
        fs::read_to_string(self.home.path().join("certs/ca.pem")).expect("the CA was made")
    }

    /// Changes the settings a little and says so.
    pub(crate) async fn reload(&self, round: u32) {
        let address = fs::read_to_string(self.home.path().join("address")).expect("it was written");
        let text = settings(address.parse().expect("an address"), round);
        // In one step, since the program looks at the file by itself too.
        let (new, file) = (self.home.path().join("new.toml"), self.home.path().join("config.toml"));
        fs::write(&new, text).and_then(|()| fs::rename(new, file)).expect("it is written");
        self.signal("-HUP").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        assert!(within(Command::new("kill").args([signal, &id]).status()).await.expect("kill").success());
    }

    fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Memory in use, in octets.
    pub(crate) fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says");
        1024 * line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number")
    }

    /// How many files, sockets among them, are open.
    pub(crate) fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id())).expect("it is ours").count()
    }

    /// How many are open once they are no more than that, or when patience is over.
    pub(crate) async fn files_come_down_to(&self, idle: usize) -> usize {
        let begun = Instant::now();
        while self.open_files() > idle && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.open_files()
    }

    pub(crate) async fn metrics(&self) -> String {
        client::ask(self.address, client::get("localhost", "/metrics")).await.text()
    }

    /// Waits until everything that was begun is over.
    pub(crate) async fn settle(&self, tally: &Tally) {
        let begun = Instant::now();
        loop {
            let metrics = self.metrics().await;
            // This question's own connection is open.
            let alone = metrics.lines().any(|line| line == "azure_openai_proxy_open_connections 1");
            if alone && tally.is_reached(&metrics) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "not everything is over:\n{tally}\n{metrics}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops it as service managers do; its log.
    pub(crate) async fn end(mut self) -> String {
        self.signal("-TERM").await;
        assert!(within(self.child.wait()).await.expect("it ends").success());
        fs::read_to_string(self.home.path().join("log")).expect("its log")
    }
}

/// Another map each time, and another HTTP towards the simulator.
fn settings(simulator: SocketAddr, round: u32) -> String {
    let http = if round.is_multiple_of(2) { "any" } else { "1" };
    format!(
        "listen = '127.0.0.1:0'\nlog_format = 'json'\nendpoint = 'https://{AZURE_HOST}'\n\
         resolve = '{AZURE_HOST}:443:{simulator}'\nupstream_ca_file = 'simulator.pem'\n\
         deny_destinations = 'denied.example'\nhead_timeout = '5s'\nupstream_http = '{http}'\n\
         map = {{ gpt-4o = 'demo-gpt-4o', rt = 'gpt-realtime', unused = 'round-{round}' }}\n"
    )
}

/// The address that the log tells.
async fn listening(log: PathBuf) -> SocketAddr {
    loop {
        let said = fs::read_to_string(&log).unwrap_or_default();
        if let Some((_, after)) = said.split_once("listening on http://") {
            let end = after.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(after.len());
            return after[..end].parse().unwrap_or_else(|_| panic!("{said}"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
