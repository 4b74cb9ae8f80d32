//! The benchmark: contenders on one core, the load and the origin on another, all on loopback. `scripts/bench` builds
//! everything, pins this program and runs it.
//!
//! Rounds go from contender to contender, so that a machine that is slow for a while is slow for all; what is
//! reported is the median of the rounds, and for ratios that of the rounds' ratios.

mod contender;
mod http;
mod load;
mod options;
mod origin;
mod pki;
mod process;
mod report;
mod request;
mod rounds;
mod target;
mod way;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use contender::{Kind, Running, Stage, Wish};
use http::Reader;
use options::Options;
use pki::Pki;
use process::Process;
use report::Report;
use target::{Tls, exchange};

/// The core of a contender.
const CORE: &str = "0";

/// How long a contender is left alone before its memory is looked at.
const SETTLING: Duration = Duration::from_millis(200);

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    // One thread for both ends: they share a core, and waking one another would cost it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let pki = Pki::make(folder.path())?;
    let origin = origin::start(pki.origin.clone()).await?;
    let stage = Stage {
        pki,
        origin,
        folder: folder.path().to_owned(),
        ours: options.ours.clone(),
        peers: options.peers.clone(),
    };
    let mut report = Report::default();
    let contenders = gather(options, &stage, &mut report).await?;
    let kinds: Vec<Kind> = contenders.iter().map(|(kind, _)| *kind).collect();
    let mut rounds = rounds::Rounds { options, stage: &stage, contenders, report };
    rounds.all().await?;
    let report = rounds.report;
    println!("{}", report.table());
    let machine = machine(&kinds, options);
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report.json(machine))?)?;
        println!("All rounds are in {}.", path.display());
    }
    Ok(())
}

/// Starts all that are installed and wished for, and has each prove that it does the work.
async fn gather(
    options: &Options,
    stage: &Stage,
    report: &mut Report,
) -> anyhow::Result<Vec<(Kind, Running)>> {
    let mut contenders = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| options.wants(*kind)) {
        if kind.program(stage).is_none() {
            report.skip(format!("{} is not installed", kind.name()));
            continue;
        }
        let started = kind.start(stage, Wish { cores: CORE, hosts: 0 }).await;
        let proven = match started {
            Ok(running) => {
                // It listens; what else a start does may not be over.
                tokio::time::sleep(SETTLING).await;
                let resident = running.process().map(Process::resident);
                prove(&running).await.map(|()| (running, resident))
            }
            Err(error) => Err(error),
        };
        match proven {
            Ok((running, resident)) => {
                report.memory("resident memory, idle", kind, resident);
                contenders.push((kind, running));
            }
            // Without these two there is nothing to compare.
            Err(error) if matches!(kind, Kind::Direct | Kind::Ours) => {
                let said =
                    std::fs::read_to_string(stage.folder.join(kind.name()).join("said")).unwrap_or_default();
                return Err(error.context(format!("{} does not do its work:\n{said}", kind.name())));
            }
            Err(error) => report.skip(format!("{} does not do its work ({error:#})", kind.name())),
        }
    }
    Ok(contenders)
}

/// One request each way, which the origin takes for Azure's; who maps models has mapped this one.
async fn prove(running: &Running) -> anyhow::Result<()> {
    let tls = Tls::new(false, "http/1.1")?;
    for target in std::iter::once(&running.intercepted).chain(&running.reverse) {
        let (mut io, mut reader) = (target.connect(&tls).await?, Reader::new());
        let request = request::chat(target);
        let asking = exchange(&mut *io, &mut reader, &request);
        tokio::time::timeout(target::DEADLINE, asking).await.context("no answer")??;
        let answer = String::from_utf8_lossy(reader.read_so_far()).to_ascii_lowercase();
        let mapped = answer.contains(&format!("{}: yes", origin::MAPPED));
        anyhow::ensure!(mapped == running.maps, "the model came otherwise than it should");
    }
    Ok(())
}

/// What the numbers are from.
fn machine(kinds: &[Kind], options: &Options) -> serde_json::Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        cpu.lines()
            .find_map(|line| line.strip_prefix(name)?.split_once(':'))
            .map(|(_, v)| v.trim().to_owned())
    };
    let facts: HashMap<&str, Option<String>> = HashMap::from([
        ("cpu", field("model name")),
        (
            "kernel",
            std::fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        ),
    ]);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let contenders: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    json!({ "facts": facts, "cores": cores, "contenders": contenders, "quick": options.quick })
}
