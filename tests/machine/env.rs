//! `env`: what a profile evaluates.

use azure_openai_proxy::tls::ca::Authority;
use azure_openai_proxy::tls::pem;

use crate::stage::Stage;
use crate::user::{User, nobody};

pub(crate) const CURL: &str = "curl -sS https://api.openai.com/.well-known/azure-openai-proxy";

/// The shells of this machine that read the POSIX form.
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "zsh"];

fn installed(shell: &&str) -> bool {
    std::process::Command::new(shell).args(["-c", ":"]).status().is_ok()
}

#[tokio::test]
async fn a_shell_that_evaluates_it_reaches_the_proxy() {
    let stage = Stage::set().await;
    let user = User::of_proxy(&stage);
    for shell in SHELLS.iter().filter(|shell| installed(shell)) {
        let said = user.shell(shell, &format!("set -eu; eval \"$($PROXY env)\"; {CURL}")).await;
        assert!(said.code == Some(0) && said.stdout.contains("intercepted"), "{shell}: {said:?}");
    }
}

#[tokio::test]
async fn of_several_addresses_it_takes_the_one_where_the_proxy_is() {
    let stage = Stage::set().await;
    let user = User::of_proxy(&stage);
    let user = user.with("AZURE_OPENAI_PROXY_LISTEN", format!("{},{}", nobody(), stage.proxy));
    let said = user.run(&["env"]).await;
    assert!(said.stdout.contains(&format!("https_proxy='http://{}'", stage.proxy)), "{said:?}");
}

#[tokio::test]
async fn without_a_proxy_a_new_shell_is_as_before() {
    let stage = Stage::set().await;
    let user = User::of_simulator(&stage);
    for shell in ["sh", "bash", "zsh", "fish", "pwsh", "cmd", "nu", "dotenv", "docker"] {
        let said = user.run(&["env", "--shell", shell]).await;
        assert_eq!((said.code, said.stdout.lines().count(), &*said.stderr), (Some(0), 1, ""), "{said:?}");
        assert!(said.stdout.starts_with(['#', '@']) && said.stdout.contains("is not running"), "{said:?}");
    }
    assert_eq!(user.run(&["env", "--shell", "json"]).await.stdout, "{}\n");
    let said =
        user.shell("sh", "set -eu; env >before; eval \"$($PROXY env)\"; env >after; cmp before after").await;
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{said:?}");
}

#[tokio::test]
async fn a_stranger_at_the_address_is_not_pointed_at() {
    let stage = Stage::set().await;
    let user = User::of_simulator(&stage).with("AZURE_OPENAI_PROXY_LISTEN", stage.proxy);
    user.run(&["ca", "init"]).await;
    let said = user.run(&["env"]).await;
    assert!(said.code == Some(0) && said.stdout.contains("another CA"), "{said:?}");
    assert_eq!(said.stdout.lines().count(), 1);
}

#[tokio::test]
async fn force_prints_them_anyway() {
    let stage = Stage::set().await;
    let user = User::of_simulator(&stage);
    let absent = user.run(&["env", "--force"]).await;
    assert!(absent.code == Some(1) && absent.stdout.is_empty(), "there is no CA yet: {absent:?}");
    user.run(&["ca", "init"]).await;
    let said = user.run(&["env", "--force", "--shell", "json"]).await;
    let variables: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(variables["SSL_CERT_FILE"], user.certs().join("bundle.pem").to_str().unwrap());
}

#[tokio::test]
async fn unset_leaves_the_shell_as_it_was() {
    let stage = Stage::set().await;
    // Entries that env would have added are the user's here.
    let own = "localhost,127.0.0.1,corp.example,localhost.example,::1";
    let user = User::of_proxy(&stage).with("NO_PROXY", own).with("no_proxy", own);
    let script = "set -eu; env | sort >before
                  eval \"$($PROXY env --base-url)\"; env | sort >between
                  eval \"$($PROXY env --unset)\"; env | sort >after
                  cmp before between >/dev/null && exit 9; diff before after";
    let said = user.shell("sh", script).await;
    assert_eq!((said.code, &*said.stdout), (Some(0), ""), "{said:?}");
}

#[tokio::test]
async fn containers_get_what_can_be_mounted() {
    let stage = Stage::set().await;
    let user = User::of_proxy(&stage);
    let certs = user.home.path().join("o'neil's files");
    std::fs::create_dir(&certs).unwrap();
    std::fs::copy(&stage.ca_file, certs.join("ca.pem")).unwrap();
    let user = user.with("AZURE_OPENAI_PROXY_CERTS", certs.display());
    let said = user.run(&["env", "--shell", "docker"]).await;
    let (usage, variables) = said.stdout.split_once('\n').unwrap();
    // As a shell reads it in which it is pasted.
    let usage = usage.strip_prefix("# ").unwrap();
    let words = user.shell("sh", &format!("docker() {{ printf '%s\\n' \"$@\"; }}; {usage}")).await.stdout;
    assert!(words.starts_with("run\n--network\nhost\n--env-file\nTHIS-FILE\n-v\n"), "{usage}: {words}");
    assert_eq!(words.lines().filter(|word| *word == "-v").count(), 2, "{words}");
    let mounted = |line: &&str| {
        let path = line.split_once('=').unwrap().1;
        !path.starts_with('/') || words.lines().any(|word| word == format!("{path}:{path}:ro"))
    };
    assert!(variables.lines().all(|line| mounted(&line)), "{variables}");
}

/// A root that is no root of this program's alone.
fn corporate(user: &User) -> (String, String) {
    let authority = Authority::in_memory(&["corp.example".into()]).unwrap();
    let text = pem::encode("CERTIFICATE", authority.intermediate_der());
    let path = user.home.path().join("corp.pem");
    std::fs::write(&path, &text).unwrap();
    (path.display().to_string(), text)
}

/// Whatever is run in a shell, and in others: the user's own roots stay with those who read its variables.
#[tokio::test]
async fn nothing_takes_a_users_roots_out_of_a_running_shell() {
    let stage = Stage::set().await;
    let user = User::of_proxy(&stage);
    let (path, text) = corporate(&user);
    let user = user.with("THEIRS", path);
    for after in [
        "$PROXY exec -- true",
        "$PROXY exec -- sh -c 'env | grep SSL_CERT_FILE' | grep -x \"SSL_CERT_FILE=$SSL_CERT_FILE\"",
        "$PROXY doctor || [ $? = 6 ]",
        "eval \"$($PROXY env)\"",
        "sh -c 'unset SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE; $PROXY env'",
        "env -i HOME=$HOME PATH=$PATH AZURE_OPENAI_PROXY_LISTEN=$AZURE_OPENAI_PROXY_LISTEN \
             AZURE_OPENAI_PROXY_CERTS=$AZURE_OPENAI_PROXY_CERTS $PROXY exec -- true",
    ] {
        let script = format!(
            "set -eu; export SSL_CERT_FILE=$THEIRS; eval \"$($PROXY env)\"; {after} >&2; {CURL} >&2
             cat $SSL_CERT_FILE $(sed 's/.*= //' $WGETRC) $CURL_CA_BUNDLE"
        );
        let said = user.shell("sh", &script).await;
        assert_eq!((said.code, said.stdout.matches(&text).count()), (Some(0), 3), "{after}: {said:?}");
    }
    let fresh = user.shell("sh", "set -eu; eval \"$($PROXY env)\"; cat $SSL_CERT_FILE").await;
    assert!(fresh.code == Some(0) && !fresh.stdout.contains(&text), "they are not everybody's");
}
