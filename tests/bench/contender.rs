//! Who is measured, and how each is set up to do the same work.
//!
//! All but `direct` take a client's TLS for OpenAI's host and send the chat to Azure's path with Azure's key over TLS,
//! on connections that are kept, with the origin's certificate verified. Ours maps the model beside.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::net::TcpStream;

use crate::origin::DEPLOYMENT;
use crate::pki::{AZURE_HOST, OPENAI_HOST, Pki};
use crate::process::{Process, on_path};
use crate::target::Target;

mod mitmproxy;
mod nginx;
mod squid;

/// One of those that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Nothing on the way.
    Direct,
    /// The proxy that this is about.
    Ours,
    /// A TLS server that rewrites statically: what a proxy in C that does less costs. There is no CONNECT.
    Nginx,
    /// The interceptor crate of that name, with a handler that rewrites statically.
    Hudsucker,
    /// The same of another crate.
    HttpMitmProxy,
    /// `ssl_bump`. It cannot rewrite: its client sends Azure's request.
    Squid,
    /// With an addon that rewrites statically.
    Mitmproxy,
}

/// What contenders are set up with.
pub(crate) struct Stage {
    pub(crate) pki: Pki,
    pub(crate) origin: SocketAddr,
    /// Where files of this run go.
    pub(crate) folder: PathBuf,
    /// The proxy's program.
    pub(crate) ours: PathBuf,
    /// Where the peers' programs are, if they were built.
    pub(crate) peers: Option<PathBuf>,
}

/// A contender that is up.
pub(crate) struct Running {
    pub(crate) process: Option<Process>,
    /// The way on which it takes a client's TLS for OpenAI's host.
    pub(crate) intercepted: Target,
    /// The way without TLS towards it, if it has one.
    pub(crate) reverse: Option<Target>,
    /// Whether it maps the model.
    pub(crate) maps: bool,
}

/// How it is to be started.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The cores that it may run on, as taskset writes them.
    pub(crate) cores: &'a str,
    /// How many further hosts are to be intercepted.
    pub(crate) hosts: usize,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Direct,
        Self::Ours,
        Self::Nginx,
        Self::Hudsucker,
        Self::HttpMitmProxy,
        Self::Squid,
        Self::Mitmproxy,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Ours => "ours",
            Self::Nginx => "nginx",
            Self::Hudsucker => "hudsucker",
            Self::HttpMitmProxy => "http-mitm-proxy",
            Self::Squid => "squid",
            Self::Mitmproxy => "mitmproxy",
        }
    }

    /// Whether it makes certificates, so that a host may be new to it.
    pub(crate) fn mints(self) -> bool {
        !matches!(self, Self::Direct | Self::Nginx)
    }

    /// Its program, if it is installed.
    pub(crate) fn program(self, stage: &Stage) -> Option<PathBuf> {
        let peer =
            |name: &str| stage.peers.as_ref().map(|folder| folder.join(name)).filter(|file| file.is_file());
        match self {
            Self::Direct => Some(PathBuf::new()),
            Self::Ours => Some(stage.ours.clone()),
            Self::Nginx => on_path("nginx"),
            Self::Hudsucker => peer("peer-hudsucker"),
            Self::HttpMitmProxy => peer("peer-http-mitm-proxy"),
            Self::Squid => on_path("squid").filter(|_| squid::can_bump()),
            Self::Mitmproxy => on_path("mitmdump"),
        }
    }

    /// Starts it and waits until it takes connections.
    pub(crate) async fn start(self, stage: &Stage, wish: Wish<'_>) -> anyhow::Result<Running> {
        let mut running = self.spawn(stage, wish)?;
        running.answer_on(&stage.folder.join(self.name())).await?;
        Ok(running)
    }

    /// Starts it and waits for nothing.
    pub(crate) fn spawn(self, stage: &Stage, wish: Wish<'_>) -> anyhow::Result<Running> {
        let program = self.program(stage).with_context(|| format!("{} is not installed", self.name()))?;
        let folder = stage.folder.join(self.name());
        std::fs::create_dir_all(&folder)?;
        let setting = Setting { stage, folder: &folder, program: &program, wish };
        match self {
            Self::Direct => Ok(direct(stage)),
            Self::Ours => setting.ours(),
            Self::Nginx => nginx::start(&setting),
            Self::Hudsucker | Self::HttpMitmProxy => setting.peer(),
            Self::Squid => squid::start(&setting),
            Self::Mitmproxy => mitmproxy::start(&setting),
        }
    }
}

/// Everything that a contender's settings are written from.
pub(crate) struct Setting<'a> {
    stage: &'a Stage,
    folder: &'a Path,
    program: &'a Path,
    wish: Wish<'a>,
}

impl Setting<'_> {
    fn start(&self, arguments: &[&str], variables: &[(&str, String)]) -> anyhow::Result<Process> {
        Process::start(self.program, arguments, variables, self.wish.cores, &self.folder.join("said"))
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// As people run it: the settings that name the resource, and all others at their defaults.
    fn ours(&self) -> anyhow::Result<Running> {
        let address = free_port()?;
        let names = std::iter::once(OPENAI_HOST.to_owned()).chain((0..self.wish.hosts).map(host));
        let variables = [
            ("HOME", self.folder.display().to_string()),
            ("AZURE_OPENAI_PROXY_LISTEN", address.to_string()),
            ("AZURE_OPENAI_PROXY_CERTS", self.folder.join("certs").display().to_string()),
            ("AZURE_OPENAI_PROXY_INTERCEPT", names.collect::<Vec<_>>().join(",")),
            ("AZURE_OPENAI_ENDPOINT", format!("https://{AZURE_HOST}")),
            ("AZURE_OPENAI_API_KEY", "k".to_owned()),
            ("AZURE_OPENAI_MODEL_MAPPER", format!("gpt-4o={DEPLOYMENT},gpt-4o-transcribe={DEPLOYMENT}")),
            ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", self.stage.pki.ca.display().to_string()),
            ("AZURE_OPENAI_PROXY_RESOLVE", format!("{AZURE_HOST}:443:{}", self.stage.origin)),
            // A model behind the file of an upload needs the file held.
            ("AZURE_OPENAI_PROXY_BUFFERED_CONTENT", "128MiB".to_owned()),
        ];
        let process = self.start(&[], &variables)?;
        let reverse = Target { address, tunnel: None, tls: None, host: address.to_string(), azure: false };
        Ok(Running {
            process: Some(process),
            intercepted: tunnel(address),
            reverse: Some(reverse),
            maps: true,
        })
    }

    /// A crate under test, started by its small program.
    fn peer(&self) -> anyhow::Result<Running> {
        let address = free_port()?;
        let Stage { pki, origin, .. } = self.stage;
        let [ca, key] = [&pki.ca, &pki.ca_key].map(|path| path.display().to_string());
        let arguments = [&address.to_string(), &format!("localhost:{}", origin.port()), &ca, &key];
        let process = self.start(&arguments.map(|argument| argument.as_str()), &[])?;
        Ok(Running { process: Some(process), intercepted: tunnel(address), reverse: None, maps: false })
    }
}

impl Running {
    async fn answer_on(&mut self, folder: &Path) -> anyhow::Result<()> {
        let began = Instant::now();
        while TcpStream::connect(self.intercepted.address).await.is_err() {
            let running = self.process.as_mut().is_none_or(Process::is_running);
            if !running || began.elapsed() > Duration::from_secs(20) {
                let said = std::fs::read_to_string(folder.join("said")).unwrap_or_default();
                let last: Vec<&str> = said.trim().lines().rev().take(8).collect();
                bail!("it takes no connections, and said last, backwards: {}", last.join(" / "));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    pub(crate) fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }
}

/// The name of a further host.
pub(crate) fn host(number: usize) -> String {
    format!("h{number}.openai.com")
}

fn direct(stage: &Stage) -> Running {
    let intercepted = Target {
        address: stage.origin,
        tunnel: None,
        tls: Some(AZURE_HOST.to_owned()),
        host: AZURE_HOST.to_owned(),
        azure: true,
    };
    Running { process: None, intercepted, reverse: None, maps: true }
}

/// CONNECT to OpenAI's host through that address, and TLS inside.
fn tunnel(address: SocketAddr) -> Target {
    Target {
        address,
        tunnel: Some(format!("{OPENAI_HOST}:443")),
        tls: Some(OPENAI_HOST.to_owned()),
        host: OPENAI_HOST.to_owned(),
        azure: false,
    }
}

/// A port that was free a moment ago, for those that cannot say which one they got.
fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
