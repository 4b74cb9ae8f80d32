//! A contender's process: started on its own core, measured through /proc, gone at the end whatever happens.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

/// How long one may take to end when asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running process and its descendants. They are killed when it is dropped, and by the kernel when we are gone.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program on these cores with these variables and no others; what it says goes to a file.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, String)],
        cores: &str,
        said: &Path,
    ) -> anyhow::Result<Self> {
        let file = fs::File::create(said)?;
        let child = Command::new("taskset")
            .args(["-c", cores, "setpriv", "--pdeathsig", "TERM", "--"])
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("taskset, setpriv or the program cannot be started")?;
        Ok(Self { child })
    }

    /// Whether it has not ended by itself.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The time that its threads have had on a core so far, without those that have ended.
    pub(crate) fn cpu(&self) -> Duration {
        self.family().into_iter().filter_map(cpu).sum()
    }

    /// Resident memory in KiB now.
    pub(crate) fn resident(&self) -> u64 {
        self.family().into_iter().filter_map(|id| status(id, "VmRSS:")).sum()
    }

    /// The most resident memory in KiB since [`Process::forget_peak`].
    pub(crate) fn peak(&self) -> u64 {
        self.family().into_iter().filter_map(|id| status(id, "VmHWM:")).sum()
    }

    /// Begins a new peak at what is resident now.
    pub(crate) fn forget_peak(&self) {
        for id in self.family() {
            // Where the kernel does not let us, the peak is that of the whole life.
            let _ = fs::write(format!("/proc/{id}/clear_refs"), "5");
        }
    }

    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.child.id()];
        let mut next = 0;
        while let Some(&id) = family.get(next) {
            let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
            next += 1;
        }
        family
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // First asked, for some leave things behind otherwise; then killed, last born first.
        let family: Vec<String> = self.family().iter().rev().map(ToString::to_string).collect();
        kill("-TERM", &[self.child.id().to_string()]);
        let asked = Instant::now();
        while self.is_running() && asked.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        kill("-KILL", &family);
        // It was killed: this does not wait long.
        let _ = self.child.wait();
    }
}

/// Sends a signal to processes by their numbers, as far as they are still there.
fn kill(signal: &str, family: &[String]) {
    let _ = Command::new("kill").arg(signal).args(family).stderr(Stdio::null()).status();
}

/// The time that this process has had on a core so far: the load's and the origin's.
pub(crate) fn own_cpu() -> Duration {
    cpu(std::process::id()).unwrap_or_default()
}

fn cpu(id: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).ok()?.flatten();
    let nanos = |thread: fs::DirEntry| -> Option<u64> {
        let stat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse().ok()
    };
    // To the nanosecond, unlike what stat has: an upload is over after a few of its ticks.
    Some(Duration::from_nanos(threads.filter_map(nanos).sum()))
}

fn status(id: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// A program on the PATH.
pub(crate) fn on_path(name: &str) -> Option<std::path::PathBuf> {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let own = std::env::var("PATH").unwrap_or_default();
    let folders = own.split(':').chain(path.split(':'));
    folders.map(|folder| Path::new(folder).join(name)).find(|file| file.is_file())
}
