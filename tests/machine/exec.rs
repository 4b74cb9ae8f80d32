//! `exec`: as if the command had been run alone, but that its requests reach the proxy.

use std::process::Stdio;

use azure_openai_proxy::tls::ca::Authority;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::stage::Stage;
use crate::user::{User, nobody, program};

const PAGE: &str = "https://api.openai.com/.well-known/azure-openai-proxy";
const CHAT: &str = r#"curl -sS https://api.openai.com/v1/chat/completions -H 'Content-Type: application/json' \
    -d '{"model":"gpt-4o","messages":[{"role":"user","content":"hello from curl"}]}'"#;

/// A user with a running proxy, and one without.
fn both(stage: &Stage) -> [User; 2] {
    [User::of_proxy(stage), User::of_simulator(stage)]
}

#[tokio::test]
async fn requests_of_the_command_reach_azure() {
    let stage = Stage::set().await;
    for user in both(&stage) {
        let said = user.run(&["exec", "--", "sh", "-c", CHAT]).await;
        assert!(said.stdout.contains("hello from curl"), "{said:?}");
        assert_eq!((said.code, &*said.stderr), (Some(0), ""), "nothing disturbs the command's terminal");
        let seen = stage.recorder.seen().pop().unwrap();
        assert_eq!(seen.path_and_query, "/openai/v1/chat/completions");
        assert_eq!(seen.fields["api-key"], stage.key.as_str());
    }
}

/// A proxy that runs has its own; whoever gives others is told that they are not used.
#[tokio::test]
async fn settings_that_no_proxy_takes_are_told() {
    let stage = Stage::set().await;
    let [with_proxy, without] = both(&stage);
    let listen = format!("--listen={}", stage.proxy);
    let said =
        with_proxy.run(&["exec", &listen, "--map", "a=b", "--strip-dots", "--log=off", "--", "true"]).await;
    let told = format!(
        "azure-openai-proxy: a proxy runs at {}, and its own settings hold: not --map, --strip-dots\n",
        stage.proxy
    );
    assert_eq!((said.code, said.stderr), (Some(0), told));
    assert_eq!(with_proxy.run(&["exec", &listen, "--log=off", "--", "true"]).await.stderr, "");
    assert_eq!(without.run(&["exec", "--map", "a=b", "--", "true"]).await.stderr, "");
}

#[tokio::test]
async fn a_ca_that_is_made_for_it_is_made_for_the_configured_address() {
    let stage = Stage::set().await;
    let user = User::of_simulator(&stage).with("AZURE_OPENAI_PROXY_LISTEN", "127.0.0.1:9");
    assert_eq!(user.run(&["exec", "--", "true"]).await.code, Some(0));
    let authority = Authority::load(&user.certs()).unwrap();
    assert_eq!(authority.root_crl_url(), Some("http://127.0.0.1:9/root.crl"));
}

#[tokio::test]
async fn the_exit_code_is_the_commands() {
    let stage = Stage::set().await;
    for user in both(&stage) {
        for code in [0, 1, 7, 125, 255] {
            let said = user.run(&["exec", "--", "sh", "-c", &format!("exit {code}")]).await;
            assert_eq!((said.code, &*said.stderr), (Some(code), ""));
        }
    }
}

#[tokio::test]
async fn a_signal_that_ends_the_command_is_told_as_shells_do() {
    let stage = Stage::set().await;
    let [with_proxy, without] = both(&stage);
    let arguments = ["exec", "--", "sh", "-c", "kill -TERM $$"];
    assert_eq!(without.run(&arguments).await.code, Some(128 + 15));
    assert_eq!(with_proxy.run(&arguments).await.signal, Some(15), "this process was the command");
}

#[tokio::test]
async fn what_cannot_be_run_is_told_apart() {
    let stage = Stage::set().await;
    for user in both(&stage) {
        let script = user.home.path().join("not-executable");
        std::fs::write(&script, "exit 0").unwrap();
        for (command, code) in [("no-such-program", 127), (script.to_str().unwrap(), 126)] {
            let said = user.run(&["exec", "--", command]).await;
            assert_eq!(said.code, Some(code), "{said:?}");
            assert!(
                said.stderr.starts_with("error: cannot run ") && said.stderr.contains(command),
                "{said:?}"
            );
        }
    }
    let said =
        User::of_simulator(&stage).with("AZURE_OPENAI_ENDPOINT", "").run(&["exec", "--", "true"]).await;
    assert_eq!(said.code, Some(125));
    assert!(said.stderr.contains("endpoint: no Azure OpenAI resource is named"), "{said:?}");
}

#[tokio::test]
async fn where_every_client_needs_a_key_the_command_is_not_run() {
    let stage = Stage::set().await;
    let user = User::of_simulator(&stage)
        .with("AZURE_OPENAI_PROXY_CLIENT_KEYS", "me=a-key-that-is-long-enough-to-be-one")
        .with("AZURE_OPENAI_PROXY_REQUIRE_CLIENT_KEY", "true");
    let said = user.run(&["exec", "--", "echo", "ran"]).await;
    assert_eq!((said.code, &*said.stdout), (Some(125), ""), "{said:?}");
    assert!(said.stderr.contains("require_client_key"), "{said:?}");
}

#[tokio::test]
async fn signals_are_passed_on() {
    let stage = Stage::set().await;
    let script = "trap 'echo hup' HUP; trap 'echo int' INT; trap 'echo term; exit 3' TERM
                  echo ready; while :; do sleep 0.02; done";
    for user in both(&stage) {
        let mut command = user.command(program(), &["exec", "--", "sh", "-c", script]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ready"));
        for (signal, said) in [(Signal::HUP, "hup"), (Signal::INT, "int"), (Signal::TERM, "term")] {
            kill_process(pid, signal).unwrap();
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(said));
        }
        assert_eq!(child.wait().await.unwrap().code(), Some(3));
    }
}

#[tokio::test]
async fn standard_input_is_the_commands() {
    let stage = Stage::set().await;
    for user in both(&stage) {
        let mut command = user.command(program(), &["exec", "--", "cat"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut child.stdin.take().unwrap(), b"through").await.unwrap();
        let mut read = String::new();
        child.stdout.take().unwrap().read_to_string(&mut read).await.unwrap();
        assert_eq!((child.wait().await.unwrap().code(), &*read), (Some(0), "through"));
    }
}

#[tokio::test]
async fn an_address_that_somebody_else_has_is_not_used() {
    let stage = Stage::set().await;
    // The other's CA is not this user's, so the key could go anywhere.
    let user = User::of_simulator(&stage).with("AZURE_OPENAI_PROXY_LISTEN", stage.proxy);
    user.run(&["ca", "init"]).await;
    let said = user.run(&["exec", "--", "curl", "-sS", PAGE]).await;
    assert!(said.stderr.contains("by a proxy with another CA"), "{said:?}");
    assert!(said.code == Some(0) && said.stdout.contains("intercepted"), "{said:?}");
}

#[tokio::test]
async fn a_shell_that_was_set_up_for_a_proxy_that_has_stopped_since_gets_another_one() {
    let stage = Stage::set().await;
    let user = User::of_simulator(&stage).with("AZURE_OPENAI_PROXY_LISTEN", nobody());
    user.run(&["ca", "init"]).await;
    let script = format!(
        "set -eu; eval \"$($PROXY env --force)\"; $PROXY exec -- sh -c '{}'",
        CHAT.replace('\'', r"'\''")
    );
    let said = user.shell("sh", &script).await;
    assert!(said.code == Some(0) && said.stdout.contains("hello from curl"), "{said:?}");
}

#[tokio::test]
async fn a_parent_that_is_gone_is_missed_where_it_is_not_our_own() {
    let stage = Stage::set().await;
    let (ours, other) = (nobody(), format!("http://{}", nobody()));
    let user = || User::of_simulator(&stage).with("AZURE_OPENAI_PROXY_LISTEN", ours);
    for user in [
        user().with("HTTPS_PROXY", other),
        // Somebody meant it.
        user().with("AZURE_OPENAI_PROXY_UPSTREAM_PROXY", format!("http://{ours}")),
    ] {
        let said = user.run(&["exec", "--", "sh", "-c", CHAT]).await;
        assert!(said.stdout.contains("parent_proxy"), "{said:?}");
    }
}

#[tokio::test]
async fn the_base_url_is_for_those_who_ignore_proxies() {
    let stage = Stage::set().await;
    let script = "unset https_proxy http_proxy HTTPS_PROXY; curl -sS $OPENAI_BASE_URL/models";
    for user in both(&stage) {
        let said = user.run(&["exec", "--base-url", "--", "sh", "-c", script]).await;
        assert!(said.code == Some(0) && said.stdout.contains("gpt-4o"), "{said:?}");
        let without = user.run(&["exec", "--", "sh", "-c", "echo \"[$OPENAI_BASE_URL]\""]).await;
        assert_eq!(without.stdout, "[]\n");
    }
}

#[tokio::test]
async fn a_no_proxy_of_the_users_that_leads_past_us_is_told() {
    let stage = Stage::set().await;
    let user = User::of_proxy(&stage).with("NO_PROXY", "corp.example,.openai.com,fd00::/8");
    let said = user.run(&["exec", "--", "sh", "-c", "echo $NO_PROXY"]).await;
    assert_eq!(said.stdout, "corp.example,.openai.com,.local,::1,127.0.0.1,localhost\n");
    assert!(
        said.stderr.contains("NO_PROXY has .openai.com") && said.stderr.contains("left fd00::/8 out"),
        "{said:?}"
    );
}

#[tokio::test]
async fn the_separator_keeps_the_commands_flags_its_own() {
    let stage = Stage::set().await;
    let said = User::of_proxy(&stage).run(&["exec", "--", "echo", "--base-url", "--help"]).await;
    assert_eq!((said.code, &*said.stdout), (Some(0), "--base-url --help\n"));
    let wrong = User::new().run(&["exec", "echo"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}
