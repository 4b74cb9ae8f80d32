//! The log is for whoever reads it: lines and colours on a terminal, objects for a machine.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::Command;

use crate::client::within;
use crate::program::PROGRAM;

/// A terminal: what is shown on it, and the end that a program writes to.
fn terminal() -> (File, File) {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    // The program would keep its own terminal open.
    fcntl_setfd(&shown, FdFlags::CLOEXEC).unwrap();
    grantpt(&shown).unwrap();
    unlockpt(&shown).unwrap();
    let name = ptsname(&shown, Vec::new()).unwrap();
    let written = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (shown.into(), written)
}

/// The line that says where it listens, as a terminal shows it.
async fn shown(variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let (shown, written) = terminal();
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("HOME", home.path()).envs(variables.iter().copied()).kill_on_drop(true);
    command.args(["--mode", "openai", "--listen", "127.0.0.1:0"]);
    let mut program = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(written).spawn().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut lines = BufReader::new(shown).lines().map_while(Result::ok);
        lines.find(|line| line.contains("listening on")).expect("it says so")
    });
    let line = within(reading).await.unwrap();
    within(program.kill()).await.unwrap();
    line
}

#[tokio::test]
async fn people_get_lines_in_colours_unless_they_want_none_or_ask_for_objects() {
    let (colour, object) = ("\u{1b}[", "{\"timestamp\":");
    for (variables, coloured, is_object) in [
        (&[][..], true, false),
        (&[("NO_COLOR", "1")], false, false),
        (&[("AZURE_OPENAI_PROXY_LOG_FORMAT", "human")], true, false),
        (&[("AZURE_OPENAI_PROXY_LOG_FORMAT", "json")], false, true),
    ] {
        let line = shown(variables).await;
        let found = (line.contains(colour), line.starts_with(object));
        assert_eq!(found, (coloured, is_object), "{variables:?}: {line:?}");
    }
}

/// Whoever closes a window expects to have closed what runs in it, and the port to be free.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_proxy_ends_with_the_terminal_that_it_was_started_at() {
    let home = tempfile::tempdir().unwrap();
    let (shown, written) = terminal();
    let mut command = Command::new("setsid");
    command.args(["--ctty", PROGRAM, "--mode", "openai", "--listen", "127.0.0.1:0"]);
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin").kill_on_drop(true);
    command.stdin(written.try_clone().unwrap()).stdout(Stdio::null()).stderr(written);
    let mut program = command.spawn().expect("util-linux is installed");
    drop(command);
    let mut lines = BufReader::new(shown).lines().map_while(Result::ok);
    let mut shows = |words: &str| lines.find(|line| line.contains(words)).expect("it says so");
    shows("as a base URL");
    let id = program.id().unwrap().to_string();
    let told = Command::new("kill").args(["-HUP", &id]).status().await;
    assert!(told.unwrap().success());
    shows("read the settings again");
    drop(lines);
    assert!(within(program.wait()).await.unwrap().success());
}
