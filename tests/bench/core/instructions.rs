//! Counts the instructions of one piece of work by callgrind, and holds them against committed numbers.
//!
//! `instructions FILE` counts all and fails where one left its number by more than the tolerance; `instructions FILE
//! --write` writes them down. Times on a shared machine say nothing about a change of a few per cent; counts do.
//! Another compiler counts otherwise: the numbers of one are not held against another's.

use std::fmt::Write as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use core_bench::exchange::Exchange;
use core_bench::leaf::Minting;
use core_bench::pure::{Rewrite, Stream};

/// How far a count may be off, in per cent: hash seeds and the timing of wake-ups move it.
const TOLERANCE: f64 = 5.0;

const CASES: [(&str, u64); 5] =
    [("chat", 200), ("upload", 5), ("stream", 20), ("exchange", 200), ("leaf", 200)];

type Work = Box<dyn FnMut() -> anyhow::Result<()>>;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--run", case, times] => run(case, times.parse()?).map(|()| ExitCode::SUCCESS),
        [file] => check(file),
        [file, "--write"] => write(file).map(|()| ExitCode::SUCCESS),
        _ => bail!("usage: instructions FILE [--write]"),
    }
}

fn work(case: &str) -> anyhow::Result<Work> {
    Ok(match case {
        "chat" => {
            let chat = Rewrite::chat(2 << 10)?;
            Box::new(move || chat.once())
        }
        "upload" => {
            let upload = Rewrite::upload(1 << 20)?;
            Box::new(move || upload.once())
        }
        "stream" => {
            let stream = Stream::new(100);
            Box::new(move || stream.once())
        }
        "exchange" => {
            let mut exchange = Exchange::new()?;
            Box::new(move || exchange.once())
        }
        "leaf" => {
            let mut minting = Minting::new()?;
            Box::new(move || minting.once())
        }
        _ => bail!("no such case: {case}"),
    })
}

/// Under callgrind: what is counted is what `counted_from_here` calls.
fn run(case: &str, times: u64) -> anyhow::Result<()> {
    let mut work = work(case)?;
    for _ in 0..times.min(50) {
        work()?;
    }
    counted_from_here(&mut work, times)
}

#[inline(never)]
fn counted_from_here(work: &mut Work, times: u64) -> anyhow::Result<()> {
    (0..times).try_for_each(|_| work())
}

/// Instructions of one time.
fn count(case: &str, times: u64) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_from_here*", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--run", case, &times.to_string()])
        .output()
        .context("valgrind cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let total: u64 =
        collected.with_context(|| format!("callgrind counted nothing:\n{said}"))?.1.trim().parse()?;
    if !output.status.success() || total == 0 {
        bail!("{case} failed:\n{said}");
    }
    Ok(total / times)
}

fn check(file: &str) -> anyhow::Result<ExitCode> {
    let committed = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let value = |name: &str| committed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let compiler = compiler()?;
    let comparable = value("compiler") == Some(&compiler);
    if !comparable {
        println!("{file} is of another compiler than {compiler}: the counts are shown, not judged");
    }
    let mut passed = 0;
    for (case, times) in CASES {
        let expected: u64 = value(case).with_context(|| format!("{file} lacks {case}"))?.parse()?;
        let counted = count(case, times)?;
        let off = (counted as f64 / expected as f64 - 1.0) * 100.0;
        let good = !comparable || off.abs() <= TOLERANCE;
        passed += usize::from(good);
        println!(
            "{case}: {counted} instructions, {expected} committed, {off:+.1} %{}",
            if good { "" } else { " FAILED" }
        );
    }
    let failed = CASES.len() - passed;
    if failed > 0 {
        println!("more than {TOLERANCE} % off; if that is meant: scripts/instructions --write");
    }
    // As cargo's test runner says it, for those who add up.
    println!("test result: {passed} passed; {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write(file: &str) -> anyhow::Result<()> {
    let mut text =
        format!("# Instructions of one time, by scripts/instructions --write.\ncompiler: {}\n", compiler()?);
    for (case, times) in CASES {
        writeln!(text, "{case}: {}", count(case, times)?)?;
    }
    std::fs::write(file, text).with_context(|| format!("cannot write {file}"))
}

fn compiler() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("no rustc")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
