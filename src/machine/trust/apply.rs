//! Doing what was planned, with the rights that we have.

use std::fs::OpenOptions;
use std::io;

use super::host::{Host, Platform};
use super::plan::{Plan, Step};
use super::{Outcome, Wish};
use crate::machine::command;

/// Takes the steps, or says them if `dry`; the first that fails ends it.
pub async fn apply(host: &Host, wish: Wish, plan: Plan, dry: bool) -> Outcome {
    let steps = match plan {
        Plan::Nothing => return Outcome::Already(wish),
        Plan::Skip(why) => return Outcome::Skipped(why),
        Plan::Do(steps) if dry => return Outcome::Would(steps.iter().map(Step::to_string).collect()),
        Plan::Do(steps) => steps,
    };
    for (at, step) in steps.iter().enumerate() {
        match take(host, step).await {
            Ok(()) => {}
            Err(Trouble::NoRight) => return Outcome::Failed(as_administrator(host, &steps[at..])),
            Err(Trouble::Other(why)) => return Outcome::Failed(why),
        }
    }
    Outcome::Done
}

enum Trouble {
    /// Somebody with more rights could do it.
    NoRight,
    Other(String),
}

async fn take(host: &Host, step: &Step) -> Result<(), Trouble> {
    match step {
        Step::Install { to, .. } => {
            std::fs::write(to, host.root.pem()).map_err(|error| Trouble::of(&error, &to.display()))?;
            make_readable(to).map_err(|error| Trouble::of(&error, &to.display()))
        }
        Step::Remove(path) => {
            std::fs::remove_file(path).map_err(|error| Trouble::of(&error, &path.display()))
        }
        Step::Run { program, arguments, changes } => {
            if let Some(path) = changes {
                let writable = OpenOptions::new().append(true).open(path);
                writable.map_err(|error| Trouble::of(&error, &path.display()))?;
            }
            let ran = command::run_ok(program, arguments).await;
            ran.map(drop).map_err(|error| Trouble::Other(error.to_string()))
        }
    }
}

/// Whatever the umask says: a root that others cannot read is none for them.
fn make_readable(path: &std::path::Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn as_administrator(host: &Host, steps: &[Step]) -> String {
    if host.platform == Platform::Windows {
        return "that takes an administrator".to_owned();
    }
    let commands: Vec<String> = steps.iter().map(|step| format!("sudo {step}")).collect();
    format!("that takes an administrator; run: {}", commands.join(" && "))
}

// === impl Trouble ===

impl Trouble {
    fn of(error: &io::Error, what: &impl std::fmt::Display) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::NoRight,
            io::ErrorKind::ReadOnlyFilesystem => Self::Other(format!("{what} is on a read-only file system")),
            _ => Self::Other(format!("cannot write {what}: {error}")),
        }
    }
}
