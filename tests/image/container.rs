//! Containers of the image, by an engine; or what would be in them, by root and chroot.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

use crate::client::within;
use crate::program::Program;
use crate::stage::Stage;

/// Who runs in it, and who owns the volume.
pub(crate) const USER: u32 = 65532;

/// The simulator's root certificate, inside.
pub(crate) const CA_FILE: &str = "/simulator-ca.pem";

const DOCKERFILE: &str = include_str!("../../scripts/packaging/Dockerfile");

/// A volume, and what is started with it.
pub(crate) enum Container {
    Engine { engine: String, volume: String, ca_file: PathBuf },
    Root(TempDir),
}

// === impl Container ===

impl Container {
    /// One with an empty volume, that can read the root of the stage's simulator.
    pub(crate) fn new(stage: &Stage) -> Self {
        let variable = |name| std::env::var(name).expect("scripts/image sets it");
        let ca_file = stage.folder().join("simulator-ca.pem");
        let engine = variable("IMAGE_ENGINE");
        if !engine.is_empty() {
            let volume = azure_openai_proxy::tls::random_token().unwrap();
            return Self::Engine { engine, volume: format!("azure-openai-proxy-test-{volume}"), ca_file };
        }
        assert!(rustix::process::geteuid().is_root(), "docker, podman or root is needed");
        let root = TempDir::new().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copied = std::process::Command::new("cp")
            .args(["-R", &format!("{}/.", variable("IMAGE_ROOT"))])
            .arg(root.path())
            .status();
        assert!(copied.unwrap().success());
        fs::copy(&ca_file, root.path().join(&CA_FILE[1..])).unwrap();
        let certs = root.path().join("certs");
        fs::create_dir(&certs).unwrap();
        chown(certs, Some(USER), Some(USER)).unwrap();
        Self::Root(root)
    }

    /// Starts the image's program with these variables and no arguments.
    pub(crate) fn start(&self, variables: &[(&str, String)]) -> Program {
        Program::spawn(&mut self.command(variables, &[]))
    }

    /// Runs the image's program with these arguments; what it prints.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        let output = within(self.command(&[], arguments).output()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn command(&self, variables: &[(&str, String)], arguments: &[&str]) -> Command {
        let mut command = match self {
            Self::Engine { engine, volume, ca_file } => {
                let mut command = Command::new(engine);
                command.args(["run", "--rm", "--network=host", "--volume", &format!("{volume}:/certs")]);
                command.arg("--volume").arg(format!("{}:{CA_FILE}:ro", ca_file.display()));
                for (name, value) in variables {
                    command.args(["--env", &format!("{name}={value}")]);
                }
                command.arg("azure-openai-proxy");
                command
            }
            Self::Root(root) => {
                let mut command = Command::new("chroot");
                command.arg(format!("--userspec={USER}:{USER}")).arg(root.path()).arg("/azure-openai-proxy");
                command.env_clear().env("PATH", "/usr/sbin:/usr/bin").envs(image_variables());
                command.envs(variables.iter().map(|(name, value)| (name, value)));
                command
            }
        };
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Self::Engine { engine, volume, .. } = self {
            // A container that a failed test left running keeps it; the engine says so.
            let _ = std::process::Command::new(engine).args(["volume", "rm", volume]).output();
        }
    }
}

/// Those of the Dockerfile's ENV.
fn image_variables() -> Vec<(&'static str, &'static str)> {
    let lines = DOCKERFILE.lines().skip_while(|line| !line.starts_with("ENV "));
    lines.flat_map(str::split_whitespace).filter_map(|word| word.split_once('=')).collect()
}
