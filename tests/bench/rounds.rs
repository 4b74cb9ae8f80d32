//! Which loads are run, how often, and what each is called in the report.

use std::time::{Duration, Instant};

use crate::contender::{Kind, Running, Stage, Wish};
use crate::load::churn::{Handshake, churn};
use crate::load::idle::{Protocol, idle};
use crate::load::latency::latency;
use crate::load::start::start;
use crate::load::stream::streams;
use crate::load::throughput::throughput;
use crate::load::upload::upload;
use crate::options::Options;
use crate::process::Process;
use crate::report::Report;
use crate::request::ModelAt;
use crate::way::ways;

/// The loads, as `--only` names them.
pub(crate) const LOADS: [&str; 8] =
    ["throughput", "latency", "churn", "stream", "upload", "idle", "start", "cores"];

/// Seconds after which no load is begun any more, in a full and in a quick run.
const BUDGET: (u64, u64) = (780, 200);

/// Connections of the closed loop.
const CONNECTIONS: usize = 32;

/// Requests a second of the open loop.
const RATE: u64 = 1000;

/// Further hosts of which each gets a leaf in one round.
const HOSTS: usize = 400;

/// Parts of all times that took no longer, and what they are called.
const PERCENTILES: [(f64, &str); 2] = [(0.5, "p50"), (0.99, "p99")];

/// Octets of an upload.
const UPLOAD: usize = 100_000_000;

/// Idle connections.
const IDLE: usize = 1000;

/// One run.
pub(crate) struct Rounds<'a> {
    pub(crate) options: &'a Options,
    pub(crate) stage: &'a Stage,
    pub(crate) contenders: Vec<(Kind, Running)>,
    pub(crate) report: Report,
}

impl Rounds<'_> {
    /// Runs all that is asked for.
    pub(crate) async fn all(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        self.resident("resident memory, after the first requests");
        for load in LOADS.into_iter().filter(|load| self.options.runs(load)) {
            if began.elapsed() > Duration::from_secs(self.either(BUDGET.0, BUDGET.1)) {
                self.report.skip(format!("{load}, for want of time"));
                continue;
            }
            eprintln!("{load} …");
            match load {
                "throughput" => self.throughput().await?,
                "latency" => self.latency().await?,
                "churn" => self.churn().await?,
                "stream" => self.stream().await?,
                "upload" => self.upload().await?,
                "idle" => self.idle().await?,
                "start" => self.start().await?,
                _ => self.cores().await?,
            }
        }
        Ok(())
    }

    /// The numbers of a full and of a quick run.
    fn either<T>(&self, full: T, quick: T) -> T {
        if self.options.quick { quick } else { full }
    }

    fn resident(&mut self, measure: &str) {
        for (kind, running) in &self.contenders {
            self.report.memory(measure, *kind, running.process().map(Process::resident));
        }
    }

    async fn throughput(&mut self) -> anyhow::Result<()> {
        let (rounds, time) = (self.either(5, 3), Duration::from_millis(self.either(2500, 1000)));
        for _ in 0..rounds {
            for (kind, running, way) in ways(&self.contenders) {
                if self.report.gave_up(kind, "throughput") {
                    continue;
                }
                let done = throughput(running, way.target(running), CONNECTIONS, time).await;
                let Some(done) = self.report.kept(kind, "throughput", done)? else { continue };
                for name in way.names() {
                    self.report.add(&format!("{name}: keep-alive requests"), "1/s", kind, done.rate);
                    let measure = format!("{name}: CPU of load and origin a request");
                    self.report.add(&measure, "µs", kind, done.load_cpu);
                    if running.process().is_some() {
                        self.report.add(&format!("{name}: CPU a request"), "µs", kind, done.cpu);
                    }
                }
            }
        }
        self.resident("resident memory, after keep-alive load");
        Ok(())
    }

    async fn latency(&mut self) -> anyhow::Result<()> {
        let (rounds, time) = (self.either(5, 2), Duration::from_millis(self.either(2500, 1500)));
        for _ in 0..rounds {
            let mut direct = None;
            for (kind, running, way) in ways(&self.contenders) {
                if self.report.gave_up(kind, "latency") {
                    continue;
                }
                let times = latency(way.target(running), RATE, time).await;
                let Some(mut times) = self.report.kept(kind, "latency", times)? else { continue };
                let values = PERCENTILES.map(|(part, _)| times.percentile(part));
                let without = direct.get_or_insert(values);
                for name in way.names_of_added() {
                    for (index, (_, called)) in PERCENTILES.into_iter().enumerate() {
                        let measure = format!("{name}: {called} added at {RATE}/s");
                        self.report.add(&measure, "µs", kind, values[index] - without[index]);
                    }
                }
            }
        }
        Ok(())
    }

    async fn churn(&mut self) -> anyhow::Result<()> {
        let (rounds, time) = (self.either(3, 2), Duration::from_millis(self.either(2000, 1000)));
        for (handshake, name) in [
            (Handshake::Full, "full handshake"),
            (Handshake::Resumed, "resumed"),
            (Handshake::NewLeaf, "new leaf"),
        ] {
            for _ in 0..rounds {
                for (kind, running) in &self.contenders {
                    if self.report.gave_up(*kind, "churn") {
                        continue;
                    }
                    let fresh = match handshake {
                        Handshake::NewLeaf if !kind.mints() || running.intercepted.azure => continue,
                        // Only a process that has just begun has no leaf of any host.
                        Handshake::NewLeaf => {
                            Some(kind.start(self.stage, Wish { cores: crate::CORE, hosts: HOSTS }).await?)
                        }
                        Handshake::Full | Handshake::Resumed => None,
                    };
                    let done = churn(fresh.as_ref().unwrap_or(running), handshake, HOSTS, time).await;
                    let Some(done) = self.report.kept(*kind, "churn", done)? else { continue };
                    self.report.add(&format!("new connections, {name}"), "1/s", *kind, done.rate);
                    if running.process().is_some() {
                        self.report.add(&format!("CPU a new connection, {name}"), "µs", *kind, done.cpu);
                    }
                }
            }
        }
        Ok(())
    }

    async fn stream(&mut self) -> anyhow::Result<()> {
        let (rounds, time) = (self.either(3, 1), Duration::from_millis(self.either(2500, 1500)));
        for (count, gap) in [(50, 20), (1000, 250)] {
            for _ in 0..rounds {
                let mut direct = None;
                for (kind, running, way) in ways(&self.contenders) {
                    if self.report.gave_up(kind, "stream") {
                        continue;
                    }
                    let gap = Duration::from_millis(gap);
                    let done = streams(way.target(running), count, gap, time).await;
                    let Some(mut done) = self.report.kept(kind, "stream", done)? else { continue };
                    let values = [&mut done.first, &mut done.chunk]
                        .map(|times| PERCENTILES.map(|(part, _)| times.percentile(part)));
                    let without = direct.get_or_insert(values);
                    for name in way.names_of_added() {
                        for (what, called) in ["first token", "chunk"].into_iter().enumerate() {
                            for (index, (_, part)) in PERCENTILES.into_iter().enumerate() {
                                let measure = format!("{name}: {count} streams, added to {called} {part}");
                                let added = values[what][index] - without[what][index];
                                self.report.add(&measure, "µs", kind, added);
                            }
                        }
                    }
                }
            }
        }
        self.resident("resident memory, after streams");
        Ok(())
    }

    async fn upload(&mut self) -> anyhow::Result<()> {
        for (model, called) in [(ModelAt::First, "model first"), (ModelAt::Last, "model last")] {
            for _ in 0..self.either(5, 2) {
                for (kind, _, way) in ways(&self.contenders) {
                    if self.report.gave_up(kind, "upload") {
                        continue;
                    }
                    // Memory that an earlier upload left to the process would hide what this one takes.
                    let fresh = kind.start(self.stage, Wish { cores: crate::CORE, hosts: 0 }).await?;
                    let done = upload(&fresh, way.target(&fresh), UPLOAD, model).await;
                    let Some(done) = self.report.kept(kind, "upload", done)? else { continue };
                    for name in way.names() {
                        let measure = format!("{name}: 100 MB upload, {called}");
                        self.report.add(&measure, "MB/s", kind, done.rate);
                        if fresh.process().is_some() {
                            self.report.add(&format!("{measure}, CPU of it"), "ms", kind, done.cpu);
                            let grown = done.memory / 1024.0;
                            self.report.add(&format!("{measure}, memory at most"), "MiB", kind, grown);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn idle(&mut self) -> anyhow::Result<()> {
        for (protocol, name) in [(Protocol::Http1, "HTTP/1.1"), (Protocol::Http2, "HTTP/2")] {
            for (kind, running) in &self.contenders {
                if running.process().is_none() {
                    continue;
                }
                let fresh = kind.start(self.stage, Wish { cores: crate::CORE, hosts: 0 }).await?;
                match idle(&fresh, protocol, IDLE).await {
                    Ok(each) => self.report.add(&format!("an idle connection, {name}"), "KiB", *kind, each),
                    Err(error) => {
                        self.report.skip(format!("idle {name} through {} ({error:#})", kind.name()))
                    }
                }
            }
        }
        Ok(())
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.either(9, 5) {
            for (kind, running) in &self.contenders {
                if self.report.gave_up(*kind, "start") {
                    continue;
                }
                if running.process().is_some() {
                    let took = start(*kind, self.stage, Wish { cores: crate::CORE, hosts: 0 }).await;
                    let Some(took) = self.report.kept(*kind, "start", took)? else { continue };
                    self.report.add("first answer after exec", "ms", *kind, took);
                }
            }
        }
        Ok(())
    }

    /// What a request costs on one core and on two, of which the load has the second as well: throughput on both
    /// cannot be read where there is no third core, but the cost that keeps it from doubling can.
    async fn cores(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.either(5, 2) {
            for (cores, name) in [("0", "one core"), ("0,1", "two cores")] {
                let running = Kind::Ours.start(self.stage, Wish { cores, hosts: 0 }).await?;
                let time = Duration::from_millis(self.either(2500, 1000));
                let done = throughput(&running, &running.intercepted, CONNECTIONS, time).await?;
                self.report.add(&format!("CPU a request allowed {name}"), "µs", Kind::Ours, done.cpu);
            }
        }
        Ok(())
    }
}
