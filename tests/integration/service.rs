//! The program under a service manager.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;

use http::StatusCode;
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::process::Command;

use crate::client::{self, within};
use crate::conversation::Conversation;
use crate::origin::Origin;
use crate::program::{PROGRAM, Program};
use crate::stage::free_port;

const RESOURCE: (&str, &str) = ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com");
const ANY_PORT: (&str, &str) = ("AZURE_OPENAI_PROXY_LISTEN", "127.0.0.1:0");

/// What systemd listens on.
struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        Self { folder, socket }
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn variable(&self) -> (&'static str, String) {
        ("NOTIFY_SOCKET", self.folder.path().join("notify").display().to_string())
    }

    /// The next thing that it is told.
    async fn hears(&self) -> String {
        let mut message = [0; 256];
        let length = within(self.socket.recv(&mut message)).await.expect("a message");
        String::from_utf8_lossy(&message[..length]).into_owned()
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_it_holds_is_in_no_core_dump() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -c unlimited || ulimit -S -c hard; exec \"$0\"", PROGRAM]);
    let mut program = Program::spawn(command.env_clear().env("HOME", home.path()).envs([RESOURCE, ANY_PORT]));
    program.address().await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[tokio::test]
async fn the_manager_is_told_of_start_reload_and_stop() {
    let manager = Manager::new();
    let (name, path) = manager.variable();
    let program = Program::start(manager.home(), &[], &[RESOURCE, ANY_PORT, (name, &path)]);
    assert_eq!(manager.hears().await, "READY=1\n");
    program.signal("-HUP").await;
    let reloading = manager.hears().await;
    let time =
        reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
    assert!(time.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(manager.hears().await, "READY=1\n");
    program.terminate().await;
    assert_eq!(manager.hears().await, "STOPPING=1\n");
    assert!(program.ended().await.0.success());
}

#[tokio::test]
async fn settings_are_read_again_on_hangup_or_kept_with_a_word() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("config.toml");
    fs::write(&path, "map = { a = 'b' }").unwrap();
    let arguments = ["--config", path.to_str().unwrap()];
    let mut program = Program::start(home.path(), &arguments, &[RESOURCE, ANY_PORT]);
    let proxy = program.address().await;
    fs::write(&path, "map = { c = 'd' }\nlisten = ['127.0.0.1:0', '127.0.0.1:0']").unwrap();
    program.signal("-HUP").await;
    program.says("\"changed\":\"map\"").await;
    let models =
        || async { client::ask(proxy, client::get(&proxy.to_string(), "/v1/models/c")).await.status };
    assert_eq!(models().await, StatusCode::OK);
    fs::write(&path, "map = { c = 'd' }\nmapp = 1").unwrap();
    program.signal("-HUP").await;
    program.says("config.toml:2: unknown setting").await;
    program.says("those from before stay in force").await;
    assert_eq!(models().await, StatusCode::OK);
    program.terminate().await;
    assert!(program.ended().await.0.success());
}

#[tokio::test]
async fn a_change_while_it_starts_is_not_missed() {
    let home = TempDir::new().unwrap();
    let (path, begun) = (home.path().join("config.toml"), home.path().join("begun"));
    let settings = format!("api_key_command = \"touch '{}'; sleep 1; echo k\"\n", begun.display());
    fs::write(&path, &settings).unwrap();
    let variables = [RESOURCE, ANY_PORT, ("PATH", "/usr/bin:/bin")];
    let mut program = Program::start(home.path(), &["--config", path.to_str().unwrap()], &variables);
    within(async {
        while !begun.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    fs::write(&path, settings + "map = { a = 'b' }").unwrap();
    program.says("\"changed\":\"map\"").await;
}

#[tokio::test]
async fn what_cannot_change_while_it_runs_is_said() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("config.toml");
    fs::write(&path, "listen = ['127.0.0.1:0']").unwrap();
    let mut program = Program::start(home.path(), &["--config", path.to_str().unwrap()], &[RESOURCE]);
    program.address().await;
    fs::write(&path, "listen = ['[::1]:0']\nmax_connections = 7\nmax_connections_per_client = 3").unwrap();
    program.signal("-HUP").await;
    for name in ["listen", "max_connections", "max_connections_per_client"] {
        program.says(&format!("{name} has changed, which takes effect at the next start")).await;
    }
}

#[tokio::test]
async fn a_second_signal_is_now() {
    let (home, origin) = (TempDir::new().unwrap(), Origin::plain());
    let endpoint = origin.url();
    let variables = [("AZURE_OPENAI_ENDPOINT", &*endpoint), ANY_PORT, ("AZURE_OPENAI_API_KEY", "k")];
    let mut program = Program::start(home.path(), &[], &variables);
    let mut client = Conversation::with(program.address().await).await;
    client.write("GET /v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let _never_answered = origin.accept().await;
    program.terminate().await;
    program.says("a second signal stops at once").await;
    program.terminate().await;
    assert_eq!(program.ended().await.0.code(), Some(130));
}

#[tokio::test]
async fn a_socket_that_was_opened_for_it_is_listened_on() {
    let (home, manager) = (TempDir::new().unwrap(), TcpListener::bind(free_port()).unwrap());
    let address = manager.local_addr().unwrap();
    // A client that comes before the program.
    let early = tokio::spawn(client::ask(address, client::get("localhost", "/readyz")));
    let mut program = activated(home.path(), manager, &[RESOURCE]);
    assert_eq!(within(early).await.unwrap().status, StatusCode::OK);
    assert_eq!(program.address().await, address);
    program.terminate().await;
    assert!(program.ended().await.0.success());
}

#[tokio::test]
async fn a_socket_that_was_opened_for_everybody_obeys_the_same_rules() {
    let (home, manager) = (TempDir::new().unwrap(), TcpListener::bind("0.0.0.0:0").unwrap());
    let program = activated(home.path(), manager, &[RESOURCE, ("AZURE_OPENAI_API_KEY", "k")]);
    let (status, said) = program.ended().await;
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("--allow-anonymous"), "{said}");
}

/// Starts it as sd_listen_fds(3) has it: the socket is descriptor 3.
fn activated(home: &Path, socket: TcpListener, variables: &[(&str, &str)]) -> Program {
    let become_it = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", become_it, PROGRAM]).env_clear().env("HOME", home).envs(variables.iter().copied());
    Program::spawn(command.stdin(OwnedFd::from(socket)))
}
