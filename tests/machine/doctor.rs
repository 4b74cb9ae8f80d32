//! `doctor`: what it finds wrong, and that doing what it says puts it right.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use azure_openai_proxy::tls::ca::Authority;
use azure_openai_proxy::tls::pem;
use serde_json::Value;

use crate::stage::Stage;
use crate::user::{Said, User};

/// What `doctor --json` says.
pub(crate) fn findings(said: &Said) -> Vec<Value> {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error} in {said:?}"))
}

pub(crate) fn wrong(said: &Said) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let wrong = findings(said).into_iter().filter(|finding| finding["verdict"] == "wrong");
    wrong.map(|finding| (text(&finding["name"]), text(&finding["cure"]))).collect()
}

/// A directory in which these programs and no others are found, where they are installed.
pub(crate) fn only(user: User, programs: &[&str]) -> User {
    let bin = user.home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for program in programs {
        let files = std::env::split_paths(&path).map(|directory| directory.join(program));
        // A script would look for the program itself, on a path where it is not.
        let is_script = |file: &PathBuf| fs::read(file).is_ok_and(|octets| octets.starts_with(b"#!"));
        let found = files.filter(|file| file.is_file()).find(|file| !is_script(file));
        match found {
            // Not the link itself: some programs look for their libraries beside where they are.
            Some(found) => symlink(found.canonicalize().unwrap(), bin.join(program)).unwrap(),
            None => eprintln!("skipped: {program} is not installed"),
        }
    }
    let bin = bin.display().to_string();
    user.with("PATH", bin)
}

/// Does what the doctor says, in this shell.
pub(crate) async fn follow(mut user: User, cure: &str) -> User {
    if cure.starts_with("eval ") {
        let set = user.run(&["env", "--shell", "json"]).await;
        let set: Value = serde_json::from_str(&set.stdout).unwrap();
        for (name, value) in set.as_object().unwrap() {
            user = user.with(name, value.as_str().unwrap());
        }
        return user;
    }
    if cure.starts_with("take ") {
        return user.with("NO_PROXY", "").with("no_proxy", "");
    }
    let (name, value) = cure
        .strip_prefix("export ")
        .and_then(|set| set.split_once('='))
        .unwrap_or_else(|| panic!("what is to be done? {cure:?}"));
    user.with(name, value.trim_matches('\''))
}

/// Follows the first advice again and again until nothing is wrong.
async fn heal(mut user: User) -> Vec<String> {
    let mut followed = Vec::new();
    for _ in 0..8 {
        let said = user.run(&["doctor", "--json"]).await;
        let Some((name, cure)) = wrong(&said).into_iter().next() else {
            assert_eq!(said.code, Some(0), "{said:?}");
            return followed;
        };
        assert_eq!(said.code, Some(6), "{said:?}");
        user = follow(user, &cure).await;
        followed.push(format!("{name}: {cure}"));
    }
    panic!("it never gets well: {followed:?}");
}

#[tokio::test]
async fn a_bare_shell_gets_well_by_one_line() {
    let stage = Stage::set().await;
    for programs in [&["curl", "sh"][..], &["git", "sh"], &["wget"], &["ruby"], &["python3"], &["php"]] {
        let followed = heal(only(User::of_proxy(&stage), programs)).await;
        assert_eq!(followed, ["this shell: eval \"$(azure-openai-proxy env)\""], "{programs:?}");
    }
}

#[tokio::test]
async fn each_broken_variable_is_named_and_its_cure_works() {
    let stage = Stage::set().await;
    let ca = stage.ca_file.display().to_string();
    for (name, value, words) in [
        ("https_proxy", "http://127.0.0.1:9", ": export https_proxy=http://"),
        ("SSL_CERT_FILE", &*ca, "SSL_CERT_FILE=/"),
        ("CURL_CA_BUNDLE", "/does/not/exist.pem", "CURL_CA_BUNDLE=/"),
        ("NO_PROXY", "corp.example,openai.com", "take openai.com out"),
    ] {
        let user = follow(only(User::of_proxy(&stage), &["curl"]), "eval ").await.with(name, value);
        let followed = heal(user).await;
        assert!(followed.len() == 1 && followed[0].contains(words), "{name}: {followed:?}");
    }
}

#[tokio::test]
async fn the_one_variable_that_a_client_lacks_is_named() {
    let stage = Stage::set().await;
    let user = follow(only(User::of_proxy(&stage), &["curl", "git"]), "eval ").await;
    // Not a file that something else finds fault with: it only lacks our root.
    let others = user.home.path().join("others.pem");
    let authority = Authority::in_memory(&["corp.example".into()]).unwrap();
    fs::write(&others, pem::encode("CERTIFICATE", authority.intermediate_der())).unwrap();
    let user = user.with("GIT_SSL_CAINFO", others.display());
    let said = user.run(&["doctor", "--json"]).await;
    let found = wrong(&said);
    assert!(
        found.len() == 1 && found[0].0 == "git" && found[0].1.starts_with("export GIT_SSL_CAINFO=/"),
        "{said:?}"
    );
    assert_eq!(heal(user).await.len(), 1);
}

#[tokio::test]
async fn a_client_that_ignores_proxies_is_led_by_base_url() {
    let stage = Stage::set().await;
    let user = only(User::of_proxy(&stage), &["node"]);
    let followed = heal(follow(user, "eval ").await).await;
    let url = format!("export OPENAI_BASE_URL=http://{}/v1", stage.proxy);
    // Node from 22.21 on reads https_proxy, as it was told.
    assert!(followed.is_empty() || followed == [format!("node: {url}")], "{followed:?}");
}

/// Below its error curl has five lines of advice.
#[tokio::test]
async fn of_what_curl_says_the_error_is_shown() {
    let stage = Stage::set().await;
    let user = only(User::of_proxy(&stage), &["curl"]).with("https_proxy", format!("http://{}", stage.proxy));
    let said = user.run(&["doctor", "--json"]).await;
    let curl = findings(&said).into_iter().find(|finding| finding["name"] == "curl").unwrap();
    assert!(curl["says"].as_str().unwrap().starts_with("not intercepted: curl: (60) "), "{curl}");
}

/// `env` leaves JVMs alone unless it is asked for them; the doctor sees what they lack.
#[tokio::test]
async fn a_jvm_gets_well_by_its_own_variable() {
    if crate::trust::on_path("java").is_none() || crate::trust::on_path("keytool").is_none() {
        return crate::trust::skip("no JDK is installed");
    }
    let stage = Stage::set().await;
    let followed = heal(only(User::of_proxy(&stage), &["java", "keytool"])).await;
    assert_eq!(followed[0], "this shell: eval \"$(azure-openai-proxy env)\"");
    assert!(
        followed.len() == 2 && followed[1].starts_with("java: export JAVA_TOOL_OPTIONS='"),
        "{followed:?}"
    );
}

#[tokio::test]
async fn fix_makes_what_is_missing_and_closes_what_is_open() {
    let user = only(User::new(), &[]).with("AZURE_OPENAI_PROXY_MODE", "openai");
    let user = user.with("AZURE_OPENAI_PROXY_LISTEN", crate::user::nobody());
    let certs = user.certs();
    let user = user.with("AZURE_OPENAI_PROXY_CERTS", certs.display());
    let names = |said: &Said| wrong(said).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let said = user.run(&["doctor", "--json"]).await;
    assert_eq!((said.code, names(&said)), (Some(6), vec!["CA".to_owned(), "proxy".to_owned()]));
    let fixed = user.run(&["doctor", "--json", "--fix"]).await;
    assert!(fixed.stderr.contains("done: azure-openai-proxy ca init"), "{fixed:?}");
    assert!(!names(&fixed).contains(&"CA".to_owned()), "{fixed:?}");
    for (path, open, closed) in [(certs.join("issuer.pem"), 0o644, 0o600), (certs.clone(), 0o777, 0o700)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let open = user.run(&["doctor", "--json"]).await;
        assert!(names(&open).contains(&"CA".to_owned()), "{open:?}");
        let fixed = user.run(&["doctor", "--json", "--fix"]).await;
        assert!(!names(&fixed).contains(&"CA".to_owned()), "{fixed:?}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, closed);
    }
}

#[tokio::test]
async fn settings_that_are_not_valid_are_said_line_by_line() {
    let user = only(User::new(), &[]).with("AZURE_OPENAI_PROXY_MODE", "azur");
    let user = user.with("AZURE_OPENAI_PROXY_IDLE_TIMEOUT", "never");
    let said = user.run(&["doctor", "--json"]).await;
    let told: Vec<_> = findings(&said).into_iter().filter(|finding| finding["name"] == "settings").collect();
    assert_eq!((said.code, told.len()), (Some(6), 2), "{said:?}");
    for (finding, variable) in told.iter().zip(["AZURE_OPENAI_PROXY_MODE", "AZURE_OPENAI_PROXY_IDLE_TIMEOUT"])
    {
        assert_eq!(finding["verdict"], "wrong");
        assert!(finding["says"].as_str().unwrap().starts_with(variable), "{finding}");
    }
}

#[tokio::test]
async fn people_read_one_line_for_each_and_what_to_do_below() {
    let stage = Stage::set().await;
    let said = only(User::of_proxy(&stage), &["curl"]).run(&["doctor"]).await;
    assert_eq!(said.code, Some(6));
    for line in ["✓ CA ", "✓ proxy ", "✗ this shell ", "✗ curl ", "    → eval \"$(azure-openai-proxy env)\""]
    {
        assert!(said.stdout.lines().any(|said| said.starts_with(line)), "{line} in\n{}", said.stdout);
    }
    assert!(said.stderr.starts_with("error: 2 of "), "{}", said.stderr);
}
