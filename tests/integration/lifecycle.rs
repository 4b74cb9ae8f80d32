//! The program from its start to its end.

use std::path::Path;

use crate::client::{self, within};
use crate::conversation::Conversation;
use crate::origin::Origin;
use crate::program::{PROGRAM, Program};

/// A proxy in front of `endpoint`, whose files are in `home`.
fn serve(home: &Path, endpoint: &str, arguments: &[&str]) -> Program {
    let variables = [
        ("AZURE_OPENAI_PROXY_LISTEN", "127.0.0.1:0"),
        ("AZURE_OPENAI_ENDPOINT", endpoint),
        ("AZURE_OPENAI_API_KEY", "k"),
    ];
    let variables = if arguments.contains(&"--listen") { &variables[1..] } else { &variables[..] };
    Program::start(home, arguments, variables)
}

/// Runs a command to its end: the code and everything it said.
async fn run(home: &Path, arguments: &[&str]) -> (i32, String) {
    let variables = [("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com")];
    let (status, said) = Program::start(home, arguments, &variables).ended().await;
    (status.code().expect("it was not killed"), said)
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_finish() {
    let (home, origin) = (tempfile::tempdir().unwrap(), Origin::plain());
    let mut program = serve(home.path(), &origin.url(), &[]);
    let proxy = program.address().await;
    let mut client = Conversation::with(proxy).await;
    client.write("GET /v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut upstream = origin.accept().await;
    upstream.head().await;
    upstream.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await;
    client.until("one\r\n").await;

    program.terminate().await;
    program.says("stopping").await;
    // Nobody new is let in, however many times one tries before the listener is gone.
    within(async { while tokio::net::TcpStream::connect(proxy).await.is_ok() {} }).await;
    upstream.write("3\r\ntwo\r\n0\r\n\r\n").await;
    assert_eq!(client.until("0\r\n\r\n").await, "3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(client.rest().await.0, "");
    let (status, said) = program.ended().await;
    assert!(status.success(), "{said}");
    assert!(!said.contains("cut what was not finished"), "{said}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_idle_connections() {
    let home = tempfile::tempdir().unwrap();
    let mut program = serve(home.path(), "https://r.openai.azure.com", &[]);
    let proxy = program.address().await;
    let mut idle = Conversation::with(proxy).await;
    idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    idle.until("ok\n").await;
    program.terminate().await;
    assert_eq!(idle.rest().await.0, "");
    let (status, said) = program.ended().await;
    assert!(status.success() && !said.contains("cut what was not finished"), "{said}");
}

#[tokio::test]
async fn a_second_start_has_the_first_ones_ca_and_another_machine_has_not() {
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut roots = Vec::new();
    for home in [&homes[0], &homes[0], &homes[1]] {
        let mut program = serve(home.path(), "https://r.openai.azure.com", &[]);
        let proxy = program.address().await;
        let answer = client::ask(proxy, client::get(&proxy.to_string(), "/ca.pem")).await;
        roots.push(answer.text());
        program.terminate().await;
        assert!(program.ended().await.0.success());
    }
    assert!(roots[0].starts_with("-----BEGIN CERTIFICATE-----") && roots[0] == roots[1]);
    assert_ne!(roots[1], roots[2]);
}

#[tokio::test]
async fn an_address_in_use_ends_with_5() {
    let (home, taken) = (tempfile::tempdir().unwrap(), Origin::plain());
    let address = taken.address().to_string();
    let arguments = ["--listen", &address];
    let (status, said) = serve(home.path(), "https://r.openai.azure.com", &arguments).ended().await;
    assert_eq!(status.code(), Some(5), "{said}");
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}

#[tokio::test]
async fn the_ca_is_made_shown_and_found() {
    let home = tempfile::tempdir().unwrap();
    for command in ["show", "path"] {
        let (code, said) = run(home.path(), &["ca", command]).await;
        assert_eq!(code, 4, "{said}");
        assert!(said.contains("there is no CA"), "{said}");
    }
    let (code, path) = run(home.path(), &["ca", "init"]).await;
    assert_eq!(code, 0, "{path}");
    assert_eq!(run(home.path(), &["ca", "path"]).await, (0, path.clone()));
    let first = run(home.path(), &["ca", "show"]).await;
    assert_eq!(first, (0, std::fs::read_to_string(path.trim_end()).unwrap()));
    assert!(first.1.starts_with("-----BEGIN CERTIFICATE-----"), "{first:?}");
    let (code, said) = run(home.path(), &["ca", "init"]).await;
    assert_eq!(code, 4, "one that is trusted is not replaced by accident: {said}");
    assert_eq!(run(home.path(), &["ca", "show"]).await, first);
    let (code, said) = run(home.path(), &["ca", "init", "--replace"]).await;
    assert!(code == 0 && said.starts_with(&path), "{said}");
    assert!(said.contains("restart a proxy") && said.contains("azure-openai-proxy trust"), "{said}");
    let elsewhere = tempfile::tempdir().unwrap();
    let said = run(elsewhere.path(), &["ca", "init", "--replace"]).await.1;
    assert_eq!(said.lines().count(), 1, "nobody trusts what was not there: {said}");
    assert_ne!(run(home.path(), &["ca", "show"]).await, first);
}

#[tokio::test]
async fn a_host_that_the_ca_may_not_sign_for_is_refused_with_the_command_that_helps() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(run(home.path(), &["ca", "init"]).await.0, 0);
    let intercept = ["--intercept", "models.example", "--listen", "0"];
    for command in ["serve", "check"] {
        let (code, said) = run(home.path(), &[&[command], &intercept[..]].concat()).await;
        assert_eq!(code, 4, "{said}");
        assert!(said.contains("may not sign for models.example"), "{said}");
        assert!(said.contains("azure-openai-proxy ca init --replace"), "{said}");
    }
    let (code, said) = run(home.path(), &[&["ca", "init", "--replace"], &intercept[..]].concat()).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(run(home.path(), &[&["check"], &intercept[..]].concat()).await.0, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = run(home.path(), &["ca", "init"]).await.1;
    let issuer = Path::new(path.trim_end()).with_file_name("issuer.pem");
    assert_eq!(std::fs::metadata(&issuer).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&issuer, std::fs::Permissions::from_mode(0o644)).unwrap();
    for command in ["serve", "check"] {
        let (code, said) = run(home.path(), &[command, "--listen", "0"]).await;
        assert_eq!(code, 4, "{said}");
        assert!(said.contains("issuer.pem") && said.contains("chmod"), "{said}");
    }
}

/// As whoever runs it under another user has it.
#[tokio::test]
async fn the_root_of_another_users_proxy_is_shown_without_its_key() {
    let (home, certs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = ["--certs", certs.path().to_str().unwrap()];
    for command in ["show", "path"] {
        let (code, said) = run(home.path(), &[&["ca", command], &there[..]].concat()).await;
        assert!(code == 4 && said.contains("there is no CA yet"), "{said}");
    }
    std::fs::write(certs.path().join("ca.pem"), "root").unwrap();
    assert_eq!(run(home.path(), &[&["ca", "show"], &there[..]].concat()).await, (0, "root\n".to_owned()));
    let path = format!("{}\n", certs.path().join("ca.pem").display());
    assert_eq!(run(home.path(), &[&["ca", "path"], &there[..]].concat()).await, (0, path));
}

/// The key of its CA is in its folder.
#[cfg(unix)]
#[tokio::test]
async fn a_demonstration_that_is_interrupted_leaves_nothing_behind() {
    let (home, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = || std::fs::read_dir(temporary.path()).unwrap().count();
    let variables = [("TMPDIR", temporary.path().to_str().unwrap())];
    let mut program = Program::start(home.path(), &["demo"], &variables);
    program.prints("1. Through https_proxy").await;
    assert_eq!(there(), 1);
    program.signal("-INT").await;
    let (status, said) = program.ended().await;
    assert!(status.code() == Some(1) && said.contains("interrupted"), "{said}");
    assert_eq!(there(), 0);
}

#[tokio::test]
async fn a_demonstration_takes_no_settings() {
    let home = tempfile::tempdir().unwrap();
    let (code, said) = run(home.path(), &["demo", "--once", "--map", "a=b"]).await;
    assert!(code == 3 && said.contains("without --map"), "{said}");
}

#[tokio::test]
async fn the_log_says_why() {
    let (home, origin) = (tempfile::tempdir().unwrap(), Origin::plain());
    let mut program = serve(home.path(), &origin.url(), &["--first-byte-timeout", "200ms"]);
    let proxy = program.address().await;
    let host = proxy.to_string();
    // It is held open and never answered.
    let (_, _upstream) = tokio::join!(client::ask(proxy, client::get(&host, "/v1/files")), origin.accept());
    for path in ["/v1/organization/users", "/nothing"] {
        client::ask(proxy, client::get(&host, path)).await;
    }
    client::raw(proxy, b"GET /v1/models HTTP/1.1\r\n\r\n").await;
    assert!(client::tunnel(proxy, &host).await.is_err());
    for words in [
        "\"reason\":\"upstream_timeout\",\"status\":504",
        "no response within 200ms",
        "\"reason\":\"unsupported_on_azure\",\"status\":404",
        "\"path\":\"/nothing\",\"status\":404,\"reason\":\"not_found\"",
        "\"reason\":\"bad_request_target\",\"status\":400",
        "exactly one valid Host",
        "\"reason\":\"proxy_loop\",\"status\":508",
    ] {
        program.says(words).await;
    }
}

#[tokio::test]
async fn a_listener_on_every_address_is_announced_by_one_that_clients_can_use() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "0.0.0.0:0", "--allow-anonymous"];
    let mut program = serve(home.path(), "https://r.openai.azure.com", &arguments);
    let address = program.address().await;
    assert!(address.ip().is_unspecified(), "where it listens is said as it is: {address}");
    let here = format!("http://127.0.0.1:{}", address.port());
    program.says(&format!("https_proxy={here} ")).await;
    program.says(&format!("OPENAI_BASE_URL={here}/v1")).await;
}

/// With each new shell a profile runs `env`, which asks the proxy who it is.
#[cfg(unix)]
#[tokio::test]
async fn our_own_commands_show_no_wrong_key() {
    let (home, origin) = (tempfile::tempdir().unwrap(), Origin::plain());
    let keys = home.path().join("keys");
    let line = azure_openai_proxy::policy::client_keys::line("alice", "a-key-that-is-long-enough").unwrap();
    std::fs::write(&keys, line).unwrap();
    let arguments = ["--require-client-key", "--client-keys-file", keys.to_str().unwrap(), "--map", "a=b"];
    let mut program = serve(home.path(), &origin.url(), &arguments);
    let proxy = program.address().await;
    for _ in 0..11 {
        let (code, said) = run(home.path(), &["env", "--listen", &proxy.to_string()]).await;
        assert!(code == 0 && said.contains("https_proxy="), "{said}");
    }
    let mut request = client::get("localhost", "/v1/models/a");
    request.headers_mut().insert("authorization", "Bearer a-key-that-is-long-enough".parse().unwrap());
    assert_eq!(client::ask(proxy, request).await.status, 200);
}

/// The simulator alone, and what it says of itself.
#[cfg(unix)]
async fn simulator(home: &Path, variables: &[(&str, &str)]) -> (Program, String) {
    let mut command = tokio::process::Command::new("sh");
    // As Debian and others set it.
    command.args(["-c", "umask 002; exec \"$0\" simulator >&2", PROGRAM]);
    let mut program = Program::spawn(command.env_clear().env("HOME", home).envs(variables.iter().copied()));
    program.says("--map").await;
    let said = program.said();
    (program, said)
}

#[cfg(unix)]
#[tokio::test]
async fn the_simulator_leaves_the_proxys_address_alone() {
    let home = tempfile::tempdir().unwrap();
    let (_program, said) = simulator(home.path(), &[]).await;
    assert!(said.contains("listens on 127.0.0.1:") && !said.contains(":8080"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_command_that_the_simulator_prints_leads_a_proxy_to_it() {
    // A path that a shell would take for two words.
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a home");
    // Where both would listen, and only one can.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let variables = [("AZURE_OPENAI_PROXY_LISTEN", &*free)];
    let (_simulator, said) = simulator(&home, &variables).await;
    assert!(said.contains(&format!("listens on {free}.")), "{said}");
    let printed = said.split_once("\n\n").expect("a command").1;
    // So that what ends with this test is the proxy and not only its shell.
    let script = printed.replacen("azure-openai-proxy", "exec azure-openai-proxy", 1);
    let mut command = tokio::process::Command::new("/bin/sh");
    command.args(["-c", &script]).env_clear().env("HOME", &home).envs(variables);
    let mut program = Program::spawn(command.env("PATH", Path::new(PROGRAM).parent().unwrap()));
    let proxy = program.address().await;
    let chat = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
    let answer = client::ask(proxy, client::post("localhost", "/v1/chat/completions", chat)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    // Another one has the same CA, so the proxy goes on.
    let root = home.join(".local/share/azure-openai-proxy/simulator/ca.pem");
    let before = std::fs::read(&root).unwrap();
    let _another = simulator(&home, &[]).await;
    assert!(std::fs::read(&root).unwrap() == before);
}
