//! The CA is made once and trusted for years: however its making is interrupted, there is a whole one or none.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::client::within;
use crate::program::PROGRAM;

/// `ca init` with the CA in `certs`, through `before`, which is a shell's.
fn ca_init(certs: &Path, before: &str) -> Command {
    ca(certs, before, "init")
}

fn ca(certs: &Path, before: &str, command: &str) -> Command {
    let script = format!("{before} exec \"$0\" ca {command} --certs \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, PROGRAM]).arg(certs);
    command.env_clear().env("HOME", certs).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What the commands that need a CA say of what is there.
async fn shows(certs: &Path) -> Result<String, String> {
    let mut command = Command::new(PROGRAM);
    command.args(["ca", "show", "--certs"]).arg(certs).env_clear().env("HOME", certs);
    let output = within(command.output()).await.expect("the program runs");
    let said = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}

/// There is a whole CA or none, and where there is none one can be made.
async fn assert_whole_or_none(certs: &Path) {
    if let Err(said) = shows(certs).await {
        assert!(said.contains("there is no CA"), "{said}");
        let made = within(ca_init(certs, "").output()).await.expect("the program runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        shows(certs).await.expect("it was made");
    }
    let root = std::fs::read_to_string(certs.join("ca.pem")).expect("what clients trust is there");
    assert_eq!(root.matches("BEGIN CERTIFICATE").count(), 1, "{root}");
}

#[tokio::test]
async fn a_full_disk_leaves_a_whole_ca_or_none() {
    // No file may grow beyond so many blocks; the signal is what a disk does not send.
    for blocks in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let certs = folder.path().join("certs");
        let output =
            within(ca_init(&certs, &format!("trap '' XFSZ; ulimit -f {blocks};")).output()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(blocks > 0 || !output.status.success(), "{said}");
        if !output.status.success() {
            assert_eq!(output.status.code(), Some(4), "{said}");
            assert!(said.contains("cannot") && said.contains("File too large"), "{said}");
        }
        assert_whole_or_none(&certs).await;
    }
}

#[tokio::test]
async fn a_program_that_is_killed_at_any_point_leaves_a_whole_ca_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    assert!(within(ca_init(&folder.path().join("whole"), "").output()).await.unwrap().status.success());
    let whole = begun.elapsed();
    const POINTS: u32 = 24;
    for point in 0..POINTS {
        let certs = folder.path().join(point.to_string());
        let mut child = ca_init(&certs, "").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Points spread over the time that it takes, with some beyond it.
        tokio::time::sleep(whole * point / POINTS + Duration::from_micros(100)).await;
        // It may have ended before.
        let _ = child.start_kill();
        within(child.wait()).await.unwrap();
        assert_whole_or_none(&certs).await;
    }
}

#[tokio::test]
async fn an_interrupted_replacement_leaves_the_old_ca_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let certs = folder.path().join("certs");
    let begun = Instant::now();
    assert!(within(ca_init(&certs, "").output()).await.unwrap().status.success());
    let whole = begun.elapsed();
    let mut there = shows(&certs).await.unwrap();
    for blocks in 0..4 {
        let full = format!("trap '' XFSZ; ulimit -f {blocks};");
        let output = within(ca(&certs, &full, "init --replace").output()).await.unwrap();
        let now = shows(&certs).await.unwrap();
        assert_eq!(output.status.success(), now != there, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(blocks > 0 || now == there);
        there = now;
    }
    const POINTS: u32 = 12;
    for point in 0..POINTS {
        let mut child = ca(&certs, "", "init --replace").stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(whole * point / POINTS + Duration::from_micros(100)).await;
        let _ = child.start_kill();
        within(child.wait()).await.unwrap();
        let root = shows(&certs).await.unwrap();
        assert_eq!(std::fs::read_to_string(certs.join("ca.pem")).unwrap(), root, "what clients are to trust");
    }
}
