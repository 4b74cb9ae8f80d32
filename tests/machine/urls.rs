//! The URLs by which a shell's clients get to the proxy, however they are written, and the keys in them.

use serde_json::Value;

use crate::doctor::{findings, follow, only, wrong};
use crate::env::CURL;
use crate::stage::Stage;
use crate::user::{Said, User, end, program};

/// A key that a client has.
const KEY: &str = "a-key-that-is-long-enough-to-be-one";

/// A stage whose proxy wants a key of everybody.
async fn with_keys() -> Stage {
    Stage::with_variables(&[
        ("AZURE_OPENAI_PROXY_CLIENT_KEYS", &format!("me={KEY}")),
        ("AZURE_OPENAI_PROXY_REQUIRE_CLIENT_KEY", "true"),
    ])
    .await
}

#[tokio::test]
async fn a_client_key_in_the_users_url_stays_there() {
    let stage = with_keys().await;
    let url = format!("http://u:{KEY}@{}", stage.proxy);
    let user = User::of_proxy(&stage).with("https_proxy", &url).with("THEIRS", &url);
    for script in [format!("eval \"$($PROXY env)\"; {CURL}"), format!("$PROXY exec -- {CURL}")] {
        let said = user.shell("sh", &format!("set -eu; {script}")).await;
        assert!(said.code == Some(0) && said.stdout.contains("intercepted"), "{said:?}");
    }
    let script = "eval \"$($PROXY env)\"; [ $https_proxy = $THEIRS ] && [ $HTTP_PROXY = $THEIRS ]
                  eval \"$($PROXY env --unset)\"; echo \"$? $(env | grep -c $THEIRS)\"";
    assert_eq!(user.shell("sh", script).await.stdout, "0 1\n", "only THEIRS itself is left");
}

#[tokio::test]
async fn where_clients_need_a_key_they_are_told_where_it_goes() {
    let stage = with_keys().await;
    let programs = ["curl", "git", "wget", "python3", "ruby", "php", "sh"];
    let user = follow(only(User::of_proxy(&stage), &programs), "eval ").await;
    let clients = |said: &Said| {
        let programs = programs.iter().chain(&["python", "php curl"]);
        let is_client = |name: &str| programs.clone().any(|program| name.starts_with(program));
        let found = findings(said).into_iter();
        found.filter(|finding| is_client(finding["name"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let without = user.run(&["doctor", "--json"]).await;
    assert_eq!((without.code, clients(&without).is_empty()), (Some(0), false), "{without:?}");
    for finding in clients(&without) {
        assert!(
            finding["says"].as_str().unwrap().starts_with("intercepted; needs a client key"),
            "{finding}"
        );
        assert_eq!(finding["cure"], format!("export https_proxy=http://user:KEY@{}", stage.proxy));
    }
    let user = follow(user.with("https_proxy", format!("http://me:{KEY}@{}", stage.proxy)), "eval ").await;
    let with = user.run(&["doctor", "--json"]).await;
    assert!(with.code == Some(0) && !with.stdout.contains(KEY), "{with:?}");
    assert_eq!(clients(&with).len(), clients(&without).len());
    assert!(clients(&with).iter().all(|finding| finding["says"] == "intercepted"), "{with:?}");
    // One that lacks a single variable is not shown the key in it.
    let lacking = user
        .with("http_proxy", "http://127.0.0.1:9")
        .with("https_proxy", format!("me:{KEY}@{}", stage.proxy));
    let lacking = lacking.run(&["doctor", "--json"]).await;
    assert!(!lacking.stdout.contains(KEY), "{lacking:?}");
}

/// One that several people share: of its CA they have the root alone, and of its settings none.
#[tokio::test]
async fn a_proxy_elsewhere_is_followed_with_the_key_that_the_url_has() {
    let stage = with_keys().await;
    let user = User::new().with("AZURE_OPENAI_PROXY_LISTEN", crate::user::nobody());
    let certs = user.home.path().join(".local/share/azure-openai-proxy");
    std::fs::create_dir_all(&certs).unwrap();
    std::fs::copy(&stage.ca_file, certs.join("ca.pem")).unwrap();
    let without = user.run(&["exec", "--", "true"]).await;
    assert_eq!(without.code, Some(125), "there is none: {without:?}");
    let url = format!("http://u:{KEY}@{}", stage.proxy);
    let user = user.with("https_proxy", &url);
    for script in [format!("eval \"$($PROXY env)\"; {CURL}"), format!("$PROXY exec -- {CURL}")] {
        let said =
            user.shell("sh", &format!("set -eu; {script}; [ ${{HTTP_PROXY:-$https_proxy}} = {url} ]")).await;
        assert!(said.code == Some(0) && said.stdout.contains("intercepted"), "{said:?}");
        assert_eq!(said.stderr, "");
    }
    let script = "eval \"$($PROXY env)\"; eval \"$($PROXY env --unset)\"; env | grep -c http://";
    assert_eq!(user.shell("sh", script).await.stdout, "0\n");
    // Another's root: nothing goes there.
    let other = azure_openai_proxy::tls::ca::Authority::in_memory(&["openai.com".into()]).unwrap();
    std::fs::write(certs.join("ca.pem"), other.root_pem()).unwrap();
    let said = user.run(&["env"]).await;
    assert!(said.stdout.contains("nothing is set"), "{said:?}");
}

/// Of another proxy's refusal that would not be said.
#[tokio::test]
async fn a_wrong_key_is_told_by_its_place() {
    let stage = with_keys().await;
    let user = follow(only(User::of_proxy(&stage), &["curl"]), "eval ").await;
    let said =
        user.with("https_proxy", format!("http://me:wrong@{}", stage.proxy)).run(&["doctor", "--json"]).await;
    assert_eq!(
        wrong(&said),
        [("curl".to_owned(), format!("export https_proxy=http://user:KEY@{}", stage.proxy))],
        "{said:?}"
    );
}

/// The README's other way: nothing to trust, and no proxy to name.
#[tokio::test]
async fn a_shell_with_a_base_url_alone_is_well() {
    let stage = Stage::set().await;
    let user = only(User::of_proxy(&stage), &["curl", "python3"]);
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://localhost:{}/v1", stage.proxy.port());
        let said = follow_url(&user, &url).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        let shell = findings(&said).into_iter().find(|finding| finding["name"] == "this shell").unwrap();
        assert_eq!(shell["verdict"], "remark", "{shell}");
        assert!(shell["says"].as_str().unwrap().starts_with("https_proxy is not set"), "{shell}");
    }
    let elsewhere = follow_url(&user, "http://localhost:9/v1").await;
    assert_eq!(elsewhere.code, Some(6), "{elsewhere:?}");
}

async fn follow_url(user: &User, url: &str) -> Said {
    let mut command = user.command(program(), &["doctor", "--json"]);
    command.env("OPENAI_BASE_URL", url);
    end(command).await
}

/// All of them lead there, and curl takes them; of the last one it is worth knowing that others do not.
#[tokio::test]
async fn every_way_to_write_the_proxys_url_is_known() {
    let stage = Stage::set().await;
    let port = stage.proxy.port();
    let mut user = follow(only(User::of_proxy(&stage), &["curl"]), "eval ").await;
    for (url, verdict) in [
        (format!("http://LOCALHOST:{port}/"), "right"),
        (format!("https://localhost:{port}"), "right"),
        (format!("u:p@127.0.0.1:{port}"), "remark"),
    ] {
        user = user.with("https_proxy", &url);
        let said = user.run(&["doctor", "--json"]).await;
        let shell: Vec<_> =
            findings(&said).into_iter().filter(|found| found["name"] == "this shell").collect();
        assert_eq!((shell.len(), &shell[0]["verdict"]), (1, &Value::from(verdict)), "{url}: {said:?}");
        assert!(verdict == "right" || shell[0]["cure"] == "begin https_proxy with http://", "{shell:?}");
    }
}
